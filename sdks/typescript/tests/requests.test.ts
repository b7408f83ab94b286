import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ApiError,
  Client,
  type ClientOptions,
  ConnectionFailed,
  MemoryTokenStore,
  type models,
  NotFoundError,
  ParleyError,
  RateLimitError,
  SessionEnded,
  TimedOut,
  type Tokens,
  UnavailableError,
} from "@parley/sdk";

import { tokensOf } from "../src/kept.js";
import { retryAfter } from "../src/retry-after.js";
import { FakeServer, held, json, ME, message, page, refusal, tokens, turns } from "./fakes.js";

const QUICK = { backoff: { base: 1, cap: 2 }, maxAttempts: 3 };
const BROKEN = new TypeError("fetch failed");

async function client(server: FakeServer, expiresIn = 3600, options: ClientOptions = {}): Promise<Client> {
  const made = new Client("http://parley/", { fetch: server.fetch, retry: QUICK, ...options });
  await made.useTokens(tokens(1, expiresIn));
  return made;
}

/** A server that never answers. */
function silent(): FakeServer {
  return new FakeServer((_, signal) => new Promise((_resolve, reject) => (signal.onabort = () => reject(BROKEN))));
}

test("a request has its token, its address and what it asks for", async () => {
  const server = new FakeServer(page([]), json(200, ME));
  const ada = await client(server);
  await ada.listMessages({ conversation_id: "a b", limit: 5, before: undefined });
  const [asked] = server.asked;
  assert.equal(asked?.url, "http://parley/v1/messages?conversation_id=a+b&limit=5");
  assert.equal(asked?.headers["Authorization"], "Bearer access-1");
  await ada.getUser("../me");
  assert.equal(server.asked[1]?.url, "http://parley/v1/users/..%2Fme");
});

test("null is sent, and undefined is not", async () => {
  const server = new FakeServer(json(200, ME));
  await (await client(server)).updateUser("ada", { bio: null, location: undefined });
  assert.equal(server.asked[0]?.body, '{"bio":null}');
});

test("a message has one receiver or one conversation", async () => {
  const server = new FakeServer(json(201, message("m")));
  const ada = await client(server);
  await ada.sendMessage({ conversation_id: "c", content: "Hello", receiver_id: undefined });
  assert.equal(server.asked[0]?.body, '{"conversation_id":"c","content":"Hello"}');
  // @ts-expect-error not both
  await ada.sendMessage({ receiver_id: "bob", conversation_id: "c", content: "Hello" });
  // @ts-expect-error nor neither
  await ada.sendMessage({ content: "Hello" });
});

test("a broken send is repeated with its key", async () => {
  const server = new FakeServer(BROKEN, json(201, message("m")));
  await (await client(server)).sendMessage({ receiver_id: "bob", content: "Hello" });
  const [first, second] = server.asked.map(({ headers }) => headers["Idempotency-Key"]);
  assert.equal(first, second);
  assert.match(first ?? "", /^[0-9a-f-]{36}$/);
});

test("what is not safe is not repeated", async () => {
  const server = new FakeServer(BROKEN);
  const ada = await client(server);
  await assert.rejects(ada.redeliver("w", "d"), ConnectionFailed);
  assert.equal(server.asked.length, 1);
});

test("tries and time are counted", async () => {
  const away = new FakeServer(refusal(503, "unavailable"));
  await assert.rejects((await client(away)).getMe(), UnavailableError);
  assert.equal(away.asked.length, 3);
  const busy = new FakeServer(refusal(429, "rate_limit_exceeded", {}, { "Retry-After": "3600" }));
  await assert.rejects((await client(busy)).getMe(), RateLimitError);
  assert.equal(busy.asked.length, 1);
});

