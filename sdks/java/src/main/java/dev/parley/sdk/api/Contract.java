// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * Which contract a server keeps, and which build of Parley keeps it.
 *
 * @param version The {@code info.version} of both documents
 * @param openapiSha256 The SHA-256 of {@code /openapi.json}, in hex
 * @param asyncapiSha256 The SHA-256 of {@code /asyncapi.json}, in hex
 * @param build The version of Parley itself
 */
public record Contract(
    @JsonProperty(value = "version", required = true) String version,
    @JsonProperty(value = "openapi_sha256", required = true) String openapiSha256,
    @JsonProperty(value = "asyncapi_sha256", required = true) String asyncapiSha256,
    @JsonProperty(value = "build", required = true) String build) {}
