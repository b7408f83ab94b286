// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.

/** The id of a user. */
export type UserId = string;

/** The id of a session. */
export type SessionId = string;

/** The id of a conversation. A group has the same id as its conversation. */
export type ConversationId = string;

/** The id of a message. */
export type MessageId = string;

/** The id of a group. */
export type GroupId = string;

/** The id of a webhook. */
export type WebhookId = string;

/** The id of a delivery: of one event to one webhook. */
export type DeliveryId = string;

/** The id of a user or of a group. */
export type ReceiverId = string;

/** A time of RFC 3339; the server gives it in UTC with Z. */
export type Time = string;

/** A day in UTC. */
export type Day = string;

/** A day in UTC, or a time. */
export type DayOrTime = Day | Time;

/** Where to go on from. It has no meaning but to the server that gave it. */
export type Cursor = string;

/** The number of a message in its conversation, from 1 and without gaps. 0 is before the first. */
export type Seq = number;

/** Unique; capitals do not make a difference. */
export type Username = string;

/** Unique; capitals do not make a difference. */
export type Email = string;

/** At least eight characters. */
export type NewPassword = string;

/** A password that may be right. */
export type Password = string;

/** What people call you. */
export type DisplayName = string;

/** An http or https address, in ASCII. */
export type WebUrl = string;

/**
 * An http or https address in ASCII, without credentials. It is public, unless the operator allows others.
 */
export type WebhookUrl = string;

/**
 * What deliveries are signed with. After `whsec_` it is base64 of 24 to 64 bytes, which are the key; any
 * other is its own key, as UTF-8.
 */
export type WebhookSecret = string;

/** The text of a message. */
export type Content = string;

export type GroupName = string;

export type MessageType = "text" | "image" | "video" | "audio" | "file" | (string & {});

/** Read when every other member has read it, delivered when every other member has received it, else sent. */
export type MessageStatus = "sent" | "delivered" | "read" | (string & {});

export type UserStatus = "online" | "offline" | (string & {});

export type Role = "owner" | "admin" | "member" | (string & {});

export type WebhookStatus = "active" | "disabled" | (string & {});

/** Whether it waits to be sent (again), has arrived, or is given up. */
export type DeliveryStatus = "pending" | "succeeded" | "failed" | (string & {});

/** The name of an event, or `*` for all of them. Later versions add names. */
export type WebhookEventName =
  | "message.created"
  | "message.updated"
  | "message.deleted"
  | "receipt.updated"
  | "member.added"
  | "member.removed"
  | "member.updated"
  | "group.created"
  | "group.updated"
  | "group.deleted"
  | "user.updated"
  | "webhook.disabled"
  | "*"
  | (string & {});

/** What went wrong. Later versions add codes; treat one you do not know by the status. */
export type ErrorCode =
  | "validation_error"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "gone"
  | "payload_too_large"
  | "unsupported_media_type"
  | "idempotency_mismatch"
  | "upgrade_required"
  | "rate_limit_exceeded"
  | "internal_error"
  | "unavailable"
  | (string & {});

/** The form of every error. */
export interface ErrorEnvelope {
  error: ErrorBody;
}

export interface ErrorBody {
  code: ErrorCode;
  /** A sentence for people. */
  message: string;
  details: ErrorDetails;
}

/** Facts about the error; which ones depends on the code. */
export interface ErrorDetails {
  /** The first field that is wrong; in a body a path such as metadata.mentions[0]. */
  field?: string;
  /** What is wrong with it. */
  reason?: string;
  /** All fields that are wrong. */
  errors?: FieldError[];
  /** Whether the token was right once. */
  token_expired?: boolean;
  /** When to come back in seconds. */
  retry_after?: number;
  /** What is not there. */
  resource?: string;
  /** How large a body may be. */
  max_bytes?: number;
  deleted_at?: Time;
}

export interface FieldError {
  field: string;
  reason: string;
}

export interface Credentials {
  email: Email;
  password: Password;
}

export interface RefreshToken {
  refresh_token: string;
}

