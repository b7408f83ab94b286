import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { StorageCursorStore, StorageTokenStore } from "@parley/sdk";
import { FileCursorStore, FileTokenStore } from "@parley/sdk/node";

const TOKENS = { accessToken: "a", refreshToken: "r", expiresAt: 1, lifetime: 2 };

test("files are for their owner, replaced as a whole, and may be missing", async (context) => {
  const directory = await mkdtemp(join(tmpdir(), "parley-stores-"));
  context.after(() => rm(directory, { recursive: true }));
  const file = join(directory, "tokens");
  const store = new FileTokenStore(file);
  assert.equal(await store.load(), null);
  await store.save(TOKENS);
  await store.save({ ...TOKENS, accessToken: "b" });
  assert.equal((await store.load())?.accessToken, "b");
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(directory), ["tokens"]);
  await store.clear();
  await store.clear();
  assert.equal(await store.load(), null);
});

test("a file without a cursor has none", async (context) => {
  const directory = await mkdtemp(join(tmpdir(), "parley-stores-"));
  context.after(() => rm(directory, { recursive: true }));
  const store = new FileCursorStore(join(directory, "cursor"));
  await store.save("cursor-1");
  assert.equal(await store.load(), "cursor-1");
  await store.save(null);
  assert.equal(await store.load(), null);
  await assert.rejects(new FileCursorStore(join(directory, "none", "cursor")).save("cursor-1"), { code: "ENOENT" });
});

test("a browser's storage keeps both", () => {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  const [tokens, cursors] = [new StorageTokenStore(storage), new StorageCursorStore(storage)];
  tokens.save(TOKENS);
  cursors.save("cursor-1");
  assert.deepEqual([tokens.load(), cursors.load()], [TOKENS, "cursor-1"]);
  tokens.clear();
  cursors.save(null);
  assert.deepEqual([tokens.load(), cursors.load(), kept.size], [null, null, 0]);
});
