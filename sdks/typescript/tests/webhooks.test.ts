import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";

import { Webhook, WebhookVerificationError } from "@parley/sdk/webhooks";
import { Webhook as Standard } from "standardwebhooks";

const SECRET = "ein Geheimnis mit Ümlaut";
const PAYLOAD = {
  event: "message.created",
  timestamp: "2026-11-22T12:00:00Z",
  data: { b: 1e21, a: [0.1, -0, 4.5e-7, null, true], "€": "\u000f\"/\\" },
};
// By the rules of RFC 8785, written down by hand.
const CANONICAL =
  String.raw`{"data":{"a":[0.1,0,4.5e-7,null,true],"b":1e+21,"€":"\u000f\"/\\"},` +
  `"event":"message.created","timestamp":"2026-11-22T12:00:00Z"}`;

function signed(body: string): Record<string, string> {
  const at = new Date();
  const signature = new Standard(new TextEncoder().encode(SECRET), { format: "raw" }).sign("d-1", at, body);
  return {
    "Webhook-Id": "d-1",
    "Webhook-Timestamp": String(Math.floor(at.getTime() / 1000)),
    "Webhook-Signature": signature,
  };
}

test("headers may be those of fetch or of Node, and the body bytes or text", () => {
  const body = JSON.stringify(PAYLOAD);
  const webhook = new Webhook("another", SECRET);
  const headers = signed(body);
  assert.equal(webhook.verify(body, headers).event, "message.created");
  assert.equal(webhook.verify(new TextEncoder().encode(body), new Headers(headers)).event, "message.created");
  assert.throws(() => webhook.verify(`${body} `, headers), WebhookVerificationError);
  assert.throws(() => webhook.verify(Uint8Array.of(0xff), headers), WebhookVerificationError);
  assert.throws(() => webhook.verify(body, new Headers()), WebhookVerificationError);
});

test("what is signed and no event is refused", () => {
  const webhook = new Webhook(SECRET);
  assert.throws(() => webhook.verify("[]", signed("[]")), WebhookVerificationError);
  const later = webhook.verify('{"event":"moon.landed"}', signed('{"event":"moon.landed"}'));
  assert(later.event === "unknown" && later.name === "moon.landed");
});

test("the member signature is over the canonical form", async () => {
  const signature = `sha256=${createHmac("sha256", SECRET).update(CANONICAL).digest("hex")}`;
  const webhook = new Webhook("another", SECRET);
  const body = JSON.stringify({ signature, ...PAYLOAD });
  assert.equal((await webhook.verifySignature(body)).event, "message.created");
  await assert.rejects(webhook.verifySignature(body.replace("0.1", "0.2")), WebhookVerificationError);
  await assert.rejects(webhook.verifySignature(JSON.stringify(PAYLOAD)), WebhookVerificationError);
  const deep = "[".repeat(20_000) + "]".repeat(20_000);
  const hostile = ["no JSON", "", "[]", "null", "5", '{"signature":5}', '{"signature":"\\ud800"}', "[".repeat(1e5)];
  hostile.push(`{"signature":"sha256=${"0".repeat(64)}","data":${deep}}`);
  for (const sent of hostile) await assert.rejects(webhook.verifySignature(sent), WebhookVerificationError);
});

test("nothing is verified without a secret", () => {
  assert.throws(() => new Webhook(), TypeError);
  assert.throws(() => new Webhook("whsec_???"));
  for (const empty of ["", "whsec_"]) assert.throws(() => new Webhook("right", empty), TypeError);
});
