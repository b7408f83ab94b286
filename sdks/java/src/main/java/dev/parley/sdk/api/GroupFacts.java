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
    @JsonProperty("group_id") String groupId,
    @JsonProperty("name") String name,
    @JsonProperty("description") String description,
    @JsonProperty("settings") GroupSettings settings,
    @JsonProperty("owner_id") String ownerId) {}
