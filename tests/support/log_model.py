"""What the log promises, in plain Python: one thing after the other, in the order in which the head was taken.

Operations are applied when the real ones are over. Each returns what the real one must have answered. The
model knows neither transactions nor snapshots nor batches, which is the point of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from parley.model import GroupSettings, MessageStatus, Role
from parley.storage.send_queue import Draft

MAX_MEMBERS = 3
# Of every group here: public, and every member may invite.
SETTINGS = GroupSettings(is_private=False, allow_invites=True, message_retention_days=None)

NOT_FOUND, FORBIDDEN, CONFLICT = "NotFound", "Forbidden", "Conflict"


@dataclass
class Person:
    """Somebody in a room, with the watermarks that are stored."""

    role: Role
    delivered: int
    read: int


@dataclass
class Note:
    """A message."""

    id: UUID
    room: UUID
    position: int
    seq: int
    sender: UUID
    content: str | None
    edited_at_position: int | None = None
    deleted: bool = False


@dataclass
class Period:
    """Somebody's membership: positions from `start` up to and without `end`."""

    room: UUID
    user: UUID
    start: int
    end: int | None = None

    def covers(self, position: int) -> bool:
        return self.start <= position and (self.end is None or position < self.end)


@dataclass(frozen=True)
class Happening:
    """An event of the log."""

    position: int
    kind: str
    stream: UUID
    subject: UUID
    actor: UUID
    seq: int | None = None
    note: Note | None = None
    facts: Mapping[str, Any] | None = None


@dataclass
class Room:
    """A conversation, direct or a group's."""

    people: dict[UUID, Person] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    pair: tuple[UUID, UUID] | None = None
    deleted: bool = False

    @property
    def last_seq(self) -> int:
        return len(self.notes)

    def marks(self, user: UUID) -> tuple[int, int]:
        """How far somebody has received and read: what one sent oneself one has read."""
        person = self.people[user]
        own = max((note.seq for note in self.notes if note.sender == user), default=0)
        read = max(person.read, own)
        return max(person.delivered, read), read

    def status(self, note: Note) -> MessageStatus:
        others = [self.marks(user) for user in self.people if user != note.sender]
        if others and all(read >= note.seq for _, read in others):
            return "read"
        return "delivered" if others and all(got >= note.seq for got, _ in others) else "sent"


@dataclass(frozen=True)
class Seen:
    """An event as one reader sees it. What is None for an event that is about no message is left out."""

    position: int
    kind: str
    stream: UUID
    subject: UUID
    seq: int | None
    facts: Mapping[str, Any] | None
    content: str | None = None
    deleted: bool = False
    status: str | None = None
    people: tuple[UUID, ...] | None = None


