package dev.parley.sdk;

import com.fasterxml.jackson.databind.JsonNode;
import dev.parley.sdk.api.Facts;
import java.io.IOException;
import java.util.Map;
import java.util.function.Function;

/** The server's refusal of a request; each code of the contract has a class below this one. */
public class ApiException extends ParleyException {
    private static final long serialVersionUID = 1L;

    // What stands for a code where there is none.
    private static final String NO_CODE = "unknown";

    private final transient Refusal refusal;

    public ApiException(Refusal refusal) {
        super(refusal.message() + " (" + refusal.code() + ", " + refusal.status() + ")");
        this.refusal = refusal;
    }

    /** What the server said. */
    public Refusal refusal() {
        return refusal;
    }

    public String code() {
        return refusal.code();
    }

    public int status() {
        return refusal.status();
    }

    public String field() {
        return refusal.field();
    }

    public String reason() {
        return refusal.reason();
    }

    public String requestId() {
        return refusal.requestId();
    }

    public Map<String, Object> details() {
        return refusal.details();
    }

    boolean saysTokenExpired() {
        return refusal.status() == 401 && Boolean.TRUE.equals(refusal.details().get("token_expired"));
    }

    /** Whether the server itself refuses who asks; a proxy's page with that status says nothing of the session. */
    boolean saysUnauthorized() {
        return refusal.status() == 401 && !refusal.code().equals(NO_CODE);
    }

    /** Reads an answer; one that is no envelope, as a proxy's page, has the class of its status. */
    static ApiException of(int status, byte[] body, String requestId) {
        JsonNode error = envelope(body);
        String code = error.path("code").asText(NO_CODE);
        String message = error.path("message").asText("The server gave no reason");
        Map<String, Object> details = Json.object(error.path("details"));
        Refusal refusal = new Refusal(
            code, status, message, text(details, "field"), text(details, "reason"), requestId, details);
        Function<Refusal, ApiException> known = Facts.ERROR_OF_CODE.get(code);
        if (known == null) {
            known = Facts.ERROR_OF_STATUS.getOrDefault(status, ApiException::new);
        }
        return known.apply(refusal);
    }

    private static JsonNode envelope(byte[] body) {
        try {
            return Json.MAPPER.readTree(body).path("error");
        } catch (IOException notJson) {
            // The status is all that is known, then.
            return Json.MAPPER.missingNode();
        }
    }

    private static String text(Map<String, Object> details, String name) {
        return details.get(name) instanceof String text ? text : null;
    }
}
