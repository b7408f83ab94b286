package dev.parley.sdk;

import java.io.IOException;
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
            // Where this is no text, it is no cursor either, and the server says so.
            String cursor = new String(Files.readAllBytes(path), StandardCharsets.UTF_8);
            return cursor.isEmpty() ? null : cursor;
        } catch (NoSuchFileException absent) {
            return null;
        } catch (IOException error) {
            throw new ParleyException("The cursor cannot be read from " + path, error);
        }
    }

    @Override
    public void save(String cursor) {
        ReplacedFile.write(path, (cursor == null ? "" : cursor).getBytes(StandardCharsets.UTF_8));
    }
}
