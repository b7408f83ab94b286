"""Each frame and each close code of spec/asyncapi.yaml, produced on purpose.

Which of them were seen is noted by the sockets themselves; the plugin `answers` fails a run of this suite in which
one of them is missing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from generated.frames import LIMITS, CloseCode
from hooks import make_webhook
from inside import Inside, Peer, User
from parley import cursors, metrics
from parley.cursors import Cursor
from parley.errors import Unavailable
from parley.realtime.handshake import Refusal
from parley.webhooks.disabling import disable
from people import expired
from websocket_wire import BINARY, CONTINUATION, TEXT, closing, masked

pytestmark = pytest.mark.anyio


@pytest.fixture
async def inside(database_dsn: str) -> AsyncIterator[Inside]:
    async with Inside(database_dsn) as node:
        yield node
        node.check()


@pytest.fixture
async def ada(inside: Inside) -> User:
    return await inside.user("ada")


async def connected(inside: Inside, user: User, **query: str) -> Peer:
    """Open a socket with the token in the URL, as the seed does, and wait until all is said."""
    more = "".join(f"&{name}={value}" for name, value in query.items())
    peer = inside.connect(user, f"/ws?token={user.token}{more}")
    await inside.settle()
    return peer


async def ended(inside: Inside, peer: Peer) -> CloseCode:
    """Wait for a close, and return its code."""
    await inside.until(lambda: peer.code is not None)
    assert peer.code is not None
    return CloseCode(peer.code)


# ---- frames of the server


async def test_every_event(inside: Inside, ada: User) -> None:
    """What a group goes through, as its members hear it."""
    bob, eve = await inside.user("bob"), await inside.user("eve")
    peer = await connected(inside, bob)
    group = await ada.person.found(bob.person)
    message = await ada.person.say(group, "Hello")
    await ada.person.edit(message, "Hello!")
    await bob.person.read(message)
    await ada.person.delete(message)
    await ada.person.add(group, eve.person)
    await ada.person.promote(group, eve.person, "admin")
    await ada.person.change(group, name="Reading")
    await ada.person.describe_oneself(bio="New")
    await ada.person.remove(group, eve.person)
    await ada.person.dissolve(group)
    await inside.settle()
    assert [frame["type"] for frame in peer.frames[1:]] == [
        "conversation.created",
        "message",
        "message.updated",
        "receipt",
        "message.deleted",
        "member.added",
        "member.updated",
        "group.updated",
        "user.updated",
        "member.removed",
        "group.deleted",
    ]


async def test_disabled_webhook(inside: Inside, ada: User) -> None:
    """Its owner hears of it, on all sockets and in the log; nobody else does."""
    bob = await inside.user("bob")
    await ada.person.say(bob.person)
    hook = await make_webhook(ada.person)
    peers = [await connected(inside, user) for user in (ada, ada, bob)]
    await disable(ada.person.chat.log, hook, "failures")
    await inside.settle()
    data = {"webhook_id": str(hook), "reason": "failures"}
    assert [[frame["data"] for frame in peer.heard("webhook.disabled")] for peer in peers] == [
        [data],
        [data],
        [],
    ]
    late = await connected(inside, ada, cursor="0")
    assert [frame["data"] for frame in late.heard("webhook.disabled")] == [data]


async def test_every_notice(inside: Inside, ada: User) -> None:
    """Who comes and types is told to others, and a client's questions to itself."""
    bob = await inside.user("bob")
    conversation = await ada.person.direct(bob.person)
    other = await connected(inside, bob)
    peer = await connected(inside, ada)
    peer.say({"type": "typing", "data": {"conversation_id": str(conversation.id), "is_typing": True}})
    await inside.pass_time(1)
    assert other.heard("typing")[0]["data"]["user_id"] == str(ada.id)
    await inside.until(lambda: bool(other.heard("presence")))
    peer.say({"type": "presence", "data": {"status": "offline"}})
    peer.say({"type": "ping", "data": {"id": "7"}})
    assert peer.heard("pong") == [{"type": "pong", "data": {"id": "7"}}]
    peer.say({"type": "pong"})
    assert peer.heard("error")[0]["data"]["details"]["field"] == "type"
    await inside.pass_time(LIMITS.typing_seconds)
    assert [frame["data"]["is_typing"] for frame in other.heard("typing")] == [True, False]


