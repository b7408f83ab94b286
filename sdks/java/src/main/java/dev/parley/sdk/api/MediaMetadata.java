// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.List;
import java.util.Map;

/** What MediaMetadata sends. */
public final class MediaMetadata extends Body {
    public MediaMetadata(List<SendAttachment> attachments) {
        super(named("attachments", attachments));
    }

    private MediaMetadata(Map<String, Object> fields) {
        super(fields);
    }

    /** The id of a message. */
    public MediaMetadata replyTo(String replyTo) {
        return new MediaMetadata(with("reply_to", replyTo));
    }

    /** Sets {@code mentions}. */
    public MediaMetadata mentions(List<String> mentions) {
        return new MediaMetadata(with("mentions", mentions));
    }

    /** Your own data, up to 4 KB as JSON. The server keeps it and does not look into it. */
    public MediaMetadata custom(Map<String, Object> custom) {
        return new MediaMetadata(with("custom", custom));
    }
}
