// What the SDK costs over a bare fetch that sends the same: `scripts/with_server.py node build/tests/send.bench.js`.
// Both are measured alternately in one process; the median of the rounds counts.
import assert from "node:assert/strict";

import { Client } from "@parley/sdk";

const ROUNDS = 16;
const SENDS = 100;
const url = process.env["PARLEY_URL"] ?? "http://localhost:8080";
const client = new Client(url);
const { access_token } = await client.logIn("ada@example.com", "secure_password");
// A group of one: nobody answers.
const ada = await client.getMe();
const { id: conversation_id } = await client.createGroup({ name: `Notes of ${ada.username}` });

async function bare(content: string): Promise<unknown> {
  const headers = {
    "Content-Type": "application/json",
    Authorization: `Bearer ${access_token}`,
    "Idempotency-Key": crypto.randomUUID(),
  };
  const body = JSON.stringify({ conversation_id, content });
  const response = await fetch(`${url}/v1/messages`, { method: "POST", headers, body });
  assert.equal(response.status, 201);
  return response.json();
}

const sdk = (content: string): Promise<unknown> => client.sendMessage({ conversation_id, content });

async function round(send: (content: string) => Promise<unknown>): Promise<{ cpu: number; wall: number }> {
  const [before, began] = [process.cpuUsage(), performance.now()];
  for (let number = 0; number < SENDS; number++) await send(String(number));
  const { user, system } = process.cpuUsage(before);
  return { cpu: (user + system) / SENDS, wall: ((performance.now() - began) * 1000) / SENDS };
}

const median = (values: number[]): number => values.sort((one, other) => one - other)[values.length >> 1] ?? NaN;

await round(bare);
await round(sdk);
const [bares, sdks] = [[] as { cpu: number; wall: number }[], [] as { cpu: number; wall: number }[]];
for (let number = 0; number < ROUNDS; number++) {
  if (number % 2 === 0) bares.push(await round(bare));
  sdks.push(await round(sdk));
  if (number % 2 === 1) bares.push(await round(bare));
}
for (const kind of ["cpu", "wall"] as const) {
  const [one, other] = [median(bares.map((each) => each[kind])), median(sdks.map((each) => each[kind]))];
  const more = ((other / one - 1) * 100).toFixed(1);
  console.log(`${kind}: bare fetch ${one.toFixed(0)} µs, SDK ${other.toFixed(0)} µs: ${more} % more`);
}
await client.close();
