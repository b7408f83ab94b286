import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import dev.parley.sdk.ApiException;
import dev.parley.sdk.Backoff;
import dev.parley.sdk.Client;
import dev.parley.sdk.ConnectionFailedException;
import dev.parley.sdk.FileCursorStore;
import dev.parley.sdk.FileTokenStore;
import dev.parley.sdk.LastAnswer;
import dev.parley.sdk.ListenOptions;
import dev.parley.sdk.Listener;
import dev.parley.sdk.RetryPolicy;
import dev.parley.sdk.SessionEndedException;
import dev.parley.sdk.SocketClosedException;
import dev.parley.sdk.StoredTokens;
import dev.parley.sdk.TimedOutException;
import dev.parley.sdk.WebhookVerificationException;
import dev.parley.sdk.WebhookVerifier;
import dev.parley.sdk.api.Event;
import dev.parley.sdk.api.ListMessagesQuery;
import dev.parley.sdk.api.Message;
import dev.parley.sdk.api.RegisterUser;
import dev.parley.sdk.api.SendMessage;
import dev.parley.sdk.api.TextToConversation;
import dev.parley.sdk.api.TextToReceiver;
import dev.parley.sdk.api.UnknownEvent;
import dev.parley.sdk.api.UpdateUser;
import dev.parley.sdk.api.UserStatus;
import dev.parley.sdk.api.WebhookPayload;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;

/** The driver of the SDK for Java; sdks/conformance/README.md says what it is asked. */
public final class Driver {
    private static final ObjectMapper JSON = mapper();
    private static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    // Threads of the machine itself, which it keeps once they were needed.
    private static final List<String> MACHINE = List.of(
        "CompletableFutureDelayScheduler", "ForkJoinPool", "Common-Cleaner", "Cleaner-", "process reaper");

    private final Map<String, Client> clients = new ConcurrentHashMap<>();
    private final Map<String, String> users = new ConcurrentHashMap<>();
    private final Map<String, Handler> handlers = new ConcurrentHashMap<>();
    private final Set<Thread> idle = Thread.getAllStackTraces().keySet();

    private static ObjectMapper mapper() {
        // The SDK's records tell their names; times are written as they came.
        SimpleModule times = new SimpleModule();
        times.addSerializer(Instant.class, new ToStringSerializer());
        return new ObjectMapper().registerModule(times);
    }