export interface Tokens {
  /** For the Authorization header, as `Bearer <token>`. */
  access_token: string;
  /** For the next tokens; it works once. */
  refresh_token: string;
  /** How long the access token works in seconds. */
  expires_in: number;
  token_type: "Bearer";
  user_id: UserId;
  session_id: SessionId;
}

export interface ChangePassword {
  current_password: Password;
  new_password: NewPassword;
}

export interface SessionList {
  sessions: Session[];
}

/** One log-in on one device. */
export interface Session {
  id: SessionId;
  created_at: Time;
  last_used_at: Time;
  expires_at: Time;
  /** What the client called itself at log-in. */
  user_agent: string | null;
  /** Where the log-in came from. */
  address: string | null;
  /** Whether it is the session that asks. */
  current: boolean;
}

export interface RegisterUser {
  email: Email;
  password: NewPassword;
  username: Username;
  /** What people call you; the username unless you say otherwise. */
  display_name?: string | null | undefined;
}

export interface UpdateUser {
  /** Null makes it the username. */
  display_name?: string | null | undefined;
  bio?: string | null | undefined;
  avatar_url?: string | null | undefined;
  location?: string | null | undefined;
}

/** What a user tells about themselves; null is nothing told. */
export interface Profile {
  bio: string | null;
  avatar_url: string | null;
  location: string | null;
}

/** A person. The e-mail address and the access to the beta are shown only to themselves. */
export interface User {
  id: UserId;
  email?: Email;
  username: Username;
  display_name: DisplayName;
  status: UserStatus;
  /** The last sign of life; null before the first. */
  last_seen: string | null;
  profile: Profile;
  created_at: Time;
  /** Whether this person may use `/v2`, which is not released yet. */
  beta_access?: boolean;
}

/** A person, as they see themselves. */
export interface Me {
  id: UserId;
  email: Email;
  username: Username;
  display_name: DisplayName;
  status: UserStatus;
  /** The last sign of life; null before the first. */
  last_seen: string | null;
  profile: Profile;
  created_at: Time;
  /** Whether this person may use `/v2`, which is not released yet. */
  beta_access: boolean;
}

export interface UserPage {
  users: User[];
  has_more: boolean;
  next_cursor: string | null;
}

export interface OpenConversation {
  user_id: UserId;
}

export type ConversationKind = "direct" | "group" | (string & {});

/** A conversation, as one of its members sees it. */
export interface Conversation {
  id: ConversationId;
  kind: ConversationKind;
  /** The other person; null in a group. */
  user_id: string | null;
  /** The group; null between two people. */
  group_id: string | null;
  /** The name of the group; null between two people. */
  name: string | null;
  created_at: Time;
  last_activity_at: Time;
  /** Null while there is none. */
  last_message: Message | Nothing;
  unread_count: number;
  last_seq: Seq;
  read_seq: Seq;
  delivered_seq: Seq;
}

/** Null, in the only way that OpenAPI 3.0 can say it beside a reference. */
export type Nothing = null;

export interface ConversationPage {
  conversations: Conversation[];
  has_more: boolean;
  next_cursor: string | null;
}

export interface Mark {
  message_id: MessageId;
}

/** How far a member has received and read a conversation. */
export interface Receipt {
  conversation_id: ConversationId;
  user_id: UserId;
  delivered_seq: Seq;
  read_seq: Seq;
}

/** A text or a message with attachments, to a receiver or to a conversation. */
export type SendMessage =
  | (TextToReceiver & { conversation_id?: undefined })
  | (TextToConversation & { receiver_id?: undefined })
  | (MediaToReceiver & { conversation_id?: undefined })
  | (MediaToConversation & { receiver_id?: undefined });

export interface TextToReceiver {
  receiver_id: ReceiverId;
  content: Content;
  type?: "text" | undefined;
  metadata?: TextMetadata | undefined;
}

export interface TextToConversation {
  conversation_id: ConversationId;
  content: Content;
  type?: "text" | undefined;
  metadata?: TextMetadata | undefined;
}

export interface MediaToReceiver {
  receiver_id: ReceiverId;
  /** What is said about the attachments. */
  content?: string | undefined;
  type: "image" | "video" | "audio" | "file";
  metadata: MediaMetadata;
}