async def test_typing_ends_with_the_message(inside: Inside, ada: User) -> None:
    """Others need not wait six seconds to see that what somebody typed has come."""
    bob = await inside.user("bob")
    conversation = await ada.person.direct(bob.person)
    other, peer = await connected(inside, bob), await connected(inside, ada)
    for _ in range(2):
        peer.say({"type": "typing", "data": {"conversation_id": str(conversation.id), "is_typing": True}})
        await inside.pass_time(1)
        await ada.person.say(bob.person)
        await inside.settle()
        await inside.pass_time(1)
    assert [frame["data"]["is_typing"] for frame in other.heard("typing")] == [True, False] * 2


async def test_receipt_of_a_client(inside: Inside, ada: User) -> None:
    """A watermark that a client's frame moves is told to the other side."""
    bob = await inside.user("bob")
    message = await ada.person.say(bob.person)
    peer, other = await connected(inside, ada), await connected(inside, bob)
    mark = {"conversation_id": str(message.conversation_id), "message_id": str(message.id), "kind": "read"}
    other.say({"type": "receipt", "data": mark})
    await inside.until(lambda: bool(peer.heard("receipt")))
    assert peer.heard("receipt")[0]["data"]["read_seq"] == 1


@pytest.mark.parametrize(("epoch", "beyond"), [(b"else", 0), (None, 1000)], ids=["foreign", "future"])
async def test_resync(inside: Inside, ada: User, epoch: bytes | None, beyond: int) -> None:
    """A cursor that the log cannot go on from is told so, and the socket goes on from the end."""
    cursor = Cursor(epoch or inside.realtime.relay.epoch, beyond).encode()
    peer = await connected(inside, ada, cursor=cursor)
    assert [frame["type"] for frame in peer.frames] == ["ready", "resync"]
    assert peer.frames[1]["data"]["reason"] == "log_reset"
    assert inside.is_live(peer)


async def test_beginning_of_what_is_kept(inside: Inside, ada: User) -> None:
    """It holds what was said in groups that one has left since, also while the window holds it all."""
    bob = await inside.user("bob")
    group = await ada.person.found(bob.person)
    await ada.person.say(group, "Hello")
    await bob.person.leave(group)
    await ada.person.say(group, "Bob is gone")
    await inside.settle()
    peer = await connected(inside, bob, cursor="0")
    assert [frame["type"] for frame in peer.frames[1:]] == [
        "conversation.created",
        "message",
        "member.removed",
    ]


async def test_renewal_of_a_quiet_socket_keeps_the_cursor(inside: Inside, ada: User) -> None:
    """Where nothing was written yet, `ready` says again where the socket began, or stands by now."""
    bob = await inside.user("bob")
    await ada.person.describe_oneself(bio="New")
    await inside.settle()
    peer = await connected(inside, bob)
    await ada.person.describe_oneself(bio="Newer")
    await inside.settle()
    peer.say({"type": "auth", "data": {"token": bob.token}})
    await inside.until(lambda: len(peer.heard("ready")) == 2)
    first, second = (cursors.decode(frame["data"]["cursor"]).position for frame in peer.heard("ready"))
    assert (first, second) == (1, 2)


# ---- recognising clients


