package dev.parley.sdk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.standardwebhooks.exceptions.WebhookSigningException;
import dev.parley.sdk.api.MessageDeletedPayload;
import dev.parley.sdk.api.UnknownPayload;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;

class WebhookVerifierTest {
    private static final String SECRET = "webhook_secret";

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String signature(String canonical) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(bytes(SECRET), "HmacSHA256"));
        return "sha256=" + HexFormat.of().formatHex(mac.doFinal(bytes(canonical)));
    }

    @Test
    void theSignedBytesGiveTheEvent() throws WebhookSigningException {
        String body = """
            {"event": "message.deleted", "timestamp": "2026-11-22T12:00:00Z", "cursor": "c-1", "signature": "sha256=0",
             "data": %s}""".formatted(Answers.MESSAGE.replace("\"id\":", "\"message_id\": \"m\", \"id\":"));
        long now = Instant.now().getEpochSecond();
        String signed = new com.standardwebhooks.Webhook(bytes(SECRET)).sign("w-1", now, body);
        Map<String, String> headers = Map.of(
            "webhook-id", "w-1", "webhook-timestamp", String.valueOf(now), "webhook-signature", signed);
        WebhookVerifier verifier = new WebhookVerifier("another", SECRET);
        assertInstanceOf(MessageDeletedPayload.class, verifier.verify(bytes(body), headers::get));
        assertThrows(WebhookVerificationException.class, () -> verifier.verify(bytes(body + " "), headers::get));
        assertThrows(WebhookVerificationException.class, () -> verifier.verify(bytes(body), Map.<String, String>of()::get));
        assertThrows(IllegalArgumentException.class, () -> new WebhookVerifier(SECRET, ""));
        assertThrows(IllegalArgumentException.class, () -> new WebhookVerifier("whsec_"));
        WebhookVerifier stranger = new WebhookVerifier("another");
        assertThrows(WebhookVerificationException.class, () -> stranger.verify(bytes(body), headers::get));
    }

    /** Numbers, the order of names and escapes are those of RFC 8785. */
    @Test
    void theMemberSignatureStandsForTheCanonicalForm() throws GeneralSecurityException {
        String canonical = "{\"data\":{\"a\":[1e+30,4.5,0.002,1e-27,10],\"é\":\"\\u000f\\n€\"},\"event\":\"moon.landed\"}";
        String body = "{\"signature\": \"" + signature(canonical)
            + "\", \"event\": \"moon.landed\", \"data\": {\"é\": \"\\u000F\\u000a\\u20ac\","
            + " \"a\": [1E30, 4.50, 2e-3, 0.000000000000000000000000001, 10]}}";
        WebhookVerifier verifier = new WebhookVerifier(SECRET);
        assertEquals("moon.landed", assertInstanceOf(UnknownPayload.class, verifier.verifySignature(bytes(body))).event());
        byte[] flipped = bytes(body.replace("moon", "noon"));
        assertThrows(WebhookVerificationException.class, () -> verifier.verifySignature(flipped));
    }

    @Test
    void whatIsNoPayloadIsRefused() {
        WebhookVerifier verifier = new WebhookVerifier(SECRET);
        for (String body : new String[] {"", "null", "[]", "{}", "{\"signature\": 7}", "{\"signature\": \"sha256=\"}", "\u0000"}) {
            assertThrows(WebhookVerificationException.class, () -> verifier.verifySignature(bytes(body)), body);
        }
        assertThrows(IllegalArgumentException.class, WebhookVerifier::new);
        assertThrows(IllegalArgumentException.class, () -> new WebhookVerifier("whsec_no base64"));
    }
}