export interface MediaToConversation {
  conversation_id: ConversationId;
  /** What is said about the attachments. */
  content?: string | undefined;
  type: "image" | "video" | "audio" | "file";
  metadata: MediaMetadata;
}

export interface TextMetadata {
  reply_to?: MessageId | undefined;
  mentions?: UserId[] | undefined;
  custom?: CustomData | undefined;
}

export interface MediaMetadata {
  reply_to?: MessageId | undefined;
  mentions?: UserId[] | undefined;
  attachments: SendAttachment[];
  custom?: CustomData | undefined;
}

export interface SendAttachment {
  url: WebUrl;
  name: string;
  content_type: ContentType;
  /** In bytes. */
  size: number;
}

/** A media type without parameters (RFC 6838). */
export type ContentType = string;

/** Your own data, up to 4 KB as JSON. The server keeps it and does not look into it. */
export type CustomData = Record<string, unknown>;

export interface EditMessage {
  content: Content;
}

/** A message, or (with `deleted_at`) the tombstone that keeps its place. */
export interface Message {
  id: MessageId;
  conversation_id: ConversationId;
  seq: Seq;
  /** Orders messages across conversations. */
  position: number;
  sender_id: UserId;
  receiver_id: ReceiverId;
  /** Null when the message was deleted. */
  content: string | null;
  type: MessageType;
  status: MessageStatus;
  metadata: MessageMetadata;
  created_at: Time;
  /** Null when it was never edited. */
  edited_at: string | null;
  /** Null unless it was deleted. */
  deleted_at: string | null;
}

/** What the sender said beside the content. Null when the message was deleted. */
export type MessageMetadata = {
  reply_to?: MessageId;
  mentions?: UserId[];
  attachments?: Attachment[];
  custom?: CustomData;
} | null;

export interface Attachment {
  url: WebUrl;
  name: string;
  content_type: ContentType;
  /** In bytes. */
  size: number;
}

export interface MessagePage {
  messages: Message[];
  has_more: boolean;
  next_cursor: string | null;
}

export interface CreateGroup {
  name: GroupName;
  description?: string | null | undefined;
  /** Who is in it from the start, beside you. */
  members?: UserId[] | undefined;
  settings?: CreateGroupSettings | undefined;
}

export interface CreateGroupSettings {
  /** Only members can see it. */
  is_private?: boolean | undefined;
  /** Every member may add others. */
  allow_invites?: boolean | undefined;
  /** For how long messages are kept; null is for ever. */
  message_retention_days?: number | null | undefined;
}

export interface UpdateGroup {
  name?: GroupName | undefined;
  description?: string | null | undefined;
  settings?: UpdateGroupSettings | undefined;
}

export interface UpdateGroupSettings {
  is_private?: boolean | undefined;
  allow_invites?: boolean | undefined;
  message_retention_days?: number | null | undefined;
}

export interface GroupSettings {
  /** Only members can see it. */
  is_private: boolean;
  /** Every member may add others. */
  allow_invites: boolean;
  /** For how long messages are kept; null is for ever. */
  message_retention_days: number | null;
}

export interface Group {
  id: GroupId;
  name: GroupName;
  description: string | null;
  owner_id: UserId;
  created_at: Time;
  member_count: number;
  /** The first hundred who joined. */
  members: Member[];
  settings: GroupSettings;
}

export interface GroupPage {
  groups: Group[];
  has_more: boolean;
  next_cursor: string | null;
}

export interface AddMember {
  user_id: UserId;
}

export interface UpdateMember {
  role: Role;
}

/** A user's place in a group. */
export interface Member {
  user_id: UserId;
  role: Role;
  joined_at: Time;
}

export interface MemberPage {
  members: Member[];
  has_more: boolean;
  next_cursor: string | null;
}

export interface EventPage {
  events: Event[];
  next_cursor: Cursor;
  has_more: boolean;
}

/** Something that happened. Later versions add types; ignore those you do not know. */
export type Event =
  | MessageEvent
  | MessageUpdatedEvent
  | MessageDeletedEvent
  | ReceiptEvent
  | ConversationCreatedEvent
  | MemberAddedEvent
  | MemberRemovedEvent
  | MemberUpdatedEvent
  | GroupUpdatedEvent
  | GroupDeletedEvent
  | UserUpdatedEvent
  | WebhookDisabledEvent;

