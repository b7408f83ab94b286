"""Any interleaving of writers leaves a log that is whole; Hypothesis looks for one that does not.

Three writers, each with the code of a process of its own (its pools, its send queue, its services), step statement
by statement on one PostgreSQL (`stepped`). A model in plain Python says what must come of it (`log_model`). The
same search finds faults that are planted in the functions of the database, each of which was once a real design.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chat import message_of
from log_model import MAX_MEMBERS, SETTINGS, Model, Seen
from parley.errors import Conflict, Forbidden, NotFound, Unavailable
from parley.events import EventKind
from parley.model import Caller, MessageStatus, Receipt, Role
from parley.services.conversations import Conversations, Directory
from parley.services.groups import Groups
from parley.services.idempotency import Idempotency
from parley.storage import conversations, database, events, messages, receipts, send_queue
from parley.storage.log import Log
from parley.storage.messages import Filter
from parley.storage.send_queue import Draft, SendQueue, Sent
from stepped import GatedDatabase, Stage, Writer
from writers import check_log

PEOPLE = [UUID(int=n << 64) for n in range(1, 5)]
ANN, BOB, CYD, DAN = PEOPLE
REFUSALS = (NotFound, Forbidden, Conflict)
TABLES = """
    events, messages, purged_messages, conversations, groups, members, memberships, receipts, idempotency_keys,
    log_state
"""

Replace = tuple[str, str]


class Planted(Exception):
    """A failure in the middle of an append."""


class Process(Writer):
    """A writer with all that a process has of the log."""

    @classmethod
    @asynccontextmanager
    async def on(cls, name: str, dsn: str) -> AsyncIterator["Process"]:
        own = await GatedDatabase.open(dsn, pool_size=6)
        process = cls(name)
        own.gate = process.gate
        log = Log(own)
        process.log = log
        process.queue = SendQueue(own, log, size=100)
        process.conversations = Conversations(own, log, Directory(own, 0), Idempotency())
        process.groups = Groups(own, log, Idempotency(), max_members=MAX_MEMBERS)
        await process.queue.start()
        try:
            yield process
        finally:
            await process.queue.stop()
            await own.close()

    log: Log
    queue: SendQueue
    conversations: Conversations
    groups: Groups


@dataclass
class Task:
    """Something that a process does, and what must come of it in the model when it is over."""

    name: str
    expected: Callable[[Model, Any], Any]
    is_call: bool = False
    is_send: bool = False


class World:
    """One database, the processes that write to it, and the loop they run in."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self.processes: list[Process] = []
        self.conn: asyncpg.Connection[asyncpg.Record]
        self.stage: Stage

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    async def open(self) -> None:
        self.conn = await asyncpg.connect(self._dsn)
        await database._read_json_as_values(self.conn)
        await self.conn.executemany(
            """
            INSERT INTO users (id, email, email_key, username, username_key, display_name)
            VALUES ($1, $2, $2, $2, $2, $2)
            """,
            [(user_id, f"{user_id}@example.com") for user_id in PEOPLE],
        )
        # A debugger, or a slow machine, must not run into the clock of the head.
        await self.replace("take_head", [("'2000'", "'600000'")])
        for name in "abc":
            self.processes.append(await self._stack.enter_async_context(Process.on(name, self._dsn)))
        self.stage = Stage(self.conn, self.processes)

    async def replace(self, function: str, replacements: Sequence[Replace]) -> None:
        """Change the source of a function of the database; each piece of it must be there once."""
        source = await self.conn.fetchval("SELECT pg_get_functiondef($1::regproc)", function)
        for old, new in replacements:
            assert source.count(old) == 1, f"{function} no longer has one {old!r}"
            source = source.replace(old, new)
        await self.conn.execute(source)

    async def empty(self) -> None:
        await self.conn.execute(f"TRUNCATE {TABLES}; INSERT INTO log_state DEFAULT VALUES")
        for process in self.processes:
            process.log.head.position = 0

    async def come_to_rest(self) -> None:
        await asyncio.gather(*(process.finish() for process in self.processes))

    async def close(self) -> None:
        await self._stack.aclose()
        await self.conn.close()

    def __enter__(self) -> "World":
        self.run(self.open())
        return self

    def __exit__(self, *error: object) -> None:
        self.run(self.close())
        self._runner.close()


