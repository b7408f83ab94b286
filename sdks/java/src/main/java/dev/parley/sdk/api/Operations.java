// Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
package dev.parley.sdk.api;

import dev.parley.sdk.Call;
import dev.parley.sdk.Page;
import dev.parley.sdk.Walk;

/** All operations of the contract; a client says how a request is made. */
public abstract class Operations {
    /** Carries out a request, and reads its answer. */
    protected abstract <T> T call(Call<T> call);

    /** Log in with an e-mail address and a password. */
    protected Tokens login(Credentials body) {
        return call(new Call<>(Facts.LOGIN, Tokens.class).body(body));
    }

    /** Exchange a refresh token for new tokens. */
    protected Tokens refresh(RefreshToken body) {
        return refresh(body, null);
    }

    /**
     * Exchange a refresh token for new tokens.
     *
     * With a key of one's own, which makes it safe to say again.
     */
    protected Tokens refresh(RefreshToken body, String idempotencyKey) {
        return call(new Call<>(Facts.REFRESH, Tokens.class).body(body).key(idempotencyKey));
    }

    /** End the session of this token. */
    protected void logout() {
        call(new Call<>(Facts.LOGOUT, Void.class));
    }

    /** List your sessions, the last used first. */
    public SessionList listSessions() {
        return call(new Call<>(Facts.LIST_SESSIONS, SessionList.class));
    }

    /** End one of your sessions. */
    public void revokeSession(String sessionId) {
        call(new Call<>(Facts.REVOKE_SESSION, Void.class).path("session_id", sessionId));
    }

    /** Change your password and end all other sessions. */
    public void changePassword(ChangePassword body) {
        call(new Call<>(Facts.CHANGE_PASSWORD, Void.class).body(body));
    }

    /** Find users by their ids or by the beginning of their username. */
    public UserPage listUsers(ListUsersQuery query) {
        return call(new Call<>(Facts.LIST_USERS, UserPage.class).query(query));
    }

    /**
     * Walks back through the list, newest first, from {@code before} or its end. Pages are fetched as it
     * goes; {@code limit} is the size of each.
     */
    public Iterable<User> listUsersOlder(ListUsersQuery query) {
        return Walk.older(
            query,
            "before",
            cursor -> listUsers(query.before(cursor)),
            page -> new Page<>(page.users(), page.hasMore(), page.nextCursor()));
    }

    /**
     * Walks forth through the list, oldest first, from {@code after} to its present end. Pages are fetched as
     * it goes; {@code limit} is the size of each.
     */
    public Iterable<User> listUsersNewer(ListUsersQuery query) {
        return Walk.newer(
            query,
            "after",
            cursor -> listUsers(query.after(cursor)),
            page -> new Page<>(page.users(), page.hasMore(), page.nextCursor()));
    }

    /** Register a new user. */
    public Me registerUser(RegisterUser body) {
        return registerUser(body, null);
    }

    /**
     * Register a new user.
     *
     * With a key of one's own, which makes it safe to say again.
     */
    public Me registerUser(RegisterUser body, String idempotencyKey) {
        return call(new Call<>(Facts.REGISTER_USER, Me.class).body(body).key(idempotencyKey));
    }

    /** Show your own account. */
    public Me getMe() {
        return call(new Call<>(Facts.GET_ME, Me.class));
    }

    /** Show a user. */
    public User getUser(String userId) {
        return call(new Call<>(Facts.GET_USER, User.class).path("user_id", userId));
    }

    /** Change what you tell about yourself. */
    public Me updateUser(String userId, UpdateUser body) {
        return call(new Call<>(Facts.UPDATE_USER, Me.class).path("user_id", userId).body(body));
    }

    /** List your conversations, the latest activity first. */
    public ConversationPage listConversations(ListConversationsQuery query) {
        return call(new Call<>(Facts.LIST_CONVERSATIONS, ConversationPage.class).query(query));
    }

    /**
     * Walks back through the list, newest first, from {@code before} or its end. Pages are fetched as it
     * goes; {@code limit} is the size of each.
     */
    public Iterable<Conversation> listConversationsOlder(ListConversationsQuery query) {
        return Walk.older(
            query,
            "before",
            cursor -> listConversations(query.before(cursor)),
            page -> new Page<>(page.conversations(), page.hasMore(), page.nextCursor()));
    }

    /**
     * Walks forth through the list, oldest first, from {@code after} to its present end. Pages are fetched as
     * it goes; {@code limit} is the size of each.
     */
    public Iterable<Conversation> listConversationsNewer(ListConversationsQuery query) {
        return Walk.newer(
            query,
            "after",
            cursor -> listConversations(query.after(cursor)),
            page -> new Page<>(page.conversations(), page.hasMore(), page.nextCursor()));
    }

