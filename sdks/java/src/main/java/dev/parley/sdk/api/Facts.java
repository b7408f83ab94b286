// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.ApiException;
import dev.parley.sdk.Bucket;
import dev.parley.sdk.CloseVerdict;
import dev.parley.sdk.Operation;
import dev.parley.sdk.Refusal;
import java.util.Map;
import java.util.function.Function;

/** What the contract says beside its types. */
public final class Facts {
    /** The version of the contract that this was made from. */
    public static final String CONTRACT_VERSION = "1.1.0";

    public static final Operation LOGIN = new Operation("login", "POST", "/auth/login", false, false, false, "auth");
    public static final Operation REFRESH = new Operation("refresh", "POST", "/auth/refresh", false, true, true, "auth");
    public static final Operation LOGOUT = new Operation("logout", "POST", "/auth/logout", true, false, false, "auth");
    public static final Operation LIST_SESSIONS = new Operation("list_sessions", "GET", "/auth/sessions", true, false, true, "auth");
    public static final Operation REVOKE_SESSION = new Operation("revoke_session", "DELETE", "/auth/sessions/{session_id}", true, false, true, "auth");
    public static final Operation CHANGE_PASSWORD = new Operation("change_password", "PUT", "/auth/password", true, false, false, "auth");
    public static final Operation LIST_USERS = new Operation("list_users", "GET", "/users", true, false, true, "api");
    public static final Operation REGISTER_USER = new Operation("register_user", "POST", "/users", false, true, true, "api");
    public static final Operation GET_ME = new Operation("get_me", "GET", "/me", true, false, true, "api");
    public static final Operation GET_USER = new Operation("get_user", "GET", "/users/{user_id}", true, false, true, "api");
    public static final Operation UPDATE_USER = new Operation("update_user", "PATCH", "/users/{user_id}", true, false, false, "api");
    public static final Operation LIST_CONVERSATIONS = new Operation("list_conversations", "GET", "/conversations", true, false, true, "api");
    public static final Operation OPEN_CONVERSATION = new Operation("open_conversation", "POST", "/conversations", true, true, true, "api");
    public static final Operation GET_CONVERSATION = new Operation("get_conversation", "GET", "/conversations/{conversation_id}", true, false, true, "api");
    public static final Operation MARK_READ = new Operation("mark_read", "PUT", "/conversations/{conversation_id}/read", true, false, true, "api");
    public static final Operation MARK_DELIVERED = new Operation("mark_delivered", "PUT", "/conversations/{conversation_id}/delivered", true, false, true, "api");
    public static final Operation LIST_MESSAGES = new Operation("list_messages", "GET", "/messages", true, false, true, "api");
    public static final Operation SEND_MESSAGE = new Operation("send_message", "POST", "/messages", true, true, true, "api");
    public static final Operation GET_MESSAGE = new Operation("get_message", "GET", "/messages/{message_id}", true, false, true, "api");
    public static final Operation EDIT_MESSAGE = new Operation("edit_message", "PATCH", "/messages/{message_id}", true, false, false, "api");
    public static final Operation DELETE_MESSAGE = new Operation("delete_message", "DELETE", "/messages/{message_id}", true, false, true, "api");
    public static final Operation LIST_GROUPS = new Operation("list_groups", "GET", "/groups", true, false, true, "api");
    public static final Operation CREATE_GROUP = new Operation("create_group", "POST", "/groups", true, true, true, "api");
    public static final Operation GET_GROUP = new Operation("get_group", "GET", "/groups/{group_id}", true, false, true, "api");
    public static final Operation UPDATE_GROUP = new Operation("update_group", "PATCH", "/groups/{group_id}", true, false, false, "api");
    public static final Operation DELETE_GROUP = new Operation("delete_group", "DELETE", "/groups/{group_id}", true, false, true, "api");
    public static final Operation LIST_MEMBERS = new Operation("list_members", "GET", "/groups/{group_id}/members", true, false, true, "api");
    public static final Operation ADD_MEMBER = new Operation("add_member", "POST", "/groups/{group_id}/members", true, true, true, "api");
    public static final Operation GET_MEMBER = new Operation("get_member", "GET", "/groups/{group_id}/members/{user_id}", true, false, true, "api");
    public static final Operation UPDATE_MEMBER = new Operation("update_member", "PATCH", "/groups/{group_id}/members/{user_id}", true, false, false, "api");
    public static final Operation REMOVE_MEMBER = new Operation("remove_member", "DELETE", "/groups/{group_id}/members/{user_id}", true, false, true, "api");
    public static final Operation JOIN_GROUP = new Operation("join_group", "POST", "/groups/{group_id}/join", true, true, true, "api");
    public static final Operation LIST_EVENTS = new Operation("list_events", "GET", "/events", true, false, true, "api");
    public static final Operation LIST_WEBHOOKS = new Operation("list_webhooks", "GET", "/webhooks", true, false, true, "api");
    public static final Operation CREATE_WEBHOOK = new Operation("create_webhook", "POST", "/webhooks", true, true, true, "api");
    public static final Operation GET_WEBHOOK = new Operation("get_webhook", "GET", "/webhooks/{webhook_id}", true, false, true, "api");
    public static final Operation UPDATE_WEBHOOK = new Operation("update_webhook", "PATCH", "/webhooks/{webhook_id}", true, false, false, "api");
    public static final Operation DELETE_WEBHOOK = new Operation("delete_webhook", "DELETE", "/webhooks/{webhook_id}", true, false, true, "api");
    public static final Operation ROTATE_SECRET = new Operation("rotate_secret", "POST", "/webhooks/{webhook_id}/rotate-secret", true, true, true, "api");
    public static final Operation TEST_WEBHOOK = new Operation("test_webhook", "POST", "/webhooks/{webhook_id}/test", true, true, true, "webhooks");
    public static final Operation LIST_DELIVERIES = new Operation("list_deliveries", "GET", "/webhooks/{webhook_id}/deliveries", true, false, true, "api");
    public static final Operation GET_DELIVERY = new Operation("get_delivery", "GET", "/webhooks/{webhook_id}/deliveries/{delivery_id}", true, false, true, "api");
    public static final Operation REDELIVER = new Operation("redeliver", "POST", "/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver", true, false, false, "webhooks");
    public static final Operation RECOVER_DELIVERIES = new Operation("recover_deliveries", "POST", "/webhooks/{webhook_id}/recover", true, false, false, "webhooks");
    public static final Operation GET_LIMITS = new Operation("get_limits", "GET", "/limits", true, false, true, "api");
    public static final Operation GET_CONTRACT = new Operation("get_contract", "GET", "/contract", false, false, true, "api");

