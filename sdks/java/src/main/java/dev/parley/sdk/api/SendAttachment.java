// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;

/** What SendAttachment sends. */
public final class SendAttachment extends Body {
    public SendAttachment(String url, String name, String contentType, long size) {
        super(named("url", url, "name", name, "content_type", contentType, "size", size));
    }
}