class Model:
    """A log, its rooms and who was in them when."""

    def __init__(self) -> None:
        self.log: list[Happening] = []
        self.rooms: dict[UUID, Room] = {}
        self.periods: list[Period] = []
        self.notes: dict[UUID, Note] = {}
        self.keys: dict[tuple[UUID, str], tuple[bytes, UUID]] = {}

    # What is frequent.

    def send(self, drafts: Sequence[Draft]) -> list[tuple[Any, ...]]:
        # What nobody has seen yet nobody replies to: a batch is judged before any of it is written.
        known = set(self.notes)
        return [self._send(draft, known) for draft in drafts]

    def _send(self, draft: Draft, notes: set[UUID]) -> tuple[Any, ...]:
        known = self.keys.get((draft.sender_id, draft.key)) if draft.key is not None else None
        if known is not None:
            same = known[0] == draft.request_hash
            return ("replayed", known[1]) if same else ("mismatch",)
        room = self.rooms[draft.conversation_id]
        if draft.sender_id not in room.people:
            return ("not_member",)
        if draft.reply_to is not None:
            target = self.notes.get(draft.reply_to)
            if target is None or target.id not in notes or target.room != draft.conversation_id:
                return ("bad_reply",)
        if any(user not in room.people for user in draft.mentions):
            return ("bad_mention",)
        note = Note(
            draft.message_id,
            draft.conversation_id,
            len(self.log) + 1,
            room.last_seq + 1,
            draft.sender_id,
            draft.content,
        )
        room.notes.append(note)
        self.notes[note.id] = note
        self._happen("message", note.room, note.id, note.sender, note.seq, note)
        if draft.key is not None:
            assert draft.request_hash is not None
            self.keys[draft.sender_id, draft.key] = draft.request_hash, note.id
        return ("sent", note.position, note.seq)

    def change(self, user: UUID, message_id: UUID, content: str | None) -> str:
        note = self.notes.get(message_id)
        person = None if note is None else self.rooms[note.room].people.get(user)
        if note is None or person is None:
            return "not_found"
        if note.deleted:
            return "gone"
        if note.sender != user and not (content is None and person.role != "member"):
            return "forbidden"
        note.content = content
        if content is None:
            note.deleted = True
            self._happen("message.deleted", note.room, note.id, user, note.seq, note)
        else:
            note.edited_at_position = len(self.log) + 1
            self._happen("message.updated", note.room, note.id, user, note.seq, note)
        return "done"

    def mark(self, user: UUID, room_id: UUID, delivered: int, read: int) -> tuple[int, int] | None:
        room = self.rooms[room_id]
        if user not in room.people:
            return None
        old_delivered, old_read = room.marks(user)
        new_read = max(old_read, min(read, room.last_seq))
        new_delivered = max(old_delivered, min(delivered, room.last_seq), new_read)
        if (new_delivered, new_read) != (old_delivered, old_read):
            room.people[user].delivered, room.people[user].read = new_delivered, new_read
            facts = {"delivered_seq": new_delivered, "read_seq": new_read}
            self._happen("receipt", room_id, user, user, new_read, facts=facts)
        return new_delivered, new_read

    # What is rare.

    def create(self, owner: UUID, others: Sequence[UUID], group_id: UUID) -> None:
        people: dict[UUID, Role] = {owner: "owner"}
        people.update(dict.fromkeys(others, "member"))
        self._found(Room(), group_id, owner, people, {"name": "Group"})

    def open(self, user: UUID, other: UUID, room_id: UUID) -> UUID:
        """Return the direct conversation of two people, which becomes `room_id` if it is new."""
        pair = (min(user, other), max(user, other))
        for known, room in self.rooms.items():
            if room.pair == pair:
                return known
        self._found(Room(pair=pair), room_id, user, dict.fromkeys(pair, "member"))
        return room_id

    def add(self, by: UUID, group_id: UUID, user: UUID) -> str | None:
        room = self.rooms[group_id]
        if room.deleted:
            return NOT_FOUND
        if by not in room.people:
            return FORBIDDEN
        if user in room.people or len(room.people) >= MAX_MEMBERS:
            return CONFLICT
        self._join("member.added", by, group_id, user)
        return None

    def join(self, user: UUID, group_id: UUID) -> str | None:
        room = self.rooms[group_id]
        if room.deleted:
            return NOT_FOUND
        if user in room.people:
            return None
        if len(room.people) >= MAX_MEMBERS:
            return CONFLICT
        self._join("member.added", user, group_id, user)
        return None

    def remove(self, by: UUID, group_id: UUID, user: UUID) -> str | None:
        room = self.rooms[group_id]
        if room.deleted:
            return NOT_FOUND
        own, other = room.people.get(by), room.people.get(user)
        if own is None and by != user:
            return FORBIDDEN
        if other is None:
            return NOT_FOUND
        if own is other:
            if other.role == "owner":
                return CONFLICT
        elif own is None or own.role == "member" or (own.role == "admin" and other.role != "member"):
            return FORBIDDEN
        position = self._happen("member.removed", group_id, user, by, facts={"role": other.role})
        del room.people[user]
        self._end_period(group_id, user, position)
        facts = {"conversation_id": str(group_id), "role": other.role}
        self._happen("member.removed", user, user, by, facts=facts)
        return None

    def promote(self, by: UUID, group_id: UUID, user: UUID, role: Role) -> str | None:
        room = self.rooms[group_id]
        if room.deleted:
            return NOT_FOUND
        if by not in room.people or room.people[by].role != "owner":
            return FORBIDDEN
        if user not in room.people:
            return NOT_FOUND
        if by == user and role != "owner":
            return CONFLICT
        if room.people[user].role != role:
            roles: dict[UUID, Role] = {by: "admin", user: role} if role == "owner" else {user: role}
            for changed, new in roles.items():
                room.people[changed].role = new
                self._happen("member.updated", group_id, changed, by, facts={"role": new})
        return None

    def rename(self, by: UUID, group_id: UUID) -> str | None:
        room = self.rooms[group_id]
        if room.deleted:
            return NOT_FOUND
        if by not in room.people or room.people[by].role == "member":
            return FORBIDDEN
        [owner] = [user for user, person in room.people.items() if person.role == "owner"]
        facts = {"name": "Renamed", "description": None, "settings": asdict(SETTINGS), "owner_id": str(owner)}
        self._happen("group.updated", group_id, group_id, by, facts=facts)
        return None

    def delete(self, by: UUID, group_id: UUID) -> str | None:
        room = self.rooms[group_id]
        if room.deleted:
            return NOT_FOUND
        if by not in room.people or room.people[by].role != "owner":
            return FORBIDDEN
        position = self._happen("group.deleted", group_id, group_id, by)
        for user in list(room.people):
            del room.people[user]
            self._end_period(group_id, user, position + 1)
        room.deleted = True
        return None

    def profile(self, user: UUID) -> None:
        self._happen("user.updated", user, user, user, facts={})

    # What readers see.

    def seen_by(self, user: UUID, after: int) -> Iterator[Seen]:
        for event in self.log[after:]:
            period = self._right(user, event)
            if period is not None:
                yield self._seen(user, event, period)

    def _right(self, user: UUID, event: Happening) -> Period | None:
        """Return the period by which somebody reads an event."""
        mine = [p for p in self.periods if p.user == user and p.covers(event.position)]
        if event.stream == user:
            return Period(user, user, 0)
        for period in mine:
            if period.room == event.stream:
                return period
        if event.kind == "user.updated":
            shared = {p.room for p in self.periods if p.user == event.stream and p.covers(event.position)}
            return next((period for period in mine if period.room in shared), None)
        return None

    def _seen(self, user: UUID, event: Happening, period: Period) -> Seen:
        about = (event.position, event.kind, event.stream, event.subject, event.seq, event.facts)
        if event.kind == "conversation.created":
            people = [p.user for p in self.periods if p.room == event.stream and p.start == event.position]
            return Seen(*about, people=tuple(sorted(people)))
        if event.note is None:
            return Seen(*about)
        note = event.note
        room = self.rooms[note.room]
        left_at = None if user in room.people else period.end
        # What was edited after somebody left is not theirs, and what it was before is gone; who received or read it is
        # not theirs to know either. Whoever is there again may read everything.
        beyond = (
            left_at is not None and note.edited_at_position is not None and note.edited_at_position >= left_at
        )
        content = None if beyond else note.content
        return Seen(
            *about,
            content=content,
            deleted=note.deleted or beyond,
            status=room.status(note) if left_at is None else "sent",
        )

    # The parts of the above.

    def _happen(
        self,
        kind: str,
        stream: UUID,
        subject: UUID,
        actor: UUID,
        seq: int | None = None,
        note: Note | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> int:
        position = len(self.log) + 1
        self.log.append(Happening(position, kind, stream, subject, actor, seq, note, facts))
        return position

    def _found(
        self,
        room: Room,
        room_id: UUID,
        by: UUID,
        people: Mapping[UUID, Role],
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        position = self._happen("conversation.created", room_id, room_id, by, facts=facts)
        self.rooms[room_id] = room
        for user, role in people.items():
            room.people[user] = Person(role, 0, 0)
            self.periods.append(Period(room_id, user, position))

    def _join(self, kind: str, by: UUID, group_id: UUID, user: UUID) -> None:
        room = self.rooms[group_id]
        position = self._happen(kind, group_id, user, by, facts={"role": "member"})
        room.people[user] = Person("member", room.last_seq, room.last_seq)
        self.periods.append(Period(group_id, user, position))

    def _end_period(self, room_id: UUID, user: UUID, position: int) -> None:
        for period in self.periods:
            if (period.room, period.user, period.end) == (room_id, user, None):
                period.end = position
