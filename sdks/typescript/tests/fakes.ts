// A server that answers what a test tells it, and WebSockets that a test plays; no network.
import type { Client, Socket } from "@parley/sdk";

export interface Asked {
  url: string;
  method: string;
  headers: Record<string, string>;
  body: string | undefined;
}

type Reply = Response | Error | ((asked: Asked, signal: AbortSignal) => Promise<Response>);

/** Gives its replies in turn; the last goes on for ever. */
export class FakeServer {
  readonly asked: Asked[] = [];
  readonly #replies: Reply[];

  constructor(...replies: Reply[]) {
    this.#replies = replies;
  }

  readonly fetch: typeof fetch = async (input, init = {}) => {
    const asked = {
      url: String(input),
      method: init.method ?? "GET",
      headers: init.headers as Record<string, string>,
      body: init.body as string | undefined,
    };
    this.asked.push(asked);
    const reply = this.#replies.length > 1 ? this.#replies.shift() : this.#replies[0];
    if (reply === undefined) throw new TypeError("The test tells nothing");
    if (reply instanceof Error) throw reply;
    return reply instanceof Response ? reply.clone() : reply(asked, init.signal as AbortSignal);
  };
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

export function refusal(status: number, code: string, details = {}, headers: Record<string, string> = {}): Response {
  return json(status, { error: { code, message: "No", details } }, headers);
}

export function tokens(number: number, expiresIn = 3600): Parameters<Client["useTokens"]>[0] {
  return { access_token: `access-${number}`, refresh_token: `refresh-${number}`, expires_in: expiresIn };
}

/** The sockets that were opened, each played by the test. */
export class FakeSockets {
  readonly opened: FakeSocket[] = [];
  #told: () => void = () => undefined;

  /** A class as `listen({ WebSocket })` takes it. */
  socketClass(isPatient = false): new (url: string) => Socket {
    const opened = (socket: FakeSocket): void => {
      this.opened.push(socket);
      this.#told();
    };
    return class extends FakeSocket {
      constructor(url: string) {
        super(url, isPatient);
        opened(this);
      }
    };
  }

  /** Wait for the socket of that number, the first being 1. */
  async begun(number: number): Promise<FakeSocket> {
    while (this.opened.length < number) {
      await new Promise<void>((resolve) => {
        this.#told = resolve;
      });
    }
    return this.opened[number - 1] as FakeSocket;
  }

  /** Wait for the socket of that number, and greet it. */
  async greeted(number: number): Promise<FakeSocket> {
    const socket = await this.begun(number);
    socket.open();
    socket.hear("ready", {
      cursor: "cursor-0",
      token_expires_at: "2036-11-22T12:00:00Z",
      heartbeat: { interval_seconds: 25, timeout_seconds: 10 },
    });
    return socket;
  }
}

export class FakeSocket implements Socket {
  readyState = 0;
  readonly said: { type: string; data: Record<string, unknown> }[] = [];
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  isPaused = false;
  readonly #waiting: string[] = [];
  pause?: () => void;
  resume?: () => void;

  constructor(
    readonly url: string,
    isPatient: boolean,
  ) {
    if (!isPatient) return;
    this.pause = () => void (this.isPaused = true);
    this.resume = () => {
      this.isPaused = false;
      while (!this.isPaused && this.readyState === 1 && this.#waiting.length > 0) this.#tell(this.#waiting.shift());
    };
  }

  send(text: string): void {
    this.said.push(JSON.parse(text));
  }

  close(code = 1005): void {
    this.end(code);
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.({} as never);
  }

  /** Let the client hear a frame; closed ones hear nothing. */
  hear(type: string, data: unknown, more: object = {}): void {
    const text = JSON.stringify({ type, data, ...more });
    if (this.isPaused) this.#waiting.push(text);
    else if (this.readyState === 1) this.#tell(text);
  }

  #tell(text: string | undefined): void {
    this.onmessage?.({ data: text } as never);
  }

  message(number: number): void {
    this.hear("message", { content: String(number) }, { cursor: `cursor-${number}`, seq: number });
  }

  end(code: number): void {
    this.readyState = 3;
    queueMicrotask(() => this.onclose?.({ code } as never));
  }
}