/** A message was sent. */
export interface MessageEvent {
  type: "message";
  data: Message;
  cursor: Cursor;
  seq: Seq;
}

/** A message was edited. */
export interface MessageUpdatedEvent {
  type: "message.updated";
  data: Message;
  cursor: Cursor;
  seq: Seq;
}

/** A message was deleted; this is its tombstone. */
export interface MessageDeletedEvent {
  type: "message.deleted";
  data: Message;
  cursor: Cursor;
  seq: Seq;
}

/** A member received or read messages. */
export interface ReceiptEvent {
  type: "receipt";
  data: Receipt;
  cursor: Cursor;
  seq?: number | null;
}

/** A conversation was made, with you in it. */
export interface ConversationCreatedEvent {
  type: "conversation.created";
  data: ConversationCreated;
  cursor: Cursor;
  seq?: number | null;
}

/** Somebody was added to a group, or joined it. */
export interface MemberAddedEvent {
  type: "member.added";
  data: Membership;
  cursor: Cursor;
  seq?: number | null;
}

/** Somebody was removed from a group, or left it; the role is the one they had. */
export interface MemberRemovedEvent {
  type: "member.removed";
  data: Membership;
  cursor: Cursor;
  seq?: number | null;
}

/** A member has another role. */
export interface MemberUpdatedEvent {
  type: "member.updated";
  data: Membership;
  cursor: Cursor;
  seq?: number | null;
}

/** A group has another name, description, owner or settings. */
export interface GroupUpdatedEvent {
  type: "group.updated";
  data: GroupFacts;
  cursor: Cursor;
  seq?: number | null;
}

/** A group was deleted. */
export interface GroupDeletedEvent {
  type: "group.deleted";
  data: GroupDeleted;
  cursor: Cursor;
  seq?: number | null;
}

/** A user changed what they tell about themselves. */
export interface UserUpdatedEvent {
  type: "user.updated";
  data: User;
  cursor: Cursor;
  seq?: number | null;
}

/** One of your webhooks was disabled. */
export interface WebhookDisabledEvent {
  type: "webhook.disabled";
  data: WebhookDisabled;
  cursor: Cursor;
  seq?: number | null;
}

export interface ConversationCreated {
  conversation_id: ConversationId;
  kind: ConversationKind;
  name: string | null;
  created_by: UserId;
  /** The first hundred members. */
  user_ids: UserId[];
}

export interface Membership {
  conversation_id: ConversationId;
  user_id: UserId;
  role: Role;
  actor_id: UserId;
}

export interface GroupFacts {
  group_id: GroupId;
  name: GroupName;
  description: string | null;
  settings: GroupSettings;
  owner_id: UserId;
}

export interface GroupDeleted {
  group_id: GroupId;
  actor_id: UserId;
}

export interface WebhookDisabled {
  webhook_id: WebhookId;
  /** `requested`, `endpoint_gone` (it answered 410) or `failures` (nothing else for five days). */
  reason: string;
}

export interface CreateWebhook {
  url: WebhookUrl;
  /** What to hear of. */
  events: WebhookEventName[];
  secret?: WebhookSecret | undefined;
  /** Events of this conversation only. You are in it. */
  conversation_id?: string | null | undefined;
  /** Whether each delivery waits until the one before has arrived or is given up, which is slower. */
  ordered?: boolean | undefined;
}

export interface UpdateWebhook {
  url?: WebhookUrl | undefined;
  /** What to hear of from now on. */
  events?: WebhookEventName[] | undefined;
  /** Events of this conversation only; null is all. */
  conversation_id?: string | null | undefined;
  ordered?: boolean | undefined;
  status?: WebhookStatus | undefined;
}

/** An address to which events are sent. */
export interface Webhook {
  id: WebhookId;
  /** Where deliveries are posted. */
  url: string;
  events: WebhookEventName[];
  /** Events of this conversation only; null is all. */
  conversation_id: string | null;
  /** Whether each delivery waits for the one before. */
  ordered: boolean;
  status: WebhookStatus;
  /**
   * Null while it is active: `requested`, `endpoint_gone` (it answered 410) or `failures` (nothing else for
   * five days).
   */
  disabled_reason: string | null;
  /** Since when every attempt failed; null after a success. */
  failing_since: string | null;
  /**
   * Until when everything is signed with the previous secret too, and the last of those before it has ended;
   * null when there is none.
   */
  previous_secret_until: string | null;
  created_at: Time;
}

