// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.

import type { CallOptions, CallRequest, KeyedOptions, Operation } from "../call.js";
import { forth, newer, older } from "../pages.js";
import { OPERATIONS } from "./facts.js";
import type * as models from "./models.js";

/** Which part of the list. */
export interface ListUsersQuery {
  /** Only these users. Separate the ids with commas. */
  ids?: models.UserId[] | undefined;
  /** Only users whose username begins like this; capitals do not matter. */
  username?: string | undefined;
  /** Only users who are online, or who are not. */
  status?: models.UserStatus | undefined;
  /** How many items a page has at most. */
  limit?: number | undefined;
  /** Only users older than this one. */
  before?: models.UserId | undefined;
  /** Only users newer than this one, the next ones. */
  after?: models.UserId | undefined;
}

/** Which part of the list. */
export interface ListConversationsQuery {
  /** How many items a page has at most. */
  limit?: number | undefined;
  /** The `next_cursor` of the page before. */
  before?: models.Cursor | undefined;
  /** The `next_cursor` of a page that was asked for with `after`. */
  after?: models.Cursor | undefined;
}

/** Which part of the list. */
export interface ListMessagesQuery {
  /** Only messages of this conversation. */
  conversation_id?: models.ConversationId | undefined;
  /** How many items a page has at most. */
  limit?: number | undefined;
  /** Only messages older than this one, be it deleted or purged since. */
  before?: models.MessageId | undefined;
  /** Only messages newer than this one, the next ones. */
  after?: models.MessageId | undefined;
  /** Only messages that have come exactly this far. */
  status?: models.MessageStatus | undefined;
  /** Only messages of this type. */
  type?: models.MessageType | undefined;
  /** Only messages sent at or after this time, or on or after this day. */
  from?: models.DayOrTime | undefined;
  /** Only messages sent at or before this time. A day includes all of it. */
  to?: models.DayOrTime | undefined;
  /** Only messages that this user sent. */
  sender_id?: models.UserId | undefined;
}

/** Which part of the list. */
export interface ListGroupsQuery {
  /** Your own groups, or all that are public. */
  visibility?: "mine" | "public" | undefined;
  /** How many items a page has at most. */
  limit?: number | undefined;
  /** Only groups older than this one. */
  before?: models.GroupId | undefined;
  /** Only groups newer than this one, the next ones. */
  after?: models.GroupId | undefined;
}

/** Which part of the list. */
export interface ListMembersQuery {
  /** How many items a page has at most. */
  limit?: number | undefined;
  /** Only members who joined before this one (a user id). */
  before?: models.UserId | undefined;
  /** Only members who joined after this one (a user id), the next ones. */
  after?: models.UserId | undefined;
}

/** Which part of the list. */
export interface ListEventsQuery {
  /** The cursor of the last event you have. `0` is the beginning; without it you start at the end. */
  after?: models.Cursor | undefined;
  /** How many items a page has at most. */
  limit?: number | undefined;
  /** For how many seconds to wait for an event when there is none. */
  wait?: number | undefined;
}

/** Which part of the list. */
export interface ListWebhooksQuery {
  /** Only webhooks that are active, or only those that are disabled. */
  status?: models.WebhookStatus | undefined;
  /** How many items a page has at most. */
  limit?: number | undefined;
  /** Only webhooks older than this one, be it deleted since. */
  before?: models.WebhookId | undefined;
  /** Only webhooks newer than this one, the next ones, be it deleted since. */
  after?: models.WebhookId | undefined;
}

/** Which part of the list. */
export interface ListDeliveriesQuery {
  /** Only deliveries that have come this far. */
  status?: models.DeliveryStatus | undefined;
  /** How many items a page has at most. */
  limit?: number | undefined;
  /** Only deliveries older than this one, be it kept or not. */
  before?: models.DeliveryId | undefined;
  /** Only deliveries newer than this one, the next ones, be it kept or not. */
  after?: models.DeliveryId | undefined;
}

/** All operations of the contract. `Client` says how a request is made. */
export abstract class Operations {
  /** Ask for an operation. */
  abstract call<Result>(operation: Operation, request?: CallRequest): Promise<Result>;

  /** Log in with an e-mail address and a password. */
  login(body: models.Credentials, options?: CallOptions): Promise<models.Tokens> {
    return this.call(OPERATIONS.login, { body, ...options });
  }

  /** Exchange a refresh token for new tokens. */
  refresh(body: models.RefreshToken, options?: KeyedOptions): Promise<models.Tokens> {
    return this.call(OPERATIONS.refresh, { body, ...options });
  }

