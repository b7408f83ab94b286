// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * A GroupFacts.
 *
 * @param groupId The id of a group
 * @param description may be null
 * @param ownerId The id of a user
 */
public record GroupFacts(
    @JsonProperty(value = "group_id", required = true) String groupId,
    @JsonProperty(value = "name", required = true) String name,
    @JsonProperty("description") String description,
    @JsonProperty(value = "settings", required = true) GroupSettings settings,
    @JsonProperty(value = "owner_id", required = true) String ownerId) {}
