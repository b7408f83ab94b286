package dev.parley.sdk;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * A file that only its owner can read (mode 0600); it is replaced as a whole, so that a crash leaves the old one.
 * Several programs may share it; beside it is a file that they lock. One that holds no session is as good as none.
 */
public final class FileTokenStore implements TokenStore {
    // A file is locked by a whole program: among the clients of one program this does it.
    private static final Map<Path, ReentrantLock> LOCKS = new ConcurrentHashMap<>();

    private final Path path;

    public FileTokenStore(Path path) {
        this.path = path.toAbsolutePath().normalize();
    }

    private record Content(
        @JsonProperty(value = "access_token", required = true) String accessToken,
        @JsonProperty(value = "refresh_token", required = true) String refreshToken,
        @JsonProperty(value = "expires_at", required = true) Instant expiresAt,
        @JsonProperty(value = "lifetime_ms", required = true) long lifetime) {

        StoredTokens tokens() {
            return new StoredTokens(accessToken, refreshToken, expiresAt, Duration.ofMillis(lifetime));
        }
    }

    @Override
    public Optional<StoredTokens> load() {
        try {
            Content read = Json.MAPPER.readValue(Files.readAllBytes(path), Content.class);
            return Optional.ofNullable(read).map(Content::tokens);
        } catch (NoSuchFileException | JsonProcessingException none) {
            return Optional.empty();
        } catch (IOException error) {
            throw new ParleyException("The tokens cannot be read from " + path, error);
        }
    }

    @Override
    public void save(StoredTokens tokens) {
        ReplacedFile.write(
            path,
            Json.bytes(new Content(
                tokens.accessToken(), tokens.refreshToken(), tokens.expiresAt(), tokens.lifetime().toMillis())));
    }

    @Override
    public void clear() {
        try {
            Files.deleteIfExists(path);
        } catch (IOException error) {
            throw new ParleyException("The tokens cannot be removed from " + path, error);
        }
    }

    @Override
    public <T> T alone(Supplier<T> renewal) {
        ReentrantLock lock = LOCKS.computeIfAbsent(path, path -> new ReentrantLock());
        try {
            lock.lockInterruptibly();
        } catch (InterruptedException error) {
            throw Transport.interrupted(error);
        }
        try (FileChannel file = FileChannel.open(
                path.resolveSibling(path.getFileName() + ".lock"),
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE)) {
            file.lock();
            return renewal.get();
        } catch (IOException error) {
            throw new ParleyException("The tokens cannot be locked in " + path, error);
        } finally {
            lock.unlock();
        }
    }
}
