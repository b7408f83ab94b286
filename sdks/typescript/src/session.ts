import type { Operation } from "./call.js";
import { OPERATIONS } from "./generated/facts.js";
import type * as models from "./generated/models.js";
import { SessionEnded } from "./parley-error.js";
import type { Tokens, TokenStore } from "./stores.js";
import { errorOf, resultOf, type Transport } from "./transport.js";

const TOO_MANY = 429;

/** What the server says of a session; `expires_in` is seconds. */
export type NewTokens = Pick<models.Tokens, "access_token" | "refresh_token" | "expires_in">;

/** The tokens of one user: refreshed in time, once for all who wait. */
export class Session {
  readonly #store: TokenStore;
  readonly #transport: Transport;
  readonly #address: (operation: Operation) => string;
  readonly #margin: number;
  #renewing: Promise<Tokens> | null = null;
  // The key of a refresh whose answer never came: said again, it gives the same successor.
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
  async begin(given: NewTokens): Promise<Tokens> {
    const lifetime = given.expires_in * 1000;
    const tokens = {
      accessToken: given.access_token,
      refreshToken: given.refresh_token,
      expiresAt: Date.now() + lifetime,
      lifetime,
    };
    await this.#store.save(tokens);
    return tokens;
  }

  /** Forget the tokens. */
  async end(): Promise<void> {
    await this.#store.clear();
  }

  /** Return in how many milliseconds the tokens should be renewed. */
  renewalIn(tokens: Tokens): number {
    return tokens.expiresAt - Math.min(this.#margin, tokens.lifetime / 3) - Date.now();
  }

  /** Return tokens that are good for a while, and others than those with a `stale` access token. */
  async fresh(stale?: string, signal?: AbortSignal): Promise<Tokens> {
    const tokens = await this.#store.load();
    if (tokens === null) throw new SessionEnded("Nobody is logged in");
    const refused = tokens.accessToken === stale;
    if (!refused && this.renewalIn(tokens) > 0) return tokens;
    try {
      return await unless(signal, this.#renew(tokens.accessToken));
    } catch (error) {
      // There was some margin left, perhaps.
      const usable = !refused && tokens.expiresAt > Date.now() && !(error instanceof SessionEnded);
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
    if (this.#refresh.of !== tokens.refreshToken) this.#refresh = { of: tokens.refreshToken, key: newKey() };
    const operation = OPERATIONS.refresh;
    const answer = await this.#transport.send({
      operation,
      url: this.#address(operation),
      body: JSON.stringify({ refresh_token: tokens.refreshToken }),
      key: this.#refresh.key,
      token: undefined,
      signal: undefined,
    });
    if (answer.status < 300) return this.begin(resultOf<models.Tokens>(answer));
    const error = errorOf(answer);
    // A refresh that is refused for what it says will never be accepted; others may be, later.
    if (error.status >= 500 || error.status === TOO_MANY) throw error;
    const now = await this.#store.load();
    if (now?.refreshToken === tokens.refreshToken) await this.#store.clear();
    throw new SessionEnded("The session has ended", { cause: error });
  }
}

/** Return a new Idempotency-Key. */
export function newKey(): string {
  // Pages without TLS have no randomUUID.
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Wait for something that others wait for, too, unless the signal ends it. */
function unless<Result>(signal: AbortSignal | undefined, work: Promise<Result>): Promise<Result> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
    if (signal.aborted) stop();
  });
}
