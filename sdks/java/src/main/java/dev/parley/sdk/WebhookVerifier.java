package dev.parley.sdk;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.standardwebhooks.Webhook;
import dev.parley.sdk.api.UnknownPayload;
import dev.parley.sdk.api.WebhookPayload;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.erdtman.jcs.JsonCanonicalizer;

/**
 * Verifies the requests of webhooks with any of some secrets: during a rotation there are two. A secret is as the
 * server took or made it: {@code whsec_} and base64, or a form of one's own, whose key is its UTF-8.
 */
public final class WebhookVerifier {
    private static final String STANDARD = "whsec_";
    private static final List<String> HEADERS = List.of("webhook-id", "webhook-timestamp", "webhook-signature");

    private final List<byte[]> keys = new ArrayList<>();

    public WebhookVerifier(String... secrets) {
        if (secrets.length == 0) {
            throw new IllegalArgumentException("Without a secret nothing can be verified");
        }
        for (String secret : secrets) {
            keys.add(secret.startsWith(STANDARD)
                ? Base64.getDecoder().decode(secret.substring(STANDARD.length()))
                : secret.getBytes(StandardCharsets.UTF_8));
        }
        if (keys.stream().anyMatch(key -> key.length == 0)) {
            throw new IllegalArgumentException("An empty secret is none: anybody could sign with it");
        }
    }

    /**
     * Returns what a request says, by its headers {@code webhook-*} (https://www.standardwebhooks.com).
     *
     * @param body what was received, byte for byte
     * @param header gives the value of a header by its name in small letters, or null, as
     *     {@code request::getHeader} or {@code exchange.getRequestHeaders()::getFirst}
     * @throws WebhookVerificationException when none of the secrets signed this, or long ago
     */
    public WebhookPayload verify(byte[] body, Function<String, String> header) {
        Map<String, List<String>> headers = new HashMap<>();
        for (String name : HEADERS) {
            String value = header.apply(name);
            if (value != null) {
                headers.put(name, List.of(value));
            }
        }
        String text = new String(body, StandardCharsets.UTF_8);
        Exception refused = null;
        for (byte[] key : keys) {
            try {
                new Webhook(key).verify(text, headers);
                return payload(body);
            } catch (com.standardwebhooks.exceptions.WebhookVerificationException error) {
                refused = error;
            }
        }
        throw new WebhookVerificationException("None of the secrets signed this", refused);
    }

    /** Does the same by the member {@code signature} of the body, which says nothing of the time: prefer verify. */
    public WebhookPayload verifySignature(byte[] body) {
        byte[] given;
        byte[] canonical;
        try {
            if (!(Json.MAPPER.readTree(body) instanceof ObjectNode members) || !members.path("signature").isTextual()) {
                throw new WebhookVerificationException("It has no signature", null);
            }
            given = members.remove("signature").textValue().getBytes(StandardCharsets.UTF_8);
            canonical = new JsonCanonicalizer(Json.bytes(members)).getEncodedUTF8();
        } catch (IOException error) {
            throw new WebhookVerificationException("It is no JSON", error);
        }
        for (byte[] key : keys) {
            String expected = "sha256=" + HexFormat.of().formatHex(hmac(key, canonical));
            if (MessageDigest.isEqual(expected.getBytes(StandardCharsets.UTF_8), given)) {
                return payload(body);
            }
        }
        throw new WebhookVerificationException("None of the secrets signed this", null);
    }

    private static byte[] hmac(byte[] key, byte[] text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text);
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException("Every Java has HmacSHA256", error);
        }
    }

    private static WebhookPayload payload(byte[] body) {
        try {
            JsonNode tree = Json.MAPPER.readTree(body);
            try {
                return Json.MAPPER.treeToValue(tree, WebhookPayload.class);
            } catch (JsonProcessingException later) {
                // What is in it has changed since.
                return Json.MAPPER.treeToValue(tree, UnknownPayload.class);
            }
        } catch (IOException error) {
            throw new WebhookVerificationException("It was signed, and is no event", error);
        }
    }
}
