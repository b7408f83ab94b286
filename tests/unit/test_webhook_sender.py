"""Sending a webhook: what each kind of receiver gets, and what is said of it. Real sockets, real TLS."""

import asyncio
import random
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network

import pytest
import trustme
from aiohttp.client_proto import ResponseHandler

import receivers
from logged import logged
from parley.services.egress import Egress
from parley.settings import Network, PortRange
from parley.webhooks import resolver
from parley.webhooks.sender import MAX_EXCERPT_BYTES, Observe, ObserverFailed, Outcome, Sender, Withdrawn
from receivers import Behaviour, Receiver, Then, answering, receiving

pytestmark = pytest.mark.anyio

HERE = ip_network("127.0.0.1")
ALL_PORTS = (PortRange(1, 65_535),)
HEADERS = {"content-type": "application/json", "webhook-id": "1", "user-agent": "Parley/0"}
# Long enough for a machine that is busy, in tests where nobody waits for it to pass.
LONG = 30.0
SHORT = 0.2
# What a sender makes for itself; it reads all certificates that the machine trusts, so one is enough.
TLS = ssl.create_default_context()


@pytest.fixture(params=["asyncio", "uvloop"], scope="module")
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """On both loops: errors of sockets and TLS look different, and what is said of them is the same."""
    return "asyncio", {"use_uvloop": request.param == "uvloop"}


@asynccontextmanager
async def sending(
    *,
    allow: Sequence[Network] = (HERE,),
    ports: Sequence[PortRange] = ALL_PORTS,
    timeout: float = LONG,
    tls: ssl.SSLContext | None = None,
    look_up: Callable[[str], Sequence[str]] | None = None,
    observe: Observe | None = None,
) -> AsyncIterator[Sender]:
    sender = Sender(
        Egress(allow, ports=ports), timeout=timeout, observe=observe, tls=tls or TLS, look_up=look_up
    )
    await sender.start()
    try:
        yield sender
    finally:
        await sender.stop()


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with sending() as started:
        yield started


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def found_late(host: str) -> list[str]:
    """Look a name up that takes its time."""
    del host
    time.sleep(SHORT)
    return ["127.0.0.1"]


async def outcome_of(behave: Behaviour, timeout: float = LONG) -> Outcome:
    """Send to a receiver that behaves so; no connection to it may be left."""
    with receiving(behave) as receiver:
        async with sending(timeout=timeout) as sender:
            outcome = await sender.send(receiver.url, b"{}", HEADERS)
        await asyncio.to_thread(receiver.wait_until_alone)
    return outcome


# ---- answers


async def test_a_request_is_what_was_given(sender: Sender, receiver: Receiver) -> None:
    """Method, path, headers and body, and nothing that says more of the server."""
    await sender.send(f"{receiver.url}a/b?c=%20d", b'{"a": 1}', HEADERS)
    (arrival,) = receiver.arrivals
    assert (arrival.method, arrival.path, arrival.body) == ("POST", "/a/b?c=%20d", b'{"a": 1}')
    assert arrival.headers == {**HEADERS, "host": f"127.0.0.1:{receiver.port}", "content-length": "8"}


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_a_success(status: int) -> None:
    """Each with what its body says."""
    outcome = await outcome_of(answering(status, b"" if status == 204 else b"thanks"))
    assert (outcome.status, outcome.error, outcome.retry_after) == (status, None, None)
    assert outcome.excerpt == (None if status == 204 else "thanks")
    assert outcome.succeeded


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 502, 503, 504, 599, 999])
async def test_others_are_failures(status: int) -> None:
    """The status says why, and the beginning of the body too."""
    outcome = await outcome_of(answering(status, b"no"))
    assert (outcome.status, outcome.error, outcome.excerpt) == (status, None, "no")
    assert not outcome.succeeded


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_failures(sender: Sender, receiver: Receiver, status: int) -> None:
    """Nobody goes where they lead: not elsewhere, and not to the same host."""
    with receiving() as other:
        for location in (other.url, "/elsewhere", "http://10.0.0.1/"):
            receiver.behave = answering(status, b"moved", location=location)
            outcome = await sender.send(receiver.url, b"{}", HEADERS)
            assert (outcome.status, outcome.error) == (status, "redirects are not followed")
        assert other.arrivals == []
    assert {arrival.path for arrival in receiver.arrivals} == {"/"}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("999999999", 999_999_999.0),
        ("9999999999", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
        ("Fri, 01 Jan 2027 00:00:00 +99999999999999999999", None),
        ("Fri, 01 Jan 99999999999999999999 00:00:00 GMT", None),
    ],
)
async def test_retry_after_is_read(value: str, seconds: float | None) -> None:
    """In seconds; nonsense is as good as nothing, and the past is now."""
    outcome = await outcome_of(answering(429, retry_after=value))
    assert (outcome.status, outcome.retry_after) == (429, seconds)


