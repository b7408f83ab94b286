// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * What a user tells about themselves; null is nothing told.
 *
 * @param bio may be null
 * @param avatarUrl may be null
 * @param location may be null
 */
public record Profile(
    @JsonProperty("bio") String bio,
    @JsonProperty("avatar_url") String avatarUrl,
    @JsonProperty("location") String location) {}