  /** End the session of this token. */
  logout(options?: CallOptions): Promise<void> {
    return this.call(OPERATIONS.logout, { ...options });
  }

  /** List your sessions, the last used first. */
  listSessions(options?: CallOptions): Promise<models.SessionList> {
    return this.call(OPERATIONS.list_sessions, { ...options });
  }

  /** End one of your sessions. */
  revokeSession(sessionId: string, options?: CallOptions): Promise<void> {
    return this.call(OPERATIONS.revoke_session, { path: { session_id: sessionId }, ...options });
  }

  /** Change your password and end all other sessions. */
  changePassword(body: models.ChangePassword, options?: CallOptions): Promise<void> {
    return this.call(OPERATIONS.change_password, { body, ...options });
  }

  /** Find users by their ids or by the beginning of their username. */
  listUsers(query: ListUsersQuery = {}, options?: CallOptions): Promise<models.UserPage> {
    return this.call(OPERATIONS.list_users, { query: { ...query }, ...options });
  }

  /** Walk back through the list, newest first; `before` begins elsewhere than at its end. `limit` is the size of a page. */
  olderUsers(
    query: Omit<ListUsersQuery, "after"> = {},
    options?: CallOptions,
  ): AsyncGenerator<models.User, void, undefined> {
    return older(query.before, async (before) => {
      const page = await this.listUsers({ ...query, before }, options);
      return { items: page.users, hasMore: page.has_more, next: page.next_cursor };
    });
  }

  /** Walk forth through the list, oldest first, from `after` to its present end. `limit` is the size of a page. */
  newerUsers(
    query: Omit<ListUsersQuery, "before"> & { after: string },
    options?: CallOptions,
  ): AsyncGenerator<models.User, void, undefined> {
    return newer(query.after, async (after) => {
      const page = await this.listUsers({ ...query, after }, options);
      return { items: page.users, hasMore: page.has_more, next: page.next_cursor };
    });
  }

  /** Register a new user. */
  registerUser(body: models.RegisterUser, options?: KeyedOptions): Promise<models.Me> {
    return this.call(OPERATIONS.register_user, { body, ...options });
  }

  /** Show your own account. */
  getMe(options?: CallOptions): Promise<models.Me> {
    return this.call(OPERATIONS.get_me, { ...options });
  }

  /** Show a user. */
  getUser(userId: string, options?: CallOptions): Promise<models.User> {
    return this.call(OPERATIONS.get_user, { path: { user_id: userId }, ...options });
  }

  /** Change what you tell about yourself. */
  updateUser(userId: string, body: models.UpdateUser, options?: CallOptions): Promise<models.Me> {
    return this.call(OPERATIONS.update_user, { path: { user_id: userId }, body, ...options });
  }

  /** List your conversations, the latest activity first. */
  listConversations(
    query: ListConversationsQuery = {},
    options?: CallOptions,
  ): Promise<models.ConversationPage> {
    return this.call(OPERATIONS.list_conversations, { query: { ...query }, ...options });
  }

  /** Walk back through the list, newest first; `before` begins elsewhere than at its end. `limit` is the size of a page. */
  olderConversations(
    query: Omit<ListConversationsQuery, "after"> = {},
    options?: CallOptions,
  ): AsyncGenerator<models.Conversation, void, undefined> {
    return older(query.before, async (before) => {
      const page = await this.listConversations({ ...query, before }, options);
      return { items: page.conversations, hasMore: page.has_more, next: page.next_cursor };
    });
  }

  /** Walk forth through the list, oldest first, from `after` to its present end. `limit` is the size of a page. */
  newerConversations(
    query: Omit<ListConversationsQuery, "before"> & { after: string },
    options?: CallOptions,
  ): AsyncGenerator<models.Conversation, void, undefined> {
    return newer(query.after, async (after) => {
      const page = await this.listConversations({ ...query, after }, options);
      return { items: page.conversations, hasMore: page.has_more, next: page.next_cursor };
    });
  }

  /** Get or make the conversation with another user. */
  openConversation(body: models.OpenConversation, options?: KeyedOptions): Promise<models.Conversation> {
    return this.call(OPERATIONS.open_conversation, { body, ...options });
  }

  /** Show one of your conversations. */
  getConversation(conversationId: string, options?: CallOptions): Promise<models.Conversation> {
    return this.call(OPERATIONS.get_conversation, { path: { conversation_id: conversationId }, ...options });
  }

