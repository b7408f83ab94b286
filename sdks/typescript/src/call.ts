/**
 * How an operation is asked; `repeatable` ones may be asked again after a cut. An answer has the members `answer`, which
 * is null where it has no body.
 */
export interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly bucket: string;
  readonly secured: boolean;
  readonly takesKey: boolean;
  readonly repeatable: boolean;
  readonly answer: readonly string[] | null;
}

export interface CallOptions {
  /** Gives the call up. */
  signal?: AbortSignal | undefined;
}

export interface KeyedOptions extends CallOptions {
  /** A key of one's own; without one the client makes one, so that the call may be repeated. */
  idempotencyKey?: string | undefined;
}

/** One call of an operation. What is undefined is left out, null is sent and clears. */
export interface CallRequest extends KeyedOptions {
  path?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, unknown>>;
  body?: unknown;
}

/** What a close code of the socket tells a client to do: come back `after` so many milliseconds, or not. */
export interface CloseVerdict {
  readonly code: number;
  readonly name: string;
  readonly meaning: string;
  readonly reconnect: "never" | "now" | "later" | "new_token" | "new_session";
  readonly after: number;
  readonly keepCursor: boolean;
}

/** A rate limit: so many requests in a window of milliseconds. */
export interface Bucket {
  readonly name: string;
  readonly limit: number;
  readonly window: number;
}

/** What an answer says beside its body. */
export interface LastAnswer {
  readonly status: number;
  readonly requestId: string | null;
  readonly rateLimit: RateLimit | null;
}

/** What is left of a rate limit until `reset`. */
export interface RateLimit {
  readonly limit: number;
  readonly remaining: number;
  readonly reset: Date;
}
