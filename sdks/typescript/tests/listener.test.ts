import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";

import {
  Client,
  type Listener,
  type ListenOptions,
  MemoryCursorStore,
  NotLive,
  ParleyError,
  SessionEnded,
  SocketClosed,
  type SocketEvent,
} from "@parley/sdk";

import { FakeServer, FakeSockets, json, tokens } from "./fakes.js";

const BACKOFF = { base: 1, cap: 2 };

async function listener(sockets: FakeSockets, options: ListenOptions = {}): Promise<Listener> {
  const client = new Client("http://parley", { fetch: new FakeServer(json(200, tokens(2))).fetch });
  await client.useTokens(tokens(1));
  return client.listen({ WebSocket: sockets.socketClass(), backoff: BACKOFF, ...options });
}

/** Loop until so many messages came. */
async function take(events: Listener, number: number): Promise<string[]> {
  const contents: string[] = [];
  for await (const event of events) {
    if (event.type === "message") contents.push(event.data.content ?? "");
    if (contents.length === number) await events.close();
  }
  return contents;
}

/** Return the first event, and break out. */
async function firstOf(events: Listener): Promise<SocketEvent | null> {
  for await (const event of events) return event;
  return null;
}

test("the token is in the first frame, and in no address", async () => {
  const sockets = new FakeSockets();
  const events = await listener(sockets, { cursor: "cursor-7" });
  const taking = take(events, 1);
  const socket = await sockets.greeted(1);
  assert.equal(socket.url, "ws://parley/ws");
  assert.deepEqual(socket.said[0], { type: "auth", data: { token: "access-1", cursor: "cursor-7" } });
  assert.equal(events.state, "live");
  socket.message(8);
  assert.deepEqual(await taking, ["8"]);
  assert.equal(events.state, "closed");
});

test("it comes back with its cursor, and drops what it had", async () => {
  const sockets = new FakeSockets();
  const taking = take(await listener(sockets), 3);
  const first = await sockets.greeted(1);
  first.message(1);
  first.message(2);
  first.end(1006);
  const second = await sockets.greeted(2);
  assert.equal(second.said[0]?.data["cursor"], "cursor-2");
  second.message(2);
  second.message(3);
  assert.deepEqual(await taking, ["1", "2", "3"]);
});

test("a page that is slow hangs up, and comes back where its loop stands", async () => {
  const sockets = new FakeSockets();
  const states: string[] = [];
  const events = await listener(sockets, { onState: (state) => states.push(state) });
  const taking = take(events, 600);
  const first = await sockets.greeted(1);
  for (let number = 1; number <= 600; number++) first.message(number);
  assert.equal(first.readyState, 3);
  assert(events.held <= 256);
  for (let number = 2, sent = 255; sent < 600; number++) {
    const socket = await sockets.greeted(number);
    const from = Number(String(socket.said[0]?.data["cursor"]).split("-")[1]);
    assert(from >= sent);
    for (sent = from; sent < 600 && socket.readyState === 1; sent++) socket.message(sent + 1);
  }
  assert.deepEqual(await taking, Array.from({ length: 600 }, (_, index) => String(index + 1)));
  assert(states.includes("waiting"));
});

test("a socket that can wait is paused", async () => {
  const sockets = new FakeSockets();
  const taking = take(await listener(sockets, { WebSocket: sockets.socketClass(true) }), 600);
  const socket = await sockets.greeted(1);
  for (let number = 1; number <= 600; number++) socket.message(number);
  assert(socket.isPaused);
  assert.deepEqual(await taking, Array.from({ length: 600 }, (_, index) => String(index + 1)));
  assert(!socket.isPaused);
  assert.equal(sockets.opened.length, 1);
});

test("what the loop broke out of comes again, what it closed after does not", async () => {
  const store = new MemoryCursorStore();
  const sockets = new FakeSockets();
  const playing = sockets.greeted(1).then((socket) => [1, 2].forEach((number) => socket.message(number)));
  for await (const event of await listener(sockets, { cursorStore: store })) {
    if (event.type === "message" && event.data.content === "2") break;
  }
  await playing;
  assert.equal(store.load(), "cursor-1");
  const taking = take(await listener(sockets, { cursorStore: store }), 1);
  (await sockets.greeted(2)).message(2);
  await taking;
  assert.equal(store.load(), "cursor-2");
});

test("a resync moves the cursor", async () => {
  const store = new MemoryCursorStore("cursor-1");
  const sockets = new FakeSockets();
  const taking = take(await listener(sockets, { cursorStore: store }), 1);
  const socket = await sockets.greeted(1);
  socket.hear("resync", { reason: "cursor_too_old", cursor: "cursor-9" });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(store.load(), "cursor-9");
  socket.message(10);
  await taking;
});

