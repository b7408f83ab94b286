# Made from spec/openapi.yaml by scripts/codegen.py: change the former and run `make codegen`.
"""What the handlers are: a Protocol per tag, whose methods are the operations.

The module `handlers.<tag>` fulfils the Protocol of that tag, which mypy proves. A method gets the parameters
of its operation, already validated, the body as its model, and who calls where a token is needed.
"""

from datetime import date, datetime
from typing import Literal, Protocol, TypeAlias
from uuid import UUID

from generated import models
from parley.contract import Reply
from parley.model import Caller

SendMessage: TypeAlias = (
    models.TextToReceiver
    | models.TextToConversation
    | models.MediaToReceiver
    | models.MediaToConversation
)


class Auth(Protocol):
    """Logging in and out, and the sessions that follow from it."""

    async def login(
        self,
        *,
        body: models.Credentials,
    ) -> Reply:
        """Log in with an e-mail address and a password."""
        ...

    async def refresh(
        self,
        *,
        idempotency_key: str | None = None,
        body: models.RefreshToken,
    ) -> Reply:
        """Exchange a refresh token for new tokens."""
        ...

    async def logout(
        self,
        *,
        caller: Caller,
    ) -> Reply:
        """End the session of this token."""
        ...

    async def list_sessions(
        self,
        *,
        caller: Caller,
    ) -> Reply:
        """List your sessions, the last used first."""
        ...

    async def revoke_session(
        self,
        *,
        session_id: UUID,
        caller: Caller,
    ) -> Reply:
        """End one of your sessions."""
        ...

    async def change_password(
        self,
        *,
        body: models.ChangePassword,
        caller: Caller,
    ) -> Reply:
        """Change your password and end all other sessions."""
        ...


class Users(Protocol):
    """People and what they tell about themselves."""

    async def register_user(
        self,
        *,
        idempotency_key: str | None = None,
        body: models.RegisterUser,
    ) -> Reply:
        """Register a new user."""
        ...

    async def list_users(
        self,
        *,
        ids: list[UUID] | None = None,
        username: str | None = None,
        status: Literal['online', 'offline'] | None = None,
        limit: int = 50,
        before: UUID | None = None,
        after: UUID | None = None,
        caller: Caller,
    ) -> Reply:
        """Find users by their ids or by the beginning of their username."""
        ...

    async def get_me(
        self,
        *,
        caller: Caller,
    ) -> Reply:
        """Show your own account."""
        ...

    async def get_user(
        self,
        *,
        user_id: UUID,
        caller: Caller,
    ) -> Reply:
        """Show a user."""
        ...

    async def update_user(
        self,
        *,
        user_id: UUID,
        body: models.UpdateUser,
        caller: Caller,
    ) -> Reply:
        """Change what you tell about yourself."""
        ...


class Conversations(Protocol):
    """Where messages are exchanged: between two people, or in a group."""

    async def list_conversations(
        self,
        *,
        limit: int = 50,
        before: str | None = None,
        after: str | None = None,
        caller: Caller,
    ) -> Reply:
        """List your conversations, the latest activity first."""
        ...

    async def open_conversation(
        self,
        *,
        idempotency_key: str | None = None,
        body: models.OpenConversation,
        caller: Caller,
    ) -> Reply:
        """Get or make the conversation with another user."""
        ...

    async def get_conversation(
        self,
        *,
        conversation_id: UUID,
        caller: Caller,
    ) -> Reply:
        """Show one of your conversations."""
        ...

    async def mark_read(
        self,
        *,
        conversation_id: UUID,
        body: models.Mark,
        caller: Caller,
    ) -> Reply:
        """Say that you have read everything up to a message."""
        ...

    async def mark_delivered(
        self,
        *,
        conversation_id: UUID,
        body: models.Mark,
        caller: Caller,
    ) -> Reply:
        """Say that you have received everything up to a message."""
        ...


class Messages(Protocol):
    """Sending, reading, editing and deleting messages."""

    async def send_message(
        self,
        *,
        idempotency_key: str | None = None,
        body: SendMessage,
        caller: Caller,
    ) -> Reply:
        """Send a message to a user, a group or a conversation."""
        ...

    async def list_messages(
        self,
        *,
        conversation_id: UUID | None = None,
        limit: int = 50,
        before: UUID | None = None,
        after: UUID | None = None,
        status: Literal['sent', 'delivered', 'read'] | None = None,
        type_: Literal['text', 'image', 'video', 'audio', 'file'] | None = None,
        from_: date | datetime | None = None,
        to: date | datetime | None = None,
        sender_id: UUID | None = None,
        caller: Caller,
    ) -> Reply:
        """List messages, newest first."""
        ...

    async def get_message(
        self,
        *,
        message_id: UUID,
        caller: Caller,
    ) -> Reply:
        """Show a message."""
        ...

    async def edit_message(
        self,
        *,
        message_id: UUID,
        body: models.EditMessage,
        caller: Caller,
    ) -> Reply:
        """Edit a message that you sent."""
        ...

    async def delete_message(
        self,
        *,
        message_id: UUID,
        caller: Caller,
    ) -> Reply:
        """Delete a message."""
        ...