  /** Say that you have read everything up to a message. */
  markRead(conversationId: string, body: models.Mark, options?: CallOptions): Promise<models.Receipt> {
    return this.call(OPERATIONS.mark_read, { path: { conversation_id: conversationId }, body, ...options });
  }

  /** Say that you have received everything up to a message. */
  markDelivered(conversationId: string, body: models.Mark, options?: CallOptions): Promise<models.Receipt> {
    return this.call(OPERATIONS.mark_delivered, { path: { conversation_id: conversationId }, body, ...options });
  }

  /** List messages, newest first. */
  listMessages(query: ListMessagesQuery = {}, options?: CallOptions): Promise<models.MessagePage> {
    return this.call(OPERATIONS.list_messages, { query: { ...query }, ...options });
  }

  /** Walk back through the list, newest first; `before` begins elsewhere than at its end. `limit` is the size of a page. */
  olderMessages(
    query: Omit<ListMessagesQuery, "after"> = {},
    options?: CallOptions,
  ): AsyncGenerator<models.Message, void, undefined> {
    return older(query.before, async (before) => {
      const page = await this.listMessages({ ...query, before }, options);
      return { items: page.messages, hasMore: page.has_more, next: page.next_cursor };
    });
  }

  /** Walk forth through the list, oldest first, from `after` to its present end. `limit` is the size of a page. */
  newerMessages(
    query: Omit<ListMessagesQuery, "before"> & { after: string },
    options?: CallOptions,
  ): AsyncGenerator<models.Message, void, undefined> {
    return newer(query.after, async (after) => {
      const page = await this.listMessages({ ...query, after }, options);
      return { items: page.messages, hasMore: page.has_more, next: page.next_cursor };
    });
  }

  /** Send a message to a user, a group or a conversation. */
  sendMessage(body: models.SendMessage, options?: KeyedOptions): Promise<models.Message> {
    return this.call(OPERATIONS.send_message, { body, ...options });
  }

  /** Show a message. */
  getMessage(messageId: string, options?: CallOptions): Promise<models.Message> {
    return this.call(OPERATIONS.get_message, { path: { message_id: messageId }, ...options });
  }

  /** Edit a message that you sent. */
  editMessage(messageId: string, body: models.EditMessage, options?: CallOptions): Promise<models.Message> {
    return this.call(OPERATIONS.edit_message, { path: { message_id: messageId }, body, ...options });
  }

  /** Delete a message. */
  deleteMessage(messageId: string, options?: CallOptions): Promise<void> {
    return this.call(OPERATIONS.delete_message, { path: { message_id: messageId }, ...options });
  }

  /** List your groups, or the public ones. */
  listGroups(query: ListGroupsQuery = {}, options?: CallOptions): Promise<models.GroupPage> {
    return this.call(OPERATIONS.list_groups, { query: { ...query }, ...options });
  }

  /** Walk back through the list, newest first; `before` begins elsewhere than at its end. `limit` is the size of a page. */
  olderGroups(
    query: Omit<ListGroupsQuery, "after"> = {},
    options?: CallOptions,
  ): AsyncGenerator<models.Group, void, undefined> {
    return older(query.before, async (before) => {
      const page = await this.listGroups({ ...query, before }, options);
      return { items: page.groups, hasMore: page.has_more, next: page.next_cursor };
    });
  }

  /** Walk forth through the list, oldest first, from `after` to its present end. `limit` is the size of a page. */
  newerGroups(
    query: Omit<ListGroupsQuery, "before"> & { after: string },
    options?: CallOptions,
  ): AsyncGenerator<models.Group, void, undefined> {
    return newer(query.after, async (after) => {
      const page = await this.listGroups({ ...query, after }, options);
      return { items: page.groups, hasMore: page.has_more, next: page.next_cursor };
    });
  }

  /** Create a group. */
  createGroup(body: models.CreateGroup, options?: KeyedOptions): Promise<models.Group> {
    return this.call(OPERATIONS.create_group, { body, ...options });
  }

  /** Show a group. */
  getGroup(groupId: string, options?: CallOptions): Promise<models.Group> {
    return this.call(OPERATIONS.get_group, { path: { group_id: groupId }, ...options });
  }

  /** Change a group's name, description or settings. */
  updateGroup(groupId: string, body: models.UpdateGroup, options?: CallOptions): Promise<models.Group> {
    return this.call(OPERATIONS.update_group, { path: { group_id: groupId }, body, ...options });
  }

