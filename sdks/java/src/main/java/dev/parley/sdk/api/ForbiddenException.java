// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.ApiException;
import dev.parley.sdk.Refusal;

/** The server said {@code forbidden}. */
public final class ForbiddenException extends ApiException {
    private static final long serialVersionUID = 1L;

    public ForbiddenException(Refusal refusal) {
        super(refusal);
    }
}
