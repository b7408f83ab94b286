/** What is used of an AbortSignal. */
export interface Ending {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", told: () => void): void;
  removeEventListener(type: "abort", told: () => void): void;
}

/** An end that any number may wait for: Node takes more than ten at an AbortSignal for a leak. */
export class SharedEnding implements Ending {
  reason: unknown = undefined;
  readonly #told = new Set<() => void>();

  get aborted(): boolean {
    return this.reason !== undefined;
  }

  abort(reason: unknown): void {
    this.reason ??= reason;
    for (const told of [...this.#told]) told();
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  addEventListener(_: "abort", told: () => void): void {
    this.#told.add(told);
  }

  removeEventListener(_: "abort", told: () => void): void {
    this.#told.delete(told);
  }
}

/** Wait, unless something ends it: then throw its reason. */
export async function sleep(milliseconds: number, ...endings: (Ending | undefined)[]): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const waiting = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  try {
    await unless(endings, waiting);
  } finally {
    clearTimeout(timer);
  }
}

/** Wait for something that others may wait for, too, unless something ends that: then throw its reason. */
export async function unless<Result>(endings: (Ending | undefined)[], work: Promise<Result>): Promise<Result> {
  // Not AbortSignal.any, which the first versions of Node 20 and somewhat older browsers have not.
  let release: (() => void)[] = [];
  try {
    return await new Promise<Result>((resolve, reject) => {
      release = endings.map((ending) => onEnd(ending, reject));
      work.then(resolve, reject);
    });
  } finally {
    for (const stop of release) stop();
  }
}

function onEnd(ending: Ending | undefined, told: (reason: unknown) => void): () => void {
  const tell = (): void => told(ending?.reason);
  if (ending?.aborted) tell();
  else ending?.addEventListener("abort", tell);
  return () => ending?.removeEventListener("abort", tell);
}
