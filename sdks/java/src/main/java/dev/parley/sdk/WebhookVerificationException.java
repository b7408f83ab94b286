package dev.parley.sdk;

/** This was not signed with any of the secrets, or long ago. */
public final class WebhookVerificationException extends ParleyException {
    private static final long serialVersionUID = 1L;

    public WebhookVerificationException(String message, Throwable cause) {
        super(message, cause);
    }
}
