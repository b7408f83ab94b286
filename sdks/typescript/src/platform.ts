import { CONTRACT_VERSION } from "./generated/facts.js";

/** What is used of a WebSocket: the standard's, and `terminate`, `pause`, `resume` and `retryAfter` where there are such. */
export interface Socket {
  readonly readyState: number;
  /** How many milliseconds the server said to wait when it refused the handshake. */
  readonly retryAfter?: number | null;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number): void;
  terminate?(): void;
  pause?(): void;
  resume?(): void;
}

export type SocketClass = new (url: string) => Socket;

export const USER_AGENT = `parley-typescript/${CONTRACT_VERSION}`;

/** What differs between a browser and Node; `index-node.ts` changes it. */
export const platform: { userAgent: string | null; socketClass: () => Promise<SocketClass> } = {
  // Browsers say who they are by themselves.
  userAgent: null,
  socketClass: () => {
    const { WebSocket } = globalThis as { WebSocket?: SocketClass };
    if (WebSocket === undefined) throw new Error("There is no WebSocket here: install `ws`, or give one to listen()");
    return Promise.resolve(WebSocket);
  },
};
