// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/** One of the values below. A later version may have more of them: they are kept as they are. */
public record WebhookStatus(@JsonValue String value) {
    public static final WebhookStatus ACTIVE = new WebhookStatus("active");
    public static final WebhookStatus DISABLED = new WebhookStatus("disabled");

    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public WebhookStatus {}

    @Override
    public String toString() {
        return value;
    }
}
