// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.List;
import java.util.Map;

/** What TextMetadata sends. */
public final class TextMetadata extends Body {
    public TextMetadata() {
        super(named());
    }

    private TextMetadata(Map<String, Object> fields) {
        super(fields);
    }

    /** The id of a message. */
    public TextMetadata replyTo(String replyTo) {
        return new TextMetadata(with("reply_to", replyTo));
    }

    /** Sets {@code mentions}. */
    public TextMetadata mentions(List<String> mentions) {
        return new TextMetadata(with("mentions", mentions));
    }

    /** Your own data, up to 4 KB as JSON. The server keeps it and does not look into it. */
    public TextMetadata custom(Map<String, Object> custom) {
        return new TextMetadata(with("custom", custom));
    }
}
