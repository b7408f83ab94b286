// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.

import type { Bucket, CloseVerdict, Operation } from "../call.js";

export const CONTRACT_VERSION = "1.1.0";

/** How each operation is asked. */
export const OPERATIONS = {
  login: { id: "login", method: "POST", path: "/auth/login", bucket: "auth", secured: false, takesKey: false, repeatable: false, answer: ["access_token", "refresh_token", "expires_in", "token_type", "user_id", "session_id"] },
  refresh: { id: "refresh", method: "POST", path: "/auth/refresh", bucket: "auth", secured: false, takesKey: true, repeatable: true, answer: ["access_token", "refresh_token", "expires_in", "token_type", "user_id", "session_id"] },
  logout: { id: "logout", method: "POST", path: "/auth/logout", bucket: "auth", secured: true, takesKey: false, repeatable: false, answer: null },
  list_sessions: { id: "list_sessions", method: "GET", path: "/auth/sessions", bucket: "auth", secured: true, takesKey: false, repeatable: true, answer: ["sessions"] },
  revoke_session: { id: "revoke_session", method: "DELETE", path: "/auth/sessions/{session_id}", bucket: "auth", secured: true, takesKey: false, repeatable: true, answer: null },
  change_password: { id: "change_password", method: "PUT", path: "/auth/password", bucket: "auth", secured: true, takesKey: false, repeatable: false, answer: null },
  list_users: { id: "list_users", method: "GET", path: "/users", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: ["users", "has_more"] },
  register_user: { id: "register_user", method: "POST", path: "/users", bucket: "api", secured: false, takesKey: true, repeatable: true, answer: ["id", "email", "username", "display_name", "status", "profile", "created_at", "beta_access"] },
  get_me: { id: "get_me", method: "GET", path: "/me", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: ["id", "email", "username", "display_name", "status", "profile", "created_at", "beta_access"] },
  get_user: { id: "get_user", method: "GET", path: "/users/{user_id}", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: ["id", "username", "display_name", "status", "profile", "created_at"] },
  update_user: { id: "update_user", method: "PATCH", path: "/users/{user_id}", bucket: "api", secured: true, takesKey: false, repeatable: false, answer: ["id", "email", "username", "display_name", "status", "profile", "created_at", "beta_access"] },
  list_conversations: { id: "list_conversations", method: "GET", path: "/conversations", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: ["conversations", "has_more"] },
  open_conversation: { id: "open_conversation", method: "POST", path: "/conversations", bucket: "api", secured: true, takesKey: true, repeatable: true, answer: ["id", "kind", "created_at", "last_activity_at", "unread_count", "last_seq", "read_seq", "delivered_seq"] },
  get_conversation: { id: "get_conversation", method: "GET", path: "/conversations/{conversation_id}", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: ["id", "kind", "created_at", "last_activity_at", "unread_count", "last_seq", "read_seq", "delivered_seq"] },
  mark_read: { id: "mark_read", method: "PUT", path: "/conversations/{conversation_id}/read", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: ["conversation_id", "user_id", "delivered_seq", "read_seq"] },
  mark_delivered: { id: "mark_delivered", method: "PUT", path: "/conversations/{conversation_id}/delivered", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: ["conversation_id", "user_id", "delivered_seq", "read_seq"] },
  list_messages: { id: "list_messages", method: "GET", path: "/messages", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: ["messages", "has_more"] },
  send_message: { id: "send_message", method: "POST", path: "/messages", bucket: "api", secured: true, takesKey: true, repeatable: true, answer: ["id", "conversation_id", "seq", "position", "sender_id", "receiver_id", "type", "status", "created_at"] },
  get_message: { id: "get_message", method: "GET", path: "/messages/{message_id}", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: ["id", "conversation_id", "seq", "position", "sender_id", "receiver_id", "type", "status", "created_at"] },
  edit_message: { id: "edit_message", method: "PATCH", path: "/messages/{message_id}", bucket: "api", secured: true, takesKey: false, repeatable: false, answer: ["id", "conversation_id", "seq", "position", "sender_id", "receiver_id", "type", "status", "created_at"] },
  delete_message: { id: "delete_message", method: "DELETE", path: "/messages/{message_id}", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: null },
  list_groups: { id: "list_groups", method: "GET", path: "/groups", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: ["groups", "has_more"] },
  create_group: { id: "create_group", method: "POST", path: "/groups", bucket: "api", secured: true, takesKey: true, repeatable: true, answer: ["id", "name", "owner_id", "created_at", "member_count", "members", "settings"] },
  get_group: { id: "get_group", method: "GET", path: "/groups/{group_id}", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: ["id", "name", "owner_id", "created_at", "member_count", "members", "settings"] },
  update_group: { id: "update_group", method: "PATCH", path: "/groups/{group_id}", bucket: "api", secured: true, takesKey: false, repeatable: false, answer: ["id", "name", "owner_id", "created_at", "member_count", "members", "settings"] },
  delete_group: { id: "delete_group", method: "DELETE", path: "/groups/{group_id}", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: null },
  list_members: { id: "list_members", method: "GET", path: "/groups/{group_id}/members", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: ["members", "has_more"] },
  add_member: { id: "add_member", method: "POST", path: "/groups/{group_id}/members", bucket: "api", secured: true, takesKey: true, repeatable: true, answer: ["user_id", "role", "joined_at"] },
  get_member: { id: "get_member", method: "GET", path: "/groups/{group_id}/members/{user_id}", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: ["user_id", "role", "joined_at"] },
  update_member: { id: "update_member", method: "PATCH", path: "/groups/{group_id}/members/{user_id}", bucket: "api", secured: true, takesKey: false, repeatable: false, answer: ["user_id", "role", "joined_at"] },
  remove_member: { id: "remove_member", method: "DELETE", path: "/groups/{group_id}/members/{user_id}", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: null },
  join_group: { id: "join_group", method: "POST", path: "/groups/{group_id}/join", bucket: "api", secured: true, takesKey: true, repeatable: true, answer: ["user_id", "role", "joined_at"] },
  list_events: { id: "list_events", method: "GET", path: "/events", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: ["events", "next_cursor", "has_more"] },
  list_webhooks: { id: "list_webhooks", method: "GET", path: "/webhooks", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: ["webhooks", "has_more"] },
  create_webhook: { id: "create_webhook", method: "POST", path: "/webhooks", bucket: "api", secured: true, takesKey: true, repeatable: true, answer: ["id", "url", "events", "ordered", "status", "created_at"] },
  get_webhook: { id: "get_webhook", method: "GET", path: "/webhooks/{webhook_id}", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: ["id", "url", "events", "ordered", "status", "created_at"] },
  update_webhook: { id: "update_webhook", method: "PATCH", path: "/webhooks/{webhook_id}", bucket: "api", secured: true, takesKey: false, repeatable: false, answer: ["id", "url", "events", "ordered", "status", "created_at"] },
  delete_webhook: { id: "delete_webhook", method: "DELETE", path: "/webhooks/{webhook_id}", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: null },
  rotate_secret: { id: "rotate_secret", method: "POST", path: "/webhooks/{webhook_id}/rotate-secret", bucket: "api", secured: true, takesKey: true, repeatable: true, answer: [] },
  test_webhook: { id: "test_webhook", method: "POST", path: "/webhooks/{webhook_id}/test", bucket: "webhooks", secured: true, takesKey: true, repeatable: true, answer: ["id", "webhook_id", "event", "status", "created_at", "attempt_count", "attempts"] },
  list_deliveries: { id: "list_deliveries", method: "GET", path: "/webhooks/{webhook_id}/deliveries", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: ["deliveries", "has_more"] },
  get_delivery: { id: "get_delivery", method: "GET", path: "/webhooks/{webhook_id}/deliveries/{delivery_id}", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: ["id", "webhook_id", "event", "status", "created_at", "attempt_count", "attempts"] },
  redeliver: { id: "redeliver", method: "POST", path: "/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver", bucket: "webhooks", secured: true, takesKey: false, repeatable: false, answer: ["id", "webhook_id", "event", "status", "created_at", "attempt_count", "attempts"] },
  recover_deliveries: { id: "recover_deliveries", method: "POST", path: "/webhooks/{webhook_id}/recover", bucket: "webhooks", secured: true, takesKey: false, repeatable: false, answer: ["deliveries", "has_more", "since"] },
  get_limits: { id: "get_limits", method: "GET", path: "/limits", bucket: "api", secured: true, takesKey: false, repeatable: true, answer: ["buckets"] },
  get_contract: { id: "get_contract", method: "GET", path: "/contract", bucket: "api", secured: false, takesKey: false, repeatable: true, answer: ["version", "openapi_sha256", "asyncapi_sha256", "build"] },
} as const satisfies Record<string, Operation>;

