import { BACKOFF, RETRY, type RetryPolicy } from "./backoff.js";
import type { CallOptions, CallRequest, LastAnswer, Operation } from "./call.js";
import type * as models from "./generated/models.js";
import { Operations } from "./generated/operations.js";
import { Listener, type ListenOptions } from "./listener.js";
import { ParleyError } from "./parley-error.js";
import { newKey, type NewTokens, Session } from "./session.js";
import { MemoryTokenStore, type Tokens, type TokenStore } from "./stores.js";
import { errorOf, resultOf, Transport } from "./transport.js";

const TIMEOUT = 30_000;
const REFRESH_MARGIN = 60_000;
const LAST_REFRESH = 5000;
const UNAUTHORIZED = 401;

export interface ClientOptions {
  /** Keeps the session elsewhere than in memory. */
  tokenStore?: TokenStore;
  /** Milliseconds for each try of a request: 30 seconds unless said otherwise. */
  timeout?: number;
  /** Five tries within a minute, from half a second up to thirty apart, unless said otherwise. */
  retry?: Partial<RetryPolicy>;
  /** Milliseconds before its end at which a token is refreshed: a minute, and never more than a third of its life. */
  refreshMargin?: number;
  /** A `fetch` of one's own. */
  fetch?: typeof fetch;
}

/** Talks to one server for one user. All operations of the contract are its methods. */
export class Client extends Operations implements AsyncDisposable {
  readonly #baseUrl: string;
  readonly #transport: Transport;
  readonly #session: Session;
  readonly #timeout: number;
  readonly #listeners = new Set<Listener>();

  /** `baseUrl` is the server's address without /v1. */
  constructor(baseUrl: string, options: ClientOptions = {}) {
    super();
    this.#baseUrl = baseUrl.replace(/\/+$/, "");
    this.#timeout = options.timeout ?? TIMEOUT;
    this.#transport = new Transport({
      // Looked up at each call, so that it may be replaced, and called as a method of nothing.
      fetch: options.fetch ?? ((input, init) => fetch(input, init)),
      timeout: this.#timeout,
      retry: { ...RETRY, ...options.retry },
    });
    const store = options.tokenStore ?? new MemoryTokenStore();
    const margin = options.refreshMargin ?? REFRESH_MARGIN;
    this.#session = new Session(store, this.#transport, (operation) => this.#address(operation), margin);
  }

  /** What the last answer said beside its body. */
  get last(): LastAnswer | null {
    return this.#transport.last;
  }

  /** Begin a session, which all requests use from now on. */
  async logIn(email: string, password: string, options?: CallOptions): Promise<models.Tokens> {
    const tokens = await this.login({ email, password }, options);
    await this.#session.begin(tokens);
    return tokens;
  }

  /** End the session, on the server too. */
  async logOut(options?: CallOptions): Promise<void> {
    try {
      await this.logout(options);
    } finally {
      await this.#session.end();
    }
  }

  /** Return the session, if there is one. */
  tokens(): Promise<Tokens | null> {
    return this.#session.tokens();
  }

  /** Go on with a session that was begun elsewhere. */
  async useTokens(tokens: NewTokens): Promise<void> {
    await this.#session.begin(tokens);
  }

  /**
   * Walk through what was missed, as after a `resync`: the messages since a time of the server's, as a message's
   * `created_at`. One conversation comes after the other, each with its newest message first. What was edited or deleted
   * meanwhile and is older is not told.
   */
  async *historySince(since: string | Date, options?: CallOptions): AsyncGenerator<models.Message, void, undefined> {
    const from = new Date(since).getTime();
    const read = new Set<string>();
    for (let until = from, more = true; more; ) {
      let newest: number | null = null;
      more = false;
      for await (const { id, last_activity_at } of this.olderConversations({}, options)) {
        const active = Date.parse(last_activity_at);
        newest ??= active;
        if (active < until) break;
        if (read.has(id)) continue;
        read.add(id);
        more = true;
        for await (const message of this.olderMessages({ conversation_id: id }, options)) {
          if (Date.parse(message.created_at) < from) break;
          yield message;
        }
      }
      // What somebody wrote to while the list was read has moved before its beginning, perhaps unseen.
      until = newest ?? until;
    }
  }

  /** Return a listener; it connects when it is looped over. */
  listen(options: ListenOptions = {}): Listener {
    const listener = new Listener(options, {
      session: this.#session,
      url: `${this.#baseUrl.replace(/^http/, "ws")}/ws`,
      timeout: this.#timeout,
      backoff: options.backoff ?? BACKOFF,
      closed: () => this.#listeners.delete(listener),
    });
    this.#listeners.add(listener);
    return listener;
  }

  /** Carry out a request: with a token that is good, tried again where that is safe. */
  override async call<Result>(operation: Operation, request: CallRequest = {}): Promise<Result> {
    const url = this.#address(operation, request);
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const key = operation.takesKey ? (request.idempotencyKey ?? newKey()) : undefined;
    const { signal } = request;
    let stale: string | undefined;
    for (;;) {
      const token = operation.secured ? (await this.#session.fresh(stale, signal)).accessToken : undefined;
      const answer = await this.#transport.send({ operation, url, body, key, token, signal });
      if (answer.status < 300) return resultOf<Result>(operation, answer);
      const error = errorOf(answer);
      const expired = error.status === UNAUTHORIZED && error.details["token_expired"] === true;
      if (token === undefined || stale !== undefined || !expired) throw error;
      stale = token;
    }
  }

  /**
   * End its listeners and requests; the session lives on in its store. A refresh that is under way is waited for, five
   * seconds at most, because its tokens are the session.
   */
  async close(): Promise<void> {
    this.#transport.close();
    const listeners = Array.from(this.#listeners, (listener) => listener.close());
    const outcomes = await Promise.allSettled([this.#session.settled(LAST_REFRESH), ...listeners]);
    this.#transport.abandon();
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #address(operation: Operation, { path = {}, query = {} }: CallRequest = {}): string {
    const filled = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => segment(name, path[name] ?? ""));
    const asked = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) asked.set(name, Array.isArray(value) ? value.join(",") : String(value));
    }
    const text = asked.toString();
    return `${this.#baseUrl}/v1${filled}${text === "" ? "" : `?${text}`}`;
  }
}

/** Write a part of a path that cannot become another path. */
function segment(name: string, text: string): string {
  if (text === "" || text === "." || text === "..") throw new ParleyError(`${name} is no id: "${text}"`);
  return encodeURIComponent(text);
}
