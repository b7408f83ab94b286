// The driver of the SDK for TypeScript, in Node and in a page; sdks/conformance/README.md says what it is asked.
import {
  ApiError,
  Client,
  type ClientOptions,
  type CursorStore,
  isKnown,
  type Listener,
  type models,
  ParleyError,
  SocketClosed,
  type SocketEvent,
  type TokenStore,
} from "@parley/sdk";

type Facts = Record<string, unknown>;

interface Command {
  id: number;
  do: string;
  name: string;
  client: string;
  listener: string;
  base_url: string;
  token_file?: string;
  refresh_margin?: number;
  timeout?: number;
  retry?: { max_attempts: number; max_elapsed: number; base?: number; cap?: number };
  backoff?: { base: number; cap: number };
  email: string;
  username: string;
  password: string;
  access_token: string;
  refresh_token: string;
  expires_in: number;
  fields: models.UpdateUser;
  receiver_id?: string;
  conversation_id: string;
  content: string;
  idempotency_key?: string;
  direction: "older" | "newer";
  start?: string;
  limit: number;
  stop_after?: number;
  since: string;
  cursor?: string;
  cursor_file?: string;
  is_typing: boolean;
  status: "online" | "offline";
  message_id: string;
  kind: "delivered" | "read";
  secrets: string[];
  headers: Record<string, string>;
  body: string;
  seed?: boolean;
}

/** What differs between Node and a page. */
export interface Surroundings {
  tokenStore(file: string): TokenStore;
  cursorStore(file: string): CursorStore;
  verify(secrets: string[], body: Uint8Array, headers: Record<string, string>, seed: boolean): Promise<Facts>;
  /** How much is under way: timers, connections; nothing is when no client is there. */
  running(): number;
}

/** The loop over one listener, which can be told to pause. */
class Handler {
  #going: Promise<void> = Promise.resolve();
  #go: () => void = () => undefined;
  readonly ended: Promise<void>;

  constructor(
    readonly listener: Listener,
    name: string,
    say: (line: Facts) => void,
  ) {
    this.ended = this.#run(name, say);
  }

  pause(): void {
    this.#going = new Promise((resolve) => {
      this.#go = resolve;
    });
  }

  resume(): void {
    this.#go();
  }

  async #run(name: string, say: (line: Facts) => void): Promise<void> {
    let ended: Facts = { class: null };
    try {
      for await (const event of this.listener) {
        await this.#going;
        say({ listener: name, event: factsOfEvent(event) });
      }
    } catch (error) {
      ended = factsOf(error);
    }
    say({ listener: name, ended });
  }
}

export class Driver {
  readonly #clients = new Map<string, Client>();
  readonly #users = new Map<string, string>();
  readonly #handlers = new Map<string, Handler>();

  constructor(
    private readonly surroundings: Surroundings,
    private readonly say: (line: Facts) => void,
  ) {}