    /** What each close code of the socket tells a client to do. */
    public static final Map<Integer, CloseVerdict> CLOSE_VERDICTS = Map.ofEntries(
        Map.entry(1000, new CloseVerdict(1000, "normal", "The client closed the socket; the answer has the client's own code.", CloseVerdict.Reconnect.NEVER, 0, true)),
        Map.entry(1001, new CloseVerdict(1001, "going_away", "The server ends or starts again. Another one may be there already.", CloseVerdict.Reconnect.NOW, 0, true)),
        Map.entry(1002, new CloseVerdict(1002, "protocol_error", "The client broke the rules of RFC 6455.", CloseVerdict.Reconnect.NEVER, 0, true)),
        Map.entry(1003, new CloseVerdict(1003, "unsupported_data", "The client sent a binary message; frames are text.", CloseVerdict.Reconnect.NEVER, 0, true)),
        Map.entry(1007, new CloseVerdict(1007, "invalid_text", "The client sent text that is not UTF-8.", CloseVerdict.Reconnect.NEVER, 0, true)),
        Map.entry(1009, new CloseVerdict(1009, "frame_too_big", "The client sent a frame of more bytes than are allowed.", CloseVerdict.Reconnect.NEVER, 0, true)),
        Map.entry(1011, new CloseVerdict(1011, "internal_error", "The server made a mistake.", CloseVerdict.Reconnect.LATER, 5, true)),
        Map.entry(4400, new CloseVerdict(4400, "bad_frame", "The client sent too many frames that had to be refused.", CloseVerdict.Reconnect.NEVER, 0, true)),
        Map.entry(4401, new CloseVerdict(4401, "unauthorized", "The token is none of ours or is for something else, or none came in time.", CloseVerdict.Reconnect.NEW_TOKEN, 0, true)),
        Map.entry(4402, new CloseVerdict(4402, "token_expired", "The token was right and has expired.", CloseVerdict.Reconnect.NEW_TOKEN, 0, true)),
        Map.entry(4403, new CloseVerdict(4403, "session_revoked", "The session has ended: by a log-out, from another device, by a new password or by an operator.", CloseVerdict.Reconnect.NEW_SESSION, 0, true)),
        Map.entry(4408, new CloseVerdict(4408, "no_heartbeat", "The client gave no sign of life after a ping.", CloseVerdict.Reconnect.NOW, 0, true)),
        Map.entry(4413, new CloseVerdict(4413, "too_slow", "The client did not read as fast as things happened. Come back with the cursor, and what is missing comes.", CloseVerdict.Reconnect.NOW, 0, true)),
        Map.entry(4422, new CloseVerdict(4422, "bad_cursor", "The cursor is none that this server ever gave. Come back without one and read afresh.", CloseVerdict.Reconnect.NOW, 0, false)),
        Map.entry(4429, new CloseVerdict(4429, "too_many_frames", "The client sent more frames in a minute than are allowed.", CloseVerdict.Reconnect.LATER, 60, true)),
        Map.entry(4430, new CloseVerdict(4430, "too_many_sockets", "The user has as many open sockets as are allowed already.", CloseVerdict.Reconnect.LATER, 60, true)),
        Map.entry(4431, new CloseVerdict(4431, "too_many_connections", "The user connected more often in a minute than is allowed.", CloseVerdict.Reconnect.LATER, 60, true)),
        Map.entry(4503, new CloseVerdict(4503, "unavailable", "The server cannot read the log at the moment.", CloseVerdict.Reconnect.LATER, 5, true)));