class Interleavings(RuleBasedStateMachine):
    """Processes step in any order, readers look at any moment, and the model knows what must be there."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.run = world.run
        self.model = Model()
        self.tasks: dict[Process, Task] = {}
        # Who asked for the head, in the order of asking: the first has it.
        self.line: list[Process] = []
        self.room_ids: list[UUID] = []
        self.group_ids: list[UUID] = []
        self.note_ids: list[UUID] = []
        self.cursors = dict.fromkeys(PEOPLE, 0)
        self.numbers = iter(range(1, 1_000_000))
        self.run(world.empty())

    @initialize()
    def begin_with_a_group(self) -> None:
        one = self.world.processes[0]
        self._begin(one, self._creation(one, ANN, [BOB, CYD]))
        self._finish(one)
        for sender in (ANN, BOB):
            self._begin(one, self._sending(one, [self._draft(sender, 0)]))

    # What processes do.

    idle = precondition(lambda self: any(process.idle for process in self.world.processes))
    busy = precondition(lambda self: bool(self.tasks))
    people = st.sampled_from(PEOPLE)
    small = st.integers(0, 7)

    @idle
    @rule(
        n=small,
        items=st.lists(
            st.fixed_dictionaries(
                {"sender": people, "room": small},
                optional={
                    "reply": small,
                    "mention": people,
                    "key": st.sampled_from(["k1", "k2"]),
                    "text": st.sampled_from("xy"),
                },
            ),
            min_size=1,
            max_size=3,
            unique_by=lambda item: (item["sender"], item.get("key") or object()),
        ),
    )
    def send(self, n: int, items: list[dict[str, Any]]) -> None:
        process = self._idle(n)
        self._begin(process, self._sending(process, [self._draft(**item) for item in items]))

    @idle
    @rule(n=small, user=people, note=small, content=st.sampled_from([None, "edited", "again"]))
    def change(self, n: int, user: UUID, note: int, content: str | None) -> None:
        process, note_id = self._idle(n), _pick(self.note_ids, note)
        work = process.log.call(lambda conn, hint: messages.change(conn, hint, note_id, user, content))
        task = Task("change", lambda model, _: model.change(user, note_id, content), is_call=True)
        self._begin(process, (task, _answer(work, lambda row: row["verdict"])))

    @idle
    @rule(n=small, user=people, room=small, delivered=small, read=small)
    def mark(self, n: int, user: UUID, room: int, delivered: int, read: int) -> None:
        process, room_id = self._idle(n), _pick(self.room_ids, room)
        receipt = Receipt(room_id, user, delivered, read)
        work = process.log.call(lambda conn, hint: conversations.move_watermarks(conn, hint, receipt, 100))
        task = Task("mark", lambda model, _: model.mark(user, room_id, delivered, read), is_call=True)
        self._begin(process, (task, _answer(work, _marks)))

    @idle
    @rule(n=small, users=st.lists(people, min_size=1, max_size=4), room=small, seq=small)
    def mark_many(self, n: int, users: list[UUID], room: int, seq: int) -> None:
        process, room_id = self._idle(n), _pick(self.room_ids, room)
        wanted = [Receipt(room_id, user, seq, seq // 2) for user in users]
        work = process.log.call(lambda conn, hint: receipts.move(conn, hint, wanted, 100))

        def expected(model: Model, _: int) -> int:
            for user in users:
                model.mark(user, room_id, seq, seq // 2)
            return len(model.log)

        self._begin(
            process, (Task("mark many", expected, is_call=True), _answer(work, lambda row: row["head"]))
        )

    @idle
    @rule(n=small, owner=people, other=people)
    def create(self, n: int, owner: UUID, other: UUID) -> None:
        process = self._idle(n)
        self._begin(process, self._creation(process, owner, [other] if other != owner else []))

    @idle
    @rule(n=small, user=people, other=people)
    def open_direct(self, n: int, user: UUID, other: UUID) -> None:
        process = self._idle(n)
        other = other if other != user else PEOPLE[(PEOPLE.index(user) + 1) % 4]
        work = process.conversations.direct_id(_caller(user), other)

        def expected(model: Model, room_id: UUID) -> UUID:
            if room_id not in self.room_ids:
                self.room_ids.append(room_id)
            return model.open(user, other, room_id)

        self._begin(process, (Task("open", expected), work))

    @idle
    @rule(
        n=small, verb=st.sampled_from(["add", "join", "remove", "leave"]), by=people, user=people, group=small
    )
    def come_or_go(self, n: int, verb: str, by: UUID, user: UUID, group: int) -> None:
        process, group_id = self._idle(n), _pick(self.group_ids, group)
        groups, caller = process.groups, _caller(by)
        works: dict[str, tuple[Callable[[], Any], Callable[[Model], Any]]] = {
            "add": (lambda: groups.add_member(caller, group_id, user), lambda m: m.add(by, group_id, user)),
            "join": (lambda: groups.join(caller, group_id), lambda m: m.join(by, group_id)),
            "remove": (
                lambda: groups.remove_member(caller, group_id, user),
                lambda m: m.remove(by, group_id, user),
            ),
            "leave": (
                lambda: groups.remove_member(caller, group_id, by),
                lambda m: m.remove(by, group_id, by),
            ),
        }
        work, expected = works[verb]
        self._begin(process, (Task(verb, lambda model, _: expected(model)), _refusal(work())))

    @idle
    @rule(n=small, by=people, user=people, group=small, role=st.sampled_from(["owner", "admin", "member"]))
    def promote(self, n: int, by: UUID, user: UUID, group: int, role: Role) -> None:
        process, group_id = self._idle(n), _pick(self.group_ids, group)
        work = process.groups.change_role(_caller(by), group_id, user, role)
        task = Task("promote", lambda model, _: model.promote(by, group_id, user, role))
        self._begin(process, (task, _refusal(work)))

    @idle
    @rule(n=small, by=people, group=small, whole=st.booleans())
    def rename_or_delete(self, n: int, by: UUID, group: int, whole: bool) -> None:
        process, group_id = self._idle(n), _pick(self.group_ids, group)
        if whole:
            work: Coroutine[Any, Any, Any] = process.groups.delete(_caller(by), group_id)
            task = Task("delete", lambda model, _: model.delete(by, group_id))
        else:
            work = process.groups.update(_caller(by), group_id, {"name": "Renamed"})
            task = Task("rename", lambda model, _: model.rename(by, group_id))
        self._begin(process, (task, _refusal(work)))

    @idle
    @rule(n=small, user=people)
    def change_profile(self, n: int, user: UUID) -> None:
        process = self._idle(n)
        self._begin(
            process, (Task("profile", lambda model, _: model.profile(user)), _note_profile(process.log, user))
        )

    # What time does to them.

    @busy
    @rule(n=small)
    def step(self, n: int) -> None:
        at_gate = [process for process in self.tasks if process.at_gate]
        if at_gate:
            self._let(_pick(at_gate, n))

    @busy
    @rule(n=small, how=st.sampled_from(["fail", "cancel", "cut"]))
    def give_up(self, n: int, how: str) -> None:
        """Something goes wrong for one process: in its own code, for its client, or with its connection."""
        process = _pick(list(self.tasks), n)
        task, holds = self.tasks[process], process.at_gate and process in self.line
        if how == "cut":
            self.run(self.world.stage.cut(process))
            if holds:
                process.let()
        elif task.is_send:
            return
        elif how == "fail" and process.at_gate:
            process.fail(Planted())
        else:
            process.cancel()
        if process in self.line:
            self.line.remove(process)
        if not task.is_send:
            del self.tasks[process]
            self.run(self._expect_failure(process))
        self._settle()

    # What readers see meanwhile.

    @rule(user=people, limit=st.integers(1, 4))
    def read(self, user: UUID, limit: int) -> None:
        self.cursors[user] = self._read(user, self.cursors[user], limit)

    @invariant()
    def head_has_one_holder(self) -> None:
        """Whoever asked first is the only one who is not waiting in PostgreSQL."""
        for place, process in enumerate(self.line):
            assert process.at_gate == (place == 0), f"whoever asked first has the head: {self.line}"

    def teardown(self) -> None:
        try:
            for process in list(self.line):
                self._finish(process)
            while self.tasks:
                self._finish(next(iter(self.tasks)))
            for user in PEOPLE:
                after = 0
                while after < len(self.model.log):
                    after = self._read(user, after, 3)
            self.run(self._check_everything())
        finally:
            # After a failure some are still at work, and must not disturb the next history.
            self.run(self.world.come_to_rest())

    # How it is done.

    def _idle(self, n: int) -> Process:
        process: Process = _pick([process for process in self.world.processes if process.idle], n)
        return process

    def _begin(self, process: Process, work: tuple[Task, Coroutine[Any, Any, Any]]) -> None:
        self.tasks[process] = work[0]
        self.run(_in_loop(partial(process.begin, work[1])))
        self._settle()
        if process.at_gate:
            self._let(process)

    def _let(self, process: Process) -> None:
        if process not in self.line:
            self.line.append(process)
        process.let()
        self._settle()
        if process in self.line and self.tasks[process].is_send and process.at_gate:
            # Its connection was cut before, so it has to ask once more.
            self.line.remove(process)

    def _settle(self) -> None:
        self.run(self.world.stage.settle())
        for process in [*self.line, *self.tasks]:
            done = process.take_result()
            if done is None:
                continue
            task = self.tasks.pop(process)
            if process in self.line:
                assert self.line.pop(0) is process, "whoever asked first has the head first"
            assert done.exception() is None, f"{task.name}: {done.exception()!r}"
            assert task.expected(self.model, done.result()) == done.result(), task.name

    def _finish(self, process: Process) -> None:
        while process in self.tasks:
            self._let(process)

    async def _expect_failure(self, process: Process) -> None:
        assert process.task is not None
        outcome: Any = None
        (outcome,) = await asyncio.gather(process.task, return_exceptions=True)
        process.take_result()
        assert isinstance(outcome, (Planted, Unavailable, asyncio.CancelledError)), repr(outcome)

    def _draft(
        self,
        sender: UUID,
        room: int,
        reply: int | None = None,
        mention: UUID | None = None,
        key: str | None = None,
        text: str = "x",
    ) -> Draft:
        message_id = UUID(int=next(self.numbers))
        self.note_ids.append(message_id)
        return Draft(
            message_id,
            _pick(self.room_ids, room),
            sender,
            "text",
            text,
            "{}",
            None if reply is None else _pick(self.note_ids, reply),
            () if mention is None else (mention,),
            key,
            None if key is None else text.encode(),
        )

    def _sending(self, process: Process, drafts: Sequence[Draft]) -> tuple[Task, Coroutine[Any, Any, Any]]:
        async def work() -> list[tuple[Any, ...]]:
            return [_shown(sent) for sent in await asyncio.gather(*map(process.queue.send, drafts))]

        return Task("send", lambda model, _: model.send(drafts), is_send=True), work()

    def _creation(
        self, process: Process, owner: UUID, others: Sequence[UUID]
    ) -> tuple[Task, Coroutine[Any, Any, Any]]:
        def expected(model: Model, group_id: UUID) -> UUID:
            self.room_ids.append(group_id)
            self.group_ids.append(group_id)
            model.create(owner, others, group_id)
            return group_id

        work = process.groups.create(_caller(owner), "Group", None, others, SETTINGS)
        return Task("create", expected), _answer(work, lambda made: made[0].id)

    def _read(self, user: UUID, after: int, limit: int) -> int:
        """Read one page, compare it with the model's, and return where to go on."""
        excerpt = self.run(_events(self.world.conn, user, after, limit + 1))
        seen = [_seen(row) for row in excerpt.rows]
        assert seen == list(self.model.seen_by(user, after))[: limit + 1]
        assert excerpt.state.head == len(self.model.log)
        return seen[limit - 1].position if len(seen) > limit else int(excerpt.end)

    async def _check_everything(self) -> None:
        conn = self.world.conn
        log = await check_log(conn)
        assert [(e["kind"], e["stream_id"], e["subject_id"]) for e in log] == [
            (happening.kind, happening.stream, happening.subject) for happening in self.model.log
        ]
        assert await conn.fetchval("SELECT count(*) FROM messages") == len(self.model.notes)
        for room_id, room in self.model.rooms.items():
            marks = await conn.fetch("SELECT * FROM watermarks($1)", room_id)
            assert {row["user_id"]: (row["delivered_seq"], row["read_seq"]) for row in marks} == {
                user: room.marks(user) for user in room.people
            }
        for user in PEOPLE:
            await self._check_lists(user)
        idle_in_transaction = await conn.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state ~ 'idle in'"
        )
        assert idle_in_transaction == 0

    async def _check_lists(self, user: UUID) -> None:
        conn: Any = self.world.conn
        mine = {key: room for key, room in self.model.rooms.items() if user in room.people}
        page = {c.id: c for _, c in await conversations.page(conn, user, limit=100)}
        assert page.keys() == mine.keys()
        for room_id, room in mine.items():
            delivered, read = room.marks(user)
            numbers = (page[room_id].last_seq, page[room_id].delivered_seq, page[room_id].read_seq)
            assert numbers == (room.last_seq, delivered, read)
            assert page[room_id].unread_count == room.last_seq - read
            listed = await messages.page(conn, user, Filter(room_id), limit=1000)
            history = [message_of(each.json) for each in listed]
            assert [(m.id, m.seq, m.content, m.status) for m in reversed(history)] == [
                (note.id, note.seq, note.content, room.status(note)) for note in room.notes
            ]
            statuses: list[MessageStatus] = ["sent", "delivered", "read"]
            for status in statuses:
                counted = await messages.count(conn, user, Filter(room_id, status=status), after=0)
                assert counted == [room.status(note) for note in room.notes].count(status)


