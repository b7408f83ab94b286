package dev.parley.sdk;

/** What a close code of the socket tells a client to do; {@code LATER} is after some seconds. */
public record CloseVerdict(
    int code, String name, String meaning, Reconnect reconnect, int afterSeconds, boolean keepCursor) {

    /** Whether to come back, and with what. */
    public enum Reconnect {
        NEVER,
        NOW,
        LATER,
        NEW_TOKEN,
        NEW_SESSION
    }
}
