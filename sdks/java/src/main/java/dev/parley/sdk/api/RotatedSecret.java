// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;

/**
 * The new secret of a webhook.
 *
 * @param secret The secret as it was given, or made. Null only in a repeat, after it was rotated; may be null
 * @param signingSecret The same in the form that libraries for Standard Webhooks take; may be null
 * @param previousSecretUntil Until when the secret before is valid. Null only in a repeat that comes later
 * than that; may be null
 */
public record RotatedSecret(
    @JsonProperty("secret") String secret,
    @JsonProperty("signing_secret") String signingSecret,
    @JsonProperty("previous_secret_until") Instant previousSecretUntil) {
    // Secrets do not get into logs.
    @Override
    public String toString() {
        return "RotatedSecret[...]";
    }
}