/** What each close code of the socket tells a client to do. */
export const CLOSE_VERDICTS: Readonly<Record<number, CloseVerdict>> = {
  1000: { code: 1000, name: "normal", meaning: "The client closed the socket; the answer has the client's own code.", reconnect: "never", after: 0, keepCursor: true },
  1001: { code: 1001, name: "going_away", meaning: "The server ends or starts again. Another one may be there already.", reconnect: "now", after: 0, keepCursor: true },
  1002: { code: 1002, name: "protocol_error", meaning: "The client broke the rules of RFC 6455.", reconnect: "never", after: 0, keepCursor: true },
  1003: { code: 1003, name: "unsupported_data", meaning: "The client sent a binary message; frames are text.", reconnect: "never", after: 0, keepCursor: true },
  1007: { code: 1007, name: "invalid_text", meaning: "The client sent text that is not UTF-8.", reconnect: "never", after: 0, keepCursor: true },
  1009: { code: 1009, name: "frame_too_big", meaning: "The client sent a frame of more bytes than are allowed.", reconnect: "never", after: 0, keepCursor: true },
  1011: { code: 1011, name: "internal_error", meaning: "The server made a mistake.", reconnect: "later", after: 5000, keepCursor: true },
  4400: { code: 4400, name: "bad_frame", meaning: "The client sent too many frames that had to be refused.", reconnect: "never", after: 0, keepCursor: true },
  4401: { code: 4401, name: "unauthorized", meaning: "The token is none of ours or is for something else, or none came in time.", reconnect: "new_token", after: 0, keepCursor: true },
  4402: { code: 4402, name: "token_expired", meaning: "The token was right and has expired.", reconnect: "new_token", after: 0, keepCursor: true },
  4403: { code: 4403, name: "session_revoked", meaning: "The session has ended: by a log-out, from another device, by a new password or by an operator.", reconnect: "new_session", after: 0, keepCursor: true },
  4408: { code: 4408, name: "no_heartbeat", meaning: "The client gave no sign of life after a ping.", reconnect: "now", after: 0, keepCursor: true },
  4413: { code: 4413, name: "too_slow", meaning: "The client did not read as fast as things happened. Come back with the cursor, and what is missing comes.", reconnect: "now", after: 0, keepCursor: true },
  4422: { code: 4422, name: "bad_cursor", meaning: "The cursor is none that this server ever gave. Come back without one and read afresh.", reconnect: "now", after: 0, keepCursor: false },
  4429: { code: 4429, name: "too_many_frames", meaning: "The client sent more frames in a minute than are allowed.", reconnect: "later", after: 60000, keepCursor: true },
  4430: { code: 4430, name: "too_many_sockets", meaning: "The user has as many open sockets as are allowed already.", reconnect: "later", after: 60000, keepCursor: true },
  4431: { code: 4431, name: "too_many_connections", meaning: "The user connected more often in a minute than is allowed.", reconnect: "later", after: 60000, keepCursor: true },
  4503: { code: 4503, name: "unavailable", meaning: "The server cannot read the log at the moment.", reconnect: "later", after: 5000, keepCursor: true },
};