/** A new webhook, with its secret. */
export interface CreatedWebhook {
  id: WebhookId;
  /** Where deliveries are posted. */
  url: string;
  events: WebhookEventName[];
  /** Events of this conversation only; null is all. */
  conversation_id: string | null;
  /** Whether each delivery waits for the one before. */
  ordered: boolean;
  status: WebhookStatus;
  /**
   * Null while it is active: `requested`, `endpoint_gone` (it answered 410) or `failures` (nothing else for
   * five days).
   */
  disabled_reason: string | null;
  /** Since when every attempt failed; null after a success. */
  failing_since: string | null;
  /**
   * Until when everything is signed with the previous secret too, and the last of those before it has ended;
   * null when there is none.
   */
  previous_secret_until: string | null;
  created_at: Time;
  /** The secret as it was given, or made. Null only in a repeat, after it was rotated. */
  secret: string | null;
  /** The same in the form that libraries for Standard Webhooks take. */
  signing_secret: string | null;
}

export interface WebhookPage {
  webhooks: Webhook[];
  has_more: boolean;
  next_cursor: string | null;
}

export interface RotateSecret {
  secret?: WebhookSecret | undefined;
}

/** The new secret of a webhook. */
export interface RotatedSecret {
  /** The secret as it was given, or made. Null only in a repeat, after it was rotated. */
  secret: string | null;
  /** The same in the form that libraries for Standard Webhooks take. */
  signing_secret: string | null;
  /** Until when the secret before is valid. Null only in a repeat that comes later than that. */
  previous_secret_until: string | null;
}

export interface RecoverDeliveries {
  since: Time;
}

export interface Recovery {
  /** How many wait to be sent now. */
  deliveries: number;
  /** Whether there are more of them. */
  has_more: boolean;
  /** Where to go on when there are more. */
  since: string;
}

/** One event on its way to one webhook. */
export interface Delivery {
  id: DeliveryId;
  webhook_id: WebhookId;
  /** The name of the event. */
  event: string;
  /** The cursor of the event, as on the socket; null for a test. */
  cursor: string | null;
  status: DeliveryStatus;
  created_at: Time;
  /** When it is tried next; null when it is finished. */
  next_attempt_at: string | null;
  /** When it arrived or was given up; null before. */
  finished_at: string | null;
  /** How often it was tried. */
  attempt_count: number;
  /** The last twenty attempts in order. */
  attempts: DeliveryAttempt[];
}

/** What came of sending it once. */
export interface DeliveryAttempt {
  number: number;
  at: Time;
  /** The status of the answer; null when there was none. */
  status: number | null;
  /** Why there was no answer that counts. */
  error: string | null;
  /** How long it took. */
  latency_ms: number;
  /** The beginning of the answer's body; null when there was none. */
  response_excerpt: string | null;
}

export interface DeliveryPage {
  deliveries: Delivery[];
  has_more: boolean;
  next_cursor: string | null;
}

/**
 * What a webhook is sent. Later versions add events, which those who asked for `*` get; ignore those you do
 * not know.
 */
export type WebhookPayload =
  | MessageCreatedPayload
  | MessageUpdatedPayload
  | MessageDeletedPayload
  | ReceiptUpdatedPayload
  | MemberAddedPayload
  | MemberRemovedPayload
  | MemberUpdatedPayload
  | GroupCreatedPayload
  | GroupUpdatedPayload
  | GroupDeletedPayload
  | UserUpdatedPayload
  | WebhookDisabledPayload
  | WebhookTestPayload;

/** A message was sent. */
export interface MessageCreatedPayload {
  event: "message.created";
  timestamp: Time;
  cursor: Cursor;
  data: WebhookMessage;
  signature: PayloadSignature;
}

