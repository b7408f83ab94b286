package dev.parley.sdk;

import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Says the same frames on each connection after the client's first one, and closes when the client does. */
final class SocketServer implements AutoCloseable {
    private static final String GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private static final int TEXT = 0x81;
    private static final int CLOSE = 0x88;

    final List<String> heard = new CopyOnWriteArrayList<>();
    /** The connections that were made, also those that are gone. */
    final List<java.net.Socket> connections = new CopyOnWriteArrayList<>();
    private final ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    private final String[] frames;
    /** Whether each connection ends, without a farewell, as soon as the frames are said. */
    volatile boolean leaves;
    /** The code, if any, that the server closes each connection with then. */
    volatile int farewell;

    SocketServer(String... frames) throws IOException {
        this.frames = frames;
        Thread thread = new Thread(this::serve, "socket-server");
        thread.setDaemon(true);
        thread.start();
    }

    String url() {
        return "http://localhost:" + server.getLocalPort();
    }

    private void serve() {
        while (!server.isClosed()) {
            try (java.net.Socket socket = server.accept()) {
                connections.add(socket);
                talk(socket);
            } catch (IOException | GeneralSecurityException gone) {
                // The next one, then; close() ends it.
            }
        }
    }

    private void talk(java.net.Socket socket) throws IOException, GeneralSecurityException {
        BufferedReader head = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8), 1);
        String key = "";
        for (String line = head.readLine(); line != null && !line.isEmpty(); line = head.readLine()) {
            if (line.toLowerCase().startsWith("sec-websocket-key:")) {
                key = line.substring(line.indexOf(':') + 1).strip();
            }
        }
        byte[] digest = MessageDigest.getInstance("SHA-1").digest((key + GUID).getBytes(StandardCharsets.UTF_8));
        OutputStream out = socket.getOutputStream();
        out.write(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: " + Base64.getEncoder().encodeToString(digest) + "\r\n\r\n")
            .getBytes(StandardCharsets.UTF_8));
        DataInputStream in = new DataInputStream(socket.getInputStream());
        boolean greeted = false;
        while (true) {
            int kind = in.readUnsignedByte();
            byte[] payload = unmasked(in);
            if (kind == CLOSE) {
                out.write(new byte[] {(byte) CLOSE, 2, payload[0], payload[1]});
                return;
            }
            heard.add(new String(payload, StandardCharsets.UTF_8));
            if (!greeted) {
                greeted = true;
                for (String frame : frames) {
                    write(out, frame);
                }
                if (farewell != 0) {
                    out.write(new byte[] {(byte) CLOSE, 2, (byte) (farewell >> 8), (byte) farewell});
                    return;
                }
                if (leaves) {
                    return;
                }
            }
        }
    }

    private static byte[] unmasked(DataInputStream in) throws IOException {
        int length = in.readUnsignedByte() & 0x7f;
        if (length == 126) {
            length = in.readUnsignedShort();
        }
        byte[] mask = in.readNBytes(4);
        byte[] payload = in.readNBytes(length);
        for (int i = 0; i < length; i++) {
            payload[i] ^= mask[i % 4];
        }
        return payload;
    }

    private static void write(OutputStream out, String frame) throws IOException {
        byte[] payload = frame.getBytes(StandardCharsets.UTF_8);
        out.write(TEXT);
        if (payload.length < 126) {
            out.write(payload.length);
        } else if (payload.length < 1 << 16) {
            out.write(new byte[] {126, (byte) (payload.length >> 8), (byte) payload.length});
        } else {
            out.write(127);
            out.write(ByteBuffer.allocate(8).putLong(payload.length).array());
        }
        out.write(payload);
        out.flush();
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
