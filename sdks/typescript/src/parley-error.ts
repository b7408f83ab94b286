/** Everything that the SDK throws is one of these, but what an `AbortSignal` says. */
export class ParleyError extends Error {
  override readonly name: string = "ParleyError";
}

/** The server was not reached, or the connection broke. */
export class ConnectionFailed extends ParleyError {
  override readonly name: string = "ConnectionFailed";
}

/** The server did not answer in time. */
export class TimedOut extends ConnectionFailed {
  override readonly name: string = "TimedOut";
}

/** Nobody is logged in (any more); only a log-in helps. */
export class SessionEnded extends ParleyError {
  override readonly name: string = "SessionEnded";
}

/** The server closed the socket for something that this program would do again. */
export class SocketClosed extends ParleyError {
  override readonly name: string = "SocketClosed";

  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

/** The socket is not open at the moment. */
export class NotLive extends ParleyError {
  override readonly name: string = "NotLive";
}

/** More frames in this minute would close the socket. */
export class FrameLimitReached extends ParleyError {
  override readonly name: string = "FrameLimitReached";
}

/** This was not signed with any of the secrets, or long ago. */
export class WebhookVerificationError extends ParleyError {
  override readonly name: string = "WebhookVerificationError";
}

/** What is thrown where something before the server answered, as a page of a hotel. */
export function foreignAnswer(): ConnectionFailed {
  return new ConnectionFailed("The answer is none of the server: it came from something before it");
}
