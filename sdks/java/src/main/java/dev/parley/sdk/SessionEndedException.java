package dev.parley.sdk;

/** Nobody is logged in (any more); only a log-in helps. */
public final class SessionEndedException extends ParleyException {
    private static final long serialVersionUID = 1L;

    public SessionEndedException(String message, Throwable cause) {
        super(message, cause);
    }
}
