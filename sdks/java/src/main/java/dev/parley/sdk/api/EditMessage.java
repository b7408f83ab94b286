// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;

/** What EditMessage sends. */
public final class EditMessage extends Body {
    public EditMessage(String content) {
        super(named("content", content));
    }
}