async def test_first_frame_may_say_who_it_is(inside: Inside, ada: User) -> None:
    """Before it, nothing else is heard; the cursor of the URL holds."""
    bob = await inside.user("bob")
    before = await connected(inside, ada)
    await bob.person.say(ada.person)
    await inside.settle()
    cursor = before.frames[0]["data"]["cursor"]
    peer = inside.connect(ada, f"/ws?cursor={cursor}")
    peer.say({"type": "ping"})
    assert [frame["type"] for frame in peer.frames] == ["error"]
    peer.say({"type": "auth", "data": {"token": ada.token}})
    await inside.settle()
    assert peer.positions == before.positions
    assert peer.positions


async def test_renewal_keeps_the_cursor(inside: Inside, ada: User) -> None:
    """A `ready` in between says where the client stands: neither before what it heard, nor beyond."""
    for bio in ("One", "Two", "Three"):
        await ada.person.describe_oneself(bio=bio)
    peer = await connected(inside, ada)
    peer.say({"type": "auth", "data": {"token": ada.token}})
    await inside.until(lambda: len(peer.heard("ready")) == 2)
    assert peer.cursor is not None
    assert cursors.decode(peer.cursor).position == 3


async def test_refused_renewal_changes_nothing(inside: Inside, ada: User) -> None:
    """A token that is none, that of somebody else and one with a cursor; each has the code of the document."""
    other = await inside.user("bob")
    peer = await connected(inside, ada)
    peer.say({"type": "auth", "data": {"token": "none"}})
    await inside.until(lambda: len(peer.heard("error")) == 1)
    peer.say({"type": "auth", "data": {"token": other.token}})
    await inside.until(lambda: len(peer.heard("error")) == 2)
    peer.say({"type": "auth", "data": {"token": ada.token, "cursor": "0"}})
    await inside.until(lambda: len(peer.heard("error")) == 3)
    codes = [frame["data"]["code"] for frame in peer.heard("error")]
    assert codes == ["unauthorized", "forbidden", "validation_error"]
    assert inside.is_live(peer)


# ---- close codes


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (closing(1000), CloseCode.NORMAL),
        (masked(CONTINUATION, b"?"), CloseCode.PROTOCOL_ERROR),
        (masked(BINARY, b"?"), CloseCode.UNSUPPORTED_DATA),
        (masked(TEXT, b"\xff"), CloseCode.INVALID_TEXT),
        (masked(TEXT, b"a" * (LIMITS.frame_bytes + 1)), CloseCode.FRAME_TOO_BIG),
        (masked(TEXT, b"{}") * (LIMITS.bad_frames_per_minute + 1), CloseCode.BAD_FRAME),
        (masked(TEXT, b'{"type":"ping"}') * (LIMITS.frames_per_minute + 1), CloseCode.TOO_MANY_FRAMES),
    ],
    ids=lambda value: value.name if isinstance(value, CloseCode) else "",
)
async def test_closes_for_what_it_was_sent(inside: Inside, ada: User, data: bytes, code: CloseCode) -> None:
    peer = await connected(inside, ada)
    assert inside.is_live(peer)
    closes = metrics.sockets.closes.get(code, 0)
    peer.put(data)
    # Nothing more is delivered to it, though the connection may last for some seconds.
    assert not inside.realtime.hub.connections_of(ada.id)
    assert len(inside.realtime.sockets) == 0
    assert await ended(inside, peer) is code
    assert metrics.sockets.closes.get(code, 0) == closes + (code is not CloseCode.NORMAL)


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (lambda token: token[:-3] + "AAA", CloseCode.UNAUTHORIZED),
        (lambda _token: "", CloseCode.UNAUTHORIZED),
        (expired, CloseCode.TOKEN_EXPIRED),
    ],
    ids=["wrong", "empty", "expired"],
)
async def test_closes_for_the_token(
    inside: Inside, ada: User, token: Callable[[str], str], code: CloseCode
) -> None:
    peer = inside.connect(ada, f"/ws?token={token(ada.token)}")
    assert await ended(inside, peer) is code
    assert peer.frames == []


