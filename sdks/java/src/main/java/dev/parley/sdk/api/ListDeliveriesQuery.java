// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** Says which part list_deliveries gives; what is not set is not asked for. */
public final class ListDeliveriesQuery extends Body {
    public ListDeliveriesQuery() {
        super(named());
    }

    private ListDeliveriesQuery(Map<String, Object> fields) {
        super(fields);
    }

    /** Only deliveries that have come this far. */
    public ListDeliveriesQuery status(DeliveryStatus status) {
        return new ListDeliveriesQuery(with("status", status));
    }

    /** How many items a page has at most. */
    public ListDeliveriesQuery limit(long limit) {
        return new ListDeliveriesQuery(with("limit", limit));
    }

    /** Only deliveries older than this one, be it kept or not. */
    public ListDeliveriesQuery before(String before) {
        return new ListDeliveriesQuery(with("before", before));
    }

    /** Only deliveries newer than this one, the next ones, be it kept or not. */
    public ListDeliveriesQuery after(String after) {
        return new ListDeliveriesQuery(with("after", after));
    }
}
