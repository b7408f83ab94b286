package dev.parley.sdk;

/** The server was not reached, or the connection broke. */
public class ConnectionFailedException extends ParleyException {
    private static final long serialVersionUID = 1L;

    public ConnectionFailedException(String message, Throwable cause) {
        super(message, cause);
    }
}
