package dev.parley.sdk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoresTest {
    @TempDir Path directory;

    @Test
    void tokensAreForTheirOwner() throws IOException {
        Path path = directory.resolve("tokens");
        FileTokenStore store = new FileTokenStore(path);
        assertEquals(Optional.empty(), store.load());
        Instant end = Instant.parse("2026-11-22T12:00:00.5Z");
        StoredTokens tokens = new StoredTokens("a", "r", end, Duration.ofHours(1));
        store.save(new StoredTokens("before", "r", end, Duration.ofHours(1)));
        store.save(tokens);
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
        assertEquals(Optional.of(tokens), store.load());
        try (var files = Files.list(directory)) {
            assertEquals(1, files.count());
        }
        store.clear();
        store.clear();
        assertEquals(Optional.empty(), store.load());
        assertFalse(tokens.toString().contains("\"a\"") || tokens.toString().contains("accessToken"));
    }

    @Test
    void cursorsAreKept() {
        FileCursorStore store = new FileCursorStore(directory.resolve("cursor"));
        assertNull(store.load());
        store.save("c-1");
        assertEquals("c-1", store.load());
        store.save(null);
        assertNull(store.load());
    }
}
