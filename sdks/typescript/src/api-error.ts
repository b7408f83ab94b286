import { ParleyError } from "./parley-error.js";

/** What the server says of a refusal. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly requestId: string | null;
}

/** The server refused a request. Each code has a class of its own below this one. */
export class ApiError extends ParleyError {
  override readonly name: string = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** For whoever runs the server. */
  readonly requestId: string | null;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.status = refusal.status;
    this.code = refusal.code;
    this.details = refusal.details;
    this.requestId = refusal.requestId;
  }

  /** The first thing that is wrong with the request, if that is what it is. */
  get field(): string | null {
    return textOf(this.details["field"]);
  }

  /** What is wrong with it. */
  get reason(): string | null {
    return textOf(this.details["reason"]);
  }
}

/** Read a refusal; one that is no envelope, as a proxy's page, has the code `unknown`. */
export function refusalOf(status: number, body: string, requestId: string | null): Refusal {
  const said = objectOf(objectOf(parsed(body))["error"]);
  return {
    status,
    code: textOf(said["code"]) ?? "unknown",
    message: textOf(said["message"]) ?? "The server gave no reason",
    details: objectOf(said["details"]),
    requestId,
  };
}

/** Return the value of a JSON text, or undefined where it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Return an object as it is, and an empty one for anything else. */
export function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