def _pick(things: Sequence[Any], n: int) -> Any:
    return things[n % len(things)]


def _caller(user_id: UUID) -> Caller:
    return Caller(user_id, user_id)


def _shown(sent: Sent) -> tuple[Any, ...]:
    match sent.verdict:
        case "sent":
            return ("sent", sent.position, sent.seq)
        case "replayed":
            return ("replayed", sent.replay_id)
        case verdict:
            return (verdict,)


def _marks(row: Any) -> tuple[int, int] | None:
    return None if row["read_seq"] is None else (row["delivered_seq"], row["read_seq"])


async def _in_loop(action: Callable[[], None]) -> None:
    action()


async def _answer(work: Any, shown: Callable[[Any], Any]) -> Any:
    return shown(await work)


async def _refusal(work: Any) -> str | None:
    """Return why a service refused, by the name of the error, or None when it did not."""
    try:
        await work
    except REFUSALS as error:
        return type(error).__name__
    return None


async def _note_profile(log: Log, user: UUID) -> None:
    async with log.append() as entry:
        entry.add(EventKind.USER_UPDATED, stream_id=user, subject_id=user, actor_id=user, facts={})


async def _events(conn: Any, user: UUID, after: int, limit: int) -> events.Excerpt:
    return await events.read(conn, user, after, limit)


