// A server that answers what a test tells it, and WebSockets that a test plays; no network.
import type { models, Socket } from "@parley/sdk";

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

  /** Wait for so many requests. */
  async wasAsked(number: number): Promise<void> {
    // Hashes are made in a thread of their own.
    for (let turn = 0; turn < 100_000 && this.asked.length < number; turn++) await turns(1);
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

const NOW = "2026-11-22T12:00:00Z";

export const ME: models.Me = {
  id: "ada",
  email: "ada@example.com",
  username: "ada",
  display_name: "Ada",
  status: "online",
  last_seen: NOW,
  profile: { bio: null, avatar_url: null, location: null },
  created_at: NOW,
  beta_access: false,
};

export function message(id: string): models.Message {
  return {
    id,
    conversation_id: "c",
    seq: 1,
    position: 1,
    sender_id: "ada",
    receiver_id: "bob",
    content: "Hello",
    type: "text",
    status: "sent",
    metadata: {},
    created_at: NOW,
    edited_at: null,
    deleted_at: null,
  };
}

export function page(ids: string[], next: string | null = null): Response {
  return json(200, { messages: ids.map(message), has_more: next !== null, next_cursor: next });
}

export function tokens(number: number, expiresIn = 3600): models.Tokens {
  return {
    access_token: `access-${number}`,
    refresh_token: `refresh-${number}`,
    expires_in: expiresIn,
    token_type: "Bearer",
    user_id: "ada",
    session_id: "s",
  };
}

/** A promise, and what settles it. */
export function held<Value>(): { value: Promise<Value>; tell: (value: Value) => void } {
  let tell: (value: Value) => void = () => undefined;
  const value = new Promise<Value>((resolve) => {
    tell = resolve;
  });
  return { value, tell };
}

/** Let what can go on go on. */
export async function turns(number = 20): Promise<void> {
  for (let turn = 0; turn < number; turn++) await new Promise(setImmediate);
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