/** A message was edited. */
export interface MessageUpdatedPayload {
  event: "message.updated";
  timestamp: Time;
  cursor: Cursor;
  data: WebhookMessage;
  signature: PayloadSignature;
}

/** A message was deleted; this is its tombstone. */
export interface MessageDeletedPayload {
  event: "message.deleted";
  timestamp: Time;
  cursor: Cursor;
  data: WebhookMessage;
  signature: PayloadSignature;
}

/** A member received or read messages. */
export interface ReceiptUpdatedPayload {
  event: "receipt.updated";
  timestamp: Time;
  cursor: Cursor;
  data: Receipt;
  signature: PayloadSignature;
}

/** Somebody was added to a group, or joined it. */
export interface MemberAddedPayload {
  event: "member.added";
  timestamp: Time;
  cursor: Cursor;
  data: Membership;
  signature: PayloadSignature;
}

/** Somebody was removed from a group, or left it; the role is the one they had. */
export interface MemberRemovedPayload {
  event: "member.removed";
  timestamp: Time;
  cursor: Cursor;
  data: Membership;
  signature: PayloadSignature;
}

/** A member has another role. */
export interface MemberUpdatedPayload {
  event: "member.updated";
  timestamp: Time;
  cursor: Cursor;
  data: Membership;
  signature: PayloadSignature;
}

/** A group was made, with you in it. */
export interface GroupCreatedPayload {
  event: "group.created";
  timestamp: Time;
  cursor: Cursor;
  data: ConversationCreated;
  signature: PayloadSignature;
}

/** A group has another name, description, owner or settings. */
export interface GroupUpdatedPayload {
  event: "group.updated";
  timestamp: Time;
  cursor: Cursor;
  data: GroupFacts;
  signature: PayloadSignature;
}

/** A group was deleted. */
export interface GroupDeletedPayload {
  event: "group.deleted";
  timestamp: Time;
  cursor: Cursor;
  data: GroupDeleted;
  signature: PayloadSignature;
}

/** A user changed what they tell about themselves. */
export interface UserUpdatedPayload {
  event: "user.updated";
  timestamp: Time;
  cursor: Cursor;
  data: User;
  signature: PayloadSignature;
}

/** Another webhook of yours was disabled. */
export interface WebhookDisabledPayload {
  event: "webhook.disabled";
  timestamp: Time;
  cursor: Cursor;
  data: WebhookDisabled;
  signature: PayloadSignature;
}

/** Somebody asked for a test. */
export interface WebhookTestPayload {
  event: "webhook.test";
  timestamp: Time;
  data: WebhookTest;
  signature: PayloadSignature;
}

/**
 * `sha256=` and, in hex, the HMAC-SHA256 of this object without its `signature`, as canonical JSON (RFC
 * 8785). The header `webhook-signature` is the better way.
 */
export type PayloadSignature = string;

/** A message, or (with `deleted_at`) the tombstone that keeps its place. `message_id` is its id once more. */
export interface WebhookMessage {
  message_id: MessageId;
  id: MessageId;
  conversation_id: ConversationId;
  seq: Seq;
  /** Orders messages across conversations. */
  position: number;
  sender_id: UserId;
  receiver_id: ReceiverId;
  /** Null when the message was deleted. */
  content: string | null;
  type: MessageType;
  status: MessageStatus;
  metadata: MessageMetadata;
  created_at: Time;
  /** Null when it was never edited. */
  edited_at: string | null;
  /** Null unless it was deleted. */
  deleted_at: string | null;
}

export interface WebhookTest {
  webhook_id: WebhookId;
}

/** What a client may send. */
export type ClientFrame = AuthFrame | TypingFrame | PresenceFrame | ReceiptFrame | PingFrame;

/** Says who the client is, or renews the token of a socket. */
export interface AuthFrame {
  type: "auth";
  data: AuthData;
}

export interface AuthData {
  /** The `access_token` of a log-in. */
  token: string;
  cursor?: Cursor | undefined;
}

/** Says that the client's user begins or stops to type. */
export interface TypingFrame {
  type: "typing";
  data: SetTyping;
}

export interface SetTyping {
  conversation_id: ConversationId;
  is_typing: boolean;
  /** If it is given, it is your own. */
  user_id?: string | undefined;
}

