"""Messages: sending, reading, editing and deleting them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import orjson

from parley import preconditions
from parley.errors import Forbidden, Gone, IdempotencyMismatch, Invalid, NotFound
from parley.ids import uuid7
from parley.model import Caller, Message, MessageType, Page
from parley.services.conversations import Conversations, Directory
from parley.services.idempotency import Claim, Idempotency, request_hash
from parley.services.pages import check_direction, cut
from parley.storage import groups, messages
from parley.storage.database import Connection, Database, Row
from parley.storage.history import HistoryReader, Wanted
from parley.storage.log import Log
from parley.storage.messages import COUNT_LIMIT, MessageJson
from parley.storage.messages import Filter as Filter  # what handlers make is offered by the service
from parley.storage.send_queue import Draft, SendQueue, Sent

# How large a client's own object in `metadata.custom` may be, as JSON in UTF-8.
MAX_CUSTOM_BYTES = 4096


# Not frozen: one is made per request.
@dataclass(slots=True)
class NewMessage:
    """What a client wants to send, to exactly one of a receiver and a conversation."""

    content: str
    type: MessageType = "text"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    receiver_id: UUID | None = None
    conversation_id: UUID | None = None


class Messages:
    """The messages of a caller's conversations."""

    def __init__(
        self,
        database: Database,
        log: Log,
        queue: SendQueue,
        history: HistoryReader,
        directory: Directory,
        conversations: Conversations,
        idempotency: Idempotency,
    ) -> None:
        self._database = database
        self._log = log
        self._queue = queue
        self._history = history
        self._directory = directory
        self._conversations = conversations
        self._idempotency = idempotency

    async def send(self, caller: Caller, new: NewMessage, key: str | None = None) -> tuple[Message, bool]:
        """Send a message and return it once it is durable; the second value tells a replay.

        Raises NotFound for a conversation or receiver that is not the caller's to write to, Invalid for a reply
        or mention that does not belong to it, and Unavailable when too much is waiting.
        """
        _check_custom(new.metadata)
        if key is None:
            return await self._append(caller, new, *await self._target(caller, new))
        wanted = request_hash("POST", "/messages", new)
        async with self._idempotency.claim(caller.user_id, key, wanted) as claim:
            try:
                conversation_id, receiver_id = await self._target(caller, new)
            except NotFound:
                # What could be written to then may be gone now; the first answer still holds.
                replay = await self._replay(caller, claim)
                if replay is None:
                    raise
                return replay, True
            return await self._append(caller, new, conversation_id, receiver_id, claim)

    async def get(self, caller: Caller, message_id: UUID) -> Message:
        """Return one message. Raises NotFound, and Gone for one that was deleted."""
        async with self._database.read() as conn:
            message = await messages.find(conn, message_id, caller.user_id)
        if message is None:
            raise NotFound("message")
        if message.deleted_at is not None:
            raise Gone("This message was deleted", {"deleted_at": message.deleted_at})
        return message

    async def list_page(
        self,
        caller: Caller,
        only: Filter,
        *,
        limit: int,
        before: UUID | None = None,
        after: UUID | None = None,
    ) -> Page[MessageJson]:
        """Return a page of one conversation's history, or of all the caller's, newest first, with totals.

        A cursor that names a purged message continues where it stood. Raises Invalid for a cursor that is no
        message of this list and NotFound for a conversation that is not the caller's.
        """
        check_direction(before, after)
        if only.conversation_id is not None and only.counts_are_free:
            return await self._history_page(
                Wanted(caller.user_id, only.conversation_id, limit, before, after)
            )
        cursor = before or after
        async with self._database.read() as conn:
            place = None
            if cursor is not None:
                place = await self._place(conn, caller, cursor, only.conversation_id, before)
            start, end = (place, None) if before else (None, place)
            found = await messages.page(conn, caller.user_id, only, limit=limit + 1, before=start, after=end)
            page: Page[Any] = cut(
                found, limit, str(after) if after else None, lambda message: str(message.id)
            )
            total = await messages.count(conn, caller.user_id, only, after=0)
            newer = total if before is not None else 0
            if cursor is not None and page.items:
                newer = await messages.count(conn, caller.user_id, only, after=page.items[0].position)
        if not page.items and only.conversation_id is not None:
            await self._conversations.get(caller, only.conversation_id)
        return replace(
            page,
            items=[message.json for message in page.items],
            total=total if only.counts_are_free else min(total, COUNT_LIMIT),
            total_exact=only.counts_are_free or total <= COUNT_LIMIT,
            current_page=newer // limit + 1,
        )

    async def _place(
        self,
        conn: Connection,
        caller: Caller,
        cursor: UUID,
        conversation_id: UUID | None,
        before: UUID | None,
    ) -> int:
        """Return where in one conversation, or in all, a message stands or stood. Raises Invalid."""
        located = await messages.locate(conn, cursor, caller.user_id)
        if located is not None:
            if conversation_id not in (None, located[0]):
                raise _not_of_this_list(before)
            return located[1]
        younger = await messages.locate_by_age(conn, cursor, caller.user_id, conversation_id)
        if younger is None:
            raise _not_of_this_list(before)
        return younger if before else younger - 1

    async def _history_page(self, wanted: Wanted) -> Page[MessageJson]:
        """Return a page of one whole conversation, whose numbers tell all that there is to count."""
        stretch = await self._history.read(wanted)
        if stretch is None:
            raise NotFound("conversation")
        if not stretch.is_known:
            raise _not_of_this_list(wanted.before)
        if wanted.after is None:
            has_more = bool(stretch.older)
            cursor = stretch.oldest_id if has_more else None
            newer = stretch.total if stretch.newer is None else stretch.newer
        else:
            has_more = bool(stretch.newer)
            cursor = stretch.newest_id or wanted.after
            newer = stretch.newer or 0
        return Page(
            stretch.messages,
            has_more,
            None if cursor is None else str(cursor),
            wanted.limit,
            total=stretch.total,
            current_page=newer // wanted.limit + 1,
            newest_cursor=stretch.newest_id,
            oldest_cursor=stretch.oldest_id,
        )

    async def edit(self, caller: Caller, message_id: UUID, content: str) -> Message:
        """Change the content of one's own message. Raises NotFound, Forbidden, and Gone for a deleted one."""
        await self._change(caller, message_id, content)
        return await self.get(caller, message_id)

    async def delete(self, caller: Caller, message_id: UUID) -> None:
        """Delete one's own message, or as owner or admin anyone's in the group. A tombstone stays."""
        await self._change(caller, message_id, None)

    async def _change(self, caller: Caller, message_id: UUID, content: str | None) -> None:
        if preconditions.is_demanded():
            row = await self._change_as_demanded(caller, message_id, content)
        else:
            row = await self._log.call(
                lambda conn, hint: messages.change(conn, hint, message_id, caller.user_id, content)
            )
        match row["verdict"]:
            case "not_found":
                raise NotFound("message")
            case "gone":
                raise Gone("This message was deleted")
            case "forbidden":
                raise Forbidden("This message was sent by somebody else")

    async def _change_as_demanded(self, caller: Caller, message_id: UUID, content: str | None) -> Row:
        """Judge the message under the head, so that nobody changes it in between."""
        async with self._log.append() as entry:
            message = await messages.find(entry.conn, message_id, caller.user_id)
            row = await messages.change(entry.conn, entry.head, message_id, caller.user_id, content)
            # Who may not change it at all is told that. Where it is another state, the change is taken back.
            if row["verdict"] == "done":
                preconditions.check(message)
        if row["head"] is not None:
            self._log.head.appended(row["head"])
        return row

    async def _append(
        self,
        caller: Caller,
        new: NewMessage,
        conversation_id: UUID,
        receiver_id: UUID,
        claim: Claim | None = None,
    ) -> tuple[Message, bool]:
        """Append the message, together with the claim on its key if it has one."""
        draft = Draft(
            uuid7(),
            conversation_id,
            caller.user_id,
            new.type,
            new.content,
            orjson.dumps(new.metadata).decode(),
            new.metadata.get("reply_to"),
            new.metadata.get("mentions", ()),
            claim.key if claim else None,
            claim.request_hash if claim else None,
            receiver_id,
        )
        sent = await self._queue.send(draft)
        if sent.verdict == "replayed":
            return await self._read_again(caller, sent.replay_id), True
        _check_verdict(sent)
        return message_of(draft, sent), False

    async def _target(self, caller: Caller, new: NewMessage) -> tuple[UUID, UUID]:
        """Return the conversation and the receiver of a message, opening a direct one if need be."""
        if new.conversation_id is not None:
            shape = await self._directory.shape(new.conversation_id)
            return new.conversation_id, shape.receiver(new.conversation_id, caller.user_id)
        assert new.receiver_id is not None
        if new.receiver_id == caller.user_id:
            raise Invalid("receiver_id", "This is yourself")
        known = self._directory.direct(caller.user_id, new.receiver_id)
        if known is not None:
            return known, new.receiver_id
        async with self._database.read() as conn:
            if await groups.role_of(conn, new.receiver_id, caller.user_id) is not None:
                return new.receiver_id, new.receiver_id
        try:
            return await self._conversations.direct_id(caller, new.receiver_id), new.receiver_id
        except NotFound:
            raise NotFound("receiver") from None

    async def _replay(self, caller: Caller, claim: Claim) -> Message | None:
        async with self._database.read() as conn:
            made = await claim.made(conn)
        return None if made is None else await self._read_again(caller, made)

    async def _read_again(self, caller: Caller, message_id: UUID | None) -> Message:
        """Return what an earlier request made, as it is now: perhaps a tombstone."""
        assert message_id is not None
        async with self._database.read() as conn:
            message = await messages.find(conn, message_id, caller.user_id)
        if message is None:
            raise Gone("What this Idempotency-Key made is no longer there")
        return message