test("a signal ends it with its reason", async () => {
  const sockets = new FakeSockets();
  const stopping = new AbortController();
  const reason = new Error("enough");
  const taking = assert.rejects(take(await listener(sockets, { signal: stopping.signal }), 1), reason);
  const socket = await sockets.greeted(1);
  stopping.abort(reason);
  await taking;
  assert.equal(socket.readyState, 3);
});

test("what the program did wrong ends it", async () => {
  const sockets = new FakeSockets();
  const taking = assert.rejects(
    take(await listener(sockets), 1),
    (error) => error instanceof SocketClosed && error.code === 4400,
  );
  (await sockets.greeted(1)).end(4400);
  await taking;
});

test("an old session's end leaves the new one", async () => {
  for (const isNew of [true, false]) {
    const sockets = new FakeSockets();
    const client = new Client("http://parley", { fetch: new FakeServer(json(200, tokens(2))).fetch });
    await client.useTokens(tokens(1));
    const taking = assert.rejects(
      take(client.listen({ WebSocket: sockets.socketClass(), backoff: BACKOFF }), 1),
      SessionEnded,
    );
    const socket = await sockets.greeted(1);
    if (isNew) await client.useTokens(tokens(9));
    socket.end(4403);
    await taking;
    assert.equal((await client.tokens())?.accessToken, isNew ? "access-9" : undefined);
  }
});

test("nothing is said where nobody hears, and a loop is looped once", async () => {
  const sockets = new FakeSockets();
  const events = await listener(sockets);
  assert.throws(() => events.typing("c"), NotLive);
  await events.close();
  assert.deepEqual(await take(events, 1), []);
  await assert.rejects(take(events, 1), ParleyError);
  assert.equal(sockets.opened.length, 0);
});

test("a store that fails ends the loop", async () => {
  const broken = { load: () => null, save: () => Promise.reject(new Error("the disk is full")) };
  const sockets = new FakeSockets();
  const taking = assert.rejects(take(await listener(sockets, { cursorStore: broken }), 1), /the disk is full/);
  (await sockets.greeted(1)).message(1);
  await taking;
});

/** Return how long it waited each time, without what it waits for an answer. */
function waits(context: TestContext): number[] {
  const waited: number[] = [];
  const start = setTimeout;
  const fake = (told: () => void, milliseconds: number): unknown => {
    if (milliseconds >= 25_000) return start(told, milliseconds);
    waited.push(milliseconds);
    return start(told, 0);
  };
  context.mock.method(globalThis, "setTimeout", fake as typeof setTimeout);
  context.mock.method(Math, "random", () => 1);
  return waited;
}

test("it comes back later and later, and soon again after a good connection", async (context) => {
  const waited = waits(context);
  let now = 0;
  context.mock.method(performance, "now", () => now);
  const sockets = new FakeSockets();
  const events = await listener(sockets, { backoff: { base: 100, cap: 1000 } });
  const taking = take(events, 1);
  // Refused, refused, closed at once after `ready`, and refused again.
  for (const number of [1, 2, 3, 4, 5]) {
    if (number === 3) (await sockets.greeted(number)).end(1006);
    else (await sockets.begun(number)).end(1006);
  }
  const good = await sockets.greeted(6);
  assert.deepEqual(waited, [100, 200, 400, 800, 1000]);
  now += 10_000;
  good.end(1006);
  (await sockets.greeted(7)).message(1);
  assert.deepEqual(waited, [100, 200, 400, 800, 1000, 100]);
  await taking;
});

test("a refused handshake is tried again when the server says", async (context) => {
  const asked: unknown[] = [];
  const server = createServer(({ url }, response) => {
    asked.push(url);
    response.writeHead(asked.length < 3 ? 429 : 503, { "Retry-After": asked.length < 3 ? "7" : "soon" }).end();
  }).listen(0, "127.0.0.1");
  context.after(() => server.close());
  await once(server, "listening");
  const waited = waits(context);
  const client = new Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await client.useTokens(tokens(1));
  const events = client.listen({
    backoff: { base: 100, cap: 1000 },
    onState: () => void (waited.length === 3 && events.close()),
  });
  assert.deepEqual(await take(events, 1), []);
  assert.deepEqual(waited, [7100, 7200, 400]);
  assert.deepEqual(asked, ["/ws", "/ws", "/ws"]);
});