test("an error tells its class, field, reason and request", async () => {
  const server = new FakeServer(
    refusal(404, "lost_in_space", { field: "id", reason: "Gone" }, { "X-Request-Id": "r-1" }),
    refusal(418, "teapot"),
  );
  const ada = await client(server);
  const error = await ada.getMe().catch((thrown: unknown) => thrown);
  assert(error instanceof NotFoundError && error instanceof ApiError);
  assert.deepEqual([error.code, error.field, error.reason, error.requestId], ["lost_in_space", "id", "Gone", "r-1"]);
  assert.equal(ada.last?.status, 404);
  await assert.rejects(ada.getMe(), { name: "ApiError", code: "teapot" });
});

test("there is a time-out on everything", async () => {
  const never = silent();
  await assert.rejects((await client(never, 3600, { timeout: 5 })).getMe(), TimedOut);
  assert.equal(never.asked.length, 3);
});

test("a signal ends a request, and a wait", async () => {
  const reason = new Error("enough");
  const stopping = new AbortController();
  const away = new FakeServer(async () => {
    stopping.abort(reason);
    return refusal(503, "unavailable", {}, { "Retry-After": "30" });
  });
  await assert.rejects((await client(away)).getMe({ signal: stopping.signal }), reason);
  await assert.rejects((await client(away)).getMe({ signal: AbortSignal.abort(reason) }), reason);
  assert.equal(away.asked.length, 1);
});

test("closing ends what is under way", async () => {
  const never = silent();
  const ada = await client(never);
  const asking = assert.rejects(ada.getMe(), { name: "ConnectionFailed", message: "The client is closed" });
  await new Promise((resolve) => setImmediate(resolve));
  await ada.close();
  await asking;
  assert.equal(never.asked.length, 1);
});

/** A client whose refresh is under way; it is answered when that is told. */
async function refreshing(tokenStore = new MemoryTokenStore()): Promise<{
  ada: Client;
  server: FakeServer;
  asking: Promise<models.Me>;
  answer: (answer: Response) => void;
  isGivenUp: () => boolean;
}> {
  const { value, tell } = held<Response>();
  let given: AbortSignal | undefined;
  const server = new FakeServer((_, signal) => {
    given = signal;
    return value;
  }, json(200, ME));
  const ada = await client(server, 0, { tokenStore });
  const asking = ada.getMe();
  await server.wasAsked(1);
  return { ada, server, asking, answer: tell, isGivenUp: () => given?.aborted ?? false };
}

test("a log-in counts more than a refresh that is under way", async () => {
  const { ada, server, asking, answer } = await refreshing();
  await ada.useTokens(tokens(9));
  answer(json(200, tokens(2)));
  await asking;
  assert.equal((await ada.tokens())?.accessToken, "access-9");
  assert.equal(server.asked[1]?.headers["Authorization"], "Bearer access-9");
});

test("a log-out elsewhere counts more than a refresh that is under way", async () => {
  const store = new MemoryTokenStore();
  const { ada, asking, answer } = await refreshing(store);
  store.clear();
  answer(json(200, tokens(2)));
  await assert.rejects(asking, SessionEnded);
  assert.equal(await ada.tokens(), null);
});

test("what reads a store and then writes it does so in turn", async () => {
  const slow = new MemoryTokenStore();
  const { value: go, tell } = held<void>();
  let loads = 0;
  const store = {
    // The third is the one with which the refresh looks whether its tokens are still wanted.
    load: async () => {
      const found = slow.load();
      if (++loads === 3) await go;
      return found;
    },
    save: (given: Tokens) => slow.save(given),
    clear: () => slow.clear(),
  };
  const server = new FakeServer(json(200, tokens(2)), json(200, ME));
  const ada = await client(server, 0, { tokenStore: store });
  const asking = ada.getMe();
  await turns();
  const beginning = ada.useTokens(tokens(9));
  tell();
  await Promise.all([asking, beginning]);
  assert.equal(slow.load()?.accessToken, "access-9");
});

test("closing waits for a refresh, and whoever waited for it goes", async () => {
  const { ada, asking, answer } = await refreshing();
  const closing = ada.close();
  await assert.rejects(asking, { name: "ConnectionFailed", message: "The client is closed" });
  answer(json(200, tokens(2)));
  await closing;
  assert.equal((await ada.tokens())?.accessToken, "access-2");
});

