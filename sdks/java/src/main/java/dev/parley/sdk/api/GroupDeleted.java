// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A GroupDeleted.
 *
 * @param groupId The id of a group
 * @param actorId The id of a user
 */
public record GroupDeleted(
    @JsonProperty(value = "group_id", required = true) String groupId,
    @JsonProperty(value = "actor_id", required = true) String actorId) {}
