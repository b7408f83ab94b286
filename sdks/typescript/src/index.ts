/// <reference lib="esnext.disposable" preserve="true" />
export type { Backoff, RetryPolicy } from "./backoff.js";
export type * from "./call.js";
export { Client, type ClientOptions } from "./client.js";
export * from "./errors.js";
export { isKnown, type SocketEvent, type UnknownEvent } from "./events.js";
export { BUCKETS, CLOSE_VERDICTS, CONTRACT_VERSION, OPERATIONS, SOCKET_LIMITS } from "./generated/facts.js";
export type * as models from "./generated/models.js";
export type * from "./generated/operations.js";
export { Listener, type ListenerState, type ListenOptions } from "./listener.js";
export type { Socket, SocketClass } from "./platform.js";
export * from "./stores.js";