async def test_two_different_tokens_are_none(inside: Inside, ada: User) -> None:
    bob = await inside.user("bob")
    peer = inside.connect(ada, f"/ws?token={ada.token}", authorization=f"Bearer {bob.token}")
    assert await ended(inside, peer) is CloseCode.UNAUTHORIZED


async def test_closes_when_nobody_says_who_it_is(inside: Inside, ada: User) -> None:
    peer = inside.connect(ada)
    await inside.pass_time(LIMITS.auth_seconds - 1)
    assert peer.code is None
    await inside.pass_time(2)
    assert await ended(inside, peer) is CloseCode.UNAUTHORIZED


async def test_closes_when_the_token_expires(inside: Inside, ada: User) -> None:
    peer = await connected(inside, ada)
    inside.now += 3600
    await inside.pass_time(1)
    assert await ended(inside, peer) is CloseCode.TOKEN_EXPIRED


async def test_closes_at_the_end_of_the_session(inside: Inside, ada: User) -> None:
    """At once, and other sessions stay."""
    other = await inside.log_in(ada.person)
    peer, stays = await connected(inside, ada), await connected(inside, other)
    await inside.services.sessions.revoke(ada.person.caller, ada.session_id)
    assert peer.code == CloseCode.SESSION_REVOKED
    assert inside.is_live(stays)


async def test_closes_without_a_heartbeat(inside: Inside, ada: User) -> None:
    """Who answers stays; who does not is given up ten seconds after the ping."""
    mute, answers = await connected(inside, ada), await connected(inside, ada)
    mute.answers_pings = False
    await inside.pass_time(LIMITS.heartbeat_seconds + LIMITS.heartbeat_timeout_seconds - 1)
    assert mute.code is None
    await inside.pass_time(2)
    assert await ended(inside, mute) is CloseCode.NO_HEARTBEAT
    assert inside.is_live(answers)


async def test_closes_who_reads_too_slowly(inside: Inside, ada: User) -> None:
    """Others do not wait, and whoever was too slow comes back for the rest."""
    bob = await inside.user("bob")
    group = await ada.person.found(bob.person)
    slow, quick = await connected(inside, bob), await connected(inside, ada)
    slow.read_slowly(True)
    await asyncio.gather(*(ada.person.say(group, "Hello" * 800) for _ in range(350)))
    await inside.settle()
    assert len(quick.heard("message")) == 350
    slow.read_slowly(False)
    assert await ended(inside, slow) is CloseCode.TOO_SLOW
    assert slow.cursor is not None
    again = await connected(inside, bob, cursor=slow.cursor)
    assert [*slow.positions, *again.positions] == quick.positions


async def test_closes_for_a_forged_cursor(inside: Inside, ada: User) -> None:
    peer = await connected(inside, ada, cursor="AVuziLgAAAAAAAAAJ_k6TbR")
    assert await ended(inside, peer) is CloseCode.BAD_CURSOR
    assert [frame["type"] for frame in peer.frames] == ["error"]


async def test_closes_the_socket_beyond_the_limit(inside: Inside, ada: User) -> None:
    peers = [await connected(inside, ada) for _ in range(LIMITS.sockets_per_user)]
    one_more = await connected(inside, ada)
    assert await ended(inside, one_more) is CloseCode.TOO_MANY_SOCKETS
    peers[0].drop()
    assert inside.is_live(await connected(inside, ada))


async def test_limit_of_sockets_is_a_setting(database_dsn: str) -> None:
    """The greeting tells the number that holds here; nobody's neighbours count."""
    async with Inside(database_dsn, sockets_per_user=2) as inside:
        ada, bob = await inside.user("ada"), await inside.user("bob")
        peers = [await connected(inside, user) for user in (ada, ada, bob)]
        told = [peer.frames[0]["data"]["limits"]["sockets_per_user"] for peer in peers]
        assert told == [2, 2, 2]
        assert await ended(inside, await connected(inside, ada)) is CloseCode.TOO_MANY_SOCKETS
        assert inside.is_live(await connected(inside, bob))
        inside.check()