test("closing waits for a refresh five seconds at most, and not for its next try", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { ada, asking, isGivenUp } = await refreshing();
  const gone = assert.rejects(asking, ConnectionFailed);
  const closing = ada.close();
  await turns();
  assert(!isGivenUp());
  context.mock.timers.tick(5000);
  await closing;
  assert(isGivenUp());
  await gone;
  const again = await refreshing();
  again.answer(refusal(503, "unavailable", {}, { "Retry-After": "30" }));
  const left = assert.rejects(again.asking, ConnectionFailed);
  await turns();
  await again.ada.close();
  await left;
});

test("whoever needs a new token waits for the one refresh", async () => {
  const server = new FakeServer(json(200, tokens(2)), json(200, ME));
  const ada = await client(server, 0);
  await Promise.all(Array.from({ length: 20 }, () => ada.getMe()));
  assert.equal(server.asked.filter(({ url }) => url.endsWith("/auth/refresh")).length, 1);
  assert.equal((await ada.tokens())?.accessToken, "access-2");
});

test("a refresh whose answer was cut is repeated with its key, also later", async () => {
  const server = new FakeServer(BROKEN, BROKEN, BROKEN, json(200, tokens(2)), json(200, ME));
  const ada = await client(server, 0);
  await assert.rejects(ada.getMe(), ConnectionFailed);
  await ada.getMe();
  const keys = server.asked.slice(0, 4).map(({ headers }) => headers["Idempotency-Key"]);
  assert.equal(new Set(keys).size, 1);
});

test("a refused refresh ends the session for all", async () => {
  const server = new FakeServer(refusal(401, "unauthorized"));
  const ada = await client(server, 0);
  const outcomes = await Promise.allSettled([ada.getMe(), ada.getMe(), ada.getMe()]);
  for (const outcome of outcomes) assert(outcome.status === "rejected" && outcome.reason instanceof SessionEnded);
  await assert.rejects(ada.getMe(), SessionEnded);
  assert.equal(server.asked.length, 1);
});

test("a session that was begun meanwhile outlives the refusal of the one before", async () => {
  let ada: Client;
  const server = new FakeServer(async () => {
    await ada.useTokens(tokens(7));
    return refusal(401, "unauthorized");
  }, json(200, ME));
  ada = await client(server, 0);
  await ada.getMe();
  assert.equal(server.asked[1]?.headers["Authorization"], "Bearer access-7");
});

test("only the server ends a session", async () => {
  const pages = [
    new Response("<html>Log in to the proxy</html>", { status: 401 }),
    new Response("<html>blocked</html>", { status: 403 }),
    new Response("<html>no such host</html>", { status: 404 }),
    new Response("<html>late</html>", { status: 408 }),
    new Response("<html>Welcome to our hotel</html>", { status: 200 }),
    json(200, { access_token: "a secret" }),
    json(200, null),
  ];
  for (const page of pages) {
    const ada = await client(new FakeServer(page), 0);
    const error = await ada.getMe().catch((thrown: unknown) => thrown);
    assert(error instanceof ParleyError && !(error instanceof SessionEnded));
    assert.doesNotMatch(error.message, /secret/);
    assert.notEqual(await ada.tokens(), null);
  }
});

test("who shares a store refreshes with the same key", async () => {
  const keys = new Set();
  for (let number = 0; number < 2; number++) {
    const server = new FakeServer(json(200, tokens(2)), json(200, ME));
    await (await client(server, 0)).getMe();
    keys.add(server.asked[0]?.headers["Idempotency-Key"]);
  }
  assert.equal(keys.size, 1);
  assert.doesNotMatch([...keys].join(), /refresh-1/);
});