def _seen(row: Any) -> Seen:
    people = None if row["user_ids"] is None else tuple(sorted(row["user_ids"]))
    about = (row["event_position"], row["kind"], row["stream_id"], row["subject_id"])
    facts = row["event_seq"], row["facts"]
    if row["id"] is None:
        return Seen(*about, *facts, people=people)
    return Seen(
        *about, *facts, content=row["content"], deleted=row["deleted_at"] is not None, status=row["status"]
    )


@pytest.fixture
def world(database_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    # Nobody is frozen here, however long the test thinks between two steps.
    for name in ("lock_timeout", "idle_in_transaction_session_timeout"):
        monkeypatch.setitem(database.APPENDING, name, "10min")
    monkeypatch.setattr(database, "COMMAND_TIMEOUT", 600.0)
    monkeypatch.setattr(send_queue, "SETTLE_PAUSES", (0.0,))
    with World(database_dsn) as opened:
        yield opened


def explore(world: World, *, examples: int, steps: int) -> None:
    class Machine(Interleavings):
        def __init__(self) -> None:
            super().__init__(world)

    run_state_machine_as_test(Machine, settings=settings(max_examples=examples, stateful_step_count=steps))


def test_any_interleaving_leaves_a_whole_log(world: World) -> None:
    """Positions and seqs are gapless and in order of commit; readers and numbers agree with the model."""
    explore(world, examples=40, steps=30)


@pytest.mark.soak
def test_any_interleaving_leaves_a_whole_log_at_length(world: World) -> None:
    """The same for thousands of longer histories."""
    explore(world, examples=1000, steps=120)


TAKE = "    PERFORM take_head();\n"
READ = "    SELECT h.head, h.at INTO head, append_messages.created_at FROM read_head(hint) h;\n"
JUDGE = "    FROM unnest(item_conversations, senders) WITH ORDINALITY AS i (conversation, sender, ord);\n"
JUDGE_AND_TAKE = JUDGE.replace("FROM unnest", "FROM (SELECT take_head() OFFSET 0) locked, unnest")


@pytest.mark.parametrize(
    ("function", "replacements", "found"),
    [
        # One statement locks and judges: its snapshot is older than the lock it waited for.
        ("append_messages", [(TAKE + READ, ""), (JUDGE, JUDGE_AND_TAKE + READ)], "not_member"),
        # The last position is read before the head is taken: it is used twice, which shows in many ways.
        ("append_messages", [(TAKE + READ, READ + TAKE)], None),
        # Nobody waits for anybody.
        ("take_head", [("PERFORM pg_advisory_xact_lock(7236837125);", "")], "asked first"),
    ],
    ids=["judged-with-the-lock", "read-before-the-lock", "no-lock"],
)
def test_planted_fault_is_found(
    world: World, function: str, replacements: list[Replace], found: str | None
) -> None:
    """The search is able to fail: without the rules that cannot matter it soon finds each of these faults."""

    class Machine(Interleavings):
        read = create = open_direct = promote = rename_or_delete = None  # type: ignore[assignment]  # no rule here
        change = mark = mark_many = change_profile = give_up = None  # type: ignore[assignment]  # no rule here

        def __init__(self) -> None:
            super().__init__(world)

    world.run(world.replace(function, replacements))
    with pytest.raises(AssertionError, match=found):
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=200,
                stateful_step_count=30,
                phases=[Phase.generate],
                derandomize=True,
                database=None,
            ),
        )