/** The rate limits of the contract. */
export const BUCKETS: Readonly<Record<string, Bucket>> = {
  auth: { name: "auth", limit: 5, window: 60000 },
  auth_address: { name: "auth_address", limit: 60, window: 60000 },
  api: { name: "api", limit: 100, window: 60000 },
  ws: { name: "ws", limit: 10, window: 60000 },
  webhooks: { name: "webhooks", limit: 30, window: 60000 },
};

/** The limits of the socket, by their names in the contract. */
export const SOCKET_LIMITS = {
  frame_bytes: 16384,
  frames_per_minute: 120,
  bad_frames_per_minute: 10,
  sockets_per_user: 20,
  connections_per_minute: 10,
  handshakes_per_minute: 3000,
  held_frames: 16,
  queue_bytes: 1048576,
  queue_frames: 1000,
  heartbeat_seconds: 25,
  heartbeat_timeout_seconds: 10,
  auth_seconds: 10,
  typing_seconds: 6,
  close_seconds: 5,
} as const;

/** The types of what is said on the socket. */
export const FRAMES: ReadonlySet<string> = new Set([
  "message",
  "message.updated",
  "message.deleted",
  "receipt",
  "conversation.created",
  "member.added",
  "member.removed",
  "member.updated",
  "group.updated",
  "group.deleted",
  "user.updated",
  "webhook.disabled",
  "ready",
  "typing",
  "presence",
  "resync",
  "pong",
  "error",
]);

/** The events of webhooks. */
export const PAYLOADS: ReadonlySet<string> = new Set([
  "message.created",
  "message.updated",
  "message.deleted",
  "receipt.updated",
  "member.added",
  "member.removed",
  "member.updated",
  "group.created",
  "group.updated",
  "group.deleted",
  "user.updated",
  "webhook.disabled",
  "webhook.test",
]);
