import { Webhook as StandardWebhook } from "standardwebhooks";

import { objectOf, parsed } from "./api-error.js";
import { canonical } from "./canonical.js";
import { PAYLOADS } from "./generated/facts.js";
import type * as models from "./generated/models.js";
import { WebhookVerificationError } from "./parley-error.js";

export type { models };
export { WebhookVerificationError };

/** What a webhook says of an event, `name`, that came with a later version of the contract. */
export interface UnknownPayload {
  event: "unknown";
  name: string;
  timestamp: string;
  data: unknown;
}

export type WebhookEvent = models.WebhookPayload | UnknownPayload;

/** The headers of a request: those of `fetch`, those of Node, or a plain object. */
export type WebhookHeaders =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | string[] | undefined>>;

const HEADERS = ["webhook-id", "webhook-timestamp", "webhook-signature"];
const PREFIX = "whsec_";
const encoder = new TextEncoder();

/**
 * Verifies requests with any of some secrets: during a rotation there are two. A secret is as the server took or made
 * it: whsec_ and base64, or a form of one's own, whose key is its UTF-8.
 */
export class Webhook {
  readonly #keys: Uint8Array<ArrayBuffer>[];

  constructor(...secrets: string[]) {
    if (secrets.length === 0) throw new TypeError("Without a secret nothing can be verified");
    this.#keys = secrets.map(keyOf);
  }

  /**
   * Return what a request says, by its headers webhook-* (https://www.standardwebhooks.com). `body` is what was
   * received, byte for byte. Throws WebhookVerificationError.
   */
  verify(body: Uint8Array | string, headers: WebhookHeaders): WebhookEvent {
    const text = textOf(body);
    const given = headersOf(headers);
    const failures = [];
    for (const key of this.#keys) {
      try {
        new StandardWebhook(key, { format: "raw" }).verify(text, given, { jsonParse: false });
        return eventOf(text);
      } catch (error) {
        failures.push(error);
      }
    }
    throw new WebhookVerificationError("The webhook is not verified", { cause: failures });
  }

  /** Do the same by the member `signature` of the body, which says nothing of the time: prefer `verify`. */
  async verifySignature(body: Uint8Array | string): Promise<WebhookEvent> {
    const text = textOf(body);
    const { signature, ...rest } = objectOf(parsed(text));
    const digest = typeof signature === "string" ? /^sha256=([0-9a-f]{64})$/.exec(signature)?.[1] : undefined;
    if (digest === undefined) throw new WebhookVerificationError("The body has no signature");
    const given = Uint8Array.from(digest.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
    const signed = encoder.encode(canonicalOf(rest));
    for (const bytes of this.#keys) {
      const algorithm = { name: "HMAC", hash: "SHA-256" };
      const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["verify"]);
      if (await crypto.subtle.verify("HMAC", key, given, signed)) return eventOf(text);
    }
    throw new WebhookVerificationError("None of the secrets signed this");
  }
}

function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  const key = secret.startsWith(PREFIX)
    ? Uint8Array.from(atob(secret.slice(PREFIX.length)), (character) => character.charCodeAt(0))
    : encoder.encode(secret);
  // Anybody could sign with an empty one.
  if (key.length === 0) throw new TypeError("A secret is empty");
  return key;
}

function canonicalOf(payload: unknown): string {
  try {
    return canonical(payload);
  } catch (error) {
    // It is nested too deep; the server signs nothing of the kind.
    throw new WebhookVerificationError("The body has no canonical form", { cause: error });
  }
}

function textOf(body: Uint8Array | string): string {
  if (typeof body === "string") return body;
  try {
    // A mark of the byte order was signed like everything else.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch (error) {
    throw new WebhookVerificationError("The body is no UTF-8", { cause: error });
  }
}

function headersOf(headers: WebhookHeaders): Record<string, string> {
  const found: Record<string, string> = {};
  if (typeof headers["get"] === "function") {
    for (const name of HEADERS) found[name] = headers.get(name) ?? "";
    return found;
  }
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === "string") found[name.toLowerCase()] = value;
  }
  return found;
}

function eventOf(text: string): WebhookEvent {
  const payload = objectOf(parsed(text));
  const { event: name } = payload;
  if (typeof name !== "string") throw new WebhookVerificationError("What was signed is no event");
  return (PAYLOADS.has(name) ? payload : { ...payload, event: "unknown", name }) as unknown as WebhookEvent;
}
