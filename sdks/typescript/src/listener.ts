import { objectOf } from "./api-error.js";
import { type Backoff, delayAfter } from "./backoff.js";
import { BROKEN, Connection } from "./connection.js";
import { sleep } from "./endings.js";
import { type Heard, heard, type SocketEvent } from "./events.js";
import { CLOSE_VERDICTS, SOCKET_LIMITS } from "./generated/facts.js";
import type * as models from "./generated/models.js";
import { FrameLimitReached, NotLive, ParleyError, SessionEnded, SocketClosed } from "./parley-error.js";
import { platform, type SocketClass } from "./platform.js";
import type { Session } from "./session.js";
import { type CursorStore, MemoryCursorStore, type Tokens } from "./stores.js";

export type ListenerState = "connecting" | "catching_up" | "live" | "waiting" | "closed";

export interface ListenOptions {
  /** Begin after a cursor; "0" is the beginning of what is kept. Without one it begins now. */
  cursor?: string | null | undefined;
  /** Go on where the last listener of this store stood; `cursor` is for the first one. */
  cursorStore?: CursorStore | undefined;
  /** How long to wait before coming back: from half a second up to thirty, unless said otherwise. */
  backoff?: Backoff | undefined;
  /** Ends the loop with its reason. */
  signal?: AbortSignal | undefined;
  /** Is told of each change of the state; what it throws ends the loop. */
  onState?: ((state: ListenerState) => void) | undefined;
  /** A class like the browsers' WebSocket. */
  WebSocket?: SocketClass | undefined;
}

/** What a listener has of its client. */
export interface ListenerHost {
  readonly session: Session;
  readonly url: string;
  readonly timeout: number;
  readonly backoff: Backoff;
  closed(): void;
}

// So many events wait for a slow loop at most, but for what was on its way already.
const HELD = 256;
// How many cursors are remembered to know a duplicate by.
const REMEMBERED = 2048;
// A connection that held for so long was a good one: the next failure is the first again.
const GOOD_AFTER = 10_000;
const MINUTE = 60_000;
// The frames of the heartbeat count, too, so some are left to them.
const FRAMES_PER_MINUTE = SOCKET_LIMITS.frames_per_minute - 10;
const RENEW_AGAIN_AFTER = 5000;
const LONGEST_TIMER = 2 ** 31 - 1;

/** How a connection ended, and for how many milliseconds the server said to stay away. */
interface Closed {
  readonly code: number;
  readonly retryAfter: number;
}

/** Something to hand over; without an event only the cursor moves. */
interface Held {
  readonly event: SocketEvent | null;
  readonly cursor: string | null;
}

/**
 * Hears everything that happens to its user: each event once and in order, through any reconnect. Loop over it once.
 *
 * An event is handled when the loop asks for the next one: whatever ends the program, or breaks out of the loop,
 * before that, lets the event come again. `close()` in the loop ends it after the event at hand.
 */
export class Listener implements AsyncIterable<SocketEvent>, AsyncDisposable {
  readonly #host: ListenerHost;
  readonly #options: ListenOptions;
  readonly #store: CursorStore;
  readonly #stopping = new AbortController();
  #state: ListenerState | null = null;
  #begun = false;
  #wake: () => void = () => undefined;

  // What waits for the loop, and what is in its hands.
  #queue: Held[] = [];
  #inHand: string | null = null;
  // Where the loop stands, and whether the server has said anything that begins after something.
  #cursor: string | null = null;
  #placed = false;
  #isLost = false;
  readonly #seen = new Set<string>();

  #connection: Connection | null = null;
  #closing: Promise<unknown> = Promise.resolve();
  #closedWith: Closed | null = null;
  #error: { readonly reason: unknown } | null = null;
  #failures = 0;
  #liveSince: number | null = null;
  // The tokens that the socket knows, and an access token that the server refused.
  #tokens: Tokens | null = null;
  #stale: string | undefined;
  #renewal: ReturnType<typeof setTimeout> | undefined;
  #said: number[] = [];

