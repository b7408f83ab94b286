/** A random part of `base`, then of twice that, and so on up to `cap`: exponential, with full jitter. Milliseconds. */
export interface Backoff {
  readonly base: number;
  readonly cap: number;
}

/** How often a request is tried at most, and for how many milliseconds in all. */
export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly maxElapsed: number;
  readonly backoff: Backoff;
}

export const BACKOFF: Backoff = { base: 500, cap: 30_000 };
export const RETRY: RetryPolicy = { maxAttempts: 5, maxElapsed: 60_000, backoff: BACKOFF };

/** Return how long to wait after so many failures in a row. */
export function delayAfter(failures: number, { base, cap }: Backoff): number {
  return Math.random() * Math.min(cap, base * 2 ** (failures - 1));
}