/** Says whether the client's user is to be seen on this socket. */
export interface PresenceFrame {
  type: "presence";
  data: SetPresence;
}

export interface SetPresence {
  status: UserStatus;
}

/** Says up to which message the client's user received or read a conversation. */
export interface ReceiptFrame {
  type: "receipt";
  data: SetReceipt;
}

export interface SetReceipt {
  conversation_id: ConversationId;
  message_id: MessageId;
  /** What was read was delivered too. */
  kind: "delivered" | "read";
}

/** Asks for a sign of life. */
export interface PingFrame {
  type: "ping";
  data?: PingData | undefined;
}

export interface PingData {
  /** Comes back with the pong. */
  id?: string | undefined;
}

/**
 * What the server may send: events, which have a cursor, and notices, which are gone when nobody was there.
 * Later versions add types; ignore those you do not know.
 */
export type ServerFrame =
  | ReadyNotice
  | MessageEvent
  | MessageUpdatedEvent
  | MessageDeletedEvent
  | ReceiptEvent
  | ConversationCreatedEvent
  | MemberAddedEvent
  | MemberRemovedEvent
  | MemberUpdatedEvent
  | GroupUpdatedEvent
  | GroupDeletedEvent
  | UserUpdatedEvent
  | WebhookDisabledEvent
  | TypingNotice
  | PresenceNotice
  | ResyncNotice
  | PongNotice
  | ErrorNotice;

/** The socket is open, or its token was renewed. */
export interface ReadyNotice {
  type: "ready";
  data: Ready;
}

export interface Ready {
  user: User;
  session_id: SessionId;
  token_expires_at: Time;
  heartbeat: Heartbeat;
  limits: SocketLimits;
  cursor: Cursor;
}

/**
 * The server pings every `interval_seconds` and gives up `timeout_seconds` after a ping without any sign of
 * life.
 */
export interface Heartbeat {
  interval_seconds: number;
  timeout_seconds: number;
}

/** What a client keeps to. */
export interface SocketLimits {
  /** How large a frame may be. */
  frame_bytes: number;
  frames_per_minute: number;
  sockets_per_user: number;
  /** How long a `typing` holds unless it is said again. */
  typing_seconds: number;
}

/** Somebody begins or stops to type. */
export interface TypingNotice {
  type: "typing";
  data: Typing;
}

export interface Typing {
  user_id: UserId;
  conversation_id: ConversationId;
  is_typing: boolean;
}

/** Somebody came or went. */
export interface PresenceNotice {
  type: "presence";
  data: Presence;
}

export interface Presence {
  user_id: UserId;
  status: UserStatus;
  /** The last sign of life; null before the first. */
  last_seen: string | null;
}

/** The events cannot go on from the cursor without a hole. */
export interface ResyncNotice {
  type: "resync";
  data: Resync;
}

export interface Resync {
  /** The events after the cursor are no longer kept, or the log was set back since. */
  reason: "cursor_too_old" | "log_reset" | (string & {});
  cursor: Cursor;
}

/** The answer to a ping. */
export interface PongNotice {
  type: "pong";
  data: Pong;
}

export interface Pong {
  /** The ping's own; null if it had none. */
  id: string | null;
}

/** A frame was refused, and nothing came of it. */
export interface ErrorNotice {
  type: "error";
  data: FrameError;
}

export interface FrameError {
  code: ErrorCode;
  /** A sentence for people. */
  message: string;
  details: ErrorDetails;
  /** The `type` of the frame that was refused; null if it had none that is known. */
  frame: string | null;
}

/** Which contract a server keeps, and which build of Parley keeps it. */
export interface Contract {
  /** The `info.version` of both documents. */
  version: string;
  /** The SHA-256 of `/openapi.json`, in hex. */
  openapi_sha256: string;
  /** The SHA-256 of `/asyncapi.json`, in hex. */
  asyncapi_sha256: string;
  /** The version of Parley itself. */
  build: string;
}

export interface Limits {
  buckets: LimitBucket[];
}

export interface LimitBucket {
  name: string;
  limit: number;
  window_seconds: number;
  remaining: number;
  reset_at: Time;
}
