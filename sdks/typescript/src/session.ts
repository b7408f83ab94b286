import type { Operation } from "./call.js";
import { sleep, unless } from "./endings.js";
import { OPERATIONS } from "./generated/facts.js";
import type * as models from "./generated/models.js";
import { ConnectionFailed, SessionEnded } from "./parley-error.js";
import type { Tokens, TokenStore } from "./stores.js";
import { type Answer, errorOf, resultOf, type Transport } from "./transport.js";

const UNAUTHORIZED = 401;
// A token that a refresh has just given is not refreshed again for so long, however short it lives.
const AT_LEAST = 5000;

/** What the server says of a session; `expires_in` is seconds. */
export type NewTokens = Pick<models.Tokens, "access_token" | "refresh_token" | "expires_in">;

/** An access token that came to this program, by the clock that nobody sets. */
interface Received {
  readonly accessToken: string;
  readonly expiresAt: number;
  readonly renewableAt: number;
}

/** The tokens of one user: refreshed in time, once for all who wait. Others may share the store. */
export class Session {
  readonly #store: TokenStore;
  readonly #transport: Transport;
  readonly #address: (operation: Operation) => string;
  readonly #margin: number;
  #renewing: Promise<Tokens> | null = null;
  #writing: Promise<unknown> = Promise.resolve();
  #received: Received | null = null;
  #refresh = { of: "", key: "" };

  constructor(store: TokenStore, transport: Transport, address: (operation: Operation) => string, margin: number) {
    this.#store = store;
    this.#transport = transport;
    this.#address = address;
    this.#margin = margin;
  }

  /** Return the tokens as they are. */
  async tokens(): Promise<Tokens | null> {
    return this.#store.load();
  }

  /** Go on with new tokens; they are in the store before anybody uses them. */
  begin(given: NewTokens): Promise<Tokens> {
    return this.#inTurn(() => this.#keep(given, false));
  }

  /** Forget the tokens. */
  end(): Promise<void> {
    return this.#inTurn(async () => this.#store.clear());
  }

  /** Forget these tokens; others, with which somebody has logged in meanwhile, stay. */
  endOf(tokens: Tokens | null): Promise<void> {
    return this.#inTurn(async () => {
      const now = await this.#store.load();
      if (now?.accessToken === tokens?.accessToken) await this.#store.clear();
    });
  }

  /** Wait until a refresh that is under way has ended and its tokens are in the store; at most so many milliseconds. */
  async settled(patience: number): Promise<void> {
    if (this.#renewing === null) return;
    const waiting = new AbortController();
    const over = this.#renewing.then(nothing, nothing).finally(() => waiting.abort());
    await Promise.race([over, sleep(patience, waiting.signal).catch(nothing)]);
  }

  /** Do what reads the store and then writes it, one after the other. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#writing.then(work);
    this.#writing = done.catch(nothing);
    return done;
  }

  async #keep(given: NewTokens, isRefreshed: boolean): Promise<Tokens> {
    const { access_token: accessToken, refresh_token: refreshToken, expires_in: seconds } = given;
    if (typeof accessToken !== "string" || typeof refreshToken !== "string" || typeof seconds !== "number") {
      throw new ConnectionFailed("The answer holds no tokens: it came from something before the server");
    }
    const lifetime = seconds * 1000;
    const tokens = { accessToken, refreshToken, expiresAt: Date.now() + lifetime, lifetime };
    const now = performance.now();
    this.#received = { accessToken, expiresAt: now + lifetime, renewableAt: isRefreshed ? now + AT_LEAST : now };
    await this.#store.save(tokens);
    return tokens;
  }

  /** Return in how many milliseconds the tokens should be renewed. */
  renewalIn(tokens: Tokens): number {
    const due = this.#left(tokens) - Math.min(this.#margin, tokens.lifetime / 3);
    const received = this.#known(tokens);
    return received === null ? due : Math.max(due, received.renewableAt - performance.now());
  }

  /**
   * Return for how long the access token still works. The clock of the machine may be off or be set: it only counts for
   * tokens that this program did not receive.
   */
  #left(tokens: Tokens): number {
    const received = this.#known(tokens);
    if (received !== null) return received.expiresAt - performance.now();
    return Math.min(tokens.expiresAt - Date.now(), tokens.lifetime);
  }

  #known(tokens: Tokens): Received | null {
    return this.#received?.accessToken === tokens.accessToken ? this.#received : null;
  }

  /** Return tokens that are good for a while, and others than those with a `stale` access token. */
  async fresh(stale?: string, signal?: AbortSignal): Promise<Tokens> {
    const tokens = await this.#store.load();
    if (tokens === null) throw new SessionEnded("Nobody is logged in");
    const refused = tokens.accessToken === stale;
    if (!refused && this.renewalIn(tokens) > 0) return tokens;
    try {
      return await unless([signal, this.#transport.closing], this.#renew(tokens.accessToken));
    } catch (error) {
      // There was some margin left, perhaps.
      const usable = !refused && this.#left(tokens) > 0 && !(error instanceof SessionEnded);
      if (usable && !signal?.aborted) return tokens;
      throw error;
    }
  }

  #renew(stale: string): Promise<Tokens> {
    this.#renewing ??= this.#renewed(stale).finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #renewed(stale: string): Promise<Tokens> {
    const tokens = await this.#store.load();
    if (tokens === null) throw new SessionEnded("Nobody is logged in");
    if (tokens.accessToken !== stale) return tokens;
    const { refreshToken } = tokens;
    if (this.#refresh.of !== refreshToken) this.#refresh = { of: refreshToken, key: await refreshKey(refreshToken) };
    const operation = OPERATIONS.refresh;
    const answer = await this.#transport.send({
      operation,
      url: this.#address(operation),
      body: JSON.stringify({ refresh_token: refreshToken }),
      key: this.#refresh.key,
      token: undefined,
      signal: undefined,
      outlastsClient: true,
    });
    return this.#inTurn(() => this.#concluded(refreshToken, answer));
  }

  /** Keep what a refresh gave, where it still is what is wanted. */
  async #concluded(refreshToken: string, answer: Answer): Promise<Tokens> {
    const now = await this.#store.load();
    // Somebody has logged out or in meanwhile, or who shares the store was quicker.
    if (now === null) throw new SessionEnded("Nobody is logged in");
    if (now.refreshToken !== refreshToken) return now;
    if (answer.status < 300) return this.#keep(resultOf<models.Tokens>(OPERATIONS.refresh, answer), true);
    const error = errorOf(answer);
    // Only the server itself ends a session: not a page of a proxy, or of a hotel.
    if (error.status !== UNAUTHORIZED || error.code !== "unauthorized") throw error;
    await this.#store.clear();
    throw new SessionEnded("The session has ended", { cause: error });
  }
}

/** Return a new Idempotency-Key. */
export function newKey(): string {
  // Pages without TLS have no randomUUID.
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  return hex(crypto.getRandomValues(new Uint8Array(16)));
}

/**
 * Return the Idempotency-Key of the refresh with a token. It is the same for everybody who has it, so that who shares a
 * store, or comes back after a crash, gets the same successor, and is not taken for a thief who uses a token again.
 */
async function refreshKey(refreshToken: string): Promise<string> {
  // Pages without TLS have no hashes: there it is the same for this program only.
  const { subtle } = crypto as Partial<Crypto>;
  if (subtle === undefined) return newKey();
  return hex(new Uint8Array(await subtle.digest("SHA-256", new TextEncoder().encode(`refresh ${refreshToken}`))));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function nothing(): void {
  // Whoever needs to know has been told.
}
