// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.time.Instant;

/** What RecoverDeliveries sends. */
public final class RecoverDeliveries extends Body {
    public RecoverDeliveries(Instant since) {
        super(named("since", since));
    }
}
