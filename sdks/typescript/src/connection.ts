import { SOCKET_LIMITS } from "./generated/facts.js";
import type { Socket, SocketClass } from "./platform.js";

/** What browsers say of a connection that broke. */
export const BROKEN = 1006;
const NORMAL = 1000;
const OPEN = 1;
const CLOSE_WITHIN = 5000;

export interface ConnectionHooks {
  opened(): void;
  heard(text: unknown): void;
  /** `retryAfter` is how many milliseconds a refused handshake said to wait, where that is to be seen. */
  closed(code: number, retryAfter: number): void;
}

/**
 * One WebSocket, and the watch over whether its server is alive. Pages see no pings of the protocol, so a server that
 * is silent is sent a `ping` frame, and left when nothing follows.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #over: Promise<void>;
  #resolve: () => void = () => undefined;
  #hooks: ConnectionHooks | null;
  #interval = SOCKET_LIMITS.heartbeat_seconds * 1000;
  #patience = SOCKET_LIMITS.heartbeat_timeout_seconds * 1000;
  #heardAt = 0;
  #paused = false;
  #timer: ReturnType<typeof setTimeout>;

  constructor(socketClass: SocketClass, url: string, timeout: number, hooks: ConnectionHooks) {
    this.#hooks = hooks;
    this.#over = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#socket = new socketClass(url);
    this.#socket.onopen = () => {
      this.#heardAt = performance.now();
      this.#watch(this.#interval);
      this.#hooks?.opened();
    };
    this.#socket.onmessage = ({ data }: { data: unknown }) => {
      this.#heardAt = performance.now();
      this.#hooks?.heard(data);
    };
    // A close follows.
    this.#socket.onerror = () => undefined;
    this.#socket.onclose = ({ code }: { code: number }) => this.#end(code);
    this.#timer = setTimeout(() => this.#abandon(), timeout);
  }

  /** Whether its socket can be told to wait. */
  get isPatient(): boolean {
    return this.#socket.pause !== undefined;
  }

  /** Go by the heartbeat that the server told, in milliseconds. */
  beat(interval: number, patience: number): void {
    this.#interval = interval;
    this.#patience = patience;
    this.#watch(interval);
  }

  send(kind: string, data: unknown): void {
    if (this.#socket.readyState === OPEN) this.#socket.send(JSON.stringify({ type: kind, data }));
  }

  /** Read no more for a while. */
  pause(): void {
    this.#paused = true;
    this.#socket.pause?.();
  }

  /** Read on. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#heardAt = performance.now();
    this.#socket.resume?.();
  }

  /** Close it, and wait until it is closed; nothing is told of it any more. */
  async close(): Promise<void> {
    this.#hooks = null;
    clearTimeout(this.#timer);
    this.resume();
    this.#timer = setTimeout(() => this.#abandon(), CLOSE_WITHIN);
    this.#socket.close(NORMAL);
    await this.#over;
  }

  #watch(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), milliseconds);
  }

  #look(): void {
    const silence = performance.now() - this.#heardAt;
    // Timers may be a little early. And nobody reads an answer while the loop is slow: no fault of the server.
    if (this.#paused || silence < this.#interval - 5) {
      this.#watch(this.#paused ? this.#interval : this.#interval - silence);
      return;
    }
    const asked = performance.now();
    this.send("ping", {});
    this.#timer = setTimeout(() => {
      if (this.#heardAt >= asked || this.#paused) this.#watch(this.#interval);
      else this.#abandon();
    }, this.#patience);
  }

  /** Leave a server that would not answer a close either. */
  #abandon(): void {
    this.#socket.onclose = this.#socket.onmessage = this.#socket.onopen = null;
    if (this.#socket.terminate !== undefined) this.#socket.terminate();
    else this.#socket.close();
    this.#end(BROKEN);
  }

  #end(code: number): void {
    clearTimeout(this.#timer);
    this.#resolve();
    const hooks = this.#hooks;
    this.#hooks = null;
    hooks?.closed(code, this.#socket.retryAfter ?? 0);
  }
}
