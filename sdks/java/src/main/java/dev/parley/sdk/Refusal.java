package dev.parley.sdk;

import java.util.Map;

/**
 * What the server said when it refused a request.
 *
 * @param field the first thing that is wrong with the request, or null
 * @param reason what is wrong with it, or null
 * @param requestId for whoever runs the server
 */
public record Refusal(
    String code,
    int status,
    String message,
    String field,
    String reason,
    String requestId,
    Map<String, Object> details) {}
