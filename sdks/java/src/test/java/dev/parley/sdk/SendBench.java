package dev.parley.sdk;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.parley.sdk.api.TextToReceiver;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;

/**
 * Compares a send by the SDK with one by a bare HttpClient and Jackson, in turns. After check.sh, in sdks/java:
 * java -cp build/classes:build/test-classes:$(cat build/class-path) dev.parley.sdk.SendBench
 */
final class SendBench {
    private static final int ROUNDS = 300;
    private static final int SENDS = 100;
    private static final String SENT = """
        {"id": "m", "conversation_id": "c", "seq": 1, "position": 1, "sender_id": "u", "receiver_id": "v", \
        "content": "Hello, world!", "type": "text", "status": "sent", "metadata": {}, \
        "created_at": "2026-11-22T12:00:00Z", "edited_at": null, "deleted_at": null}""";

    private interface Send {
        void once() throws IOException, InterruptedException;
    }

    private SendBench() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
                Client client = new Client("http://localhost:" + server.getLocalPort())) {
            Thread accepting = new Thread(() -> serve(server));
            accepting.setDaemon(true);
            accepting.start();
            client.useTokens("access", "refresh", Duration.ofHours(1));
            Send sdk = () -> client.sendMessage(new TextToReceiver("v", "Hello, world!"));
            Send bare = bare(URI.create("http://localhost:" + server.getLocalPort() + "/v1/messages"));
            double leastBare = Double.MAX_VALUE;
            double leastSdk = Double.MAX_VALUE;
            for (int round = 0; round < ROUNDS; round++) {
                leastBare = Math.min(leastBare, micros(bare));
                leastSdk = Math.min(leastSdk, micros(sdk));
            }
            // The least of each is what it costs when nothing else disturbs it.
            System.out.printf("bare %.1f us, sdk %.1f us: %.2f%n", leastBare, leastSdk, leastSdk / leastBare);
        }
    }

    private static double micros(Send send) throws IOException, InterruptedException {
        long began = System.nanoTime();
        for (int number = 0; number < SENDS; number++) {
            send.once();
        }
        return (System.nanoTime() - began) / 1000.0 / SENDS;
    }

    private static Send bare(URI address) {
        HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        ObjectMapper json = new ObjectMapper();
        return () -> {
            byte[] body = json.writeValueAsBytes(Map.of("receiver_id", "v", "content", "Hello, world!"));
            HttpRequest request = HttpRequest.newBuilder(address)
                .header("Content-Type", "application/json")
                .header("Authorization", "Bearer access")
                .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                .build();
            json.readValue(http.send(request, HttpResponse.BodyHandlers.ofByteArray()).body(), Map.class);
        };
    }

    private static void serve(ServerSocket server) {
        while (!server.isClosed()) {
            try {
                java.net.Socket socket = server.accept();
                Thread thread = new Thread(() -> answer(socket));
                thread.setDaemon(true);
                thread.start();
            } catch (IOException closed) {
                return;
            }
        }
    }

    private static void answer(java.net.Socket socket) {
        byte[] answer = ("HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: "
            + SENT.length() + "\r\nX-Request-Id: r\r\nX-RateLimit-Limit: 100\r\nX-RateLimit-Remaining: 99\r\n"
            + "X-RateLimit-Reset: 1800000000\r\n\r\n" + SENT).getBytes(StandardCharsets.UTF_8);
        try (socket) {
            socket.setTcpNoDelay(true);
            InputStream in = new BufferedInputStream(socket.getInputStream());
            OutputStream out = socket.getOutputStream();
            // Each body is one object without others in it: its end is the end of the request.
            for (int read = in.read(); read >= 0; read = in.read()) {
                if (read == '}') {
                    out.write(answer);
                }
            }
        } catch (IOException gone) {
            // The client closed it.
        }
    }
}