    /** Get or make the conversation with another user. */
    public Conversation openConversation(OpenConversation body) {
        return openConversation(body, null);
    }

    /**
     * Get or make the conversation with another user.
     *
     * With a key of one's own, which makes it safe to say again.
     */
    public Conversation openConversation(OpenConversation body, String idempotencyKey) {
        return call(new Call<>(Facts.OPEN_CONVERSATION, Conversation.class).body(body).key(idempotencyKey));
    }

    /** Show one of your conversations. */
    public Conversation getConversation(String conversationId) {
        return call(new Call<>(Facts.GET_CONVERSATION, Conversation.class).path("conversation_id", conversationId));
    }

    /** Say that you have read everything up to a message. */
    public Receipt markRead(String conversationId, Mark body) {
        return call(new Call<>(Facts.MARK_READ, Receipt.class).path("conversation_id", conversationId).body(body));
    }

    /** Say that you have received everything up to a message. */
    public Receipt markDelivered(String conversationId, Mark body) {
        return call(new Call<>(Facts.MARK_DELIVERED, Receipt.class).path("conversation_id", conversationId).body(body));
    }

    /** List messages, newest first. */
    public MessagePage listMessages(ListMessagesQuery query) {
        return call(new Call<>(Facts.LIST_MESSAGES, MessagePage.class).query(query));
    }

    /**
     * Walks back through the list, newest first, from {@code before} or its end. Pages are fetched as it
     * goes; {@code limit} is the size of each.
     */
    public Iterable<Message> listMessagesOlder(ListMessagesQuery query) {
        return Walk.older(
            query,
            "before",
            cursor -> listMessages(query.before(cursor)),
            page -> new Page<>(page.messages(), page.hasMore(), page.nextCursor()));
    }

    /**
     * Walks forth through the list, oldest first, from {@code after} to its present end. Pages are fetched as
     * it goes; {@code limit} is the size of each.
     */
    public Iterable<Message> listMessagesNewer(ListMessagesQuery query) {
        return Walk.newer(
            query,
            "after",
            cursor -> listMessages(query.after(cursor)),
            page -> new Page<>(page.messages(), page.hasMore(), page.nextCursor()));
    }

    /** Send a message to a user, a group or a conversation. */
    public Message sendMessage(SendMessage body) {
        return sendMessage(body, null);
    }

    /**
     * Send a message to a user, a group or a conversation.
     *
     * With a key of one's own, which makes it safe to say again.
     */
    public Message sendMessage(SendMessage body, String idempotencyKey) {
        return call(new Call<>(Facts.SEND_MESSAGE, Message.class).body(body).key(idempotencyKey));
    }

    /** Show a message. */
    public Message getMessage(String messageId) {
        return call(new Call<>(Facts.GET_MESSAGE, Message.class).path("message_id", messageId));
    }

    /** Edit a message that you sent. */
    public Message editMessage(String messageId, EditMessage body) {
        return call(new Call<>(Facts.EDIT_MESSAGE, Message.class).path("message_id", messageId).body(body));
    }

    /** Delete a message. */
    public void deleteMessage(String messageId) {
        call(new Call<>(Facts.DELETE_MESSAGE, Void.class).path("message_id", messageId));
    }

    /** List your groups, or the public ones. */
    public GroupPage listGroups(ListGroupsQuery query) {
        return call(new Call<>(Facts.LIST_GROUPS, GroupPage.class).query(query));
    }

    /**
     * Walks back through the list, newest first, from {@code before} or its end. Pages are fetched as it
     * goes; {@code limit} is the size of each.
     */
    public Iterable<Group> listGroupsOlder(ListGroupsQuery query) {
        return Walk.older(
            query,
            "before",
            cursor -> listGroups(query.before(cursor)),
            page -> new Page<>(page.groups(), page.hasMore(), page.nextCursor()));
    }

    /**
     * Walks forth through the list, oldest first, from {@code after} to its present end. Pages are fetched as
     * it goes; {@code limit} is the size of each.
     */
    public Iterable<Group> listGroupsNewer(ListGroupsQuery query) {
        return Walk.newer(
            query,
            "after",
            cursor -> listGroups(query.after(cursor)),
            page -> new Page<>(page.groups(), page.hasMore(), page.nextCursor()));
    }

    /** Create a group. */
    public Group createGroup(CreateGroup body) {
        return createGroup(body, null);
    }

    /**
     * Create a group.
     *
     * With a key of one's own, which makes it safe to say again.
     */
    public Group createGroup(CreateGroup body, String idempotencyKey) {
        return call(new Call<>(Facts.CREATE_GROUP, Group.class).body(body).key(idempotencyKey));
    }

    /** Show a group. */
    public Group getGroup(String groupId) {
        return call(new Call<>(Facts.GET_GROUP, Group.class).path("group_id", groupId));
    }