test("a token that has just come is not refreshed, and the clock does not matter", async (context) => {
  const server = new FakeServer(json(200, tokens(2, 0)), json(200, ME));
  const ada = await client(server, 0);
  await ada.getMe();
  await ada.getMe();
  assert.equal(server.asked.length, 3);
  await ada.useTokens(tokens(3));
  const now = Date.now();
  context.mock.method(Date, "now", () => now + 7_200_000);
  await ada.getMe();
  assert.equal(server.asked[3]?.headers["Authorization"], "Bearer access-3");
});

test("an answer that is none is told", async () => {
  for (const body of ["", "null", "[]", "5", "<html>"]) {
    await assert.rejects((await client(new FakeServer(new Response(body)))).getMe(), ConnectionFailed);
  }
  const odd = { access_token: "a secret", refresh_token: "another", expires_in: "soon" };
  await assert.rejects((await client(new FakeServer(json(200, odd)))).logIn("a@b.c", "secure_password"), (error) => {
    return error instanceof ConnectionFailed && !/secret/.test(error.message);
  });
});

test("an answer has what is promised, and none where nothing is", async () => {
  for (const body of [{}, { ok: true }, { ...ME, id: null }]) {
    await assert.rejects((await client(new FakeServer(json(200, body)))).getMe(), ConnectionFailed);
  }
  for (const body of ["<html>", "{}", ""]) {
    const page = new Response(body, { status: 200 });
    await assert.rejects((await client(new FakeServer(page))).deleteMessage("m"), ConnectionFailed);
  }
  const none = new Response(null, { status: 204 });
  assert.equal(await (await client(new FakeServer(none))).deleteMessage("m"), undefined);
  await assert.rejects((await client(new FakeServer(none))).getMe(), ConnectionFailed);
  const later = { ...ME, last_seen: null, shoe_size: 43 };
  assert.deepEqual(await (await client(new FakeServer(json(200, later)))).getMe(), later);
});

test("a page whose list is none is no page", async () => {
  const ada = await client(new FakeServer(json(200, { messages: "x", has_more: false, next_cursor: null })));
  await assert.rejects(ada.olderMessages({ conversation_id: "c" }).next(), ConnectionFailed);
});

test("what is no part of a path is refused", async () => {
  const ada = await client(new FakeServer(json(200, ME)));
  for (const id of ["", ".", ".."]) await assert.rejects(ada.deleteMessage(id), /message_id is no id/);
});

test("a send that is still running is waited for, other conflicts are told", async () => {
  const running = refusal(409, "conflict", {}, { "Retry-After": "0" });
  const server = new FakeServer(running, json(201, message("m")));
  await (await client(server)).sendMessage({ receiver_id: "bob", content: "Hello" });
  assert.equal(server.asked.length, 2);
  const taken = new FakeServer(refusal(409, "conflict"));
  await assert.rejects((await client(taken)).sendMessage({ receiver_id: "bob", content: "" }), { code: "conflict" });
  const other = new FakeServer(running);
  await assert.rejects((await client(other)).getMe(), { code: "conflict" });
  assert.equal(taken.asked.length + other.asked.length, 2);
});

test("it waits as it is told", () => {
  const date = "Sun, 22 Nov 2037 12:00:00 GMT";
  const cases: [Record<string, string>, Record<string, unknown>, number | null][] = [
    [{ "Retry-After": "3" }, { retry_after: 9 }, 3000],
    [{}, { retry_after: 3 }, 3000],
    [{ "Retry-After": "soon" }, { retry_after: 3 }, 3000],
    [{ "Retry-After": "Sun, 22 Nov 2037 12:00:07 GMT", Date: date }, {}, 7000],
    [{ "Retry-After": "Sun, 22 Nov 2015 12:00:07 GMT" }, {}, 0],
    [{ "Retry-After": "9".repeat(400) }, {}, 3_600_000],
    [{ "Retry-After": "-5" }, {}, null],
    [{ "Retry-After": "1.5" }, { retry_after: "3" }, null],
    [{}, { retry_after: Number.NaN }, null],
  ];
  for (const [headers, details, wait] of cases) assert.equal(retryAfter(new Headers(headers), details), wait);
  // What Headers leaves out itself.
  assert.equal(retryAfter({ get: (name) => (name === "Retry-After" ? " 3 \t" : null) }, {}), 3000);
});

