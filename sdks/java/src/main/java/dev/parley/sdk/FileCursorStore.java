package dev.parley.sdk;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** A file with the cursor. */
public final class FileCursorStore implements CursorStore {
    private final Path path;

    public FileCursorStore(Path path) {
        this.path = path;
    }

    @Override
    public String load() {
        try {
            String cursor = Files.readString(path);
            return cursor.isEmpty() ? null : cursor;
        } catch (NoSuchFileException absent) {
            return null;
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    @Override
    public void save(String cursor) {
        ReplacedFile.write(path, (cursor == null ? "" : cursor).getBytes(StandardCharsets.UTF_8));
    }
}