    /** Change a group's name, description or settings. */
    public Group updateGroup(String groupId, UpdateGroup body) {
        return call(new Call<>(Facts.UPDATE_GROUP, Group.class).path("group_id", groupId).body(body));
    }

    /** Delete a group with all its messages. */
    public void deleteGroup(String groupId) {
        call(new Call<>(Facts.DELETE_GROUP, Void.class).path("group_id", groupId));
    }

    /** List the members of a group, the newest first. */
    public MemberPage listMembers(String groupId, ListMembersQuery query) {
        return call(new Call<>(Facts.LIST_MEMBERS, MemberPage.class).path("group_id", groupId).query(query));
    }

    /**
     * Walks back through the list, newest first, from {@code before} or its end. Pages are fetched as it
     * goes; {@code limit} is the size of each.
     */
    public Iterable<Member> listMembersOlder(String groupId, ListMembersQuery query) {
        return Walk.older(
            query,
            "before",
            cursor -> listMembers(groupId, query.before(cursor)),
            page -> new Page<>(page.members(), page.hasMore(), page.nextCursor()));
    }

    /**
     * Walks forth through the list, oldest first, from {@code after} to its present end. Pages are fetched as
     * it goes; {@code limit} is the size of each.
     */
    public Iterable<Member> listMembersNewer(String groupId, ListMembersQuery query) {
        return Walk.newer(
            query,
            "after",
            cursor -> listMembers(groupId, query.after(cursor)),
            page -> new Page<>(page.members(), page.hasMore(), page.nextCursor()));
    }

    /** Add a user to a group. */
    public Member addMember(String groupId, AddMember body) {
        return addMember(groupId, body, null);
    }

    /**
     * Add a user to a group.
     *
     * With a key of one's own, which makes it safe to say again.
     */
    public Member addMember(String groupId, AddMember body, String idempotencyKey) {
        return call(new Call<>(Facts.ADD_MEMBER, Member.class).path("group_id", groupId).body(body).key(idempotencyKey));
    }

    /** Show a member of a group. */
    public Member getMember(String groupId, String userId) {
        return call(new Call<>(Facts.GET_MEMBER, Member.class).path("group_id", groupId).path("user_id", userId));
    }

    /** Change a member's role. */
    public Member updateMember(String groupId, String userId, UpdateMember body) {
        return call(new Call<>(Facts.UPDATE_MEMBER, Member.class).path("group_id", groupId).path("user_id", userId).body(body));
    }

    /** Leave a group, or remove a member from it. */
    public void removeMember(String groupId, String userId) {
        call(new Call<>(Facts.REMOVE_MEMBER, Void.class).path("group_id", groupId).path("user_id", userId));
    }

    /** Join a public group. */
    public Member joinGroup(String groupId) {
        return joinGroup(groupId, null);
    }

    /**
     * Join a public group.
     *
     * With a key of one's own, which makes it safe to say again.
     */
    public Member joinGroup(String groupId, String idempotencyKey) {
        return call(new Call<>(Facts.JOIN_GROUP, Member.class).path("group_id", groupId).key(idempotencyKey));
    }

    /** Read what happened after a cursor, oldest first. */
    public EventPage listEvents(ListEventsQuery query) {
        return call(new Call<>(Facts.LIST_EVENTS, EventPage.class).query(query));
    }

    /**
     * Walks forth through the list, oldest first, from {@code after} to its present end. Pages are fetched as
     * it goes; {@code limit} is the size of each.
     */
    public Iterable<Event> listEventsNewer(ListEventsQuery query) {
        return Walk.forth(
            query,
            "after",
            cursor -> listEvents(query.after(cursor)),
            page -> new Page<>(page.events(), page.hasMore(), page.nextCursor()));
    }

    /** List your webhooks, newest first. */
    public WebhookPage listWebhooks(ListWebhooksQuery query) {
        return call(new Call<>(Facts.LIST_WEBHOOKS, WebhookPage.class).query(query));
    }

    /**
     * Walks back through the list, newest first, from {@code before} or its end. Pages are fetched as it
     * goes; {@code limit} is the size of each.
     */
    public Iterable<Webhook> listWebhooksOlder(ListWebhooksQuery query) {
        return Walk.older(
            query,
            "before",
            cursor -> listWebhooks(query.before(cursor)),
            page -> new Page<>(page.webhooks(), page.hasMore(), page.nextCursor()));
    }

    /**
     * Walks forth through the list, oldest first, from {@code after} to its present end. Pages are fetched as
     * it goes; {@code limit} is the size of each.
     */
    public Iterable<Webhook> listWebhooksNewer(ListWebhooksQuery query) {
        return Walk.newer(
            query,
            "after",
            cursor -> listWebhooks(query.after(cursor)),
            page -> new Page<>(page.webhooks(), page.hasMore(), page.nextCursor()));
    }