    public static void main(String[] arguments) throws IOException {
        Driver driver = new Driver();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonNode command = JSON.readTree(line);
            String what = command.get("do").asText();
            if (what.equals("exit")) {
                driver.end();
                return;
            }
            if (what.equals("client") || what.equals("listen")) {
                // What comes next may need it.
                driver.run(command);
            } else {
                new Thread(() -> driver.run(command), "command").start();
            }
        }
    }

    private static void say(Object line) {
        String text;
        try {
            text = JSON.writeValueAsString(line);
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
        synchronized (OUT) {
            OUT.println(text);
            OUT.flush();
        }
    }

    private void run(JsonNode command) {
        int id = command.get("id").asInt();
        try {
            Object answer = obey(command);
            say(Map.of("id", id, "ok", answer == null ? Map.of() : answer));
        } catch (RuntimeException error) {
            say(Map.of("id", id, "error", factOf(error)));
        }
    }

    private static Map<String, Object> factOf(Throwable thrown) {
        Throwable error = thrown instanceof CompletionException ? thrown.getCause() : thrown;
        Map<String, Object> fact = new HashMap<>();
        for (String name : List.of("code", "status", "field", "reason", "request_id")) {
            fact.put(name, null);
        }
        // Java calls an exception what others call an error.
        String name = error.getClass().getSimpleName().replaceFirst("Exception$", "");
        fact.put("class", name);
        fact.put("message", String.valueOf(error.getMessage()));
        if (error instanceof ApiException refused) {
            fact.put("class", name.equals("Api") ? "ApiError" : name + "Error");
            fact.put("code", refused.code());
            fact.put("status", refused.status());
            fact.put("field", refused.field());
            fact.put("reason", refused.reason());
            fact.put("request_id", refused.requestId());
            fact.put("message", refused.refusal().message());
        } else if (error instanceof SocketClosedException closed) {
            fact.put("code", closed.code());
        } else if (error instanceof WebhookVerificationException) {
            fact.put("class", "WebhookVerificationError");
        } else if (!(error instanceof ConnectionFailedException || error instanceof SessionEndedException)) {
            error.printStackTrace();
        }
        return fact;
    }

    private Object obey(JsonNode c) {
        return switch (c.get("do").asText()) {
            case "client" -> make(c);
            case "close" -> nothing(() -> clients.remove(text(c, "name")).close());
            case "login" -> login(c);
            case "logout" -> nothing(() -> client(c).logOut());
            case "tokens" -> tokens(client(c).tokens().orElseThrow());
            case "set_tokens" -> nothing(() -> client(c).useTokens(
                text(c, "access_token"), text(c, "refresh_token"), seconds(c.get("expires_in"))));
            case "register" -> client(c).registerUser(
                new RegisterUser(text(c, "email"), text(c, "password"), text(c, "username")));
            case "me" -> client(c).getMe();
            case "update_me" -> update(c);
            case "send" -> client(c).sendMessage(message(c), text(c, "idempotency_key"));
            case "pages" -> pages(c);
            case "history" -> history(c);
            case "last" -> last(client(c).last());
            case "listen" -> listen(c);
            case "pause" -> nothing(() -> handler(c).pause(true));
            case "resume" -> nothing(() -> handler(c).pause(false));
            case "held" -> Map.of("events", handler(c).listener.held());
            case "typing" -> nothing(() -> handler(c).listener.typing(
                text(c, "conversation_id"), c.get("is_typing").asBoolean()));
            case "presence" -> nothing(() -> handler(c).listener.presence(new UserStatus(text(c, "status"))));
            case "receipt" -> nothing(() -> handler(c).listener.receipt(
                text(c, "conversation_id"), text(c, "message_id"), text(c, "kind")));
            case "unlisten" -> nothing(() -> unlisten(text(c, "listener")));
            case "verify" -> verify(c);
            case "leftovers" -> Map.of("count", leftovers());
            default -> throw new IllegalArgumentException("There is no such command");
        };
    }

    private static Object nothing(Runnable work) {
        work.run();
        return null;
    }

    private static String text(JsonNode c, String name) {
        return c.path(name).isTextual() ? c.get(name).asText() : null;
    }

    private static Duration seconds(JsonNode value) {
        return Duration.ofMillis(Math.round(value.asDouble() * 1000));
    }

    private static Backoff backoff(JsonNode c) {
        return new Backoff(seconds(c.get("base")), c.has("cap") ? seconds(c.get("cap")) : Duration.ofSeconds(30));
    }

    private Client client(JsonNode c) {
        return clients.get(text(c, "client"));
    }

    private Handler handler(JsonNode c) {
        return handlers.get(text(c, "listener"));
    }

    private Object make(JsonNode c) {
        Client.Builder builder = Client.builder(text(c, "base_url"));
        if (c.has("token_file")) {
            builder.tokenStore(new FileTokenStore(Path.of(text(c, "token_file"))));
        }
        if (c.has("refresh_margin")) {
            builder.refreshMargin(seconds(c.get("refresh_margin")));
        }
        if (c.has("timeout")) {
            builder.timeout(seconds(c.get("timeout")));
        }
        if (c.has("retry")) {
            JsonNode retry = c.get("retry");
            builder.retry(new RetryPolicy(
                retry.get("max_attempts").asInt(), seconds(retry.get("max_elapsed")), backoff(retry)));
        }
        clients.put(text(c, "name"), builder.build());
        return null;
    }

    private Object login(JsonNode c) {
        String user = client(c).logIn(text(c, "email"), text(c, "password")).userId();
        users.put(text(c, "client"), user);
        return Map.of("user_id", user);
    }

    private static Object tokens(StoredTokens tokens) {
        return Map.of("access_token", tokens.accessToken(), "refresh_token", tokens.refreshToken());
    }

    private Object update(JsonNode c) {
        UpdateUser body = new UpdateUser();
        for (Map.Entry<String, JsonNode> field : c.get("fields").properties()) {
            String value = field.getValue().textValue();
            body = switch (field.getKey()) {
                case "bio" -> body.bio(value);
                case "location" -> body.location(value);
                case "display_name" -> body.displayName(value);
                default -> throw new IllegalArgumentException("The suite has no such field");
            };
        }
        return client(c).updateUser(users.get(text(c, "client")), body);
    }

    private static SendMessage message(JsonNode c) {
        if (c.has("conversation_id")) {
            return new TextToConversation(text(c, "conversation_id"), text(c, "content"));
        }
        return new TextToReceiver(text(c, "receiver_id"), text(c, "content"));
    }

    private Object pages(JsonNode c) {
        ListMessagesQuery query = new ListMessagesQuery()
            .conversationId(text(c, "conversation_id"))
            .limit(c.get("limit").asLong());
        Iterable<Message> walk = text(c, "direction").equals("newer")
            ? client(c).listMessagesNewer(query.after(text(c, "start")))
            : client(c).listMessagesOlder(query.before(text(c, "start")));
        List<String> ids = new ArrayList<>();
        for (Message message : walk) {
            ids.add(message.id());
            if (ids.size() == c.path("stop_after").asInt()) {
                break;
            }
        }
        return Map.of("ids", ids);
    }

    private Object history(JsonNode c) {
        List<String> ids = new ArrayList<>();
        client(c).historySince(Instant.parse(text(c, "since"))).forEach(message -> ids.add(message.id()));
        return Map.of("ids", ids);
    }

    private static Object last(LastAnswer last) {
        Map<String, Object> answer = new HashMap<>();
        answer.put("request_id", last.requestId());
        LastAnswer.RateLimit limit = last.rateLimit();
        answer.put("rate_limit", limit == null ? null : Map.of(
            "limit", limit.limit(), "remaining", limit.remaining(), "reset", limit.reset().getEpochSecond()));
        return answer;
    }

    private Object listen(JsonNode c) {
        String name = text(c, "listener");
        ListenOptions options = new ListenOptions()
            .cursor(text(c, "cursor"))
            .onState(state -> say(Map.of("listener", name, "state", state.toString())));
        if (c.has("cursor_file")) {
            options.cursorStore(new FileCursorStore(Path.of(text(c, "cursor_file"))));
        }
        if (c.has("backoff")) {
            options.backoff(backoff(c.get("backoff")));
        }
        Handler handler = new Handler(name, client(c).listen(options));
        handlers.put(name, handler);
        handler.start();
        return null;
    }

    private void unlisten(String name) {
        Handler handler = handlers.remove(name);
        handler.pause(false);
        handler.listener.close();
        handler.ended.join();
    }

    private static Object verify(JsonNode c) {
        List<String> secrets = new ArrayList<>();
        c.get("secrets").forEach(secret -> secrets.add(secret.asText()));
        WebhookVerifier verifier = new WebhookVerifier(secrets.toArray(new String[0]));
        byte[] body = Base64.getDecoder().decode(text(c, "body"));
        WebhookPayload event = c.path("seed").asBoolean()
            ? verifier.verifySignature(body)
            : verifier.verify(body, name -> text(c.get("headers"), name));
        return Map.of("type", event.event(), "event", event);
    }

    /** Counts the threads that were not there before; those that are ending are given a moment. */
    private int leftovers() {
        int count = 0;
        for (int tries = 0; tries < 20; tries++) {
            count = 0;
            for (Thread thread : Thread.getAllStackTraces().keySet()) {
                boolean ours = !idle.contains(thread)
                    && !thread.getName().equals("command")
                    && MACHINE.stream().noneMatch(thread.getName()::startsWith);
                count += ours ? 1 : 0;
            }
            if (count == 0) {
                break;
            }
            try {
                Thread.sleep(100);
            } catch (InterruptedException error) {
                throw new IllegalStateException(error);
            }
        }
        return count;
    }

    private void end() {
        List.copyOf(handlers.keySet()).forEach(this::unlisten);
        clients.values().forEach(Client::close);
    }

    /** Says what one listener hears, and can be told to pause. */
    private static final class Handler {
        private final String name;
        private final Listener listener;
        private final CompletableFuture<Void> ended = new CompletableFuture<>();
        private boolean paused;

        Handler(String name, Listener listener) {
            this.name = name;
            this.listener = listener;
        }

        void start() {
            listener.start(this::take).whenComplete((nothing, error) -> {
                Map<String, Object> none = new HashMap<>();
                none.put("class", null);
                say(Map.of("listener", name, "ended", error == null ? none : factOf(error)));
                ended.complete(null);
            });
        }

        synchronized void pause(boolean paused) {
            this.paused = paused;
            notifyAll();
        }

        private synchronized void take(Event event) {
            while (paused) {
                try {
                    wait();
                } catch (InterruptedException error) {
                    throw new IllegalStateException(error);
                }
            }
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("type", event.type());
            line.put("cursor", event.cursor());
            line.put("seq", event.seq());
            line.put("data", event.data());
            line.put("known", !(event instanceof UnknownEvent));
            say(Map.of("listener", name, "event", line));
        }
    }
}
