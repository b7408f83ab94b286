package dev.parley.sdk;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** A file that only its owner can read (mode 0600); it is replaced as a whole, so that a crash leaves the old one. */
public final class FileTokenStore implements TokenStore {
    private final Path path;

    public FileTokenStore(Path path) {
        this.path = path;
    }

    private record Content(
        @JsonProperty("access_token") String accessToken,
        @JsonProperty("refresh_token") String refreshToken,
        @JsonProperty("expires_at") Instant expiresAt,
        @JsonProperty("lifetime_ms") long lifetime) {}

    @Override
    public Optional<StoredTokens> load() {
        try {
            Content read = Json.MAPPER.readValue(Files.readAllBytes(path), Content.class);
            return Optional.of(new StoredTokens(
                read.accessToken, read.refreshToken, read.expiresAt, Duration.ofMillis(read.lifetime)));
        } catch (NoSuchFileException absent) {
            return Optional.empty();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
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
            throw new UncheckedIOException(error);
        }
    }
}
