package dev.parley.sdk;

/** The server did not answer in time. */
public final class TimedOutException extends ConnectionFailedException {
    private static final long serialVersionUID = 1L;

    public TimedOutException(String message, Throwable cause) {
        super(message, cause);
    }
}
