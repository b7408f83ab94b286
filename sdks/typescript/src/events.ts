import { objectOf, parsed } from "./api-error.js";
import { FRAMES } from "./generated/facts.js";
import type * as models from "./generated/models.js";

/** Something whose type, `name`, came with a later version of the contract. */
export interface UnknownEvent {
  type: "unknown";
  name: string;
  data: unknown;
  cursor?: string;
  seq?: number;
}

/**
 * Something that was said on the socket. Events have a cursor; notices (`typing`, `presence`, `error`) are gone when
 * nobody was there. After a `resync` read afresh what you show. Enumerations may have values of later versions.
 */
export type SocketEvent =
  | models.Event
  | models.TypingNotice
  | models.PresenceNotice
  | models.ResyncNotice
  | models.ErrorNotice
  | UnknownEvent;

/** Whether this version knows the type. */
export function isKnown(event: SocketEvent): event is Exclude<SocketEvent, UnknownEvent> {
  return event.type !== "unknown";
}

/** A frame of the server; `cursor` is what a listener stands at once it is handled. */
export interface Heard {
  kind: string;
  data: Record<string, unknown>;
  cursor: string | null;
  event: SocketEvent;
}

/** Read a frame; what is none is null. */
export function heard(text: unknown): Heard | null {
  const frame = objectOf(typeof text === "string" ? parsed(text) : undefined);
  const { type: kind, cursor, data } = frame;
  if (typeof kind !== "string") return null;
  // What has no data is none of what its type says, and nobody's loop looks for that.
  const event = FRAMES.has(kind) && objectOf(data) === data ? frame : { ...frame, type: "unknown", name: kind };
  return {
    kind,
    data: objectOf(data),
    cursor: typeof cursor === "string" ? cursor : null,
    event: event as unknown as SocketEvent,
  };
}
