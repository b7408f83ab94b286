package dev.parley.sdk;

/** The socket is not open at the moment, or too much was said within a minute. */
public final class NotSentException extends ParleyException {
    private static final long serialVersionUID = 1L;

    public NotSentException(String message, Throwable cause) {
        super(message, cause);
    }
}
