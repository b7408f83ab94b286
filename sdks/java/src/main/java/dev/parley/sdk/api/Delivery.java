// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;
import java.util.List;

/**
 * One event on its way to one webhook.
 *
 * @param id The id of a delivery: of one event to one webhook
 * @param webhookId The id of a webhook
 * @param event The name of the event
 * @param cursor The cursor of the event, as on the socket; null for a test; may be null
 * @param status Whether it waits to be sent (again), has arrived, or is given up
 * @param createdAt A time of RFC 3339; the server gives it in UTC with Z
 * @param nextAttemptAt When it is tried next; null when it is finished; may be null
 * @param finishedAt When it arrived or was given up; null before; may be null
 * @param attemptCount How often it was tried
 * @param attempts The last twenty attempts in order
 */
public record Delivery(
    @JsonProperty(value = "id", required = true) String id,
    @JsonProperty(value = "webhook_id", required = true) String webhookId,
    @JsonProperty(value = "event", required = true) String event,
    @JsonProperty("cursor") String cursor,
    @JsonProperty(value = "status", required = true) DeliveryStatus status,
    @JsonProperty(value = "created_at", required = true) Instant createdAt,
    @JsonProperty("next_attempt_at") Instant nextAttemptAt,
    @JsonProperty("finished_at") Instant finishedAt,
    @JsonProperty(value = "attempt_count", required = true) long attemptCount,
    @JsonProperty(value = "attempts", required = true) List<DeliveryAttempt> attempts) {}
