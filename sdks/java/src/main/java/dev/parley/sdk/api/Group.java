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
    @JsonProperty("id") String id,
    @JsonProperty("name") String name,
    @JsonProperty("description") String description,
    @JsonProperty("owner_id") String ownerId,
    @JsonProperty("created_at") Instant createdAt,
    @JsonProperty("member_count") long memberCount,
    @JsonProperty("members") List<Member> members,
    @JsonProperty("settings") GroupSettings settings) {}