    /** Have events sent to an address of yours. */
    public CreatedWebhook createWebhook(CreateWebhook body) {
        return createWebhook(body, null);
    }

    /**
     * Have events sent to an address of yours.
     *
     * With a key of one's own, which makes it safe to say again.
     */
    public CreatedWebhook createWebhook(CreateWebhook body, String idempotencyKey) {
        return call(new Call<>(Facts.CREATE_WEBHOOK, CreatedWebhook.class).body(body).key(idempotencyKey));
    }

    /** Show one of your webhooks. */
    public Webhook getWebhook(String webhookId) {
        return call(new Call<>(Facts.GET_WEBHOOK, Webhook.class).path("webhook_id", webhookId));
    }

    /** Change one of your webhooks, disable it or enable it again. */
    public Webhook updateWebhook(String webhookId, UpdateWebhook body) {
        return call(new Call<>(Facts.UPDATE_WEBHOOK, Webhook.class).path("webhook_id", webhookId).body(body));
    }

    /** Delete one of your webhooks. */
    public void deleteWebhook(String webhookId) {
        call(new Call<>(Facts.DELETE_WEBHOOK, Void.class).path("webhook_id", webhookId));
    }

    /** Give a webhook another secret. */
    public RotatedSecret rotateSecret(String webhookId, RotateSecret body) {
        return rotateSecret(webhookId, body, null);
    }

    /**
     * Give a webhook another secret.
     *
     * With a key of one's own, which makes it safe to say again.
     */
    public RotatedSecret rotateSecret(String webhookId, RotateSecret body, String idempotencyKey) {
        return call(new Call<>(Facts.ROTATE_SECRET, RotatedSecret.class).path("webhook_id", webhookId).body(body).key(idempotencyKey));
    }

    /** Send a test to a webhook. */
    public Delivery testWebhook(String webhookId) {
        return testWebhook(webhookId, null);
    }

    /**
     * Send a test to a webhook.
     *
     * With a key of one's own, which makes it safe to say again.
     */
    public Delivery testWebhook(String webhookId, String idempotencyKey) {
        return call(new Call<>(Facts.TEST_WEBHOOK, Delivery.class).path("webhook_id", webhookId).key(idempotencyKey));
    }

    /** List what was sent to a webhook, or waits to be, newest first. */
    public DeliveryPage listDeliveries(String webhookId, ListDeliveriesQuery query) {
        return call(new Call<>(Facts.LIST_DELIVERIES, DeliveryPage.class).path("webhook_id", webhookId).query(query));
    }

    /**
     * Walks back through the list, newest first, from {@code before} or its end. Pages are fetched as it
     * goes; {@code limit} is the size of each.
     */
    public Iterable<Delivery> listDeliveriesOlder(String webhookId, ListDeliveriesQuery query) {
        return Walk.older(
            query,
            "before",
            cursor -> listDeliveries(webhookId, query.before(cursor)),
            page -> new Page<>(page.deliveries(), page.hasMore(), page.nextCursor()));
    }

    /**
     * Walks forth through the list, oldest first, from {@code after} to its present end. Pages are fetched as
     * it goes; {@code limit} is the size of each.
     */
    public Iterable<Delivery> listDeliveriesNewer(String webhookId, ListDeliveriesQuery query) {
        return Walk.newer(
            query,
            "after",
            cursor -> listDeliveries(webhookId, query.after(cursor)),
            page -> new Page<>(page.deliveries(), page.hasMore(), page.nextCursor()));
    }

    /** Show a delivery and what came of its attempts. */
    public Delivery getDelivery(String webhookId, String deliveryId) {
        return call(new Call<>(Facts.GET_DELIVERY, Delivery.class).path("webhook_id", webhookId).path("delivery_id", deliveryId));
    }

    /** Deliver something again. */
    public Delivery redeliver(String webhookId, String deliveryId) {
        return call(new Call<>(Facts.REDELIVER, Delivery.class).path("webhook_id", webhookId).path("delivery_id", deliveryId));
    }

    /** Deliver again all that failed since a time, and what was missed. */
    public Recovery recoverDeliveries(String webhookId, RecoverDeliveries body) {
        return call(new Call<>(Facts.RECOVER_DELIVERIES, Recovery.class).path("webhook_id", webhookId).body(body));
    }

    /** Show what is left of your rate limits. */
    public Limits getLimits() {
        return call(new Call<>(Facts.GET_LIMITS, Limits.class));
    }

    /** Tell which contract this server keeps. */
    public Contract getContract() {
        return call(new Call<>(Facts.GET_CONTRACT, Contract.class));
    }
}
