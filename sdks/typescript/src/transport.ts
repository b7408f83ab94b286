import { ApiError, objectOf, parsed, refusalOf } from "./api-error.js";
import { delayAfter, type RetryPolicy } from "./backoff.js";
import type { LastAnswer, Operation, RateLimit } from "./call.js";
import { SharedEnding, sleep } from "./endings.js";
import { CLASS_OF_CODE, CLASS_OF_STATUS } from "./generated/errors.js";
import { ConnectionFailed, foreignAnswer, TimedOut } from "./parley-error.js";
import { platform } from "./platform.js";
import { retryAfter } from "./retry-after.js";

const NO_CONTENT = 204;
const CONFLICT = 409;
const TOO_MANY = 429;
const UNAVAILABLE = 503;

/** A request that is ready to be sent, any number of times. */
export interface Sendable {
  readonly operation: Operation;
  readonly url: string;
  readonly body: string | undefined;
  readonly key: string | undefined;
  readonly token: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** A try that is under way is not given up when the client is closed: its answer would be lost. */
  readonly outlastsClient?: boolean;
}

/** An answer, whatever it says. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Sends requests: with a time-out, and again where that is safe. */
export class Transport {
  last: LastAnswer | null = null;
  /** Tells that the client is closed. */
  readonly closing = new SharedEnding();
  readonly #fetch: typeof fetch;
  readonly #timeout: number;
  readonly #retry: RetryPolicy;
  readonly #running = new Map<AbortController, Sendable>();

  constructor(options: { fetch: typeof fetch; timeout: number; retry: RetryPolicy }) {
    this.#fetch = options.fetch;
    this.#timeout = options.timeout;
    this.#retry = options.retry;
  }

  /** Send until it is answered, as often as the policy allows and as it is safe. */
  async send(request: Sendable): Promise<Answer> {
    const { operation, signal } = request;
    const began = performance.now();
    for (let attempt = 1; ; attempt++) {
      let answer: Answer | null = null;
      let failure: ConnectionFailed | null = null;
      let delay = delayAfter(attempt, this.#retry.backoff);
      try {
        answer = await this.#once(request);
      } catch (error) {
        if (!(error instanceof ConnectionFailed) || !operation.repeatable || this.closing.aborted) throw error;
        failure = error;
      }
      if (answer !== null) {
        const told = toldDelay(answer);
        if (!mayRepeat(answer.status, request, told)) return answer;
        delay = told ?? delay;
      }
      const over = performance.now() - began + delay > this.#retry.maxElapsed;
      if (attempt >= this.#retry.maxAttempts || over) {
        if (answer !== null) return answer;
        throw failure as ConnectionFailed;
      }
      await sleep(delay, signal, this.closing);
    }
  }

  /** Give up what is under way but what outlasts the client, and send nothing any more. */
  close(): void {
    this.closing.abort(new ConnectionFailed("The client is closed"));
    for (const [controller, { outlastsClient }] of this.#running) if (!outlastsClient) controller.abort();
  }

  /** Give up the rest, too. */
  abandon(): void {
    for (const controller of this.#running.keys()) controller.abort();
  }

  async #once(request: Sendable): Promise<Answer> {
    const { operation, url, body, key, token, signal } = request;
    signal?.throwIfAborted();
    this.closing.throwIfAborted();
    const headers: Record<string, string> = { Accept: "application/json" };
    if (platform.userAgent !== null) headers["User-Agent"] = platform.userAgent;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (token !== undefined) headers["Authorization"] = `Bearer ${token}`;
    if (key !== undefined) headers["Idempotency-Key"] = key;
    const controller = new AbortController();
    const giveUp = (): void => controller.abort();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      controller.abort();
    }, this.#timeout);
    this.#running.set(controller, request);
    signal?.addEventListener("abort", giveUp, { once: true });
    try {
      // The server redirects nobody, and the token is for nobody else.
      const init: RequestInit = { method: operation.method, headers, signal: controller.signal, redirect: "manual" };
      if (body !== undefined) init.body = body;
      const response = await this.#fetch(url, init);
      const answer = { status: response.status, headers: response.headers, text: await response.text() };
      this.last = lastOf(answer);
      return answer;
    } catch (error) {
      signal?.throwIfAborted();
      this.closing.throwIfAborted();
      if (late) throw new TimedOut(`The server did not answer within ${this.#timeout} ms`, { cause: error });
      throw new ConnectionFailed("The server was not reached", { cause: error });
    } finally {
      clearTimeout(timer);
      this.#running.delete(controller);
      signal?.removeEventListener("abort", giveUp);
    }
  }
}

/** Return the error that an answer is. */
export function errorOf(answer: Answer): ApiError {
  const refusal = refusalOf(answer.status, answer.text, answer.headers.get("X-Request-Id"));
  const kind = CLASS_OF_CODE[refusal.code] ?? CLASS_OF_STATUS[refusal.status] ?? ApiError;
  return new kind(refusal);
}

/** Return what an answer holds: an object with the members that the contract promises, or nothing. */
export function resultOf<Result>({ answer: promised }: Operation, answer: Answer): Result {
  if (promised === null) {
    if (answer.status === NO_CONTENT) return undefined as Result;
    throw foreignAnswer();
  }
  const result = parsed(answer.text);
  const held = objectOf(result);
  if (held !== result || promised.some((name) => (held[name] ?? null) === null)) throw foreignAnswer();
  return result as Result;
}

function mayRepeat(status: number, { operation, key }: Sendable, told: number | null): boolean {
  // The try before is still running: its answer is the one that is wanted.
  if (status === CONFLICT) return key !== undefined && told !== null;
  // What was too much was not done. Whether a 503 was nobody knows.
  return status === TOO_MANY || (status === UNAVAILABLE && operation.repeatable);
}

function lastOf({ status, headers }: Answer): LastAnswer {
  return { status, requestId: headers.get("X-Request-Id"), rateLimit: rateLimitOf(headers) };
}

function rateLimitOf(headers: Headers): RateLimit | null {
  const reset = headers.get("X-RateLimit-Reset");
  if (reset === null) return null;
  return {
    limit: Number(headers.get("X-RateLimit-Limit")),
    remaining: Number(headers.get("X-RateLimit-Remaining")),
    reset: new Date(Number(reset) * 1000),
  };
}

function toldDelay(answer: Answer): number | null {
  if (answer.status < 400) return null;
  return retryAfter(answer.headers, refusalOf(answer.status, answer.text, null).details);
}