async def test_retry_after_may_be_a_date() -> None:
    """As RFC 9110 allows."""
    date = datetime.now(UTC) + timedelta(hours=1)
    outcome = await outcome_of(answering(503, retry_after=format_datetime(date, usegmt=True)))
    assert outcome.retry_after is not None
    assert 3500 < outcome.retry_after <= 3600


async def test_a_success_asks_for_nothing() -> None:
    """A Retry-After beside a success means nothing to us."""
    assert (await outcome_of(answering(200, retry_after="60"))).retry_after is None


# ---- bodies


@pytest.mark.parametrize(
    ("body", "excerpt"),
    [
        (b"", None),
        ("Grüße".encode(), "Grüße"),
        (b"a\0b", "a\ufffdb"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"x" * MAX_EXCERPT_BYTES, "x" * MAX_EXCERPT_BYTES),
        (b"x" * (MAX_EXCERPT_BYTES + 1), "x" * MAX_EXCERPT_BYTES),
        (b"\xff" * MAX_EXCERPT_BYTES, "\ufffd" * (MAX_EXCERPT_BYTES // 3)),
        ("é".encode() * MAX_EXCERPT_BYTES, "é" * (MAX_EXCERPT_BYTES // 2)),
        (b"\x1f\x8b\x08\0", "\x1f\ufffd\x08\ufffd"),
    ],
)
async def test_the_excerpt_can_be_stored(body: bytes, excerpt: str | None) -> None:
    """It is text without U+0000, within its bound of bytes, whatever the receiver said."""
    outcome = await outcome_of(answering(500, body, content_encoding="gzip"))
    assert outcome.excerpt == excerpt
    assert len((outcome.excerpt or "").encode()) <= MAX_EXCERPT_BYTES


async def test_a_huge_body_is_not_read() -> None:
    """The connection is closed as soon as there is enough of it."""
    outcome = await outcome_of(receivers.flooding)
    assert (outcome.status, outcome.excerpt) == (200, "x" * MAX_EXCERPT_BYTES)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthanks",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nthanks\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nthanks",
        b"HTTP/1.0 200 OK\r\n\r\nthanks",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nthanks",
    ],
)
async def test_a_body_that_breaks_off_changes_nothing(answer: bytes) -> None:
    """The receiver has said that it took the request."""
    outcome = await outcome_of(receivers.saying(answer))
    assert (outcome.status, outcome.error, outcome.excerpt) == (200, None, "thanks")


@pytest.mark.parametrize(
    ("answer", "status", "excerpt"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\nthanks", 204, None),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\nthanks", 204, None),
        (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nthanks\r\n0\r\n\r\n", 204, None),
        (b"HTTP/1.1 204 No Content\n\nthanks", 204, None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nthanks a lot", 200, "thanks"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nthanks", 200, None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nthanks", 200, None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nthanks!", 200, "thanks"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nthanks", 204, None),
        (b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 No\r\n\r\n", 205, None),
    ],
)
@pytest.mark.parametrize("cut", [None, -8, 12])
async def test_what_is_wrong_behind_a_head_changes_nothing(
    answer: bytes, status: int, excerpt: str | None, cut: int | None
) -> None:
    """A body where none may be, or of another size: in one piece of data with the head, or in another one."""
    pieces = [answer] if cut is None else [answer[:cut], answer[cut:]]
    outcome = await outcome_of(receivers.saying(*pieces))
    assert (outcome.status, outcome.error, outcome.excerpt) == (status, None, excerpt)
    assert outcome.succeeded


@pytest.mark.parametrize("status", [304, 404])
async def test_what_is_wrong_behind_a_failure_leaves_it_one(status: int) -> None:
    """Its status is told, too."""
    outcome = await outcome_of(
        receivers.saying(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\nthanks" % status)
    )
    assert (outcome.status, outcome.succeeded) == (status, False)


async def test_what_is_left_of_an_answer_is_nobodys(sender: Sender, receiver: Receiver) -> None:
    """A body after 204 that comes late is not the answer to the next request, which goes out on a new connection."""

    async def late(arrival: receivers.Arrival, writer: asyncio.StreamWriter) -> receivers.Then:
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        if arrival.body == b"1":
            second.wait(60)
            writer.write(b"thanks")
            await writer.drain()
        return receivers.Then.KEEP

    second = threading.Event()
    receiver.behave = late
    assert (await sender.send(receiver.url, b"1", HEADERS)).succeeded
    running = asyncio.create_task(sender.send(receiver.url, b"2", HEADERS))
    await asyncio.sleep(0)  # Lets it take the connection that was kept.
    second.set()
    outcome = await running
    assert (outcome.status, outcome.error) == (204, None)


@pytest.mark.parametrize("status", [101, 200, 204, 500])
@pytest.mark.parametrize(
    "flood",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"X-Field: of no head\r\n",
        b"\r\n",
        b"noise",
    ],
    ids=["answers", "announcements", "fields", "lines", "noise"],
)
async def test_what_nobody_asked_for_ends_the_connection(status: int, flood: bytes) -> None:
    """Whoever goes on writing after an answer, at once or later, is not heard, and the answer stays."""
    answered, cut = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def behave(_arrival: object, writer: asyncio.StreamWriter) -> Then:
        writer.write(b"HTTP/1.1 %d So\r\nContent-Length: 0\r\n\r\n" % status)
        await writer.drain()
        while not answered.is_set():
            await asyncio.sleep(0.001)
        try:
            # More than what systems keep for whoever does not read.
            while True:
                writer.write(flood * 1000)
                await writer.drain()
        except OSError:
            loop.call_soon_threadsafe(cut.set)
        return Then.CLOSE

    async with sending() as sender:
        with receiving(behave) as receiver:
            outcome = await sender.send(receiver.url, b"{}", {})
            answered.set()
            assert outcome.status == status
            async with asyncio.timeout(20):
                await cut.wait()


async def test_a_body_that_drips_is_cut_off() -> None:
    """At the end of the time, with what there is of it."""
    outcome = await outcome_of(
        receivers.dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n"), timeout=5 * SHORT
    )
    assert outcome.status == 200
    assert outcome.succeeded
    assert set(outcome.excerpt or "") == {"x"}


# ---- what is sent late


async def test_what_is_sent_late_is_written_anew(receiver: Receiver) -> None:
    """Names and greetings may take their time: what leaves then is what holds by then, with its own length."""

    async def renew() -> tuple[bytes, dict[str, str]]:
        return b"what is left of it", {**HEADERS, "webhook-timestamp": "2"}

    async with sending(look_up=found_late) as sender:
        url = f"http://example.com:{receiver.port}/"
        assert (await sender.send(url, b"deleted", {**HEADERS, "webhook-timestamp": "1"}, renew)).succeeded
    (arrival,) = receiver.arrivals
    assert arrival.body == b"what is left of it"
    assert (arrival.headers["webhook-timestamp"], arrival.headers["content-length"]) == ("2", "18")


async def test_what_is_withdrawn_is_not_sent(receiver: Receiver) -> None:
    async def renew() -> None:
        return None

    async with sending(look_up=found_late) as sender:
        with pytest.raises(Withdrawn):
            await sender.send(f"http://example.com:{receiver.port}/", b"deleted", HEADERS, renew)
    await asyncio.to_thread(receiver.wait_until_alone)
    assert receiver.arrivals == []


async def test_what_is_sent_again_is_written_anew(sender: Sender, receiver: Receiver) -> None:
    """A connection that was kept and breaks after a while gets the request out on another, as it is by then."""

    async def closing_late(arrival: receivers.Arrival, writer: asyncio.StreamWriter) -> receivers.Then:
        await asyncio.sleep(SHORT)
        return await receivers.closing(arrival, writer)

    async def renew() -> tuple[bytes, dict[str, str]]:
        return b"3", HEADERS

    await sender.send(receiver.url, b"1", HEADERS)
    receiver.behave = receivers.in_turn(closing_late, answering(204))
    assert (await sender.send(receiver.url, b"2", HEADERS, renew)).succeeded
    assert [arrival.body for arrival in receiver.arrivals] == [b"1", b"2", b"3"]


# ---- what is observed


async def test_what_is_written_anew_is_observed(receiver: Receiver) -> None:
    """What hears of requests hears of what leaves, and not of what was to leave."""
    seen: list[tuple[bytes, Mapping[str, str]]] = []

    async def renew() -> tuple[bytes, dict[str, str]]:
        return b"what is left of it", {**HEADERS, "webhook-timestamp": "2"}

    async with sending(look_up=found_late, observe=lambda *written: seen.append(written)) as sender:
        await sender.send(f"http://example.com:{receiver.port}/", b"deleted", HEADERS, renew)
    assert seen == [await renew()]


async def test_what_is_sent_again_is_observed_again(receiver: Receiver) -> None:
    """A receiver that closes a kept connection may have got the request both times."""
    seen: list[bytes] = []
    async with sending(observe=lambda body, _: seen.append(body)) as sender:
        await sender.send(receiver.url, b"1", HEADERS)
        receiver.behave = receivers.in_turn(receivers.closing, answering(204))
        await sender.send(receiver.url, b"2", HEADERS)
    assert seen == [arrival.body for arrival in receiver.arrivals] == [b"1", b"2", b"2"]


async def test_what_does_not_leave_is_not_observed(receiver: Receiver) -> None:
    """Neither what is withdrawn nor what no connection could be made for."""
    seen: list[bytes] = []

    async def renew() -> None:
        return None

    async with sending(look_up=found_late, observe=lambda body, _: seen.append(body)) as sender:
        with pytest.raises(Withdrawn):
            await sender.send(f"http://example.com:{receiver.port}/", b"deleted", HEADERS, renew)
    async with sending(allow=(), observe=lambda body, _: seen.append(body)) as sender:
        assert (await sender.send(receiver.url, b"refused", HEADERS)).status is None
    await asyncio.to_thread(receiver.wait_until_alone)
    assert seen == []


async def test_what_an_observer_raises_is_not_the_receivers(receiver: Receiver) -> None:
    """A ValueError of theirs is no answer that could not be read: nothing is sent, and whoever sends hears of it."""

    def refuse(body: bytes, headers: Mapping[str, str]) -> None:
        raise ValueError(body, headers)

    async with sending(observe=refuse) as sender:
        with pytest.raises(ObserverFailed):
            await sender.send(receiver.url, b"{}", HEADERS)
    await asyncio.to_thread(receiver.wait_until_alone)
    assert receiver.arrivals == []


# ---- no answer


@pytest.mark.parametrize("behave", [receivers.hanging, receivers.dripping(b"HTTP/1.1 200 OK\r\nX: ")])
async def test_who_says_nothing_is_not_waited_for(behave: Behaviour) -> None:
    """Silence, and a head without an end, last as long as there is time."""
    outcome = await outcome_of(behave, timeout=SHORT)
    assert (outcome.status, outcome.error) == (None, "no answer within 0.2 s")
    assert outcome.latency_ms >= 190


async def test_the_time_is_what_was_set() -> None:
    """Neither less nor, give or take what a busy machine does to a test, more."""
    outcome = await outcome_of(receivers.hanging, timeout=1.0)
    assert 990 <= outcome.latency_ms < 2900


async def test_the_time_is_for_all_of_it() -> None:
    """The name, the connection, the answer and its body together."""
    with receiving(receivers.dripping(b"HTTP/1.1 200 OK\r\nX: ")) as receiver:
        async with sending(timeout=2 * SHORT, look_up=found_late) as sender:
            outcome = await sender.send(f"http://example.com:{receiver.port}/", b"{}", HEADERS)
    assert outcome.error == "no answer within 0.4 s"
    assert outcome.latency_ms < 1000 * LONG / 2


async def test_announcements_without_end_are_no_answer() -> None:
    """A receiver that says 100 for ever is left at once, and stops nobody else meanwhile."""
    longest, before = 0.0, time.monotonic()

    async def watch() -> None:
        nonlocal longest, before
        while True:
            await asyncio.sleep(0)
            longest, before = max(longest, time.monotonic() - before), time.monotonic()

    watching = asyncio.create_task(watch())
    outcome = await outcome_of(receivers.announcing)
    watching.cancel()
    assert (outcome.status, outcome.error) == (None, "there is no end of interim answers")
    assert longest < 2


async def test_a_few_announcements_change_nothing() -> None:
    """They are allowed (RFC 9110, section 15.2)."""
    interim = b"HTTP/1.1 103 Early Hints\r\n\r\n" * 5
    outcome = await outcome_of(receivers.saying(interim + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    assert outcome.status == 200


async def test_hanging_up_is_no_answer() -> None:
    """Said once: a connection that was made for this request is not tried twice."""
    with receiving(receivers.closing) as receiver:
        async with sending() as sender:
            outcome = await sender.send(receiver.url, b"{}", HEADERS)
        assert (outcome.status, outcome.error) == (None, "the connection was closed before an answer")
        assert len(receiver.arrivals) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"hello\r\n\r\n",
        b"\0" * 100,
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    ],
)
async def test_garbage_is_no_answer(answer: bytes) -> None:
    """Nor is a head of any size."""
    outcome = await outcome_of(receivers.saying(answer))
    assert (outcome.status, outcome.error) == (None, "the answer is not HTTP")


async def test_no_noise_does_harm(sender: Sender, receiver: Receiver, seed: int) -> None:
    """Whatever a receiver says, changed at random in a few places, there is an outcome, and the next one is heard."""
    dice = random.Random(seed)
    good = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nthanks\r\n0\r\n\r\n"
    statuses = set()
    for _ in range(300):
        noisy = bytearray(good)
        for _ in range(dice.randint(1, 6)):
            place, change = dice.randrange(len(noisy)), dice.randrange(3)
            if change == 0:
                noisy[place] = dice.randrange(256)
            elif change == 1:
                del noisy[place]
            else:
                noisy.insert(place, dice.choice(b"\0\r\n :;0123456789abcdefHTP\xff"))
        receiver.behave = receivers.saying(bytes(noisy))
        outcome = await sender.send(receiver.url, b"{}", HEADERS)
        assert (outcome.status is None) == (
            outcome.error is not None and not 300 <= (outcome.status or 0) < 400
        )
        statuses.add(outcome.status)
    assert statuses >= {None, 200}
    receiver.behave = answering(204)
    assert (await sender.send(receiver.url, b"{}", HEADERS)).succeeded


@pytest.mark.parametrize("empty", [b"\n", b"\r\n"])
async def test_empty_lines_are_no_heads(empty: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, they are passed over at once and not one by one."""
    fed: list[int] = []
    feed = ResponseHandler.data_received

    def counted(self: ResponseHandler, data: bytes) -> None:
        fed.append(len(data))
        feed(self, data)

    monkeypatch.setattr(ResponseHandler, "data_received", counted)
    outcome = await outcome_of(
        receivers.saying(empty * 40_000 + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    )
    assert outcome.succeeded
    assert len(fed) < 10


async def test_an_upgrade_is_no_success() -> None:
    """Nobody has asked for another protocol."""
    answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nxyz"
    outcome = await outcome_of(receivers.saying(answer))
    assert not outcome.succeeded


async def test_nobody_listens(sender: Sender) -> None:
    """The port is told by the URL, and the system's word is repeated."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        outcome = await sender.send(url, b"{}", HEADERS)
    assert (outcome.status, outcome.error) == (None, "no connection: connection refused")


async def test_stopping_ends_what_runs() -> None:
    """A request that runs when the sender stops has an outcome, too."""
    with receiving(receivers.hanging) as receiver:
        async with sending() as sender:
            running = asyncio.create_task(sender.send(receiver.url, b"{}", HEADERS))
            await asyncio.to_thread(receiver.wait_for_count, 1)
        assert (await running).status is None


# ---- connections


async def test_connections_are_kept(sender: Sender, receiver: Receiver) -> None:
    """One after the other, many requests take one connection."""
    for _ in range(5):
        await sender.send(receiver.url, b"{}", HEADERS)
    assert [arrival.connection for arrival in receiver.arrivals] == [1] * 5


async def test_cookies_are_not(sender: Sender, receiver: Receiver) -> None:
    """What a receiver wants us to remember we forget."""
    receiver.behave = answering(200, set_cookie="a=b; Path=/")
    for _ in range(2):
        await sender.send(receiver.url, b"{}", HEADERS)
    assert [arrival.headers.get("cookie") for arrival in receiver.arrivals] == [None, None]


async def test_a_kept_connection_may_have_died(sender: Sender, receiver: Receiver) -> None:
    """A receiver that closes it just when it is used again gets the request on a new one, at once."""
    await sender.send(receiver.url, b"1", HEADERS)
    receiver.behave = receivers.in_turn(receivers.closing, answering(204))
    outcome = await sender.send(receiver.url, b"2", HEADERS)
    assert outcome.succeeded
    assert [(arrival.body, arrival.connection) for arrival in receiver.arrivals] == [
        (b"1", 1),
        (b"2", 1),
        (b"2", 2),
    ]


async def test_proxies_of_the_environment_are_not_used(
    sender: Sender, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a proxy connects to nobody here could judge."""
    with receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        outcome = await sender.send(receiver.url, b"{}", HEADERS)
        assert proxy.arrivals == []
    assert outcome.succeeded


# ---- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def served_by(authority: trustme.CA, name: str, *, expired: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    until = datetime.now(UTC) - timedelta(days=1) if expired else None
    authority.issue_cert(name, not_after=until).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_tls_is_verified(authority: trustme.CA) -> None:
    """A certificate that somebody trusted has signed, for this host, today."""
    with receiving(tls=served_by(authority, "127.0.0.1")) as receiver:
        async with sending(tls=trusting(authority)) as sender:
            assert (await sender.send(receiver.url, b"{}", HEADERS)).succeeded
        stranger = Sender(Egress((HERE,), ports=ALL_PORTS))
        await stranger.start()
        outcome = await stranger.send(receiver.url, b"{}", HEADERS)
        await stranger.stop()
    assert outcome.error is not None
    assert outcome.error.startswith("the certificate is not valid: ")
    assert len(receiver.arrivals) == 1


@pytest.mark.parametrize(
    ("name", "expired", "problem"),
    [("127.0.0.1", True, "has expired"), ("example.com", False, "IP address mismatch")],
)
async def test_bad_certificates_are_refused(
    authority: trustme.CA, name: str, expired: bool, problem: str
) -> None:
    """Nothing is sent to whoever shows one, and the reason is told."""
    with receiving(tls=served_by(authority, name, expired=expired)) as receiver:
        async with sending(tls=trusting(authority)) as sender:
            outcome = await sender.send(receiver.url, b"{}", HEADERS)
    assert outcome.status is None
    assert problem in (outcome.error or "")
    assert receiver.arrivals == []


async def test_what_is_no_tls_is_refused(sender: Sender) -> None:
    """An https:// URL is never served in the open."""
    heard: list[bytes] = []

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(4096))
        writer.write(b"HTTP/1.1 400 This is no TLS\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        outcome = await sender.send(f"https://127.0.0.1:{port}/", b"our secrets", HEADERS)
    assert (outcome.status, outcome.error) == (None, "TLS failed")
    assert not any(b"our secrets" in each for each in heard)


# ---- where it may go


def names(**answers: Sequence[str]) -> Callable[[str], Sequence[str]]:
    """Return a look-up that knows these names, dots written as underscores; each says the next of its answers."""
    table = {name.replace("_", "."): list(addresses) for name, addresses in answers.items()}

    def look_up(host: str) -> Sequence[str]:
        if host not in table:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return table[host]

    return look_up


NOWHERE = "the name leads to no address that webhooks may reach"


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("10.0.0.1", "private"),
        ("127.0.0.2", "this machine itself"),
        ("169.254.169.254", "a cloud's metadata service"),
        ("100.64.0.1", "shared by a carrier's customers"),
        ("0.0.0.0", "no address of a host"),
        ("::1", "this machine itself"),
        ("::ffff:127.0.0.1", "an IPv4 address in the form of IPv6"),
        ("64:ff9b::7f00:1", "an IPv4 address in the form of IPv6"),
        ("fe80::1%lo", "bound to an interface"),
        ("fd00::1", "private"),
    ],
)
async def test_names_that_lead_inside_are_refused(address: str, what: str) -> None:
    """After they were resolved; why is for whoever runs the server, and neither says which address it is."""
    async with sending(look_up=names(inside_example_com=[address])) as sender:
        with logged() as logs:
            outcome = await sender.send("http://inside.example.com:9/", b"{}", HEADERS)
    assert (outcome.status, outcome.error) == (None, NOWHERE)
    assert [(line["host"], line["reason"]) for line in logs] == [("inside.example.com", f"it is {what}")]
    assert "address" not in logs[0]


@pytest.mark.parametrize("known", [{}, {"some_example_com": []}, {"some_example_com": ["10.0.0.1"]}])
async def test_nobody_learns_what_names_there_are_inside(known: dict[str, Sequence[str]]) -> None:
    """A name that is unknown, one without an address and one that is refused look the same, also in their time."""
    look_up = names(**known)

    def slow(host: str) -> Sequence[str]:
        time.sleep(0.02 if known else 0)
        return look_up(host)

    async with sending(look_up=slow) as sender:
        assert await sender.send("http://some.example.com/", b"{}", HEADERS) == Outcome(None, NOWHERE, 0)


async def test_what_was_judged_is_connected_to(receiver: Receiver) -> None:
    """A name that says a good address once and a bad one from then on gets nobody to the bad one, and the reverse."""
    said: list[str] = []

    def changing(host: str) -> list[str]:
        said.append("127.0.0.1" if not said else "127.0.0.2")
        return [said[-1]]

    with socket.create_server(("127.0.0.2", receiver.port)) as inside:
        inside.setblocking(False)
        async with sending(look_up=changing) as sender:
            url = f"http://changing.example.com:{receiver.port}/"
            assert (await sender.send(url, b"{}", HEADERS)).succeeded
        async with sending(look_up=changing) as sender:
            outcome = await sender.send(url, b"{}", HEADERS)
        assert outcome.error == NOWHERE
        with pytest.raises(BlockingIOError):
            inside.accept()
    assert said == ["127.0.0.1", "127.0.0.2"]


async def test_only_the_good_of_several_addresses_are_connected_to(receiver: Receiver) -> None:
    """A name with a public and a private address gets nobody to the private one, even if nobody answers elsewhere."""
    with socket.create_server(("127.0.0.2", 0)) as inside:
        inside.setblocking(False)
        port = inside.getsockname()[1]
        async with sending(look_up=names(both_example_com=["127.0.0.2", "127.0.0.1"])) as sender:
            good = await sender.send(f"http://both.example.com:{receiver.port}/", b"{}", HEADERS)
            dead = await sender.send(f"http://both.example.com:{port}/", b"{}", HEADERS)
        with pytest.raises(BlockingIOError):
            inside.accept()
    assert good.succeeded
    assert dead.error == "no connection: connection refused"


async def test_the_socket_itself_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever came through the URL and the name: the address of the socket is what counts, and its port."""
    monkeypatch.setattr(Egress, "check_url", lambda self, url: None)
    with socket.create_server(("127.0.0.2", 0)) as inside:
        inside.setblocking(False)
        port = inside.getsockname()[1]
        async with sending() as sender:
            by_address = await sender.send(f"http://127.0.0.2:{port}/", b"{}", HEADERS)
        async with sending(ports=(PortRange(443, 443),)) as sender:
            by_port = await sender.send(f"http://127.0.0.1:{port}/", b"{}", HEADERS)
        with pytest.raises(BlockingIOError):
            inside.accept()
    assert by_address.error == "the host leads to an address that is refused: it is this machine itself"
    assert f"at port {port}" in (by_port.error or "")


async def test_urls_are_judged_again_when_they_are_used() -> None:
    """The operator may have become stricter since the webhook was made."""
    async with sending(allow=()) as sender:
        outcome = await sender.send("http://127.0.0.1:9/", b"{}", HEADERS)
    assert outcome.error == "the URL leads to an address that is refused: it is this machine itself"


async def test_names_that_hang_leave_room_for_others(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that have kept somebody waiting share a few places; the others are looked up at once."""
    monkeypatch.setattr(resolver, "_TIMEOUT", SHORT)
    monkeypatch.setattr(resolver, "_MAX_LOOKUPS", 4)
    monkeypatch.setattr(resolver, "_MAX_SLOW_LOOKUPS", 2)
    release = threading.Event()
    hanging: list[str] = []

    def look_up(host: str) -> list[str]:
        if host.startswith("slow"):
            hanging.append(host)
            release.wait(60)
        return ["127.0.0.1"]

    def url(name: str) -> str:
        return f"http://{name}.example.com:{receiver.port}/"

    try:
        async with sending(look_up=look_up) as sender:
            slow = [url(f"slow{number}") for number in range(3)]
            first = await asyncio.gather(*(sender.send(each, b"{}", HEADERS) for each in slow))
            assert {outcome.error for outcome in first} == {"the name was not resolved within 0.2 s"}
            monkeypatch.setattr(resolver, "_TIMEOUT", LONG)
            # Three threads still hang, of which none was known to be slow; a fourth place is left.
            assert (await sender.send(url("quick"), b"{}", HEADERS)).succeeded
            release.set()
            while any(thread.name == resolver.THREAD_NAME for thread in threading.enumerate()):
                await asyncio.sleep(0.001)
            release.clear()
            monkeypatch.setattr(resolver, "_TIMEOUT", SHORT)
            again = await asyncio.gather(*(sender.send(each, b"{}", HEADERS) for each in slow))
            assert sorted(outcome.error or "" for outcome in again) == [
                "the name was not resolved within 0.2 s",
                "the name was not resolved within 0.2 s",
                "too many names are being looked up",
            ]
            monkeypatch.setattr(resolver, "_TIMEOUT", LONG)
            assert (await sender.send(url("other"), b"{}", HEADERS)).succeeded
    finally:
        release.set()


async def test_names_that_were_never_resolved_leave_room_for_those_that_were(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many new names hang, one that led somewhere before is looked up."""
    monkeypatch.setattr(resolver, "_MAX_LOOKUPS", 4)
    monkeypatch.setattr(resolver, "_MAX_NEW_LOOKUPS", 2)
    monkeypatch.setattr("parley.webhooks.sender._NAME_SECONDS", 0)
    monkeypatch.setattr("parley.webhooks.sender._KEEP_SECONDS", 0.001)
    release = threading.Event()

    def look_up(host: str) -> list[str]:
        if host.startswith("new"):
            release.wait(60)
        return ["127.0.0.1"]

    def url(name: str) -> str:
        return f"http://{name}.example.com:{receiver.port}/"

    try:
        async with sending(look_up=look_up) as sender:
            assert (await sender.send(url("known"), b"{}", HEADERS)).succeeded
            waiting = [asyncio.create_task(sender.send(url(f"new{n}"), b"{}", HEADERS)) for n in range(4)]
            refused, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            while len(refused) < 2:
                refused, _ = await asyncio.wait(waiting, timeout=0.01)
            assert {task.result().error for task in refused} == {"too many names are being looked up"}
            assert (await sender.send(url("known"), b"{}", HEADERS)).succeeded
            release.set()
            await asyncio.wait(waiting)
    finally:
        release.set()


async def test_lookups_are_bounded(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a thread, and there is an end to threads."""
    monkeypatch.setattr(resolver, "_MAX_LOOKUPS", 2)
    release, running = threading.Event(), threading.Barrier(3)

    def look_up(host: str) -> list[str]:
        del host
        running.wait(60)
        release.wait(60)
        return ["127.0.0.1"]

    def url(name: str) -> str:
        return f"http://{name}.example.com:{receiver.port}/"

    async with sending(look_up=look_up) as sender:
        first = [asyncio.create_task(sender.send(url(name), b"{}", HEADERS)) for name in ("one", "two")]
        await asyncio.to_thread(running.wait, 60)
        third = await sender.send(url("three"), b"{}", HEADERS)
        release.set()
        assert all(outcome.succeeded for outcome in await asyncio.gather(*first))
    assert third.error == "too many names are being looked up"


async def test_a_name_is_looked_up_once_at_a_time(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes meanwhile waits for the same answer, also where others have given up."""
    monkeypatch.setattr(resolver, "_TIMEOUT", SHORT)
    release, asked = threading.Event(), list[str]()

    def look_up(host: str) -> list[str]:
        asked.append(host)
        release.wait(60)
        return ["127.0.0.1"]

    with receiving() as other:
        async with sending(look_up=look_up) as sender:
            urls = [f"http://slow.example.com:{each.port}/" for each in (receiver, other)]
            first = await asyncio.gather(*(sender.send(url, b"{}", HEADERS) for url in urls))
            assert [outcome.error for outcome in first] == ["the name was not resolved within 0.2 s"] * 2
            monkeypatch.setattr(resolver, "_TIMEOUT", LONG)
            again = [asyncio.create_task(sender.send(url, b"{}", HEADERS)) for url in urls]
            await asyncio.sleep(0)  # Lets both begin to wait.
            release.set()
            assert all(outcome.succeeded for outcome in await asyncio.gather(*again))
    assert asked == ["slow.example.com"]