  /** Delete a group with all its messages. */
  deleteGroup(groupId: string, options?: CallOptions): Promise<void> {
    return this.call(OPERATIONS.delete_group, { path: { group_id: groupId }, ...options });
  }

  /** List the members of a group, the newest first. */
  listMembers(
    groupId: string,
    query: ListMembersQuery = {},
    options?: CallOptions,
  ): Promise<models.MemberPage> {
    return this.call(OPERATIONS.list_members, { path: { group_id: groupId }, query: { ...query }, ...options });
  }

  /** Walk back through the list, newest first; `before` begins elsewhere than at its end. `limit` is the size of a page. */
  olderMembers(
    groupId: string,
    query: Omit<ListMembersQuery, "after"> = {},
    options?: CallOptions,
  ): AsyncGenerator<models.Member, void, undefined> {
    return older(query.before, async (before) => {
      const page = await this.listMembers(groupId, { ...query, before }, options);
      return { items: page.members, hasMore: page.has_more, next: page.next_cursor };
    });
  }

  /** Walk forth through the list, oldest first, from `after` to its present end. `limit` is the size of a page. */
  newerMembers(
    groupId: string,
    query: Omit<ListMembersQuery, "before"> & { after: string },
    options?: CallOptions,
  ): AsyncGenerator<models.Member, void, undefined> {
    return newer(query.after, async (after) => {
      const page = await this.listMembers(groupId, { ...query, after }, options);
      return { items: page.members, hasMore: page.has_more, next: page.next_cursor };
    });
  }

  /** Add a user to a group. */
  addMember(groupId: string, body: models.AddMember, options?: KeyedOptions): Promise<models.Member> {
    return this.call(OPERATIONS.add_member, { path: { group_id: groupId }, body, ...options });
  }

  /** Show a member of a group. */
  getMember(groupId: string, userId: string, options?: CallOptions): Promise<models.Member> {
    return this.call(OPERATIONS.get_member, { path: { group_id: groupId, user_id: userId }, ...options });
  }

  /** Change a member's role. */
  updateMember(
    groupId: string,
    userId: string,
    body: models.UpdateMember,
    options?: CallOptions,
  ): Promise<models.Member> {
    return this.call(OPERATIONS.update_member, { path: { group_id: groupId, user_id: userId }, body, ...options });
  }

  /** Leave a group, or remove a member from it. */
  removeMember(groupId: string, userId: string, options?: CallOptions): Promise<void> {
    return this.call(OPERATIONS.remove_member, { path: { group_id: groupId, user_id: userId }, ...options });
  }

  /** Join a public group. */
  joinGroup(groupId: string, options?: KeyedOptions): Promise<models.Member> {
    return this.call(OPERATIONS.join_group, { path: { group_id: groupId }, ...options });
  }

  /** Read what happened after a cursor, oldest first. */
  listEvents(query: ListEventsQuery = {}, options?: CallOptions): Promise<models.EventPage> {
    return this.call(OPERATIONS.list_events, { query: { ...query }, ...options });
  }

  /** Walk forth through the list, oldest first, from `after` to its present end. `limit` is the size of a page. */
  newerEvents(
    query: ListEventsQuery & { after: string },
    options?: CallOptions,
  ): AsyncGenerator<models.Event, void, undefined> {
    return forth(query.after, async (after) => {
      const page = await this.listEvents({ ...query, after }, options);
      return { items: page.events, hasMore: page.has_more, next: page.next_cursor };
    });
  }

  /** List your webhooks, newest first. */
  listWebhooks(query: ListWebhooksQuery = {}, options?: CallOptions): Promise<models.WebhookPage> {
    return this.call(OPERATIONS.list_webhooks, { query: { ...query }, ...options });
  }

  /** Walk back through the list, newest first; `before` begins elsewhere than at its end. `limit` is the size of a page. */
  olderWebhooks(
    query: Omit<ListWebhooksQuery, "after"> = {},
    options?: CallOptions,
  ): AsyncGenerator<models.Webhook, void, undefined> {
    return older(query.before, async (before) => {
      const page = await this.listWebhooks({ ...query, before }, options);
      return { items: page.webhooks, hasMore: page.has_more, next: page.next_cursor };
    });
  }

  /** Walk forth through the list, oldest first, from `after` to its present end. `limit` is the size of a page. */
  newerWebhooks(
    query: Omit<ListWebhooksQuery, "before"> & { after: string },
    options?: CallOptions,
  ): AsyncGenerator<models.Webhook, void, undefined> {
    return newer(query.after, async (after) => {
      const page = await this.listWebhooks({ ...query, after }, options);
      return { items: page.webhooks, hasMore: page.has_more, next: page.next_cursor };
    });
  }