  /** Obey a line, and answer it. */
  async take(text: string): Promise<void> {
    const command = JSON.parse(text) as Command;
    try {
      this.say({ id: command.id, ok: (await this.#obey(command)) ?? {} });
    } catch (error) {
      this.say({ id: command.id, error: factsOf(error) });
    }
  }

  /** End all listeners and clients. */
  async end(): Promise<void> {
    for (const name of [...this.#handlers.keys()]) await this.#unlisten(name);
    for (const client of this.#clients.values()) await client.close();
  }

  // What comes next may need what a command makes, so they are made before anything is waited for.
  async #obey(command: Command): Promise<unknown> {
    switch (command.do) {
      case "client":
        return void this.#clients.set(command.name, new Client(command.base_url, this.#options(command)));
      case "close":
        return this.#client(command.name).close();
      case "login":
        return this.#logIn(command);
      case "logout":
        return this.#client(command.client).logOut();
      case "tokens": {
        const tokens = await this.#client(command.client).tokens();
        return { access_token: tokens?.accessToken, refresh_token: tokens?.refreshToken };
      }
      case "set_tokens":
        return this.#client(command.client).useTokens(command);
      case "register": {
        const { email, username, password } = command;
        return this.#client(command.client).registerUser({ email, username, password });
      }
      case "me":
        return this.#client(command.client).getMe();
      case "update_me":
        return this.#client(command.client).updateUser(this.#users.get(command.client) ?? "", command.fields);
      case "send":
        return this.#send(command);
      case "pages":
        return this.#pages(command);
      case "history":
        return this.#history(command);
      case "last":
        return this.#last(command);
      case "listen":
        return this.#listen(command);
      case "pause":
        return this.#handler(command).pause();
      case "resume":
        return this.#handler(command).resume();
      case "held":
        return { events: this.#handler(command).listener.held };
      case "typing":
        return this.#handler(command).listener.typing(command.conversation_id, command.is_typing);
      case "presence":
        return this.#handler(command).listener.presence(command.status);
      case "receipt":
        return this.#handler(command).listener.receipt(command.conversation_id, command.message_id, command.kind);
      case "unlisten":
        return this.#unlisten(command.listener);
      case "verify": {
        const body = Uint8Array.from(atob(command.body), (character) => character.charCodeAt(0));
        return this.surroundings.verify(command.secrets, body, command.headers, command.seed ?? false);
      }
      case "leftovers":
        return this.#leftovers();
      default:
        throw new Error(`No such command: ${command.do}`);
    }
  }

  #client(name: string): Client {
    const client = this.#clients.get(name);
    if (client === undefined) throw new Error(`No such client: ${name}`);
    return client;
  }

  #handler({ listener }: Command): Handler {
    const handler = this.#handlers.get(listener);
    if (handler === undefined) throw new Error(`No such listener: ${listener}`);
    return handler;
  }

  #options({ token_file, refresh_margin, timeout, retry }: Command): ClientOptions {
    const options: ClientOptions = {};
    if (token_file !== undefined) options.tokenStore = this.surroundings.tokenStore(token_file);
    if (refresh_margin !== undefined) options.refreshMargin = refresh_margin * 1000;
    if (timeout !== undefined) options.timeout = timeout * 1000;
    if (retry !== undefined) {
      const backoff = { base: (retry.base ?? 0.5) * 1000, cap: (retry.cap ?? 30) * 1000 };
      options.retry = { maxAttempts: retry.max_attempts, maxElapsed: retry.max_elapsed * 1000, backoff };
    }
    return options;
  }

  async #logIn({ client, email, password }: Command): Promise<Facts> {
    const { user_id } = await this.#client(client).logIn(email, password);
    this.#users.set(client, user_id);
    return { user_id };
  }

  #send({ client, receiver_id, conversation_id, content, idempotency_key }: Command): Promise<models.Message> {
    const body = receiver_id === undefined ? { conversation_id, content } : { receiver_id, content };
    return this.#client(client).sendMessage(body, { idempotencyKey: idempotency_key });
  }

  async #history({ client, since }: Command): Promise<Facts> {
    const ids: string[] = [];
    for await (const message of this.#client(client).historySince(since)) ids.push(message.id);
    return { ids };
  }

  async #pages({ client, conversation_id, direction, start, limit, stop_after }: Command): Promise<Facts> {
    const query = { conversation_id, limit };
    const walk =
      direction === "older"
        ? this.#client(client).olderMessages({ ...query, before: start })
        : // Whoever does without types may leave it out.
          this.#client(client).newerMessages({ ...query, after: start as string });
    const ids: string[] = [];
    for await (const message of walk) {
      ids.push(message.id);
      if (ids.length === stop_after) break;
    }
    return { ids };
  }

  #last({ client }: Command): Facts {
    const last = this.#client(client).last;
    const limit = last?.rateLimit;
    const rate_limit = limit && { ...limit, reset: limit.reset.getTime() / 1000 };
    return { request_id: last?.requestId, rate_limit: rate_limit ?? null };
  }

  #listen({ client, listener: name, cursor, cursor_file, backoff }: Command): void {
    const listener = this.#client(client).listen({
      cursor,
      cursorStore: cursor_file === undefined ? undefined : this.surroundings.cursorStore(cursor_file),
      backoff: backoff && { base: backoff.base * 1000, cap: backoff.cap * 1000 },
      onState: (state) => this.say({ listener: name, state }),
    });
    this.#handlers.set(name, new Handler(listener, name, this.say));
  }

  async #unlisten(name: string): Promise<void> {
    const handler = this.#handlers.get(name);
    if (handler === undefined) return;
    this.#handlers.delete(name);
    await handler.listener.close();
    handler.resume();
    await handler.ended;
  }

  async #leftovers(): Promise<Facts> {
    // Connections that were closed end a moment later.
    for (let attempt = 0; this.surroundings.running() > 0 && attempt < 100; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { count: this.surroundings.running() };
  }
}

function factsOfEvent(event: SocketEvent): Facts {
  const cursor = "cursor" in event ? event.cursor : undefined;
  const seq = "seq" in event ? event.seq : undefined;
  const known = isKnown(event);
  return { type: known ? event.type : event.name, data: event.data, cursor: cursor ?? null, seq: seq ?? null, known };
}

function factsOf(error: unknown): Facts {
  const facts: Facts = { class: "Error", code: null, status: null, field: null, reason: null, request_id: null };
  facts["message"] = String(error);
  if (error instanceof ParleyError) Object.assign(facts, { class: error.name, message: error.message });
  if (error instanceof SocketClosed) facts["code"] = error.code;
  if (error instanceof ApiError) {
    const { code, status, field, reason, requestId } = error;
    Object.assign(facts, { code, status, field, reason, request_id: requestId });
  }
  return facts;
}