    /** The rate limits of the contract. */
    public static final Map<String, Bucket> BUCKETS = Map.ofEntries(
        Map.entry("auth", new Bucket("auth", 5, 60)),
        Map.entry("auth_address", new Bucket("auth_address", 60, 60)),
        Map.entry("api", new Bucket("api", 100, 60)),
        Map.entry("ws", new Bucket("ws", 10, 60)),
        Map.entry("webhooks", new Bucket("webhooks", 30, 60)));

    // The limits of the socket.
    public static final int SOCKET_FRAME_BYTES = 16384;
    public static final int SOCKET_FRAMES_PER_MINUTE = 120;
    public static final int SOCKET_BAD_FRAMES_PER_MINUTE = 10;
    public static final int SOCKET_SOCKETS_PER_USER = 20;
    public static final int SOCKET_CONNECTIONS_PER_MINUTE = 10;
    public static final int SOCKET_HANDSHAKES_PER_MINUTE = 3000;
    public static final int SOCKET_HELD_FRAMES = 16;
    public static final int SOCKET_QUEUE_BYTES = 1048576;
    public static final int SOCKET_QUEUE_FRAMES = 1000;
    public static final int SOCKET_HEARTBEAT_SECONDS = 25;
    public static final int SOCKET_HEARTBEAT_TIMEOUT_SECONDS = 10;
    public static final int SOCKET_AUTH_SECONDS = 10;
    public static final int SOCKET_TYPING_SECONDS = 6;
    public static final int SOCKET_CLOSE_SECONDS = 5;

    /** The error of each code. */
    public static final Map<String, Function<Refusal, ApiException>> ERROR_OF_CODE = Map.ofEntries(
        Map.entry("validation_error", ValidationException::new),
        Map.entry("unauthorized", UnauthorizedException::new),
        Map.entry("forbidden", ForbiddenException::new),
        Map.entry("not_found", NotFoundException::new),
        Map.entry("method_not_allowed", MethodNotAllowedException::new),
        Map.entry("conflict", ConflictException::new),
        Map.entry("gone", GoneException::new),
        Map.entry("payload_too_large", PayloadTooLargeException::new),
        Map.entry("unsupported_media_type", UnsupportedMediaTypeException::new),
        Map.entry("idempotency_mismatch", IdempotencyMismatchException::new),
        Map.entry("upgrade_required", UpgradeRequiredException::new),
        Map.entry("rate_limit_exceeded", RateLimitException::new),
        Map.entry("internal_error", InternalException::new),
        Map.entry("unavailable", UnavailableException::new));

    /** What a status means when its code is one of a later version. */
    public static final Map<Integer, Function<Refusal, ApiException>> ERROR_OF_STATUS = Map.ofEntries(
        Map.entry(400, ValidationException::new),
        Map.entry(401, UnauthorizedException::new),
        Map.entry(403, ForbiddenException::new),
        Map.entry(404, NotFoundException::new),
        Map.entry(405, MethodNotAllowedException::new),
        Map.entry(409, ConflictException::new),
        Map.entry(410, GoneException::new),
        Map.entry(413, PayloadTooLargeException::new),
        Map.entry(415, UnsupportedMediaTypeException::new),
        Map.entry(422, IdempotencyMismatchException::new),
        Map.entry(426, UpgradeRequiredException::new),
        Map.entry(429, RateLimitException::new),
        Map.entry(500, InternalException::new),
        Map.entry(503, UnavailableException::new));

    private Facts() {}
}
