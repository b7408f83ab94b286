import { tokensOf } from "./kept.js";

/** A session. `expiresAt` is the end of the access token by this machine's clock; both are milliseconds. */
export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresAt: number;
  readonly lifetime: number;
}

/** Keeps one session. `save` has to be done when it returns: the tokens of before are worth nothing then. */
export interface TokenStore {
  load(): Tokens | null | Promise<Tokens | null>;
  save(tokens: Tokens): void | Promise<void>;
  clear(): void | Promise<void>;
}

/** Keeps where a listener stands. */
export interface CursorStore {
  load(): string | null | Promise<string | null>;
  save(cursor: string | null): void | Promise<void>;
}

/** Forgets with the program. */
export class MemoryTokenStore implements TokenStore {
  #tokens: Tokens | null = null;

  load(): Tokens | null {
    return this.#tokens;
  }

  save(tokens: Tokens): void {
    this.#tokens = tokens;
  }

  clear(): void {
    this.#tokens = null;
  }
}

/** Forgets with the program; it may begin with a cursor, of which "0" is the beginning of what is kept. */
export class MemoryCursorStore implements CursorStore {
  #cursor: string | null;

  constructor(cursor: string | null = null) {
    this.#cursor = cursor;
  }

  load(): string | null {
    return this.#cursor;
  }

  save(cursor: string | null): void {
    this.#cursor = cursor;
  }
}

/** What is used of a browser's `localStorage` or `sessionStorage`. */
export interface WebStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** Keeps a session in a browser's storage, where every script of the page can read it. */
export class StorageTokenStore implements TokenStore {
  constructor(
    private readonly storage: WebStorage,
    private readonly key = "parley.tokens",
  ) {}

  load(): Tokens | null {
    const text = this.storage.getItem(this.key);
    return tokensOf(text);
  }

  save(tokens: Tokens): void {
    this.storage.setItem(this.key, JSON.stringify(tokens));
  }

  clear(): void {
    this.storage.removeItem(this.key);
  }
}

/** Keeps a cursor in a browser's storage; a tab that shows events of its own has a `sessionStorage` of its own. */
export class StorageCursorStore implements CursorStore {
  constructor(
    private readonly storage: WebStorage,
    private readonly key = "parley.cursor",
  ) {}

  load(): string | null {
    return this.storage.getItem(this.key);
  }

  save(cursor: string | null): void {
    if (cursor === null) this.storage.removeItem(this.key);
    else this.storage.setItem(this.key, cursor);
  }
}