test("a date of HTTP has three forms, and none is of another zone", (context) => {
  const zone = process.env["TZ"];
  context.after(() => {
    if (zone === undefined) delete process.env["TZ"];
    else process.env["TZ"] = zone;
  });
  process.env["TZ"] = "America/New_York";
  assert.notEqual(new Date(0).getTimezoneOffset(), 0);
  const dates = ["Sun, 22 Nov 2037 12:00:00 GMT", "Sunday, 22-Nov-37 12:00:00 GMT", "Sun Nov 22 12:00:00 2037"];
  const later = dates.map((date) => date.replace("12:00:00", "12:00:07"));
  for (const date of dates) {
    for (const told of later) assert.equal(retryAfter(new Headers({ "Retry-After": told, Date: date }), {}), 7000);
  }
  const [early, earlier] = ["Fri Nov  6 08:49:37 2037", "Fri Nov  6 08:49:30 2037"];
  assert.equal(retryAfter(new Headers({ "Retry-After": early, Date: earlier }), {}), 7000);
});

test("a file without a session is none", async () => {
  for (const text of ["", "{", "null", "[]", "{}", '{"accessToken":5}']) assert.equal(tokensOf(text), null);
});

test("one who gives up does not end the refresh of the others", async () => {
  const reason = new Error("enough");
  const stopping = new AbortController();
  const server = new FakeServer(async () => {
    stopping.abort(reason);
    return json(200, tokens(2));
  }, json(200, ME));
  const ada = await client(server, 0);
  const impatient = assert.rejects(ada.getMe({ signal: stopping.signal }), reason);
  assert.deepEqual(await ada.getMe(), ME);
  await impatient;
});

test("a walk forth begins somewhere, and nothing is asked before", async () => {
  const server = new FakeServer(page(["1"]));
  const ada = await client(server);
  // @ts-expect-error without a start there is nothing newer
  assert.throws(() => ada.newerMessages({ conversation_id: "c" }), TypeError);
  assert.throws(() => ada.newerMessages({ conversation_id: "c", after: "" }), TypeError);
  // @ts-expect-error nor here
  assert.throws(() => ada.newerEvents({}), TypeError);
  assert.deepEqual(server.asked, []);
});

test("events are walked forth as they come", async () => {
  const event = (number: number): object => ({ type: "message", cursor: `c${number}`, data: message(`${number}`) });
  const events = (numbers: number[], hasMore: boolean): Response =>
    json(200, { events: numbers.map(event), has_more: hasMore, next_cursor: `c${numbers.at(-1)}` });
  const server = new FakeServer(events([1, 2], true), events([3], false));
  const walked: string[] = [];
  for await (const { cursor } of (await client(server)).newerEvents({ after: "0", limit: 2 })) walked.push(cursor);
  assert.deepEqual(walked, ["c1", "c2", "c3"]);
  assert.deepEqual(
    server.asked.map(({ url }) => new URL(url).search),
    ["?after=0&limit=2", "?after=c2&limit=2"],
  );
});

test("lists are walked both ways", async () => {
  const older = new FakeServer(page(["4", "3"], "3"), page(["2", "1"]));
  const newer = new FakeServer(page(["2", "1"], "2"), page(["4", "3"]));
  const walked: string[] = [];
  for await (const { id } of (await client(older)).olderMessages({ conversation_id: "c" })) walked.push(id);
  for await (const { id } of (await client(newer)).newerMessages({ conversation_id: "c", after: "0" })) walked.push(id);
  assert.deepEqual(walked, ["4", "3", "2", "1", "1", "2", "3", "4"]);
  assert.match(older.asked[1]?.url ?? "", /before=3/);
  assert.match(newer.asked[1]?.url ?? "", /after=2/);
});
