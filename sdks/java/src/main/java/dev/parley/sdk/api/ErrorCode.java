// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/**
 * What went wrong. Later versions add codes; treat one you do not know by the status. A later version may
 * have more of them: they are kept as they are.
 */
public record ErrorCode(@JsonValue String value) {
    public static final ErrorCode VALIDATION_ERROR = new ErrorCode("validation_error");
    public static final ErrorCode UNAUTHORIZED = new ErrorCode("unauthorized");
    public static final ErrorCode FORBIDDEN = new ErrorCode("forbidden");
    public static final ErrorCode NOT_FOUND = new ErrorCode("not_found");
    public static final ErrorCode METHOD_NOT_ALLOWED = new ErrorCode("method_not_allowed");
    public static final ErrorCode CONFLICT = new ErrorCode("conflict");
    public static final ErrorCode GONE = new ErrorCode("gone");
    public static final ErrorCode PAYLOAD_TOO_LARGE = new ErrorCode("payload_too_large");
    public static final ErrorCode UNSUPPORTED_MEDIA_TYPE = new ErrorCode("unsupported_media_type");
    public static final ErrorCode IDEMPOTENCY_MISMATCH = new ErrorCode("idempotency_mismatch");
    public static final ErrorCode UPGRADE_REQUIRED = new ErrorCode("upgrade_required");
    public static final ErrorCode RATE_LIMIT_EXCEEDED = new ErrorCode("rate_limit_exceeded");
    public static final ErrorCode INTERNAL_ERROR = new ErrorCode("internal_error");
    public static final ErrorCode UNAVAILABLE = new ErrorCode("unavailable");

    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public ErrorCode {}

    @Override
    public String toString() {
        return value;
    }
}