test("an onState that throws ends the loop, whatever it is told", async () => {
  for (const bad of ["connecting", "catching_up", "live", "waiting", "closed"] as const) {
    const sockets = new FakeSockets();
    const events = await listener(sockets, {
      onState: (state) => {
        if (state === bad) throw new Error(`bad at ${state}`);
      },
    });
    const taking = take(events, 1).then(
      () => null,
      (error: Error) => error.message,
    );
    if (bad !== "connecting") {
      const socket = await sockets.greeted(1);
      if (bad === "waiting") socket.end(1006);
      if (bad === "closed") socket.message(1);
    }
    assert.equal(await taking, `bad at ${bad}`);
    assert.equal(events.state, "closed");
    assert(sockets.opened.every(({ readyState }) => readyState === 3));
  }
});

test("a cursor that the server never gave is told, by the next program where this one ends before", async () => {
  const sockets = new FakeSockets();
  const store = new MemoryCursorStore("half a cur");
  const refused = async (number: number): Promise<void> => {
    const socket = await sockets.begun(number);
    socket.open();
    socket.end(4422);
  };
  const ended = await listener(sockets, { cursorStore: store });
  const nothing = firstOf(ended);
  await refused(1);
  await sockets.begun(2);
  await ended.close();
  assert.equal(await nothing, null);
  assert.equal(store.load(), "half a cur");

  const told = firstOf(await listener(sockets, { cursorStore: store }));
  await refused(3);
  // Nor is it forgotten when that happens again.
  await refused(4);
  await sockets.greeted(5);
  const event = await told;
  assert(event?.type === "resync");
  assert.deepEqual(event.data, { reason: "bad_cursor", cursor: "cursor-0" });
  const given = [0, 2, 3, 4].map((index) => sockets.opened[index]?.said[0]?.data["cursor"]);
  assert.deepEqual(given, ["half a cur", "half a cur", undefined, undefined]);
  // It was not handled, so it may come again.
  assert.equal(store.load(), "half a cur");
});

test("what was told of a cursor is kept once it is handled", async () => {
  const sockets = new FakeSockets();
  const store = new MemoryCursorStore("half a cur");
  const taking = take(await listener(sockets, { cursorStore: store }), 1);
  (await sockets.greeted(1)).end(4422);
  const socket = await sockets.greeted(2);
  for (let turn = 0; turn < 20 && store.load() !== "cursor-0"; turn++) await new Promise(setImmediate);
  assert.equal(store.load(), "cursor-0");
  socket.message(1);
  await taking;
});

test("what has no data is unknown", async () => {
  const sockets = new FakeSockets();
  const events = await listener(sockets);
  const seen = (async () => {
    const types: string[] = [];
    for await (const event of events) {
      types.push(event.type === "unknown" ? `unknown ${event.name}` : event.type);
      if (types.length === 5) break;
    }
    return types;
  })();
  const socket = await sockets.greeted(1);
  for (const data of [null, [], "x", undefined]) socket.hear("message", data);
  socket.message(1);
  assert.deepEqual(await seen, [...Array<string>(4).fill("unknown message"), "message"]);
});

test("a socket learns a token that somebody else has renewed, and no other", async (context) => {
  const client = new Client("http://parley", { fetch: new FakeServer(json(200, tokens(2))).fetch });
  await client.useTokens(tokens(1, 3));
  const sockets = new FakeSockets();
  const events = client.listen({ WebSocket: sockets.socketClass(), backoff: BACKOFF });
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const taking = take(events, 1);
  const socket = await sockets.greeted(1);
  await client.useTokens(tokens(9));
  context.mock.timers.tick(2500);
  for (let turn = 0; turn < 20 && socket.said.length < 2; turn++) await new Promise(setImmediate);
  assert.deepEqual(socket.said[1], { type: "auth", data: { token: "access-9" } });
  socket.message(1);
  await taking;
});

test("a timer that is early renews the token when it is time", async (context) => {
  let now = 0;
  context.mock.method(performance, "now", () => now);
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const client = new Client("http://parley", { fetch: new FakeServer(json(200, tokens(2))).fetch });
  await client.useTokens(tokens(1, 3));
  const sockets = new FakeSockets();
  const taking = take(client.listen({ WebSocket: sockets.socketClass(), backoff: BACKOFF }), 1);
  const socket = await sockets.greeted(1);
  // Due after two of three seconds.
  now = 1999.5;
  context.mock.timers.tick(2000);
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  assert.equal(socket.said.length, 1);
  now = 2000.5;
  context.mock.timers.tick(1);
  for (let turn = 0; turn < 10_000 && socket.said.length < 2; turn++) await new Promise(setImmediate);
  assert.deepEqual(socket.said[1], { type: "auth", data: { token: "access-2" } });
  socket.message(1);
  await taking;
});
