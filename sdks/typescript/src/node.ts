import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";

import { tokensOf } from "./kept.js";
import type { CursorStore, Tokens, TokenStore } from "./stores.js";

/** Keeps a session in a file that only its owner can read; it is replaced as a whole, so a crash leaves the old one. */
export class FileTokenStore implements TokenStore {
  constructor(private readonly path: string) {}

  async load(): Promise<Tokens | null> {
    const text = await read(this.path);
    return tokensOf(text);
  }

  save(tokens: Tokens): Promise<void> {
    return replace(this.path, JSON.stringify(tokens));
  }

  clear(): Promise<void> {
    return rm(this.path, { force: true });
  }
}

/** Keeps a cursor in a file. */
export class FileCursorStore implements CursorStore {
  constructor(private readonly path: string) {}

  async load(): Promise<string | null> {
    return (await read(this.path)) || null;
  }

  save(cursor: string | null): Promise<void> {
    return replace(this.path, cursor ?? "");
  }
}

async function read(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

async function replace(path: string, text: string): Promise<void> {
  const beside = `${path}.${randomUUID()}`;
  try {
    const file = await open(beside, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
