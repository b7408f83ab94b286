"""A connection from its first byte to its last: who it is, where it begins, and why it has to go.

The database is real, since catching up is a matter of snapshots; the socket and the clock are the test's.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from chat import Chat, Person, running
from generated.frames import LIMITS, CloseCode
from house import Client, House, open_house, told
from parley import cursors, metrics
from parley.cursors import Cursor
from parley.errors import NotFound, Unavailable
from parley.ids import uuid7
from parley.realtime import catching_up, open_sockets
from parley.realtime.connection import Connection
from parley.realtime.shared import Refused
from parley.storage import epoch, feed

pytestmark = pytest.mark.anyio


@pytest.fixture
async def chat(database_dsn: str) -> AsyncIterator[Chat]:
    async with running(database_dsn) as services:
        yield services


@pytest.fixture
async def house(chat: Chat) -> AsyncIterator[House]:
    async with open_house(chat) as opened:
        yield opened


@pytest.fixture
async def people(chat: Chat) -> list[Person]:
    """Return Ada, Bob and Eve."""
    return [await chat.person(name) for name in ("ada", "bob", "eve")]


def auth(token: str, **more: str) -> dict[str, Any]:
    return {"type": "auth", "data": {"token": token, **more}}


RECEIPT: dict[str, Any] = {
    "type": "receipt",
    "data": {"conversation_id": str(uuid7()), "message_id": str(uuid7()), "kind": "read"},
}
HIDE = {"type": "presence", "data": {"status": "offline"}}


def typing(*, is_typing: bool = True) -> dict[str, Any]:
    return {
        "type": "typing",
        "data": {"conversation_id": RECEIPT["data"]["conversation_id"], "is_typing": is_typing},
    }


async def forget(house: House) -> None:
    """Let the window hold nothing, so that whoever comes back has to ask the database."""
    await house.settle()
    house.hub.window.restart(house.hub.position)


class TestWhoItIs:
    async def test_by_the_url(self, house: House, people: list[Person]) -> None:
        """The token may stand in the URL."""
        ada = people[0]
        client = await house.live(ada)
        ready = client.frames[0]
        assert (ready["type"], ready["data"]["user"]["id"]) == ("ready", str(ada.id))
        assert house.deeds.joined_users == [ada.id]

    async def test_by_the_header(self, house: House, people: list[Person]) -> None:
        """Or in the header; the same one in both is one, two different ones are none."""
        token, other = (house.doors.let_in(people[0].id) for _ in range(2))
        header = {"authorization": f"Bearer {token}"}
        await Client(house, {}, header).until_live()
        await Client(house, {"token": token}, header).until_live()
        contradicting = Client(house, {"token": other}, header)
        assert await contradicting.until_closed() is CloseCode.UNAUTHORIZED

    async def test_by_the_first_frame(self, house: House, people: list[Person]) -> None:
        """Or in a frame, within ten seconds; before that nothing else is heard."""
        client = house.stranger()
        house.tick(LIMITS.auth_seconds)
        client.say({"type": "ping"})
        assert client.errors() == [("unauthorized", "ping")]
        client.say(auth(house.doors.let_in(people[0].id)))
        await client.until_live()
        client.say({"type": "ping"})
        assert client.types == ["error", "ready", "pong"]

    async def test_too_late(self, house: House) -> None:
        """Whoever does not say it is sent away."""
        client = house.stranger()
        house.tick(LIMITS.auth_seconds + 1)
        assert client.closed_with is CloseCode.UNAUTHORIZED
        assert len(house.sockets) == 0

    @pytest.mark.parametrize(
        ("token", "code"),
        [
            ("made up", CloseCode.UNAUTHORIZED),
            ("", CloseCode.UNAUTHORIZED),
            ("expired", CloseCode.TOKEN_EXPIRED),
        ],
    )
    async def test_wrong(self, house: House, token: str, code: CloseCode) -> None:
        """A token that is none is told from one that was."""
        assert await house.stranger(token=token).until_closed() is code

    async def test_a_frame_with_a_wrong_token(self, house: House) -> None:
        """In the first frame it is the same."""
        client = house.stranger()
        client.say(auth("made up"))
        assert await client.until_closed() is CloseCode.UNAUTHORIZED

    async def test_twice_at_once(self, house: House, people: list[Person]) -> None:
        """Whoever says it again before it was judged is recognised once, and then renewed."""
        client = house.stranger()
        session = uuid7()
        client.say(auth(house.doors.let_in(people[0].id, house.clock.now + 60, session)))
        client.say(auth(house.doors.let_in(people[0].id, house.clock.now + 90, session)))
        await client.until("ready", 2)
        assert client.types == ["ready", "ready"]
        first, second = (frame["data"]["token_expires_at"] for frame in client.frames)
        assert first < second

    async def test_the_database_is_away(
        self, house: House, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Who can't be recognised now comes back later."""

        async def away(token: str) -> None:
            raise Unavailable

        monkeypatch.setattr(house.doors, "authenticate_until", away)
        assert await house.client(people[0]).until_closed() is CloseCode.UNAVAILABLE

    async def test_a_session_that_ends_meanwhile(
        self, house: House, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One that ends after its token was judged, and before its socket is known to be one of it, is cut too."""
        admit = house.sockets.admit

        async def admit_late(connection: Connection) -> None:
            house.doors.end(connection.session_id)
            house.sockets.end_sessions([connection.session_id])
            await admit(connection)

        monkeypatch.setattr(house.sockets, "admit", admit_late)
        client = house.client(people[0])
        assert await client.until_closed() is CloseCode.SESSION_REVOKED
        assert "ready" not in client.types

    async def test_a_session_that_has_ended(self, house: House, people: list[Person]) -> None:
        """Its token is right and too late: another one has to be made by logging in."""
        token = house.doors.let_in(people[0].id)
        house.doors.end(house.doors.known[token][0].session_id)
        assert await house.stranger(token=token).until_closed() is CloseCode.SESSION_REVOKED


class TestRenewal:
    async def test_of_the_same_session(self, house: House, people: list[Person]) -> None:
        """A newer token lets the socket live longer; `ready` says until when, and where it stands."""
        ada, bob, _ = people
        session = uuid7()
        first = house.doors.let_in(ada.id, house.clock.now + 60, session)
        client = await house.stranger(token=first).until_live()
        await ada.say(bob)
        await client.until("message")
        client.say(auth(house.doors.let_in(ada.id, house.clock.now + 90, session)))
        renewed = (await client.until("ready", 2))["data"]
        assert renewed["token_expires_at"] > client.frames[0]["data"]["token_expires_at"]
        assert renewed["cursor"] == client.frames[-2]["cursor"]
        house.live_on(89, client)
        assert client.closed_with is None
        house.live_on(1, client)
        assert client.closed_with is CloseCode.TOKEN_EXPIRED

    async def test_keeps_the_cursor_of_who_heard_nothing(self, house: House, people: list[Person]) -> None:
        """Whoever was told nothing yet stands where they began, not at the beginning of the log; later further on."""
        ada, bob, eve = people
        await ada.say(bob)
        session = uuid7()
        client = await house.stranger(token=house.doors.let_in(eve.id, session_id=session)).until_live()
        client.say(auth(house.doors.let_in(eve.id, session_id=session)))
        renewed = await client.until("ready", 2)
        assert renewed["data"]["cursor"] == client.frames[0]["data"]["cursor"] == house.relay.cursor(2)
        await bob.say(ada)
        await house.settle()
        client.say(auth(house.doors.let_in(eve.id, session_id=session)))
        assert (await client.until("ready", 3))["data"]["cursor"] == house.relay.cursor(3)

    @pytest.mark.parametrize("first", ["0", "last", None])
    async def test_before_the_first_ready(
        self, house: House, people: list[Person], monkeypatch: pytest.MonkeyPatch, first: str | None
    ) -> None:
        """Whoever renews while their first `ready` is on its way is told where they stand, and never less."""
        ada, bob, _ = people
        for _ in range(3):
            await ada.say(bob)
        await house.settle()
        begins = house.relay.cursor(2) if first == "last" else first
        session = uuid7()
        read_periods = feed.read_periods

        async def read_late(*arguments: Any) -> Any:
            client.say(auth(house.doors.let_in(bob.id, session_id=session)))
            # Time enough for an answer, if there were one.
            for _ in range(20):
                await asyncio.sleep(0.001)
            return await read_periods(*arguments)

        monkeypatch.setattr(feed, "read_periods", read_late)
        query = {"token": house.doors.let_in(bob.id, session_id=session)}
        client = house.stranger(**query, **({} if begins is None else {"cursor": begins}))
        await client.until("ready", 2)
        start = {"0": 0, "last": 2, None: 4}[first]
        stands = [
            cursors.decode(frame["data"]["cursor"]).position
            for frame in client.frames
            if frame["type"] == "ready"
        ]
        assert stands[0] == start
        assert stands == sorted(stands)
        assert client.events == await told(bob, house.relay.cursor(start))

    async def test_while_it_reads(
        self, house: House, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In the middle of what was missed, `ready` says up to where it was told: neither more nor less."""
        ada, bob, _ = people
        monkeypatch.setattr(catching_up, "CHUNK", 1000)
        for number in range(20):
            await ada.say(bob, f"{number}")
        await house.settle()
        session = uuid7()
        client = house.stranger(token=house.doors.let_in(bob.id, session_id=session), cursor="0")
        client.get_stuck()
        await client.until("message")
        heard = client.cursor
        client.say(auth(house.doors.let_in(bob.id, session_id=session)))
        assert (await client.until("ready", 2))["data"]["cursor"] == heard
        client.go_on()
        await client.until_live()
        assert client.events == await told(bob)

    async def test_the_last_to_be_judged_is_not_the_newest(
        self, house: House, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of two that are under way at once the one that holds longer counts."""
        ada = people[0]
        session = uuid7()
        client = await house.stranger(token=house.doors.let_in(ada.id, session_id=session)).until_live()
        older, newer = (house.doors.let_in(ada.id, 2e9 + seconds, session) for seconds in (10, 20))
        authenticate = house.doors.authenticate_until

        async def judge(token: str) -> Any:
            if token == older:
                await client.until("ready", 2)
            return await authenticate(token)

        monkeypatch.setattr(house.doors, "authenticate_until", judge)
        client.say(auth(older))
        client.say(auth(newer))
        await client.until("ready", 3)
        until = [frame["data"]["token_expires_at"] for frame in client.frames if frame["type"] == "ready"]
        assert until[1] == until[2] > until[0]

    async def test_refused(self, house: House, people: list[Person]) -> None:
        """What is no token, or another session's, changes nothing; nor does a cursor belong there."""
        ada, bob, _ = people
        client = await house.live(ada)
        client.say(auth("made up"))
        client.say(auth(house.doors.let_in(ada.id)))
        client.say(auth(house.doors.let_in(bob.id)))
        client.say(auth(house.tokens_of(client), cursor=client.cursor))
        await client.until("error", 4)
        assert sorted(client.errors()) == [
            ("forbidden", "auth"),
            ("forbidden", "auth"),
            ("unauthorized", "auth"),
            ("validation_error", "auth"),
        ]
        await ada.say(bob)
        await client.until("message")

    async def test_expiry(self, house: House, people: list[Person]) -> None:
        """A socket lives as long as its token."""
        client = await house.stranger(
            token=house.doors.let_in(people[0].id, house.clock.now + 2)
        ).until_live()
        house.tick()
        assert client.closed_with is None
        house.tick()
        assert client.closed_with is CloseCode.TOKEN_EXPIRED


async def stuck(house: House, people: list[Person], monkeypatch: pytest.MonkeyPatch) -> Client:
    """Return a client of Bob's that reads nothing more in the middle of what it missed."""
    ada, bob, _ = people
    monkeypatch.setattr(catching_up, "CHUNK", 1000)
    for number in range(20):
        await ada.say(bob, f"{number}")
    await house.settle()
    client = house.client(bob, "0")
    client.get_stuck()
    await client.until("message")
    assert not client.is_live
    return client


class TestTooEarly:
    """What a client says before it can be done is held back until it can."""

    async def test_before_it_is_recognised(
        self, house: House, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Frames behind the handshake are done in their order; a ping is answered at once."""
        client = house.client(people[0])
        frames: list[dict[str, Any]] = [typing(), RECEIPT, HIDE, typing(is_typing=False)]
        for frame in (*frames, {"type": "ping"}):
            client.say(frame)
        assert house.deeds.said == []
        await client.until_live()
        assert client.types == ["pong", "ready"]
        # A receipt need not wait for what was missed.
        assert house.deeds.said == [
            (frame["type"], frame["data"]) for frame in (RECEIPT, *frames[:1], *frames[2:])
        ]

    async def test_while_catching_up(
        self, house: House, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Receipts are taken while somebody reads what they missed; who they are is shown when they are live."""
        client = await stuck(house, people, monkeypatch)
        client.say(typing())
        client.say(RECEIPT)
        assert [kind for kind, _ in house.deeds.said] == ["receipt"]
        client.go_on()
        await client.until_live()
        assert [kind for kind, _ in house.deeds.said] == ["receipt", "typing"]
        assert client.errors() == []

    async def test_what_is_over_by_then(
        self, house: House, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Typing that would have ended by itself is not told any more; how one wants to be seen is."""
        client = await stuck(house, people, monkeypatch)
        client.say(typing())
        client.say(HIDE)
        house.live_on(LIMITS.typing_seconds, client)
        client.go_on()
        await client.until_live()
        assert [kind for kind, _ in house.deeds.said] == ["presence"]

    async def test_too_much(self, house: House, people: list[Person]) -> None:
        """No more is held back than somebody says in good faith; the rest is to be said again."""
        client = house.client(people[0])
        for _ in range(LIMITS.held_frames + 2):
            client.say(typing())
        assert client.errors() == [("unavailable", "typing")] * 2
        await client.until_live()
        assert len(house.deeds.said) == LIMITS.held_frames

    async def test_what_is_wrong(
        self, house: House, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is answered then, as it would be answered later."""

        def refuse(*_: object) -> None:
            raise NotFound("conversation")

        monkeypatch.setattr(house.deeds, "typing", refuse)
        client = house.client(people[0])
        client.say(typing())
        await client.until("error")
        assert client.types == ["ready", "error"]
        assert client.errors() == [("not_found", "typing")]
        assert client.is_live


class TestHowMany:
    async def test_sockets(self, house: House, people: list[Person]) -> None:
        """A user has so many at once; one that goes makes room for another."""
        ada, bob, _ = people
        clients = [await house.live(ada) for _ in range(LIMITS.sockets_per_user)]
        assert await house.client(ada).until_closed() is CloseCode.TOO_MANY_SOCKETS
        await house.live(bob)
        clients[0].hang_up()
        await house.live(ada)

    async def test_connections(self, house: House, people: list[Person]) -> None:
        """Who connects too often is told so."""
        house.refused.add(people[0].id)
        assert await house.client(people[0]).until_closed() is CloseCode.TOO_MANY_CONNECTIONS
        await house.live(people[1])

    async def test_frames(self, house: House, people: list[Person]) -> None:
        """So many a minute, pings of the protocol included; a new minute begins anew."""
        client = await house.live(people[0])
        for _ in range(LIMITS.frames_per_minute):
            client.say({"type": "ping"})
        house.live_on(60, client)
        client.extras = 20
        for _ in range(LIMITS.frames_per_minute - 20):
            client.say({"type": "ping"})
        assert client.closed_with is None
        client.say({"type": "ping"})
        assert client.closed_with is CloseCode.TOO_MANY_FRAMES
        assert client.types.count("pong") == 2 * LIMITS.frames_per_minute - 20

    async def test_bad_frames(self, house: House, people: list[Person]) -> None:
        """Each is answered, and only who goes on and on is sent away."""
        client = await house.live(people[0])
        bad = ["", "{", "[]", '{"type":"x"}', '{"type":"typing"}', '{"type":"ping","data":{"id":7}}']
        for number in range(LIMITS.bad_frames_per_minute):
            client.say(bad[number % len(bad)])
        assert len(client.errors()) == LIMITS.bad_frames_per_minute
        assert {code for code, _ in client.errors()} == {"validation_error"}
        assert client.closed_with is None
        house.live_on(60, client)
        for _ in range(LIMITS.bad_frames_per_minute):
            client.say("{")
        client.say("{")
        assert client.closed_with is CloseCode.BAD_FRAME

    async def test_nothing_leaks(self, house: House, people: list[Person]) -> None:
        """Whenever a socket goes, whoever counted it forgets it."""
        ada = people[0]
        clients = [house.client(ada) for _ in range(5)]
        clients[0].hang_up()
        await asyncio.sleep(0)
        clients[1].hang_up()
        for client in clients[2:]:
            await client.until_live()
            client.hang_up()
            client.hang_up()
        async with asyncio.timeout(10):
            while house.shared._tasks:
                await asyncio.sleep(0.001)
        assert (len(house.sockets), house.sockets._of_user, len(house.hub)) == (0, {}, 0)
        assert house.deeds.left_users == house.deeds.joined_users


class TestHeartbeat:
    async def test_of_a_silent_client(self, house: House, people: list[Person]) -> None:
        """It is asked after 25 seconds, and given up 10 seconds later."""
        client = await house.live(people[0])
        house.tick(LIMITS.heartbeat_seconds - 1)
        assert client.pings == []
        house.tick()
        assert len(client.pings) == 1
        house.tick(LIMITS.heartbeat_timeout_seconds - 1)
        assert client.closed_with is None
        house.tick()
        assert client.closed_with is CloseCode.NO_HEARTBEAT

    async def test_whatever_comes_is_a_sign_of_life(self, house: House, people: list[Person]) -> None:
        """A pong, a frame, a part of one: whoever lives is asked again 25 seconds after the last time."""
        client = await house.live(people[0])
        house.tick(LIMITS.heartbeat_seconds)
        client.received += 1
        for minute in range(1, 10):
            house.tick(LIMITS.heartbeat_seconds)
            assert len(client.pings) == minute + 1
            client.pong()
        assert client.closed_with is None

    async def test_says_what_arrived(self, house: House, people: list[Person]) -> None:
        """What was written before the ping that is answered has arrived, and nothing that was written after."""
        ada, bob, _ = people
        client = await house.live(bob)
        await ada.say(bob)
        await client.until("message")
        house.tick(LIMITS.heartbeat_seconds)
        await ada.say(bob)
        await client.until("message", 2)
        client.pong()
        assert house.deeds.arrived == [(bob.id, 2)]
        client.pong(b"99999")
        client.pong(b"1")
        client.pong(b"nonsense")
        assert house.deeds.arrived == [(bob.id, 2), (bob.id, 3)]

    async def test_who_was_told_nothing_received_nothing(self, house: House, people: list[Person]) -> None:
        """A client that begins at the end of the log has not received what was before."""
        ada, bob, _ = people
        await ada.say(bob)
        await house.settle()
        client = await house.live(bob)
        house.tick(LIMITS.heartbeat_seconds)
        client.pong()
        assert house.deeds.arrived == []


class TestManyAtOnce:
    async def test_a_second_is_kept_in_steps(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """However many sockets look at the clock, each does once, and others' events go out between them."""
        monkeypatch.setattr(open_sockets, "TICKS_PER_TURN", 2)
        clients = [house.stranger() for _ in range(5)]
        assert len(list(house.sockets._second())) == 2
        assert [client.connection._age for client in clients] == [1] * 5


class TestSlowReaders:
    async def test_by_bytes(self, house: House, people: list[Person]) -> None:
        """Whoever has a megabyte to read is sent away to come back; others hear on."""
        ada, bob, _ = people
        slow, quick = await house.live(ada), await house.live(bob)
        # So few frames are so many bytes only if they were large ones.
        slow.connection._bytes_out = 10 << 20
        slow.buffered = LIMITS.queue_bytes
        await ada.say(bob)
        await quick.until("message")
        assert slow.closed_with is None
        slow.buffered += 1
        await ada.say(bob)
        await quick.until("message", 2)
        assert slow.closed_with is CloseCode.TOO_SLOW
        assert "message" in slow.types

    async def test_by_frames(self, house: House, people: list[Person]) -> None:
        """Or a thousand frames, by the size that they have had."""
        ada, bob, _ = people
        slow = await house.live(bob)
        before = metrics.sockets.closes.get(CloseCode.TOO_SLOW, 0)
        await ada.say(bob)
        await slow.until("message")
        slow.connection._bytes_out, slow.connection._frames_out = 10**9, 10**7
        slow.buffered = 100 * (LIMITS.queue_frames - 50)
        await ada.say(bob)
        await slow.until("message", 2)
        slow.buffered = 100 * (LIMITS.queue_frames + 50)
        await ada.say(bob)
        assert await slow.until_closed() is CloseCode.TOO_SLOW
        assert metrics.sockets.closes[CloseCode.TOO_SLOW] == before + 1

    async def test_comes_back_with_the_cursor(self, house: House, people: list[Person]) -> None:
        """What it was not told it is told then."""
        ada, bob, _ = people
        slow = await house.live(bob)
        await ada.say(bob)
        await slow.until("message")
        slow.buffered = LIMITS.queue_bytes + 1
        await ada.say(bob)
        await slow.until_closed()
        for _ in range(5):
            await ada.say(bob)
        back = await house.live(bob, slow.cursor)
        await house.settle()
        assert slow.events + back.events == await told(bob)

    async def test_while_catching_up(
        self, house: House, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever comes back is given no more at once than they take, from memory or from the log."""
        ada, bob, _ = people
        monkeypatch.setattr(catching_up, "CHUNK", 2000)
        monkeypatch.setattr(catching_up, "PAGE", 5)
        for number in range(60):
            await ada.say(bob, f"{number}")
        for how in ("window", "log"):
            if how == "log":
                await forget(house)
            client = house.client(bob, "0")
            client.get_stuck()
            await client.until("message")
            for _ in range(50):
                await asyncio.sleep(0.001)
            assert client.types.count("message") < 15
            client.go_on()
            await client.until_live()
            assert client.events == await told(bob)

    async def test_is_cut_while_catching_up(self, house: House, people: list[Person]) -> None:
        """One that reads nothing at all gives no sign of life either, and its task ends with it."""
        ada, bob, _ = people
        await ada.say(bob)
        await forget(house)
        client = house.client(bob, "0")
        client.get_stuck()
        await client.until("message")
        house.tick(LIMITS.heartbeat_seconds + LIMITS.heartbeat_timeout_seconds)
        assert client.closed_with is CloseCode.NO_HEARTBEAT
        async with asyncio.timeout(10):
            while house.shared._tasks:
                await asyncio.sleep(0.001)
        assert len(house.hub) == 0


class TestHolding:
    """What is written in the beginning is held, so that it is one write, but not for long."""

    async def test_until_all_is_said(self, house: House, people: list[Person]) -> None:
        """The answer to the handshake, the greeting and what was missed go together."""
        ada, bob, _ = people
        await ada.say(bob)
        await house.settle()
        client = house.client(bob, "0")
        assert client.is_held
        await client.until_live()
        await asyncio.sleep(0)
        assert client.types == ["ready", "conversation.created", "message"]
        assert client.released == [3]

    async def test_not_longer_than_a_second(
        self, house: House, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """While the database takes its time, a client at least hears that it is connected."""
        asked, may_answer = asyncio.Event(), asyncio.Event()
        read_periods = feed.read_periods

        async def read_late(*arguments: Any) -> Any:
            asked.set()
            await may_answer.wait()
            return await read_periods(*arguments)

        monkeypatch.setattr(feed, "read_periods", read_late)
        client = house.client(people[0])
        await asked.wait()
        assert client.is_held
        house.tick()
        assert not client.is_held
        may_answer.set()
        await client.until_live()

    async def test_nothing_for_whoever_is_still_to_say_who_they_are(self, house: House) -> None:
        """They cannot say it before they were answered."""
        assert not house.stranger().is_held


class TestEnds:
    async def test_of_a_session(self, house: House, people: list[Person]) -> None:
        """All sockets of the session go at once, live or not, and no other does."""
        ada, bob, _ = people
        session = uuid7()
        tokens = [house.doors.let_in(ada.id, session_id=session) for _ in range(2)]
        live = await house.stranger(token=tokens[0]).until_live()
        catching_up = house.stranger(token=tokens[1], cursor="0")
        catching_up.get_stuck()
        await ada.say(bob)
        await catching_up.until("ready")
        other, bobs = await house.live(ada), await house.live(bob)
        assert session in house.sockets.sessions()
        house.sockets.end_sessions([session])
        assert live.closed_with is catching_up.closed_with is CloseCode.SESSION_REVOKED
        assert other.closed_with is bobs.closed_with is None
        assert session not in house.sockets.sessions()

    async def test_of_the_server(
        self, house: House, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Everybody is sent away, also who has not said yet who they are."""
        monkeypatch.setattr("parley.realtime.open_sockets.DRAIN_FOR", 0.05)
        clients = [house.stranger(), *[await house.live(person) for person in people]]
        await house.sockets.drain()
        assert [client.closed_with for client in clients] == [CloseCode.GOING_AWAY] * 4

    async def test_of_the_log(self, house: House, people: list[Person]) -> None:
        """Another log sends all back, and what they come back with is told to be of another one."""
        ada, bob, _ = people
        await ada.say(bob)
        client = await house.live(ada, "0")
        async with house.chat.database.read() as conn:
            await epoch.bump(conn)
        assert await client.until_closed() is CloseCode.GOING_AWAY
        back = await house.live(ada, client.cursor)
        assert back.types[:2] == ["ready", "resync"]
        # Whoever is cut off between the two comes back with the same cursor, and is told the same.
        assert back.frames[0]["data"]["cursor"] == client.cursor
        assert back.frames[1]["data"] == {"reason": "log_reset", "cursor": house.relay.cursor(2)}
        await ada.say(bob)
        await back.until("message")

    async def test_after_it_nothing_is_heard(self, house: House, people: list[Person]) -> None:
        """A frame that comes after the server's close is dropped."""
        client = await house.live(people[0])
        client.connection.close(CloseCode.GOING_AWAY)
        said = len(client.frames)
        client.say({"type": "ping"})
        client.connection.tick(1e12)
        assert len(client.frames) == said
        assert client.closed_with is CloseCode.GOING_AWAY

    async def test_a_mistake_of_ours(
        self, house: House, people: list[Person], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It ends this socket and is not passed over in silence."""

        async def fail(*_: object) -> None:
            raise RuntimeError("a fault of the test's")

        monkeypatch.setattr(house.shared.users, "own", fail)
        assert await house.client(people[0]).until_closed() is CloseCode.INTERNAL_ERROR


class TestWhereItBegins:
    async def test_without_a_cursor(self, house: House, people: list[Person]) -> None:
        """At the end of the log, whose cursor it is told."""
        ada, bob, _ = people
        await ada.say(bob)
        await house.settle()
        client = await house.live(bob)
        assert client.events == []
        assert client.cursor == house.relay.cursor(2)
        message = await ada.say(bob)
        heard = await client.until("message")
        assert (heard["data"]["id"], heard["seq"]) == (str(message.id), 2)
        assert house.deeds.arrived == []

    @pytest.mark.parametrize("how", ["window", "log"])
    async def test_at_the_beginning(self, house: House, people: list[Person], how: str) -> None:
        """All that is kept and theirs comes, also of what they have left since."""
        ada, bob, eve = people
        group = await ada.found(bob)
        await ada.say(group)
        await ada.remove(group, bob)
        await ada.say(group)
        await eve.say(bob)
        await ada.add(group, bob)
        await ada.dissolve(group)
        if how == "log":
            await forget(house)
        for person in people:
            client = await house.live(person, "0")
            await house.settle()
            assert client.events == await told(person)

    @pytest.mark.parametrize("how", ["window", "log"])
    async def test_anywhere(self, house: House, people: list[Person], how: str) -> None:
        """From each cursor exactly what follows comes, and the cursor says what was received."""
        ada, bob, eve = people
        group = await ada.found(bob)
        await ada.say(group)
        await ada.remove(group, bob)
        await eve.say(bob)
        await ada.add(group, bob)
        await ada.say(group)
        if how == "log":
            await forget(house)
        outcomes = dict(metrics.sockets.resumes)
        end = await house.settle()
        for position in range(end):
            cursor = house.relay.cursor(position)
            client = await house.live(bob, cursor)
            await house.settle()
            assert client.events == await told(bob, cursor)
            assert house.deeds.arrived[-1] == (bob.id, position)
            client.hang_up()
        grown = {name: count - outcomes.get(name, 0) for name, count in metrics.sockets.resumes.items()}
        assert grown == {**dict.fromkeys(grown, 0), how: end}

    async def test_the_frame_wins_over_the_url(self, house: House, people: list[Person]) -> None:
        """A cursor in the URL holds for who says later who they are, unless they say another one."""
        ada, bob, _ = people
        await ada.say(bob)
        await house.settle()
        client = house.stranger(cursor=house.relay.cursor(1))
        # As the real socket does, which keeps no query.
        client.request = replace(client.request, query={})
        client.say(auth(house.doors.let_in(bob.id)))
        await client.until_live()
        assert [kind for kind, _, _ in client.events] == ["message"]
        other = house.stranger(cursor=house.relay.cursor(1))
        other.say(auth(house.doors.let_in(bob.id), cursor="0"))
        await other.until_live()
        assert [kind for kind, _, _ in other.events] == ["conversation.created", "message"]

    @pytest.mark.parametrize("cursor", ["nonsense", "0" * 5000, "ÿ", "00", ""])
    async def test_a_forged_one(self, house: House, people: list[Person], cursor: str) -> None:
        """It is an error, and the client comes back without it."""
        client = house.client(people[0], cursor)
        assert await client.until_closed() is CloseCode.BAD_CURSOR
        assert client.types == ["error"]
        assert client.frames[0]["data"]["details"]["field"] == "cursor"

    @pytest.mark.parametrize("ahead", [1, 1000, 2**62, 2**63, 2**64 - 3])
    async def test_one_of_the_future(self, house: House, people: list[Person], ahead: int) -> None:
        """Whoever knows more than the log is told that it was set back, whatever number they know."""
        ada, bob, _ = people
        await ada.say(bob)
        end = await house.settle()
        client = await house.live(ada, house.relay.cursor(end + ahead))
        assert client.types == ["ready", "resync"]
        assert client.frames[1]["data"] == {"reason": "log_reset", "cursor": house.relay.cursor(end)}
        await ada.say(bob)
        await client.until("message")

    async def test_one_of_another_epoch(self, house: House, people: list[Person]) -> None:
        """The same position means something else there."""
        ada, bob, _ = people
        await ada.say(bob)
        client = await house.live(ada, Cursor(b"else", 1).encode())
        assert client.types == ["ready", "resync"]
        assert client.frames[1]["data"]["reason"] == "log_reset"

    async def test_one_that_is_too_old(self, house: House, people: list[Person]) -> None:
        """What is not kept any more cannot be told; what is, is."""
        ada, bob, _ = people
        await ada.say(bob)
        end = await house.settle()
        await house.chat.execute("UPDATE log_state SET trimmed_to = 1")
        client = await house.live(ada, house.relay.cursor(0))
        assert client.types == ["ready", "resync"]
        assert client.frames[1]["data"] == {"reason": "cursor_too_old", "cursor": house.relay.cursor(end)}
        kept = await house.live(ada, "0")
        assert [kind for kind, _, _ in kept.events] == ["message"]
        assert cursors.decode(kept.frames[0]["data"]["cursor"]).position == 1

    async def test_only_written_compressed_where_that_was_agreed(
        self, house: House, people: list[Person]
    ) -> None:
        """A socket that compresses is given each message by itself."""
        ada, bob, _ = people
        client = await house.live(bob)
        client.compresses = True
        await asyncio.gather(*(ada.say(bob, "x" * 200) for _ in range(20)))
        await client.until("message", 20)
        assert len(client.compressed) == 21
        assert client.writes == 0


async def test_is_counted(house: House, people: list[Person]) -> None:
    """What came, what was written and what somebody had missed can be seen from outside."""
    ada, bob, _ = people
    await ada.say(bob)
    await house.settle()
    meter = metrics.sockets
    before = (meter.frames_in, meter.frames_out, meter.replayed)
    client = await house.live(bob, "0")
    client.say({"type": "ping"})
    await ada.say(bob)
    await house.settle()
    assert client.types == ["ready", "conversation.created", "message", "pong", "message"]
    assert (meter.frames_in, meter.frames_out, meter.replayed) == (
        before[0] + 1,
        before[1] + 5,
        before[2] + 2,
    )


async def test_refusals_have_a_sentence() -> None:
    """What an operator reads in a traceback is what the document says."""
    assert str(Refused(CloseCode.TOO_MANY_SOCKETS)) == CloseCode.TOO_MANY_SOCKETS.meaning
