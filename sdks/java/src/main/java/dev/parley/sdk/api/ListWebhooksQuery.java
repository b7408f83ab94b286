// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Body;
import java.util.Map;

/** Says which part list_webhooks gives; what is not set is not asked for. */
public final class ListWebhooksQuery extends Body {
    public ListWebhooksQuery() {
        super(named());
    }

    private ListWebhooksQuery(Map<String, Object> fields) {
        super(fields);
    }

    /** Only webhooks that are active, or only those that are disabled. */
    public ListWebhooksQuery status(WebhookStatus status) {
        return new ListWebhooksQuery(with("status", status));
    }

    /** How many items a page has at most. */
    public ListWebhooksQuery limit(long limit) {
        return new ListWebhooksQuery(with("limit", limit));
    }

    /** Only webhooks older than this one, be it deleted since. */
    public ListWebhooksQuery before(String before) {
        return new ListWebhooksQuery(with("before", before));
    }

    /** Only webhooks newer than this one, the next ones, be it deleted since. */
    public ListWebhooksQuery after(String after) {
        return new ListWebhooksQuery(with("after", after));
    }
}
