package dev.parley.sdk;

import java.net.http.HttpClient;
import java.util.concurrent.Executor;

/** Java's HTTP client, and how it is closed. */
final class Connections implements Executor, AutoCloseable {
    private final Executor executor;
    private HttpClient http;
    private volatile Thread reader;

    Connections(Executor executor) {
        this.executor = executor;
    }

    /** Begins its thread when it is needed. */
    synchronized HttpClient http() {
        if (http == null) {
            // HTTP/2 would be offered in each request without TLS, and gains nothing here. Nothing is sent to where a
            // redirect leads: requests and sockets carry tokens.
            http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .executor(this)
                .build();
        }
        return http;
    }

    /** Does HttpClient's work, and remembers the thread that it reads with: before Java 21 nothing else ends it. */
    @Override
    public void execute(Runnable work) {
        Thread thread = Thread.currentThread();
        if (reader == null && thread.getName().endsWith("-SelectorManager")) {
            reader = thread;
        }
        executor.execute(work);
    }

    /** Ends its thread. One that is not known ends some seconds after nothing refers to its client any more. */
    @Override
    public synchronized void close() {
        if (http instanceof AutoCloseable) {
            try {
                HttpClient.class.getMethod("shutdownNow").invoke(http);
            } catch (ReflectiveOperationException error) {
                throw new IllegalStateException("An HttpClient that can be closed can be shut down", error);
            }
            return;
        }
        Thread thread = reader;
        if (thread != null) {
            thread.interrupt();
        }
    }
}