def message_of(draft: Draft, sent: Sent) -> Message:
    """Return the message that a draft has become."""
    assert sent.created_at is not None
    assert draft.receiver_id is not None
    return Message(
        draft.message_id,
        draft.conversation_id,
        sent.seq,
        sent.position,
        draft.sender_id,
        draft.receiver_id,
        draft.content,
        draft.type,
        "sent",
        orjson.Fragment(draft.metadata),
        sent.created_at,
        None,
        None,
    )


def _check_verdict(sent: Sent) -> None:
    match sent.verdict:
        case "not_member":
            raise NotFound("conversation")
        case "mismatch":
            raise IdempotencyMismatch
        case "bad_reply" | "bad_mention" as verdict:
            raise _refusal(verdict)


def _refusal(verdict: str) -> Invalid:
    if verdict == "bad_reply":
        return Invalid("metadata.reply_to", "This is no message of the conversation")
    return Invalid("metadata.mentions", "Only members of the conversation can be mentioned")


def _not_of_this_list(before: UUID | None) -> Invalid:
    return Invalid("after" if before is None else "before", "This is no message of this list")


def _check_custom(metadata: Mapping[str, Any]) -> None:
    if "custom" in metadata and len(orjson.dumps(metadata["custom"])) > MAX_CUSTOM_BYTES:
        raise Invalid("metadata.custom", f"Use at most {MAX_CUSTOM_BYTES} bytes of JSON")


def period(
    start: date | datetime | None, end: date | datetime | None
) -> tuple[datetime | None, datetime | None]:
    """Return the moments from (inclusive) and until (exclusive) which dates in UTC or times reach.

    A bare end date includes that day, and an end moment itself is included.
    """
    since = None if start is None else _moment(start)
    if end is None:
        return since, None
    try:
        return since, _moment(end) + (
            timedelta(microseconds=1) if isinstance(end, datetime) else timedelta(days=1)
        )
    except OverflowError:
        return since, None


def _moment(when: date | datetime) -> datetime:
    return when if isinstance(when, datetime) else datetime.combine(when, time.min, UTC)