async def test_closes_for_too_many_connections(inside: Inside, ada: User) -> None:
    inside.within = False
    peer = await connected(inside, ada)
    assert await ended(inside, peer) is CloseCode.TOO_MANY_CONNECTIONS


async def test_closes_while_the_log_cannot_be_read(
    inside: Inside, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_token: str) -> Any:
        raise Unavailable

    monkeypatch.setattr(inside.services.sessions, "authenticate_until", away)
    peer = await connected(inside, ada)
    assert await ended(inside, peer) is CloseCode.UNAVAILABLE


async def test_closes_after_a_mistake(inside: Inside, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's code raises: the socket says that it is the server's fault."""

    def stumble(_text: str) -> Any:
        raise RuntimeError

    peer = await connected(inside, ada)
    monkeypatch.setattr(inside._frames, "read", stumble)
    peer.say({"type": "ping"})
    assert await ended(inside, peer) is CloseCode.INTERNAL_ERROR


# ---- metrics


def counted() -> dict[str, float]:
    """Return what operators see of sockets: the metrics and their values."""
    lines = (line for line in metrics.exposed().decode().splitlines() if line.startswith("parley_socket"))
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_everything_is_counted(inside: Inside, ada: User) -> None:
    """Sockets, frames, what was missed, resumes and refusals by what came of them, slow closes, the time it took."""
    bob = await inside.user("bob")
    before = counted()
    peer = await connected(inside, bob)
    await ada.person.say(bob.person)
    await inside.settle()
    peer.say({"type": "ping"})
    await connected(inside, bob, cursor="0")
    inside.realtime.hub.window.restart(inside.realtime.hub.position)
    await connected(inside, bob, cursor="0")
    await connected(inside, bob, cursor=Cursor(b"else", 1).encode())
    await connected(inside, bob, cursor="forged")
    with pytest.raises(Refusal):
        inside.connect(bob, "/elsewhere")
    with pytest.raises(Refusal):
        inside.connect(bob, sec_websocket_version="8")
    peer.read_slowly(True)
    await asyncio.gather(*(ada.person.say(bob.person, "Hello" * 800) for _ in range(350)))
    await inside.settle()
    after = counted()
    grown = {name: value - before.get(name, 0) for name, value in after.items()}
    # Five came; of these one was too slow, and one had a forged cursor.
    assert grown["parley_sockets"] == 3
    assert grown['parley_socket_frames_total{direction="in"}'] == 1
    assert grown['parley_socket_frames_total{direction="out"}'] > 3 * 350
    assert grown["parley_socket_replayed_events_total"] == 4
    for outcome in ("fresh", "window", "log", "log_reset", "forged"):
        assert grown[f'parley_socket_resumes_total{{outcome="{outcome}"}}'] == 1
    for code in (CloseCode.TOO_SLOW, CloseCode.BAD_CURSOR):
        assert grown[f'parley_socket_closes_total{{code="{code.value}"}}'] == 1
    for reason in ("not_found", "upgrade_required"):
        assert grown[f'parley_socket_refusals_total{{reason="{reason}"}}'] == 1
    assert grown["parley_socket_publish_seconds_count"] > 1


async def test_closes_when_the_server_goes(inside: Inside, ada: User) -> None:
    """Spread over a moment, with the code that says: come back."""
    peers = [await connected(inside, ada) for _ in range(3)]
    await inside.realtime.drain()
    assert {await ended(inside, peer) for peer in peers} == {CloseCode.GOING_AWAY}
    with pytest.raises(Refusal) as refused:
        inside.connect(ada)
    assert (refused.value.status, refused.value.code) == (503, "unavailable")
    assert refused.value.headers == {"Retry-After": "1"}