  constructor(options: ListenOptions, host: ListenerHost) {
    this.#host = host;
    this.#options = options;
    this.#store = options.cursorStore ?? new MemoryCursorStore();
    options.signal?.addEventListener("abort", this.#aborted, { once: true });
  }

  /** Where it is. */
  get state(): ListenerState {
    return this.#state ?? "connecting";
  }

  /** How many events wait for the loop. */
  get held(): number {
    return this.#queue.length;
  }

  [Symbol.asyncIterator](): AsyncGenerator<SocketEvent, void, undefined> {
    return this.#events();
  }

  /** Say that one types, or no longer; it holds for some seconds. */
  typing(conversationId: string, isTyping = true): void {
    this.#say("typing", { conversation_id: conversationId, is_typing: isTyping } satisfies models.SetTyping);
  }

  /** Say whether one is to be seen. */
  presence(status: "online" | "offline"): void {
    this.#say("presence", { status } satisfies models.SetPresence);
  }

  /** Say up to which message one has received or read a conversation. */
  receipt(conversationId: string, messageId: string, kind: "delivered" | "read" = "read"): void {
    const data = { conversation_id: conversationId, message_id: messageId, kind };
    this.#say("receipt", data satisfies models.SetReceipt);
  }

  /** End the loop, in whatever state it is, and close the socket. */
  async close(): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.#aborted);
    this.#stopping.abort();
    this.#queue = [];
    this.#hangUp();
    this.#wake();
    await this.#closing;
    this.#host.closed();
    this.#move("closed");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // ---- the loop

  async *#events(): AsyncGenerator<SocketEvent, void, undefined> {
    if (this.#begun) throw new ParleyError("A listener can be looped over once");
    this.#begun = true;
    try {
      this.#options.signal?.throwIfAborted();
      this.#cursor = (await this.#store.load()) ?? this.#options.cursor ?? null;
      for (let event = await this.#next(); event !== null; event = await this.#next()) {
        yield event;
        await this.#handled();
      }
    } finally {
      await this.close();
    }
  }

  /** Return the next event, or null at the end. */
  async #next(): Promise<SocketEvent | null> {
    for (;;) {
      if (this.#error !== null) throw this.#error.reason;
      if (this.#stopping.signal.aborted) return null;
      const held = this.#queue.shift();
      if (held !== undefined) {
        this.#inHand = held.cursor;
        if (held.event !== null) return held.event;
        await this.#handled();
      } else if (this.#connection !== null) {
        const woken = new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        // What waits may come at once.
        this.#connection.resume();
        await woken;
      } else if (this.#closedWith !== null) {
        await this.#lost(this.#closedWith);
      } else {
        await this.#open();
      }
    }
  }

  /** Keep the cursor of the event that the loop is done with. */
  async #handled(): Promise<void> {
    if (this.#inHand === null) return;
    this.#cursor = this.#inHand;
    this.#inHand = null;
    await this.#store.save(this.#cursor);
  }

  readonly #aborted = (): void => {
    this.#error = { reason: this.#options.signal?.reason };
    this.close().catch((error: unknown) => this.#fail(error));
  };

  // ---- the socket

  async #open(): Promise<void> {
    this.#move("connecting");
    const stopping = this.#stopping.signal;
    try {
      const tokens = await this.#host.session.fresh(this.#stale, stopping);
      const socketClass = this.#options.WebSocket ?? (await platform.socketClass());
      if (stopping.aborted) return;
      this.#tokens = tokens;
      this.#stale = undefined;
      this.#placed = this.#cursor !== null;
      this.#connection = new Connection(socketClass, this.#host.url, this.#host.timeout, {
        opened: () => this.#guard(() => this.#opened()),
        heard: (text) => this.#guard(() => this.#heard(text)),
        closed: (code, retryAfter) => this.#closed({ code, retryAfter }),
      });
    } catch (error) {
      if (stopping.aborted) return;
      if (!(error instanceof ParleyError) || error instanceof SessionEnded) throw error;
      // The server could not be asked for a token.
      this.#closedWith = { code: BROKEN, retryAfter: 0 };
    }
  }

  #opened(): void {
    this.#move("catching_up");
    this.#said = [performance.now()];
    const token = this.#tokens?.accessToken ?? "";
    const data = this.#cursor === null ? { token } : { token, cursor: this.#cursor };
    this.#connection?.send("auth", data satisfies models.AuthData);
  }

  #heard(text: unknown): void {
    const frame = heard(text);
    // What is no frame is left out, as a type that nobody knows.
    if (frame === null || frame.kind === "pong") return;
    if (frame.kind === "ready") this.#welcomed(frame.data);
    else if (frame.kind === "resync") this.#resync(frame);
    else if (!this.#isDuplicate(frame.cursor)) this.#hold({ event: frame.event, cursor: frame.cursor });
  }

  #welcomed(data: Record<string, unknown>): void {
    const { interval_seconds: interval, timeout_seconds: patience } = objectOf(data["heartbeat"]);
    if (typeof interval === "number" && typeof patience === "number") {
      this.#connection?.beat(interval * 1000, patience * 1000);
    }
    this.#liveSince ??= performance.now();
    const { cursor } = data;
    if (typeof cursor === "string") this.#place(cursor);
    if (this.#tokens !== null) this.#renewIn(this.#host.session.renewalIn(this.#tokens));
    this.#move("live");
  }

  #resync(frame: Heard): void {
    // The events that follow go on from its cursor, and nothing of before tells a duplicate.
    this.#seen.clear();
    const { cursor } = frame.data;
    this.#hold({ event: frame.event, cursor: typeof cursor === "string" ? cursor : null });
  }

  /** Go on from where `ready` says, unless something else said so. */
  #place(cursor: string): void {
    if (this.#isLost) {
      // The server knew nothing of the cursor, so what was missed will not come.
      this.#isLost = false;
      this.#seen.clear();
      this.#hold({ event: { type: "resync", data: { reason: "bad_cursor", cursor } }, cursor });
    } else if (!this.#placed) {
      // Whoever began without one goes on from here, also when nothing happens until the connection breaks.
      this.#hold({ event: null, cursor });
    }
  }

  #isDuplicate(cursor: string | null): boolean {
    if (cursor === null) return false;
    if (this.#seen.has(cursor)) return true;
    this.#seen.add(cursor);
    if (this.#seen.size > REMEMBERED) {
      for (const first of this.#seen) {
        this.#seen.delete(first);
        break;
      }
    }
    return false;
  }

  #hold(held: Held): void {
    this.#queue.push(held);
    if (held.cursor !== null) this.#placed = true;
    this.#wake();
    if (this.#queue.length < HELD || this.#connection === null) return;
    if (this.#connection.isPatient) {
      this.#connection.pause();
      return;
    }
    // A page cannot stop reading, so it hangs up, and comes back once the loop has what is here.
    this.#hangUp();
    this.#move("waiting");
  }

  #closed(how: Closed): void {
    clearTimeout(this.#renewal);
    this.#connection = null;
    this.#closedWith = how;
    this.#wake();
  }

  #hangUp(): void {
    clearTimeout(this.#renewal);
    const connection = this.#connection;
    this.#connection = null;
    if (connection !== null) this.#closing = Promise.all([this.#closing, connection.close()]);
  }

  /** Decide by the close code what to do, and wait until it is time to come back. */
  async #lost({ code, retryAfter }: Closed): Promise<void> {
    this.#closedWith = null;
    const wasGood = this.#liveSince !== null && performance.now() - this.#liveSince >= GOOD_AFTER;
    this.#failures = wasGood ? 1 : this.#failures + 1;
    this.#liveSince = null;
    let delay = retryAfter + delayAfter(this.#failures, this.#host.backoff);
    const verdict = CLOSE_VERDICTS[code];
    if (verdict?.keepCursor === false) {
      // The store keeps what it has until the loop was told: a program that ends before that would never know.
      this.#isLost ||= this.#cursor !== null;
      this.#cursor = null;
    }
    if (verdict?.reconnect === "never") throw new SocketClosed(code, verdict.meaning);
    if (verdict?.reconnect === "new_session") {
      // The socket of an old session says nothing of one that was begun since.
      await this.#host.session.endOf(this.#tokens);
      throw new SessionEnded(verdict.meaning);
    }
    if (verdict?.reconnect === "new_token") this.#stale = this.#tokens?.accessToken;
    if (verdict?.reconnect === "later") delay += verdict.after * (1 + Math.random() / 4);
    this.#move("waiting");
    try {
      await sleep(delay, this.#stopping.signal);
    } catch (error) {
      if (!this.#stopping.signal.aborted) throw error;
    }
  }

  // ---- what is said

  #say(kind: string, data: unknown): void {
    if (this.#connection === null || this.#state !== "live") throw new NotLive("The socket is not open at the moment");
    this.#count();
    this.#connection.send(kind, data);
  }

  /** Keep to the limit of frames. */
  #count(): void {
    const now = performance.now();
    this.#said = this.#said.filter((at) => now - at <= MINUTE);
    if (this.#said.length >= FRAMES_PER_MINUTE) {
      throw new FrameLimitReached(`${FRAMES_PER_MINUTE} frames were sent within a minute`);
    }
    this.#said.push(now);
  }

  #renewIn(delay: number): void {
    clearTimeout(this.#renewal);
    this.#renewal = setTimeout(() => void this.#renew(), Math.min(Math.max(Math.ceil(delay), 0), LONGEST_TIMER));
  }

  /** Send a new token before the one that the socket knows expires. */
  async #renew(): Promise<void> {
    const connection = this.#connection;
    try {
      const tokens = await this.#host.session.fresh(undefined, this.#stopping.signal);
      if (connection === null || connection !== this.#connection) return;
      if (tokens.accessToken === this.#tokens?.accessToken) {
        // Timers may be a little early; or the token could not be renewed.
        const due = this.#host.session.renewalIn(tokens);
        this.#renewIn(due > 0 ? due : RENEW_AGAIN_AFTER);
        return;
      }
      this.#tokens = tokens;
      this.#said.push(performance.now());
      connection.send("auth", { token: tokens.accessToken } satisfies models.AuthData);
    } catch (error) {
      if (connection !== this.#connection || this.#stopping.signal.aborted) return;
      if (error instanceof ParleyError && !(error instanceof SessionEnded)) {
        // The server says when it is too late.
        this.#renewIn(RENEW_AGAIN_AFTER);
        return;
      }
      this.#fail(error);
    }
  }

  /** What fails beside the loop, as an `onState` of the program, ends the loop. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(reason: unknown): void {
    this.#error ??= { reason };
    this.#wake();
  }

  #move(state: ListenerState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onState?.(state);
  }
}
