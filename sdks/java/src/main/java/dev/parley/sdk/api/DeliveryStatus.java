// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/**
 * Whether it waits to be sent (again), has arrived, or is given up. A later version may have more of them:
 * they are kept as they are.
 */
public record DeliveryStatus(@JsonValue String value) {
    public static final DeliveryStatus PENDING = new DeliveryStatus("pending");
    public static final DeliveryStatus SUCCEEDED = new DeliveryStatus("succeeded");
    public static final DeliveryStatus FAILED = new DeliveryStatus("failed");

    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public DeliveryStatus {}

    @Override
    public String toString() {
        return value;
    }
}
