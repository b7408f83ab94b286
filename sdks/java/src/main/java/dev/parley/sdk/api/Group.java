// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;
import java.util.List;

/**
 * A Group.
 *
 * @param id The id of a group
 * @param description may be null
 * @param ownerId The id of a user
 * @param createdAt A time of RFC 3339; the server gives it in UTC with Z
 * @param members The first hundred who joined
 */
public record Group(
    @JsonProperty(value = "id", required = true) String id,
    @JsonProperty(value = "name", required = true) String name,
    @JsonProperty("description") String description,
    @JsonProperty(value = "owner_id", required = true) String ownerId,
    @JsonProperty(value = "created_at", required = true) Instant createdAt,
    @JsonProperty(value = "member_count", required = true) long memberCount,
    @JsonProperty(value = "members", required = true) List<Member> members,
    @JsonProperty(value = "settings", required = true) GroupSettings settings) {}