class Groups(Protocol):
    """Groups, their members and their settings."""

    async def create_group(
        self,
        *,
        idempotency_key: str | None = None,
        body: models.CreateGroup,
        caller: Caller,
    ) -> Reply:
        """Create a group."""
        ...

    async def list_groups(
        self,
        *,
        visibility: Literal['mine', 'public'] = 'mine',
        limit: int = 50,
        before: UUID | None = None,
        after: UUID | None = None,
        caller: Caller,
    ) -> Reply:
        """List your groups, or the public ones."""
        ...

    async def get_group(
        self,
        *,
        group_id: UUID,
        caller: Caller,
    ) -> Reply:
        """Show a group."""
        ...

    async def update_group(
        self,
        *,
        group_id: UUID,
        body: models.UpdateGroup,
        caller: Caller,
    ) -> Reply:
        """Change a group's name, description or settings."""
        ...

    async def delete_group(
        self,
        *,
        group_id: UUID,
        caller: Caller,
    ) -> Reply:
        """Delete a group with all its messages."""
        ...

    async def list_members(
        self,
        *,
        group_id: UUID,
        limit: int = 50,
        before: UUID | None = None,
        after: UUID | None = None,
        caller: Caller,
    ) -> Reply:
        """List the members of a group, the newest first."""
        ...

    async def add_member(
        self,
        *,
        group_id: UUID,
        idempotency_key: str | None = None,
        body: models.AddMember,
        caller: Caller,
    ) -> Reply:
        """Add a user to a group."""
        ...

    async def get_member(
        self,
        *,
        group_id: UUID,
        user_id: UUID,
        caller: Caller,
    ) -> Reply:
        """Show a member of a group."""
        ...

    async def update_member(
        self,
        *,
        group_id: UUID,
        user_id: UUID,
        body: models.UpdateMember,
        caller: Caller,
    ) -> Reply:
        """Change a member's role."""
        ...

    async def remove_member(
        self,
        *,
        group_id: UUID,
        user_id: UUID,
        caller: Caller,
    ) -> Reply:
        """Leave a group, or remove a member from it."""
        ...

    async def join_group(
        self,
        *,
        group_id: UUID,
        idempotency_key: str | None = None,
        caller: Caller,
    ) -> Reply:
        """Join a public group."""
        ...


class Events(Protocol):
    """The log of everything that happens, for those who cannot hold a socket."""

    async def list_events(
        self,
        *,
        after: str | None = None,
        limit: int = 50,
        wait: int = 0,
        caller: Caller,
    ) -> Reply:
        """Read what happened after a cursor, oldest first."""
        ...


class Webhooks(Protocol):
    """Events, sent to an address of yours."""

    async def create_webhook(
        self,
        *,
        idempotency_key: str | None = None,
        body: models.CreateWebhook,
        caller: Caller,
    ) -> Reply:
        """Have events sent to an address of yours."""
        ...

    async def list_webhooks(
        self,
        *,
        status: Literal['active', 'disabled'] | None = None,
        limit: int = 50,
        before: UUID | None = None,
        after: UUID | None = None,
        caller: Caller,
    ) -> Reply:
        """List your webhooks, newest first."""
        ...

    async def get_webhook(
        self,
        *,
        webhook_id: UUID,
        caller: Caller,
    ) -> Reply:
        """Show one of your webhooks."""
        ...

    async def update_webhook(
        self,
        *,
        webhook_id: UUID,
        body: models.UpdateWebhook,
        caller: Caller,
    ) -> Reply:
        """Change one of your webhooks, disable it or enable it again."""
        ...

    async def delete_webhook(
        self,
        *,
        webhook_id: UUID,
        caller: Caller,
    ) -> Reply:
        """Delete one of your webhooks."""
        ...

    async def rotate_secret(
        self,
        *,
        webhook_id: UUID,
        idempotency_key: str | None = None,
        body: models.RotateSecret | None,
        caller: Caller,
    ) -> Reply:
        """Give a webhook another secret."""
        ...

    async def test_webhook(
        self,
        *,
        webhook_id: UUID,
        idempotency_key: str | None = None,
        caller: Caller,
    ) -> Reply:
        """Send a test to a webhook."""
        ...

    async def list_deliveries(
        self,
        *,
        webhook_id: UUID,
        status: Literal['pending', 'succeeded', 'failed'] | None = None,
        limit: int = 50,
        before: UUID | None = None,
        after: UUID | None = None,
        caller: Caller,
    ) -> Reply:
        """List what was sent to a webhook, or waits to be, newest first."""
        ...

    async def get_delivery(
        self,
        *,
        webhook_id: UUID,
        delivery_id: UUID,
        caller: Caller,
    ) -> Reply:
        """Show a delivery and what came of its attempts."""
        ...

    async def redeliver(
        self,
        *,
        webhook_id: UUID,
        delivery_id: UUID,
        caller: Caller,
    ) -> Reply:
        """Deliver something again."""
        ...

    async def recover_deliveries(
        self,
        *,
        webhook_id: UUID,
        body: models.RecoverDeliveries,
        caller: Caller,
    ) -> Reply:
        """Deliver again all that failed since a time, and what was missed."""
        ...


class Limits(Protocol):
    """What is left of the rate limits."""

    async def get_limits(
        self,
        *,
        caller: Caller,
    ) -> Reply:
        """Show what is left of your rate limits."""
        ...


class Contract(Protocol):
    """Which version of this document is served."""

    async def get_contract(
        self,
    ) -> Reply:
        """Tell which contract this server keeps."""
        ...
