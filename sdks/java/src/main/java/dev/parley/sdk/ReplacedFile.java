package dev.parley.sdk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;

/** Writes a small file so that there is always the old one or the new one. */
final class ReplacedFile {
    private ReplacedFile() {}

    static void write(Path path, byte[] content) {
        try {
            Path absolute = path.toAbsolutePath();
            Path made = Files.createTempFile(
                absolute.getParent(), "." + absolute.getFileName() + ".", "", ownerOnly(absolute));
            try {
                try (FileChannel channel = FileChannel.open(made, StandardOpenOption.WRITE)) {
                    ByteBuffer left = ByteBuffer.wrap(content);
                    while (left.hasRemaining()) {
                        channel.write(left);
                    }
                    channel.force(true);
                }
                Files.move(made, absolute, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(made);
            }
        } catch (IOException error) {
            throw new ParleyException("It cannot be written to " + path, error);
        }
    }

    private static FileAttribute<?>[] ownerOnly(Path path) {
        // Other file systems have no modes.
        if (!path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            return new FileAttribute<?>[0];
        }
        return new FileAttribute<?>[] {
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
        };
    }
}
