package dev.parley.sdk;

/** The thread was interrupted while it waited; its flag is set again. */
public final class CallInterruptedException extends ParleyException {
    private static final long serialVersionUID = 1L;

    public CallInterruptedException(String message, Throwable cause) {
        super(message, cause);
    }
}
