# Made from generated/openapi.json and generated/asyncapi.json by scripts/sdks.py: run `make sdks-generate`.
"""The operations of the contract. `Client` and `AsyncClient` say how a request is made."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import date, datetime
from types import NoneType
from typing import Any, ParamSpec, TypeVar, overload
from uuid import UUID

from parley_sdk.generated import models
from parley_sdk.generated.facts import OPERATIONS, Event, Operation
from parley_sdk.pages import walk, walk_async

Asked = ParamSpec("Asked")
Result = TypeVar("Result")


class Operations(ABC):
    """Every operation of the contract, as a method that waits."""

    @abstractmethod
    def call(
        self,
        operation: Operation,
        result: type[Result],
        *,
        path: Mapping[str, object] = {},
        query: Mapping[str, object] = {},
        body: object = None,
        idempotency_key: str | None = None,
    ) -> Result:
        """Ask for an operation, and return its answer as what `result` is the class of."""

    def login(
        self,
        body: models.Credentials | Mapping[str, Any],
    ) -> models.Tokens:
        """Log in with an e-mail address and a password."""
        return self.call(
            OPERATIONS["login"],
            models.Tokens,
            body=body,
        )

    def refresh(
        self,
        body: models.RefreshToken | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> models.Tokens:
        """Exchange a refresh token for new tokens."""
        return self.call(
            OPERATIONS["refresh"],
            models.Tokens,
            body=body,
            idempotency_key=idempotency_key,
        )

    def logout(
        self,
    ) -> None:
        """End the session of this token."""
        self.call(
            OPERATIONS["logout"],
            NoneType,
        )

    def list_sessions(
        self,
    ) -> models.SessionList:
        """List your sessions, the last used first."""
        return self.call(
            OPERATIONS["list_sessions"],
            models.SessionList,
        )

    def revoke_session(
        self,
        session_id: UUID | str,
    ) -> None:
        """End one of your sessions."""
        self.call(
            OPERATIONS["revoke_session"],
            NoneType,
            path={"session_id": session_id},
        )

    def change_password(
        self,
        body: models.ChangePassword | Mapping[str, Any],
    ) -> None:
        """Change your password and end all other sessions."""
        self.call(
            OPERATIONS["change_password"],
            NoneType,
            body=body,
        )

    def list_users(
        self,
        *,
        ids: Sequence[UUID | str] | None = None,
        username: str | None = None,
        status: str | None = None,
        limit: int | None = None,
        before: UUID | str | None = None,
        after: UUID | str | None = None,
    ) -> models.UserPage:
        """Find users by their ids or by the beginning of their username."""
        return self.call(
            OPERATIONS["list_users"],
            models.UserPage,
            query={
                "ids": ids,
                "username": username,
                "status": status,
                "limit": limit,
                "before": before,
                "after": after,
            },
        )

    def register_user(
        self,
        body: models.RegisterUser | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> models.Me:
        """Register a new user."""
        return self.call(
            OPERATIONS["register_user"],
            models.Me,
            body=body,
            idempotency_key=idempotency_key,
        )

    def get_me(
        self,
    ) -> models.Me:
        """Show your own account."""
        return self.call(
            OPERATIONS["get_me"],
            models.Me,
        )

    def get_user(
        self,
        user_id: UUID | str,
    ) -> models.User:
        """Show a user."""
        return self.call(
            OPERATIONS["get_user"],
            models.User,
            path={"user_id": user_id},
        )

    def update_user(
        self,
        user_id: UUID | str,
        body: models.UpdateUser | Mapping[str, Any],
    ) -> models.Me:
        """Change what you tell about yourself."""
        return self.call(
            OPERATIONS["update_user"],
            models.Me,
            path={"user_id": user_id},
            body=body,
        )

    def list_conversations(
        self,
        *,
        limit: int | None = None,
        before: str | None = None,
        after: str | None = None,
    ) -> models.ConversationPage:
        """List your conversations, the latest activity first."""
        return self.call(
            OPERATIONS["list_conversations"],
            models.ConversationPage,
            query={
                "limit": limit,
                "before": before,
                "after": after,
            },
        )

    def open_conversation(
        self,
        body: models.OpenConversation | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> models.Conversation:
        """Get or make the conversation with another user."""
        return self.call(
            OPERATIONS["open_conversation"],
            models.Conversation,
            body=body,
            idempotency_key=idempotency_key,
        )

    def get_conversation(
        self,
        conversation_id: UUID | str,
    ) -> models.Conversation:
        """Show one of your conversations."""
        return self.call(
            OPERATIONS["get_conversation"],
            models.Conversation,
            path={"conversation_id": conversation_id},
        )

    def mark_read(
        self,
        conversation_id: UUID | str,
        body: models.Mark | Mapping[str, Any],
    ) -> models.Receipt:
        """Say that you have read everything up to a message."""
        return self.call(
            OPERATIONS["mark_read"],
            models.Receipt,
            path={"conversation_id": conversation_id},
            body=body,
        )

    def mark_delivered(
        self,
        conversation_id: UUID | str,
        body: models.Mark | Mapping[str, Any],
    ) -> models.Receipt:
        """Say that you have received everything up to a message."""
        return self.call(
            OPERATIONS["mark_delivered"],
            models.Receipt,
            path={"conversation_id": conversation_id},
            body=body,
        )

    def list_messages(
        self,
        *,
        conversation_id: UUID | str | None = None,
        limit: int | None = None,
        before: UUID | str | None = None,
        after: UUID | str | None = None,
        status: str | None = None,
        type_: str | None = None,
        from_: date | str | datetime | None = None,
        to: date | str | datetime | None = None,
        sender_id: UUID | str | None = None,
    ) -> models.MessagePage:
        """List messages, newest first."""
        return self.call(
            OPERATIONS["list_messages"],
            models.MessagePage,
            query={
                "conversation_id": conversation_id,
                "limit": limit,
                "before": before,
                "after": after,
                "status": status,
                "type": type_,
                "from": from_,
                "to": to,
                "sender_id": sender_id,
            },
        )

    def send_message(
        self,
        body: models.TextToReceiver | models.TextToConversation | models.MediaToReceiver | models.MediaToConversation | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> models.Message:
        """Send a message to a user, a group or a conversation."""
        return self.call(
            OPERATIONS["send_message"],
            models.Message,
            body=body,
            idempotency_key=idempotency_key,
        )

    def get_message(
        self,
        message_id: UUID | str,
    ) -> models.Message:
        """Show a message."""
        return self.call(
            OPERATIONS["get_message"],
            models.Message,
            path={"message_id": message_id},
        )

    def edit_message(
        self,
        message_id: UUID | str,
        body: models.EditMessage | Mapping[str, Any],
    ) -> models.Message:
        """Edit a message that you sent."""
        return self.call(
            OPERATIONS["edit_message"],
            models.Message,
            path={"message_id": message_id},
            body=body,
        )

    def delete_message(
        self,
        message_id: UUID | str,
    ) -> None:
        """Delete a message."""
        self.call(
            OPERATIONS["delete_message"],
            NoneType,
            path={"message_id": message_id},
        )

    def list_groups(
        self,
        *,
        visibility: str | None = None,
        limit: int | None = None,
        before: UUID | str | None = None,
        after: UUID | str | None = None,
    ) -> models.GroupPage:
        """List your groups, or the public ones."""
        return self.call(
            OPERATIONS["list_groups"],
            models.GroupPage,
            query={
                "visibility": visibility,
                "limit": limit,
                "before": before,
                "after": after,
            },
        )

    def create_group(
        self,
        body: models.CreateGroup | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> models.Group:
        """Create a group."""
        return self.call(
            OPERATIONS["create_group"],
            models.Group,
            body=body,
            idempotency_key=idempotency_key,
        )

    def get_group(
        self,
        group_id: UUID | str,
    ) -> models.Group:
        """Show a group."""
        return self.call(
            OPERATIONS["get_group"],
            models.Group,
            path={"group_id": group_id},
        )

    def update_group(
        self,
        group_id: UUID | str,
        body: models.UpdateGroup | Mapping[str, Any],
    ) -> models.Group:
        """Change a group's name, description or settings."""
        return self.call(
            OPERATIONS["update_group"],
            models.Group,
            path={"group_id": group_id},
            body=body,
        )

    def delete_group(
        self,
        group_id: UUID | str,
    ) -> None:
        """Delete a group with all its messages."""
        self.call(
            OPERATIONS["delete_group"],
            NoneType,
            path={"group_id": group_id},
        )

    def list_members(
        self,
        group_id: UUID | str,
        *,
        limit: int | None = None,
        before: UUID | str | None = None,
        after: UUID | str | None = None,
    ) -> models.MemberPage:
        """List the members of a group, the newest first."""
        return self.call(
            OPERATIONS["list_members"],
            models.MemberPage,
            path={"group_id": group_id},
            query={
                "limit": limit,
                "before": before,
                "after": after,
            },
        )

    def add_member(
        self,
        group_id: UUID | str,
        body: models.AddMember | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> models.Member:
        """Add a user to a group."""
        return self.call(
            OPERATIONS["add_member"],
            models.Member,
            path={"group_id": group_id},
            body=body,
            idempotency_key=idempotency_key,
        )

    def get_member(
        self,
        group_id: UUID | str,
        user_id: UUID | str,
    ) -> models.Member:
        """Show a member of a group."""
        return self.call(
            OPERATIONS["get_member"],
            models.Member,
            path={"group_id": group_id, "user_id": user_id},
        )

    def update_member(
        self,
        group_id: UUID | str,
        user_id: UUID | str,
        body: models.UpdateMember | Mapping[str, Any],
    ) -> models.Member:
        """Change a member's role."""
        return self.call(
            OPERATIONS["update_member"],
            models.Member,
            path={"group_id": group_id, "user_id": user_id},
            body=body,
        )

    def remove_member(
        self,
        group_id: UUID | str,
        user_id: UUID | str,
    ) -> None:
        """Leave a group, or remove a member from it."""
        self.call(
            OPERATIONS["remove_member"],
            NoneType,
            path={"group_id": group_id, "user_id": user_id},
        )

    def join_group(
        self,
        group_id: UUID | str,
        *,
        idempotency_key: str | None = None,
    ) -> models.Member:
        """Join a public group."""
        return self.call(
            OPERATIONS["join_group"],
            models.Member,
            path={"group_id": group_id},
            idempotency_key=idempotency_key,
        )

    def list_events(
        self,
        *,
        after: str | None = None,
        limit: int | None = None,
        wait: int | None = None,
    ) -> models.EventPage:
        """Read what happened after a cursor, oldest first."""
        return self.call(
            OPERATIONS["list_events"],
            models.EventPage,
            query={
                "after": after,
                "limit": limit,
                "wait": wait,
            },
        )

    def list_webhooks(
        self,
        *,
        status: str | None = None,
        limit: int | None = None,
        before: UUID | str | None = None,
        after: UUID | str | None = None,
    ) -> models.WebhookPage:
        """List your webhooks, newest first."""
        return self.call(
            OPERATIONS["list_webhooks"],
            models.WebhookPage,
            query={
                "status": status,
                "limit": limit,
                "before": before,
                "after": after,
            },
        )

    def create_webhook(
        self,
        body: models.CreateWebhook | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> models.CreatedWebhook:
        """Have events sent to an address of yours."""
        return self.call(
            OPERATIONS["create_webhook"],
            models.CreatedWebhook,
            body=body,
            idempotency_key=idempotency_key,
        )

    def get_webhook(
        self,
        webhook_id: UUID | str,
    ) -> models.Webhook:
        """Show one of your webhooks."""
        return self.call(
            OPERATIONS["get_webhook"],
            models.Webhook,
            path={"webhook_id": webhook_id},
        )

    def update_webhook(
        self,
        webhook_id: UUID | str,
        body: models.UpdateWebhook | Mapping[str, Any],
    ) -> models.Webhook:
        """Change one of your webhooks, disable it or enable it again."""
        return self.call(
            OPERATIONS["update_webhook"],
            models.Webhook,
            path={"webhook_id": webhook_id},
            body=body,
        )

    def delete_webhook(
        self,
        webhook_id: UUID | str,
    ) -> None:
        """Delete one of your webhooks."""
        self.call(
            OPERATIONS["delete_webhook"],
            NoneType,
            path={"webhook_id": webhook_id},
        )

    def rotate_secret(
        self,
        webhook_id: UUID | str,
        body: models.RotateSecret | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> models.RotatedSecret:
        """Give a webhook another secret."""
        return self.call(
            OPERATIONS["rotate_secret"],
            models.RotatedSecret,
            path={"webhook_id": webhook_id},
            body=body,
            idempotency_key=idempotency_key,
        )

    def test_webhook(
        self,
        webhook_id: UUID | str,
        *,
        idempotency_key: str | None = None,
    ) -> models.Delivery:
        """Send a test to a webhook."""
        return self.call(
            OPERATIONS["test_webhook"],
            models.Delivery,
            path={"webhook_id": webhook_id},
            idempotency_key=idempotency_key,
        )

    def list_deliveries(
        self,
        webhook_id: UUID | str,
        *,
        status: str | None = None,
        limit: int | None = None,
        before: UUID | str | None = None,
        after: UUID | str | None = None,
    ) -> models.DeliveryPage:
        """List what was sent to a webhook, or waits to be, newest first."""
        return self.call(
            OPERATIONS["list_deliveries"],
            models.DeliveryPage,
            path={"webhook_id": webhook_id},
            query={
                "status": status,
                "limit": limit,
                "before": before,
                "after": after,
            },
        )

    def get_delivery(
        self,
        webhook_id: UUID | str,
        delivery_id: UUID | str,
    ) -> models.Delivery:
        """Show a delivery and what came of its attempts."""
        return self.call(
            OPERATIONS["get_delivery"],
            models.Delivery,
            path={"webhook_id": webhook_id, "delivery_id": delivery_id},
        )

    def redeliver(
        self,
        webhook_id: UUID | str,
        delivery_id: UUID | str,
    ) -> models.Delivery:
        """Deliver something again."""
        return self.call(
            OPERATIONS["redeliver"],
            models.Delivery,
            path={"webhook_id": webhook_id, "delivery_id": delivery_id},
        )

    def recover_deliveries(
        self,
        webhook_id: UUID | str,
        body: models.RecoverDeliveries | Mapping[str, Any],
    ) -> models.Recovery:
        """Deliver again all that failed since a time, and what was missed."""
        return self.call(
            OPERATIONS["recover_deliveries"],
            models.Recovery,
            path={"webhook_id": webhook_id},
            body=body,
        )

    def get_limits(
        self,
    ) -> models.Limits:
        """Show what is left of your rate limits."""
        return self.call(
            OPERATIONS["get_limits"],
            models.Limits,
        )

    def get_contract(
        self,
    ) -> models.Contract:
        """Tell which contract this server keeps."""
        return self.call(
            OPERATIONS["get_contract"],
            models.Contract,
        )

    @overload
    def each(
        self, operation: Callable[Asked, models.UserPage], *arguments: Asked.args, **query: Asked.kwargs
    ) -> Iterator[models.User]: ...

    @overload
    def each(
        self, operation: Callable[Asked, models.ConversationPage], *arguments: Asked.args, **query: Asked.kwargs
    ) -> Iterator[models.Conversation]: ...

    @overload
    def each(
        self, operation: Callable[Asked, models.MessagePage], *arguments: Asked.args, **query: Asked.kwargs
    ) -> Iterator[models.Message]: ...

    @overload
    def each(
        self, operation: Callable[Asked, models.GroupPage], *arguments: Asked.args, **query: Asked.kwargs
    ) -> Iterator[models.Group]: ...

    @overload
    def each(
        self, operation: Callable[Asked, models.MemberPage], *arguments: Asked.args, **query: Asked.kwargs
    ) -> Iterator[models.Member]: ...

    @overload
    def each(
        self, operation: Callable[Asked, models.EventPage], *arguments: Asked.args, **query: Asked.kwargs
    ) -> Iterator[Event]: ...

    @overload
    def each(
        self, operation: Callable[Asked, models.WebhookPage], *arguments: Asked.args, **query: Asked.kwargs
    ) -> Iterator[models.Webhook]: ...

    @overload
    def each(
        self, operation: Callable[Asked, models.DeliveryPage], *arguments: Asked.args, **query: Asked.kwargs
    ) -> Iterator[models.Delivery]: ...

    def each(self, operation: Callable[..., Any], *arguments: Any, **query: Any) -> Iterator[Any]:
        """Walk through a list: back from its newest end, or from `before`; or forth from `after`.

        As in `client.each(client.list_groups, visibility="public")`. Events only go forth.
        """
        return walk(operation, arguments, query)


class AsyncOperations(ABC):
    """Every operation of the contract, as a coroutine."""

    @abstractmethod
    async def call(
        self,
        operation: Operation,
        result: type[Result],
        *,
        path: Mapping[str, object] = {},
        query: Mapping[str, object] = {},
        body: object = None,
        idempotency_key: str | None = None,
    ) -> Result:
        """Ask for an operation, and return its answer as what `result` is the class of."""

    async def login(
        self,
        body: models.Credentials | Mapping[str, Any],
    ) -> models.Tokens:
        """Log in with an e-mail address and a password."""
        return await self.call(
            OPERATIONS["login"],
            models.Tokens,
            body=body,
        )

    async def refresh(
        self,
        body: models.RefreshToken | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> models.Tokens:
        """Exchange a refresh token for new tokens."""
        return await self.call(
            OPERATIONS["refresh"],
            models.Tokens,
            body=body,
            idempotency_key=idempotency_key,
        )

    async def logout(
        self,
    ) -> None:
        """End the session of this token."""
        await self.call(
            OPERATIONS["logout"],
            NoneType,
        )

    async def list_sessions(
        self,
    ) -> models.SessionList:
        """List your sessions, the last used first."""
        return await self.call(
            OPERATIONS["list_sessions"],
            models.SessionList,
        )

    async def revoke_session(
        self,
        session_id: UUID | str,
    ) -> None:
        """End one of your sessions."""
        await self.call(
            OPERATIONS["revoke_session"],
            NoneType,
            path={"session_id": session_id},
        )

    async def change_password(
        self,
        body: models.ChangePassword | Mapping[str, Any],
    ) -> None:
        """Change your password and end all other sessions."""
        await self.call(
            OPERATIONS["change_password"],
            NoneType,
            body=body,
        )

    async def list_users(
        self,
        *,
        ids: Sequence[UUID | str] | None = None,
        username: str | None = None,
        status: str | None = None,
        limit: int | None = None,
        before: UUID | str | None = None,
        after: UUID | str | None = None,
    ) -> models.UserPage:
        """Find users by their ids or by the beginning of their username."""
        return await self.call(
            OPERATIONS["list_users"],
            models.UserPage,
            query={
                "ids": ids,
                "username": username,
                "status": status,
                "limit": limit,
                "before": before,
                "after": after,
            },
        )

    async def register_user(
        self,
        body: models.RegisterUser | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> models.Me:
        """Register a new user."""
        return await self.call(
            OPERATIONS["register_user"],
            models.Me,
            body=body,
            idempotency_key=idempotency_key,
        )

    async def get_me(
        self,
    ) -> models.Me:
        """Show your own account."""
        return await self.call(
            OPERATIONS["get_me"],
            models.Me,
        )

    async def get_user(
        self,
        user_id: UUID | str,
    ) -> models.User:
        """Show a user."""
        return await self.call(
            OPERATIONS["get_user"],
            models.User,
            path={"user_id": user_id},
        )

    async def update_user(
        self,
        user_id: UUID | str,
        body: models.UpdateUser | Mapping[str, Any],
    ) -> models.Me:
        """Change what you tell about yourself."""
        return await self.call(
            OPERATIONS["update_user"],
            models.Me,
            path={"user_id": user_id},
            body=body,
        )

    async def list_conversations(
        self,
        *,
        limit: int | None = None,
        before: str | None = None,
        after: str | None = None,
    ) -> models.ConversationPage:
        """List your conversations, the latest activity first."""
        return await self.call(
            OPERATIONS["list_conversations"],
            models.ConversationPage,
            query={
                "limit": limit,
                "before": before,
                "after": after,
            },
        )

    async def open_conversation(
        self,
        body: models.OpenConversation | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> models.Conversation:
        """Get or make the conversation with another user."""
        return await self.call(
            OPERATIONS["open_conversation"],
            models.Conversation,
            body=body,
            idempotency_key=idempotency_key,
        )

    async def get_conversation(
        self,
        conversation_id: UUID | str,
    ) -> models.Conversation:
        """Show one of your conversations."""
        return await self.call(
            OPERATIONS["get_conversation"],
            models.Conversation,
            path={"conversation_id": conversation_id},
        )

    async def mark_read(
        self,
        conversation_id: UUID | str,
        body: models.Mark | Mapping[str, Any],
    ) -> models.Receipt:
        """Say that you have read everything up to a message."""
        return await self.call(
            OPERATIONS["mark_read"],
            models.Receipt,
            path={"conversation_id": conversation_id},
            body=body,
        )

    async def mark_delivered(
        self,
        conversation_id: UUID | str,
        body: models.Mark | Mapping[str, Any],
    ) -> models.Receipt:
        """Say that you have received everything up to a message."""
        return await self.call(
            OPERATIONS["mark_delivered"],
            models.Receipt,
            path={"conversation_id": conversation_id},
            body=body,
        )

    async def list_messages(
        self,
        *,
        conversation_id: UUID | str | None = None,
        limit: int | None = None,
        before: UUID | str | None = None,
        after: UUID | str | None = None,
        status: str | None = None,
        type_: str | None = None,
        from_: date | str | datetime | None = None,
        to: date | str | datetime | None = None,
        sender_id: UUID | str | None = None,
    ) -> models.MessagePage:
        """List messages, newest first."""
        return await self.call(
            OPERATIONS["list_messages"],
            models.MessagePage,
            query={
                "conversation_id": conversation_id,
                "limit": limit,
                "before": before,
                "after": after,
                "status": status,
                "type": type_,
                "from": from_,
                "to": to,
                "sender_id": sender_id,
            },
        )

    async def send_message(
        self,
        body: models.TextToReceiver | models.TextToConversation | models.MediaToReceiver | models.MediaToConversation | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> models.Message:
        """Send a message to a user, a group or a conversation."""
        return await self.call(
            OPERATIONS["send_message"],
            models.Message,
            body=body,
            idempotency_key=idempotency_key,
        )

    async def get_message(
        self,
        message_id: UUID | str,
    ) -> models.Message:
        """Show a message."""
        return await self.call(
            OPERATIONS["get_message"],
            models.Message,
            path={"message_id": message_id},
        )

    async def edit_message(
        self,
        message_id: UUID | str,
        body: models.EditMessage | Mapping[str, Any],
    ) -> models.Message:
        """Edit a message that you sent."""
        return await self.call(
            OPERATIONS["edit_message"],
            models.Message,
            path={"message_id": message_id},
            body=body,
        )

    async def delete_message(
        self,
        message_id: UUID | str,
    ) -> None:
        """Delete a message."""
        await self.call(
            OPERATIONS["delete_message"],
            NoneType,
            path={"message_id": message_id},
        )

    async def list_groups(
        self,
        *,
        visibility: str | None = None,
        limit: int | None = None,
        before: UUID | str | None = None,
        after: UUID | str | None = None,
    ) -> models.GroupPage:
        """List your groups, or the public ones."""
        return await self.call(
            OPERATIONS["list_groups"],
            models.GroupPage,
            query={
                "visibility": visibility,
                "limit": limit,
                "before": before,
                "after": after,
            },
        )

    async def create_group(
        self,
        body: models.CreateGroup | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> models.Group:
        """Create a group."""
        return await self.call(
            OPERATIONS["create_group"],
            models.Group,
            body=body,
            idempotency_key=idempotency_key,
        )

    async def get_group(
        self,
        group_id: UUID | str,
    ) -> models.Group:
        """Show a group."""
        return await self.call(
            OPERATIONS["get_group"],
            models.Group,
            path={"group_id": group_id},
        )

    async def update_group(
        self,
        group_id: UUID | str,
        body: models.UpdateGroup | Mapping[str, Any],
    ) -> models.Group:
        """Change a group's name, description or settings."""
        return await self.call(
            OPERATIONS["update_group"],
            models.Group,
            path={"group_id": group_id},
            body=body,
        )

    async def delete_group(
        self,
        group_id: UUID | str,
    ) -> None:
        """Delete a group with all its messages."""
        await self.call(
            OPERATIONS["delete_group"],
            NoneType,
            path={"group_id": group_id},
        )

    async def list_members(
        self,
        group_id: UUID | str,
        *,
        limit: int | None = None,
        before: UUID | str | None = None,
        after: UUID | str | None = None,
    ) -> models.MemberPage:
        """List the members of a group, the newest first."""
        return await self.call(
            OPERATIONS["list_members"],
            models.MemberPage,
            path={"group_id": group_id},
            query={
                "limit": limit,
                "before": before,
                "after": after,
            },
        )

    async def add_member(
        self,
        group_id: UUID | str,
        body: models.AddMember | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> models.Member:
        """Add a user to a group."""
        return await self.call(
            OPERATIONS["add_member"],
            models.Member,
            path={"group_id": group_id},
            body=body,
            idempotency_key=idempotency_key,
        )

    async def get_member(
        self,
        group_id: UUID | str,
        user_id: UUID | str,
    ) -> models.Member:
        """Show a member of a group."""
        return await self.call(
            OPERATIONS["get_member"],
            models.Member,
            path={"group_id": group_id, "user_id": user_id},
        )

    async def update_member(
        self,
        group_id: UUID | str,
        user_id: UUID | str,
        body: models.UpdateMember | Mapping[str, Any],
    ) -> models.Member:
        """Change a member's role."""
        return await self.call(
            OPERATIONS["update_member"],
            models.Member,
            path={"group_id": group_id, "user_id": user_id},
            body=body,
        )

    async def remove_member(
        self,
        group_id: UUID | str,
        user_id: UUID | str,
    ) -> None:
        """Leave a group, or remove a member from it."""
        await self.call(
            OPERATIONS["remove_member"],
            NoneType,
            path={"group_id": group_id, "user_id": user_id},
        )

    async def join_group(
        self,
        group_id: UUID | str,
        *,
        idempotency_key: str | None = None,
    ) -> models.Member:
        """Join a public group."""
        return await self.call(
            OPERATIONS["join_group"],
            models.Member,
            path={"group_id": group_id},
            idempotency_key=idempotency_key,
        )

    async def list_events(
        self,
        *,
        after: str | None = None,
        limit: int | None = None,
        wait: int | None = None,
    ) -> models.EventPage:
        """Read what happened after a cursor, oldest first."""
        return await self.call(
            OPERATIONS["list_events"],
            models.EventPage,
            query={
                "after": after,
                "limit": limit,
                "wait": wait,
            },
        )

    async def list_webhooks(
        self,
        *,
        status: str | None = None,
        limit: int | None = None,
        before: UUID | str | None = None,
        after: UUID | str | None = None,
    ) -> models.WebhookPage:
        """List your webhooks, newest first."""
        return await self.call(
            OPERATIONS["list_webhooks"],
            models.WebhookPage,
            query={
                "status": status,
                "limit": limit,
                "before": before,
                "after": after,
            },
        )

    async def create_webhook(
        self,
        body: models.CreateWebhook | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> models.CreatedWebhook:
        """Have events sent to an address of yours."""
        return await self.call(
            OPERATIONS["create_webhook"],
            models.CreatedWebhook,
            body=body,
            idempotency_key=idempotency_key,
        )

    async def get_webhook(
        self,
        webhook_id: UUID | str,
    ) -> models.Webhook:
        """Show one of your webhooks."""
        return await self.call(
            OPERATIONS["get_webhook"],
            models.Webhook,
            path={"webhook_id": webhook_id},
        )

    async def update_webhook(
        self,
        webhook_id: UUID | str,
        body: models.UpdateWebhook | Mapping[str, Any],
    ) -> models.Webhook:
        """Change one of your webhooks, disable it or enable it again."""
        return await self.call(
            OPERATIONS["update_webhook"],
            models.Webhook,
            path={"webhook_id": webhook_id},
            body=body,
        )

    async def delete_webhook(
        self,
        webhook_id: UUID | str,
    ) -> None:
        """Delete one of your webhooks."""
        await self.call(
            OPERATIONS["delete_webhook"],
            NoneType,
            path={"webhook_id": webhook_id},
        )

    async def rotate_secret(
        self,
        webhook_id: UUID | str,
        body: models.RotateSecret | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
    ) -> models.RotatedSecret:
        """Give a webhook another secret."""
        return await self.call(
            OPERATIONS["rotate_secret"],
            models.RotatedSecret,
            path={"webhook_id": webhook_id},
            body=body,
            idempotency_key=idempotency_key,
        )

    async def test_webhook(
        self,
        webhook_id: UUID | str,
        *,
        idempotency_key: str | None = None,
    ) -> models.Delivery:
        """Send a test to a webhook."""
        return await self.call(
            OPERATIONS["test_webhook"],
            models.Delivery,
            path={"webhook_id": webhook_id},
            idempotency_key=idempotency_key,
        )

    async def list_deliveries(
        self,
        webhook_id: UUID | str,
        *,
        status: str | None = None,
        limit: int | None = None,
        before: UUID | str | None = None,
        after: UUID | str | None = None,
    ) -> models.DeliveryPage:
        """List what was sent to a webhook, or waits to be, newest first."""
        return await self.call(
            OPERATIONS["list_deliveries"],
            models.DeliveryPage,
            path={"webhook_id": webhook_id},
            query={
                "status": status,
                "limit": limit,
                "before": before,
                "after": after,
            },
        )

    async def get_delivery(
        self,
        webhook_id: UUID | str,
        delivery_id: UUID | str,
    ) -> models.Delivery:
        """Show a delivery and what came of its attempts."""
        return await self.call(
            OPERATIONS["get_delivery"],
            models.Delivery,
            path={"webhook_id": webhook_id, "delivery_id": delivery_id},
        )

    async def redeliver(
        self,
        webhook_id: UUID | str,
        delivery_id: UUID | str,
    ) -> models.Delivery:
        """Deliver something again."""
        return await self.call(
            OPERATIONS["redeliver"],
            models.Delivery,
            path={"webhook_id": webhook_id, "delivery_id": delivery_id},
        )

    async def recover_deliveries(
        self,
        webhook_id: UUID | str,
        body: models.RecoverDeliveries | Mapping[str, Any],
    ) -> models.Recovery:
        """Deliver again all that failed since a time, and what was missed."""
        return await self.call(
            OPERATIONS["recover_deliveries"],
            models.Recovery,
            path={"webhook_id": webhook_id},
            body=body,
        )

    async def get_limits(
        self,
    ) -> models.Limits:
        """Show what is left of your rate limits."""
        return await self.call(
            OPERATIONS["get_limits"],
            models.Limits,
        )

    async def get_contract(
        self,
    ) -> models.Contract:
        """Tell which contract this server keeps."""
        return await self.call(
            OPERATIONS["get_contract"],
            models.Contract,
        )

    @overload
    def each(
        self, operation: Callable[Asked, Coroutine[Any, Any, models.UserPage]], *arguments: Asked.args, **query: Asked.kwargs
    ) -> AsyncIterator[models.User]: ...

    @overload
    def each(
        self, operation: Callable[Asked, Coroutine[Any, Any, models.ConversationPage]], *arguments: Asked.args, **query: Asked.kwargs
    ) -> AsyncIterator[models.Conversation]: ...

    @overload
    def each(
        self, operation: Callable[Asked, Coroutine[Any, Any, models.MessagePage]], *arguments: Asked.args, **query: Asked.kwargs
    ) -> AsyncIterator[models.Message]: ...

    @overload
    def each(
        self, operation: Callable[Asked, Coroutine[Any, Any, models.GroupPage]], *arguments: Asked.args, **query: Asked.kwargs
    ) -> AsyncIterator[models.Group]: ...

    @overload
    def each(
        self, operation: Callable[Asked, Coroutine[Any, Any, models.MemberPage]], *arguments: Asked.args, **query: Asked.kwargs
    ) -> AsyncIterator[models.Member]: ...

    @overload
    def each(
        self, operation: Callable[Asked, Coroutine[Any, Any, models.EventPage]], *arguments: Asked.args, **query: Asked.kwargs
    ) -> AsyncIterator[Event]: ...

    @overload
    def each(
        self, operation: Callable[Asked, Coroutine[Any, Any, models.WebhookPage]], *arguments: Asked.args, **query: Asked.kwargs
    ) -> AsyncIterator[models.Webhook]: ...

    @overload
    def each(
        self, operation: Callable[Asked, Coroutine[Any, Any, models.DeliveryPage]], *arguments: Asked.args, **query: Asked.kwargs
    ) -> AsyncIterator[models.Delivery]: ...

    def each(self, operation: Callable[..., Any], *arguments: Any, **query: Any) -> AsyncIterator[Any]:
        """Walk through a list: back from its newest end, or from `before`; or forth from `after`.

        As in `client.each(client.list_groups, visibility="public")`. Events only go forth.
        """
        return walk_async(operation, arguments, query)
