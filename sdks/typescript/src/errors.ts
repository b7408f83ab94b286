export { ApiError } from "./api-error.js";
export {
  ConnectionFailed,
  FrameLimitReached,
  NotLive,
  ParleyError,
  SessionEnded,
  SocketClosed,
  TimedOut,
  WebhookVerificationError,
} from "./parley-error.js";
export * from "./generated/errors.js";
