// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.ApiException;
import dev.parley.sdk.Refusal;

/** The server said {@code conflict}. */
public final class ConflictException extends ApiException {
    private static final long serialVersionUID = 1L;

    public ConflictException(Refusal refusal) {
        super(refusal);
    }
}