  /** Have events sent to an address of yours. */
  createWebhook(body: models.CreateWebhook, options?: KeyedOptions): Promise<models.CreatedWebhook> {
    return this.call(OPERATIONS.create_webhook, { body, ...options });
  }

  /** Show one of your webhooks. */
  getWebhook(webhookId: string, options?: CallOptions): Promise<models.Webhook> {
    return this.call(OPERATIONS.get_webhook, { path: { webhook_id: webhookId }, ...options });
  }

  /** Change one of your webhooks, disable it or enable it again. */
  updateWebhook(
    webhookId: string,
    body: models.UpdateWebhook,
    options?: CallOptions,
  ): Promise<models.Webhook> {
    return this.call(OPERATIONS.update_webhook, { path: { webhook_id: webhookId }, body, ...options });
  }

  /** Delete one of your webhooks. */
  deleteWebhook(webhookId: string, options?: CallOptions): Promise<void> {
    return this.call(OPERATIONS.delete_webhook, { path: { webhook_id: webhookId }, ...options });
  }

  /** Give a webhook another secret. */
  rotateSecret(
    webhookId: string,
    body: models.RotateSecret = {},
    options?: KeyedOptions,
  ): Promise<models.RotatedSecret> {
    return this.call(OPERATIONS.rotate_secret, { path: { webhook_id: webhookId }, body, ...options });
  }

  /** Send a test to a webhook. */
  testWebhook(webhookId: string, options?: KeyedOptions): Promise<models.Delivery> {
    return this.call(OPERATIONS.test_webhook, { path: { webhook_id: webhookId }, ...options });
  }

  /** List what was sent to a webhook, or waits to be, newest first. */
  listDeliveries(
    webhookId: string,
    query: ListDeliveriesQuery = {},
    options?: CallOptions,
  ): Promise<models.DeliveryPage> {
    return this.call(OPERATIONS.list_deliveries, { path: { webhook_id: webhookId }, query: { ...query }, ...options });
  }

  /** Walk back through the list, newest first; `before` begins elsewhere than at its end. `limit` is the size of a page. */
  olderDeliveries(
    webhookId: string,
    query: Omit<ListDeliveriesQuery, "after"> = {},
    options?: CallOptions,
  ): AsyncGenerator<models.Delivery, void, undefined> {
    return older(query.before, async (before) => {
      const page = await this.listDeliveries(webhookId, { ...query, before }, options);
      return { items: page.deliveries, hasMore: page.has_more, next: page.next_cursor };
    });
  }

  /** Walk forth through the list, oldest first, from `after` to its present end. `limit` is the size of a page. */
  newerDeliveries(
    webhookId: string,
    query: Omit<ListDeliveriesQuery, "before"> & { after: string },
    options?: CallOptions,
  ): AsyncGenerator<models.Delivery, void, undefined> {
    return newer(query.after, async (after) => {
      const page = await this.listDeliveries(webhookId, { ...query, after }, options);
      return { items: page.deliveries, hasMore: page.has_more, next: page.next_cursor };
    });
  }

  /** Show a delivery and what came of its attempts. */
  getDelivery(webhookId: string, deliveryId: string, options?: CallOptions): Promise<models.Delivery> {
    return this.call(OPERATIONS.get_delivery, { path: { webhook_id: webhookId, delivery_id: deliveryId }, ...options });
  }

  /** Deliver something again. */
  redeliver(webhookId: string, deliveryId: string, options?: CallOptions): Promise<models.Delivery> {
    return this.call(OPERATIONS.redeliver, { path: { webhook_id: webhookId, delivery_id: deliveryId }, ...options });
  }

  /** Deliver again all that failed since a time, and what was missed. */
  recoverDeliveries(
    webhookId: string,
    body: models.RecoverDeliveries,
    options?: CallOptions,
  ): Promise<models.Recovery> {
    return this.call(OPERATIONS.recover_deliveries, { path: { webhook_id: webhookId }, body, ...options });
  }

  /** Show what is left of your rate limits. */
  getLimits(options?: CallOptions): Promise<models.Limits> {
    return this.call(OPERATIONS.get_limits, { ...options });
  }

  /** Tell which contract this server keeps. */
  getContract(options?: CallOptions): Promise<models.Contract> {
    return this.call(OPERATIONS.get_contract, { ...options });
  }
}
