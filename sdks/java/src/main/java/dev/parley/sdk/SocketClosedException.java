package dev.parley.sdk;

/** The server closed the socket for something that this program would do again. */
public final class SocketClosedException extends ParleyException {
    private static final long serialVersionUID = 1L;

    private final int code;

    public SocketClosedException(int code, String meaning) {
        super(meaning + " (" + code + ")");
        this.code = code;
    }

    /** The close code. */
    public int code() {
        return code;
    }
}
