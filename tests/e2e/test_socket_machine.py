"""Whatever clients do in whatever order: everything of theirs arrives once, in order, and nothing else does.

The rules are drawn from spec/asyncapi.yaml. Every run has people of its own on one node inside the test, whose
clock the rules move. A failing run is printed as a script, `state = Sockets()` and a call for each step: put it into
a test that takes `world`, after `Sockets.world = world`.

What each person may read is judged by `Expected`, which folds the rows of the log with the memberships that the rules
brought about and with what they wrote, and shares no statement with the server. At the end of a run each frame is
compared with what `GET /v1/events` says at its cursor.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ClassVar, TypeVar, cast
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from chat import Person
from databases import TestDatabases
from generated.frames import LIMITS
from inside import ASYNCAPI, Inside, Peer, User
from parley import cursors
from parley.cursors import Cursor
from parley.errors import ParleyError, Unavailable
from parley.model import Group, Message
from parley.realtime.frames import encode
from people import expired
from websocket_wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, closing, masked

T = TypeVar("T")

PEOPLE = 4
HOUR = 3600
FRAMES = [
    example["payload"]
    for message in ASYNCAPI["components"]["messages"].values()
    if message["name"] in ("auth", "typing", "presence", "receipt", "ping")
    and "Frame" in json.dumps(message["payload"])
    for example in message["examples"]
]

BYTES = (
    masked(TEXT, b"\xff"),
    masked(TEXT, b"{}", mask=None),
    masked(CONTINUATION, b"{}"),
    masked(TEXT, b'{"type":', bits=0),
    masked(TEXT, b"a" * (LIMITS.frame_bytes + 1)),
    masked(BINARY, b"{}"),
    masked(CLOSE, b"\x03"),
    masked(PING, b"?"),
    masked(PONG, b"77777777777777"),
    masked(PONG, b"99999999999999999999999999"),
    closing(1000),
    closing(4999, b"why not"),
)
TEXTS = ("", "{", "[]", "null", '"ping"', "{}", '{"type":"pong"}', '{"type":"ping","type":"auth"}')


@st.composite
def mutants(draw: st.DrawFn) -> str:
    """Return a frame of the document with something wrong in it, mostly."""
    mutant = json.loads(json.dumps(draw(st.sampled_from(FRAMES))))
    data = mutant.setdefault("data", {})
    value = draw(
        st.one_of(st.none(), st.integers(), st.text(max_size=5), st.lists(st.integers(), max_size=2))
    )
    match draw(st.sampled_from(("no data", "less", "more", "other type", "other data"))):
        case "no data":
            del mutant["data"]
        case "less" if data:
            del data[draw(st.sampled_from(sorted(data)))]
        case "more":
            data["more"] = value
        case "other type":
            mutant["type"] = value
        case _:
            mutant["data"] = value
    return json.dumps(mutant)


bad_frames = st.one_of(st.sampled_from(TEXTS), mutants())
people = st.integers(0, PEOPLE - 1)
some = st.integers(0, 7)


@dataclass
class Expected:
    """What the log holds for each person, by position."""

    visible: dict[UUID, list[int]] = field(default_factory=dict)
    members: dict[UUID, set[UUID]] = field(default_factory=dict)
    # Who was in a new conversation from its first moment; the rule that made it knows.
    founders: dict[UUID, set[UUID]] = field(default_factory=dict)
    # Who is or was in a conversation.
    ever: dict[UUID, set[UUID]] = field(default_factory=dict)
    # The messages of each conversation in the order of their seq.
    messages: dict[UUID, list[UUID]] = field(default_factory=dict)
    # What was written, no two things alike: of which message it is, and where it was written, when that is known.
    contents: "dict[str, Written]" = field(default_factory=dict)
    # Where messages were edited and deleted last, and where people left conversations last.
    edited: dict[UUID, int] = field(default_factory=dict)
    deleted: dict[UUID, int] = field(default_factory=dict)
    left: dict[tuple[UUID, UUID], int] = field(default_factory=dict)
    # Groups whose messages retention purges, whenever it comes to that.
    dissolved: set[UUID] = field(default_factory=set)
    position: int = 0

    def take(self, row: Mapping[str, Any]) -> None:
        """Take the next event of the log."""
        assert row["position"] == self.position + 1, "the log has a hole"
        self.position = row["position"]
        stream, subject, kind = row["stream_id"], row["subject_id"], row["kind"]
        if kind == "conversation.created":
            self.members[stream] = set(self.founders.get(stream, ()))
        elif kind == "member.added":
            self.members[stream].add(subject)
        elif kind == "member.removed" and stream != subject:
            self.members[stream].discard(subject)
            self.left[stream, subject] = self.position
        elif kind == "message.updated":
            self.edited[subject] = self.position
        elif kind == "message.deleted":
            self.deleted[subject] = self.position
        elif kind == "message":
            told = self.messages.setdefault(stream, [])
            told.append(subject)
            assert row["seq"] == len(told), "the order is not the seq"
        self.ever.setdefault(stream, set()).update(self.members.get(stream, ()))
        for user_id in self._audience(kind, stream):
            self.visible.setdefault(user_id, []).append(self.position)
        if kind == "group.deleted":
            self.left |= {(stream, user_id): self.position + 1 for user_id in self.members[stream]}
            self.members[stream] = set()
            self.dissolved.add(stream)

    def _audience(self, kind: str, stream: UUID) -> set[UUID]:
        if kind == "user.updated":
            shared = [members for members in self.members.values() if stream in members]
            return {stream}.union(*shared)
        return self.members.get(stream, {stream})


@dataclass
class Written:
    """Something that somebody wrote. Without a message it is not known whether it was stored."""

    message_id: UUID | None = None
    position: int = 0


class World:
    """The node, which outlives runs, and what it is expected to say."""

    def __init__(self, dsn: str) -> None:
        self.runner = asyncio.Runner()
        self.inside = Inside(dsn)
        self.expected = Expected()
        self.run(self.inside.start())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def close(self) -> None:
        self.run(self.inside.stop())
        self.runner.close()

    async def read_log(self) -> None:
        """Read the rows that were appended since the last time, up to where the hub is or further."""
        async with self.inside.chat.database.read() as conn:
            rows = await conn.fetch(
                """
                SELECT position, stream_id, subject_id, kind, seq FROM events
                WHERE position > $1 ORDER BY position
                """,
                self.expected.position,
            )
        for row in rows:
            self.expected.take(dict(row))


Method = TypeVar("Method", bound=Callable[..., None])


def step(**strategies: st.SearchStrategy[Any]) -> Callable[[Method], Method]:
    """Declare a rule whose calls are written down, so that whatever fails tells what was done before.

    Hypothesis prints them too, but only of a failure that it can repeat.
    """

    def decorated(method: Method) -> Method:
        @wraps(method)
        def noted(self: "Sockets", *args: Any, **values: Any) -> None:
            if self.is_stepping:
                method(self, *args, **values)
                return
            said = ", ".join(f"{name}={value!r}" for name, value in values.items())
            self.script.append(f"state.{method.__name__}({said})")
            self.is_stepping = True
            with self.telling():
                method(self, *args, **values)
            self.is_stepping = False

        declare: Any = rule
        return cast(Method, declare(**strategies)(noted))

    return decorated


class Sockets(RuleBasedStateMachine):
    """A few people, each with some devices, over one node."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.inside = self.world.inside
        self.users: list[User] = []
        self.groups: list[Group] = []
        self.messages: list[Message] = []
        self.cursors: list[list[str]] = [["0"] for _ in range(PEOPLE)]
        self.live = 0
        self.script = ["state = Sockets()", "state.begin()"]
        self.is_stepping = False
        self.has_failed = False

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Let an error tell the script that led to it."""
        try:
            yield
        except Exception as error:
            self.has_failed = True
            error.add_note("\n".join(["What was done:", *self.script]))
            raise

    def check_invariants(self, *args: Any) -> None:
        """The same, for what always holds."""
        with self.telling():
            super().check_invariants(*args)

    @initialize()
    def begin(self) -> None:
        async def begin() -> list[User]:
            # The run before may have ended anywhere, and one that failed in the middle of a restart.
            if not self.inside.is_running:
                await self.inside.start()
            self.inside.forget_peers()
            self.inside.within = True
            await self.inside.settle()
            await self.world.read_log()
            return [await self.inside.user() for _ in range(PEOPLE)]

        self.users = self.world.run(begin())
        self.is_stepping = True
        self.found(0, {1, 2}, wait=False)
        self.is_stepping = False
        for user in self.users:
            self._connect(user, "query", None, user.token)

    def teardown(self) -> None:
        # Whatever failed before is what there is to tell.
        if self.users and not self.has_failed:
            with self.telling():
                self.settle()
                self.world.run(self._compare_with_the_log())

    # ---- connecting

    @step(who=people, cursor=st.sampled_from(("last", "last", "old", "none", "start")), wait=st.booleans())
    def come_back(self, who: int, cursor: str, wait: bool) -> None:
        self.connect(who, "query", cursor, "own", wait)

    @step(
        who=people,
        way=st.sampled_from(
            ("query", "header", "frame", "frame with the cursor in the URL", "two tokens", "query and frame")
        ),
        cursor=st.sampled_from(
            ("none", "last", "last", "last", "old", "start", "forged", "future", "foreign")
        ),
        token=st.sampled_from(("own", "own", "own", "own", "own", "own", "expired", "wrong", "empty")),
        wait=st.booleans(),
    )
    def connect(self, who: int, way: str, cursor: str, token: str, wait: bool) -> None:
        user = self.users[who]
        self._connect(user, way, self._cursor(who, cursor), self._token(user, token))
        if wait:
            self.settle()

    def _connect(self, user: User, way: str, cursor: str | None, token: str) -> None:
        async def connect() -> None:
            in_url = f"cursor={cursor}" if cursor is not None and way != "frame" else ""
            headers: dict[str, str] = {}
            if way.startswith("query"):
                in_url = f"token={token}&{in_url}"
            elif way == "header":
                headers["authorization"] = f"Bearer {token}"
            elif way == "two tokens":
                headers["authorization"] = f"Bearer {token}"
                in_url = f"token={self._token(user, 'wrong')}&{in_url}"
            peer = self.inside.connect(user, f"/ws?{in_url}", given=cursor, **headers)
            if way.startswith("frame"):
                data = {"token": token} | ({"cursor": cursor} if cursor and way == "frame" else {})
                peer.say({"type": "auth", "data": data})
            if way == "query and frame":
                # Whoever has a newer token at once says it before they were greeted.
                peer.say({"type": "auth", "data": {"token": user.token}})
            await asyncio.sleep(0)

        self.world.run(connect())

    def _cursor(self, who: int, which: str) -> str | None:
        known = self.cursors[who]
        epoch = self.inside.realtime.relay.epoch
        match which:
            case "none":
                return None
            case "last":
                last = [peer.cursor for peer in self.users[who].peers if peer.cursor is not None]
                return last[-1] if last else known[-1]
            case "old":
                return known[len(known) // 2]
            case "start":
                return cursors.START
            case "forged":
                return "AVuziLgAAAAAAAAAJ_k6TbR"
            case "future":
                return Cursor(epoch, self.world.expected.position + 1000).encode()
        return Cursor(b"else", 1).encode()

    def _token(self, user: User, which: str) -> str:
        match which:
            case "own":
                return user.token
            case "empty":
                return ""
            case "expired":
                return expired(user.token)
        return user.token[:-4] + "AAAA"

    # ---- what happens over REST

    def act(self, work: Coroutine[Any, Any, T], wait: bool) -> T | None:
        async def attempt() -> T | None:
            try:
                return await work
            except ParleyError:
                return None

        result = self.world.run(attempt())
        if wait:
            self.settle()
        return result

    @step(who=people, whom=people, wait=st.booleans())
    def say(self, who: int, whom: int, wait: bool) -> None:
        if who == whom:
            return
        one, other = self.users[who].person, self.users[whom].person

        async def say() -> None:
            direct = await one.direct(other)
            self.world.expected.founders[direct.id] = {one.id, other.id}
            await self._say(one, other, "Hello")

        self.act(say(), wait)

    @step(who=people, where=some, times=st.sampled_from((1, 2, 5, 150)), wait=st.booleans())
    def say_in_group(self, who: int, where: int, times: int, wait: bool) -> None:
        if not self.groups:
            return
        person, group = self.users[who].person, self.groups[where % len(self.groups)]
        content = "Hello, all" if times < 100 else "Hello" * 798

        async def say() -> None:
            sends = [self._say(person, group, content) for _ in range(times)]
            await asyncio.gather(*sends, return_exceptions=True)

        self.act(say(), wait)

    async def _say(self, person: Person, to: Person | Group, content: str) -> Message:
        written, content = self._new(content)
        message = await person.say(to, content)
        written.message_id, written.position = message.id, message.position
        self.messages.append(message)
        return message

    async def _edit(self, person: Person, message: Message, content: str) -> None:
        written, content = self._new(content)
        await person.edit(message, content)
        await self.world.read_log()
        written.message_id, written.position = message.id, self.world.expected.edited[message.id]

    def _new(self, content: str) -> tuple[Written, str]:
        """Let what is written be like nothing before."""
        contents = self.world.expected.contents
        content = f"{content} {len(contents)}"
        return contents.setdefault(content, Written()), content

    @step(who=people, with_=st.sets(people), wait=st.booleans())
    def found(self, who: int, with_: set[int], wait: bool) -> None:
        founder = self.users[who].person
        others = [self.users[other].person for other in sorted(with_ - {who})]

        async def found() -> Group:
            group = await founder.found(*others)
            self.world.expected.founders[group.id] = {founder.id, *(other.id for other in others)}
            return group

        try:
            self.groups.append(self.world.run(found()))
        except Unavailable:
            # On a machine that is starved the database may take longer than anybody waits.
            return
        if wait:
            self.settle()

    @step(who=people, whom=people, where=some, wait=st.booleans())
    def add(self, who: int, whom: int, where: int, wait: bool) -> None:
        if self.groups:
            group = self.groups[where % len(self.groups)]
            self.act(self.users[who].person.add(group, self.users[whom].person), wait)

    @step(who=people, whom=people, where=some, wait=st.booleans())
    def remove(self, who: int, whom: int, where: int, wait: bool) -> None:
        if self.groups:
            group = self.groups[where % len(self.groups)]
            self.act(self.users[who].person.remove(group, self.users[whom].person), wait)

    @step(who=people, where=some, what=st.sampled_from(("rename", "promote", "dissolve")), wait=st.booleans())
    def change_group(self, who: int, where: int, what: str, wait: bool) -> None:
        if not self.groups:
            return
        person, group = self.users[who].person, self.groups[where % len(self.groups)]
        work: Mapping[str, Callable[[], Coroutine[Any, Any, Any]]] = {
            "rename": lambda: person.change(group, name="Reading"),
            "promote": lambda: person.promote(group, self.users[(who + 1) % PEOPLE].person, "admin"),
            "dissolve": lambda: person.dissolve(group),
        }
        self.act(work[what](), wait)

    @step(which=some, what=st.sampled_from(("edit", "delete", "read")), who=people, wait=st.booleans())
    def change_message(self, which: int, what: str, who: int, wait: bool) -> None:
        if not self.messages:
            return
        person, message = self.users[who].person, self.messages[which % len(self.messages)]
        work: Mapping[str, Callable[[], Coroutine[Any, Any, Any]]] = {
            "edit": lambda: self._edit(person, message, "Hello again"),
            "delete": lambda: person.delete(message),
            "read": lambda: person.read(message),
        }
        self.act(work[what](), wait)

    @step(who=people, whom=people, where=some)
    def show_out(self, who: int, whom: int, where: int) -> None:
        """Say something, remove somebody, and say it otherwise, faster than any of it is told."""
        if not self.groups:
            return
        person, other = self.users[who].person, self.users[whom].person
        group = self.groups[where % len(self.groups)]

        async def show_out() -> None:
            message = await self._say(person, group, "Hello, all")
            await self._edit(person, message, "Hello, both")
            await person.remove(group, other)
            await self._edit(person, message, "Hello again")

        self.act(show_out(), wait=False)

    @step(who=people, wait=st.booleans())
    def describe(self, who: int, wait: bool) -> None:
        self.act(self.users[who].person.describe_oneself(bio="New"), wait)

    # ---- what clients say

    def peer(self, which: int) -> Peer | None:
        there = [peer for peer in self.inside.peers if not peer.gone]
        return there[which % len(there)] if there else None

    def do(self, which: int, what: Callable[[Peer], None]) -> None:
        """Let a connected client do something."""

        async def doing() -> None:
            peer = self.peer(which)
            if peer is not None:
                what(peer)
                await asyncio.sleep(0)
                await asyncio.sleep(0)

        self.world.run(doing())

    @step(which=some, frame=st.sampled_from(FRAMES), own=st.booleans())
    def send(self, which: int, frame: dict[str, Any], own: bool) -> None:
        self.do(which, lambda peer: peer.say(self._own(peer, frame) if own else frame))

    @step(which=some, text=bad_frames)
    def send_badly(self, which: int, text: str) -> None:
        self.do(which, lambda peer: peer.put(masked(TEXT, text.encode())))

    @step(which=some, token=st.sampled_from(("own", "expired", "wrong")), other=st.booleans())
    def renew(self, which: int, token: str, other: bool) -> None:
        def renew(peer: Peer) -> None:
            # Before it is known whose socket this is, it would be the other's.
            user = self.users[0] if other and peer.is_ready else peer.user
            peer.say({"type": "auth", "data": {"token": self._token(user, token)}})

        self.do(which, renew)

    @step(which=some, data=st.sampled_from([*BYTES, None]))
    def vanish(self, which: int, data: bytes | None) -> None:
        """Drop the connection, most often after something that is against RFC 6455."""
        self.do(which, lambda peer: peer.drop() if data is None else peer.put(data))

    @step(which=some, what=st.sampled_from(("slow", "slow", "quick", "quick", "mute", "flood")))
    def behave(self, which: int, what: str) -> None:
        def flood(peer: Peer) -> None:
            for _ in range(LIMITS.frames_per_minute + 1):
                peer.say({"type": "ping"})

        ways: Mapping[str, Callable[[Peer], None]] = {
            "slow": lambda peer: peer.read_slowly(True),
            "quick": lambda peer: peer.read_slowly(False),
            "mute": lambda peer: setattr(peer, "answers_pings", False),
            "flood": flood,
        }
        self.do(which, ways[what])

    def _own(self, peer: Peer, frame: Mapping[str, Any]) -> dict[str, Any]:
        """Let a frame of the examples speak of what is there."""
        own: dict[str, Any] = json.loads(json.dumps(frame))
        data = own.get("data", {})
        if "token" in data:
            own["data"] = {"token": peer.user.token}
        if "user_id" in data:
            data["user_id"] = str(peer.user.id)
        if self.messages and "conversation_id" in data:
            data["conversation_id"] = str(self.messages[-1].conversation_id)
            if "message_id" in data:
                data["message_id"] = str(self.messages[-1].id)
        return own

    # ---- what happens to the server

    @step(seconds=st.sampled_from((1, 1, 6, 6, 11, 26, 36, 61)))
    def pass_time(self, seconds: int) -> None:
        self.world.run(self.inside.pass_time(seconds))

    @step(who=people, what=st.sampled_from(("nothing", "expire", "log out", "kill", "limit")))
    def trouble(self, who: int, what: str) -> None:
        """Lose the session, the server, or the right to connect again."""
        if what == "log out":
            self.world.run(self._log_out(self.users[who]))
        elif what == "expire":
            self.inside.now += 2 * HOUR
            self.world.run(self.inside.pass_time(1))
            self.inside.now -= 2 * HOUR
        elif what == "kill":
            self._kill()
        elif what == "limit":
            self.inside.within = not self.inside.within

    async def _log_out(self, user: User) -> None:
        await self.inside.services.sessions.revoke(user.person.caller, user.session_id)
        for peer in user.peers:
            ended = peer.gone or peer.is_slow or peer.code is not None
            assert ended or not peer.is_ready, "it outlived its session"
        again = await self.inside.log_in(user.person)
        user.session_id, user.token = again.session_id, again.token

    def _kill(self) -> None:
        for index, user in enumerate(self.users):
            self.cursors[index] += [peer.cursor for peer in user.peers if peer.cursor]
        self.world.run(self.inside.restart())
        for user in self.users:
            user.person = Person(self.inside.chat, user.id)

    @step()
    def settle(self) -> None:
        """Let the server finish what it does; then whoever is connected has everything."""

        async def settle() -> None:
            await self.inside.settle()
            await self.world.read_log()
            await self.inside.until(lambda: self.inside.realtime.hub.position >= self.world.expected.position)

        self.world.run(settle())
        if self.inside.realtime.hub.position == self.world.expected.position:
            for peer in self.inside.peers:
                if self.inside.is_live(peer) and not peer.is_slow and peer.code is None:
                    assert peer.positions == self._visible_to(peer), "something is missing"
                    self.live += 1

    # ---- what always holds

    @invariant()
    def documented(self) -> None:
        self.inside.check()

    @invariant()
    def nothing_missing_and_nothing_twice(self) -> None:
        self._read_log()
        for peer in self.inside.peers:
            expected = self._visible_to(peer)
            assert peer.positions == expected[: len(peer.positions)], "it is not what happened, in order"

    @invariant()
    def told_what_was_written_and_theirs(self) -> None:
        """Nothing but what was written, nothing written after they left, nothing that was deleted before they came."""
        self._read_log()
        for user in self.users:
            for peer in user.peers:
                frames, peer.judged = peer.frames[peer.judged :], len(peer.frames)
                for frame in frames:
                    if frame["type"].startswith("message") and frame["data"]["content"] is not None:
                        self._judge(peer, frame)

    def _judge(self, peer: Peer, frame: Mapping[str, Any]) -> None:
        expected, told = self.world.expected, frame["data"]
        stream, message_id = UUID(told["conversation_id"]), UUID(told["id"])
        written = expected.contents[told["content"]]
        if written.message_id is not None:
            assert written.message_id == message_id, "it was said in another message"
            assert written.position >= _position(frame), "it had been said otherwise by then"
            is_there = peer.user.id in expected.members[stream]
            assert is_there or written.position < expected.left[stream, peer.user.id], "they had left"
        assert expected.deleted.get(message_id, expected.position + 1) > peer.began, "it was gone already"

    @invariant()
    def nobody_hears_of_strangers(self) -> None:
        """Who types is told in that conversation, and who comes to those who share one, now or before."""
        for user in self.users:
            for peer in user.peers:
                for frame in peer.heard("typing"):
                    conversation = UUID(frame["data"]["conversation_id"])
                    assert user.id in self.world.expected.ever.get(conversation, ()), "it is not in there"
                for frame in peer.heard("presence"):
                    known = [them for them in self.world.expected.ever.values() if user.id in them]
                    assert UUID(frame["data"]["user_id"]) in set().union(*known), "they are strangers"

    @invariant()
    def resumes_where_it_was_told(self) -> None:
        for peer in self.inside.peers:
            if peer.given not in (None, cursors.START) and peer.is_ready:
                # With a resync behind it too: whoever hears no more than this comes back with the same cursor.
                told = peer.heard("ready")[0]["data"]["cursor"]
                assert told == peer.given, "it goes on from elsewhere"

    @invariant()
    def every_cursor_is_where_the_client_is(self) -> None:
        for user in self.users:
            for peer in user.peers:
                if peer.cursor is None:
                    continue
                position = cursors.decode(peer.cursor).position
                skipped = [at for at in self._visible_to(peer)[len(peer.positions) :] if at <= position]
                assert not skipped, "a client that comes back with this cursor misses something"
                assert peer.start is not None
                assert position >= peer.start, "a client that comes back with this cursor hears things again"

    def _read_log(self) -> None:
        if self.users:
            self.world.run(self.world.read_log())

    async def _compare_with_the_log(self) -> None:
        """Each frame says what `GET /v1/events` says at its cursor, but for what has changed since it was told."""
        # Receipts are still on their way to the log, and are told when they have come there.
        end = self.world.expected.position
        for user in self.users:
            told = [frame for peer in user.peers for frame in peer.frames if "cursor" in frame]
            frames = [frame for frame in told if _position(frame) <= end]
            if frames:
                logged = await self._logged(user, min(_position(frame) for frame in frames) - 1)
                for frame in frames:
                    self._compare(frame, logged[frame["cursor"]])

    async def _logged(self, user: User, position: int) -> Mapping[str, Any]:
        logged: dict[str, Any] = {}
        while position < self.world.expected.position:
            page = await self.inside.services.events.missed(user.id, position, 200)
            for event in page.events:
                logged[event.cursor] = json.loads(encode(event.type, event.data, event.cursor, event.seq))
            position = page.end
        return logged

    def _compare(self, frame: dict[str, Any], logged: dict[str, Any]) -> None:
        told, now = frame["data"], logged["data"]
        assert {**frame, "data": None} == {**logged, "data": None}
        passing = set[str]()
        if frame["type"] == "user.updated":
            passing = {"status", "last_seen"}
        elif frame["type"].startswith("message"):
            passing = {"status"}
            expected, message_id = self.world.expected, UUID(told["id"])
            changed_at = max(expected.edited.get(message_id, 0), expected.deleted.get(message_id, 0))
            if _position(frame) < changed_at or UUID(told["conversation_id"]) in expected.dissolved:
                # What it was until then is judged above; that it is another message is not what may change.
                passing |= {"content", "metadata", "edited_at", "deleted_at"}
                assert (told["content"] is None) == (told["deleted_at"] is not None)
        assert {**told, **dict.fromkeys(passing)} == {**now, **dict.fromkeys(passing)}

    def _visible_to(self, peer: Peer) -> list[int]:
        if peer.start is None:
            return []
        return [at for at in self.world.expected.visible.get(peer.user.id, ()) if at > peer.start]


def _position(frame: Mapping[str, Any]) -> int:
    return cursors.decode(frame["cursor"]).position


@pytest.fixture(scope="module")
def world(databases: TestDatabases) -> Iterator[World]:
    dsn = databases.create()
    world = World(dsn)
    yield world
    world.close()
    databases.drop(dsn)


def run(world: World, runs: int, steps: int) -> None:
    Sockets.world = world
    # What is missing is known by how a run ends, and the runs before it: there is nothing to explain.
    phases = (Phase.explicit, Phase.generate, Phase.shrink)
    run_machine(
        Sockets,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )


# A minute of work, and many where others work too.
@pytest.mark.timeout(900)
def test_every_event_once_and_in_order(world: World) -> None:
    """Three hundred runs, in CI with its seed."""
    run(world, 300, 40)


@pytest.mark.soak
def test_every_event_once_and_in_order_for_long(world: World) -> None:
    """The same, ten times as often and twice as long."""
    run(world, 3000, 80)
