"""Listeners at a server that a test plays: where the token goes, and what is left when a program leaves."""

import asyncio
import json
import logging
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import pytest
from parley_sdk import AsyncClient, Backoff, Client, RetryPolicy
from parley_sdk.api_error import ConnectionFailed, ParleyError, SessionEnded
from parley_sdk.realtime import Listener
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

EVENT = {"type": "moon.landed", "data": {}, "cursor": "c1"}
BACKOFF = Backoff(0.01, 0.02)


class Full:
    """A cursor store that fails."""

    def load(self) -> str | None:
        return "c0"

    def save(self, cursor: str | None) -> None:
        raise OSError("No space left on device")


class Played:
    """A server whose sockets say `ready` and one event; it knows what it heard, and when clients left."""

    def __init__(self) -> None:
        self.heard: list[str | bytes] = []
        self.left = threading.Semaphore(0)
        self.handshakes = threading.Semaphore(0)
        self.url = ""
        self.redirect: str | None = None
        self.answers = threading.Event()
        self.answers.set()

    def talk(self, socket: ServerConnection) -> None:
        self.heard.append(socket.recv())
        for frame in ({"type": "ready", "data": {"cursor": "c0"}}, EVENT):
            socket.send(json.dumps(frame))
        for text in socket:
            self.heard.append(text)
        self.left.release()

    def handshake(self, _: ServerConnection, __: Request) -> Response | None:
        self.handshakes.release()
        self.answers.wait(30)
        return None if self.redirect is None else Response(302, "", Headers(Location=self.redirect), b"")


@contextmanager
def played() -> Iterator[Played]:
    server = Played()
    listening: Server = serve(server.talk, "127.0.0.1", 0, process_request=server.handshake)
    server.url = f"http://127.0.0.1:{listening.socket.getsockname()[1]}"
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.answers.set()
        listening.shutdown()
        thread.join()


@pytest.fixture
def server() -> Iterator[Played]:
    with played() as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[Played]:
    with played() as server:
        yield server


def client(server: Played) -> Client:
    made = Client(server.url, timeout=20)
    made.use_tokens("a secret", "another", 3600)
    return made


def in_a_thread(listener: Listener) -> threading.Thread:
    thread = threading.Thread(target=lambda: list(listener))
    thread.start()
    return thread


def test_a_redirect_takes_the_token_nowhere(server: Played, elsewhere: Played) -> None:
    server.redirect = f"{elsewhere.url.replace('http', 'ws')}/ws"
    with client(server) as ada:
        thread = in_a_thread(ada.listen(backoff=BACKOFF))
        for _ in range(3):
            assert server.handshakes.acquire(timeout=20)
    thread.join(20)
    assert not elsewhere.handshakes.acquire(blocking=False)
    assert elsewhere.heard == server.heard == []


def test_a_redirect_takes_the_token_nowhere_on_asyncio(server: Played, elsewhere: Played) -> None:
    async def listen() -> None:
        async with AsyncClient(server.url) as ada:
            ada.use_tokens("a secret", "another", 3600)
            listener = ada.listen(backoff=BACKOFF)
            async with asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(anext(aiter(listener), None))
                for _ in range(3):
                    assert await asyncio.to_thread(server.handshakes.acquire, timeout=20)
                await listener.close()
                assert await listening is None

    server.redirect = f"{elsewhere.url.replace('http', 'ws')}/ws"
    asyncio.run(listen())
    assert not elsewhere.handshakes.acquire(blocking=False)
    assert elsewhere.heard == server.heard == []


def test_no_frame_is_logged(server: Played, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), client(server) as ada:
        next(iter(ada.listen()))
    assert any("a secret" in str(text) for text in server.heard)
    ours = [record for record in caplog.records if not record.name.startswith("websockets.server")]
    assert "a secret" not in "\n".join(record.getMessage() for record in ours)


def test_leaving_the_client_ends_its_listeners(server: Played) -> None:
    with client(server) as ada:
        for _ in ada.listen():
            break
    assert server.left.acquire(timeout=20)
    with pytest.raises(ZeroDivisionError), client(server) as ada:
        for _ in ada.listen():
            raise ZeroDivisionError
    assert server.left.acquire(timeout=20)


def test_leaving_the_client_ends_its_listeners_on_asyncio(server: Played) -> None:
    async def listen() -> None:
        async with AsyncClient(server.url) as ada:
            ada.use_tokens("a secret", "another", 3600)
            async for _ in ada.listen():
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(listen())
    assert server.left.acquire(timeout=20)


def test_an_event_in_hand_comes_again_after_an_error(server: Played) -> None:
    def left(leave: Callable[[Client], None]) -> str | None:
        ada = client(server)
        listener = ada.listen(cursor="c0")
        next(iter(listener))
        leave(ada)
        return listener._course._store.load()

    assert left(lambda ada: ada.close()) == "c0"
    assert left(lambda ada: ada.__exit__(KeyError, KeyError(), None)) == "c0"
    assert left(lambda ada: ada.__exit__(None, None, None)) == "c1"


def test_closing_does_not_wait_for_a_handshake(server: Played) -> None:
    server.answers.clear()
    ada = client(server)
    thread = in_a_thread(ada.listen())
    assert server.handshakes.acquire(timeout=20)
    ada.close()
    # Far sooner than the time-out of the client.
    thread.join(10)
    assert not thread.is_alive()


def test_closing_does_not_wait_for_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ada = Client(f"https://127.0.0.1:{silent.getsockname()[1]}", timeout=60)
        ada.use_tokens("a secret", "another", 3600)
        thread = in_a_thread(ada.listen())
        reached, _ = silent.accept()
        with reached:
            # It has begun with TLS.
            assert reached.recv(1)
            ada.close()
            thread.join(20)
        assert not thread.is_alive()


def test_closing_does_not_wait_for_a_handshake_on_asyncio(server: Played) -> None:
    async def listen() -> None:
        ada = AsyncClient(server.url, timeout=20)
        ada.use_tokens("a secret", "another", 3600)
        listening = asyncio.create_task(anext(aiter(ada.listen()), None))
        assert await asyncio.to_thread(server.handshakes.acquire, timeout=20)
        async with asyncio.timeout(10):
            await ada.close()
            assert await listening is None

    server.answers.clear()
    asyncio.run(listen())


def test_a_closed_client_asks_for_nothing() -> None:
    # Nobody listens there any more, so it tries again and again.
    ada = Client("http://127.0.0.1:1", retry=RetryPolicy(backoff=Backoff(30, 30)))
    ada.use_tokens("a secret", "another", 3600)
    failures: list[ParleyError] = []

    def ask() -> None:
        try:
            ada.get_me()
        except ParleyError as error:
            failures.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    ada.close()
    asking.join(20)
    assert [str(failure) for failure in failures] == ["The client is closed"]
    with pytest.raises(ConnectionFailed, match="closed"):
        ada.get_me()


def test_a_base_url_has_a_scheme() -> None:
    with pytest.raises(ValueError, match="http://"):
        Client("localhost:8080")


def test_a_store_that_fails_ends_the_listener(server: Played) -> None:
    with client(server) as ada, pytest.raises(ParleyError, match="No space"):
        list(ada.listen(cursor_store=Full()))
    assert server.left.acquire(timeout=20)


def test_a_store_that_fails_leaves_nothing_open(server: Played) -> None:
    ada = client(server)
    for _ in range(2):
        next(iter(ada.listen(cursor_store=Full())))
    with pytest.raises(ParleyError, match="No space"):
        ada.close(handled=True)
    for _ in range(2):
        assert server.left.acquire(timeout=20)
    assert ada._http.is_closed


def test_a_store_that_fails_leaves_nothing_open_on_asyncio(server: Played) -> None:
    async def listen() -> None:
        ada = AsyncClient(server.url)
        ada.use_tokens("a secret", "another", 3600)
        for _ in range(2):
            await anext(aiter(ada.listen(cursor_store=Full())))
        with pytest.raises(ParleyError, match="No space"):
            await ada.close(handled=True)
        assert ada._http.is_closed

    asyncio.run(listen())
    for _ in range(2):
        assert server.left.acquire(timeout=20)


def expiring(ada: Client, monkeypatch: pytest.MonkeyPatch, then: Callable[[Future[None]], str]) -> None:
    """Let the token that the socket is told be about to expire, and the next one come of `then`."""
    tokens = iter(["a secret"])

    def fresh(stale: str | None = None, *, given_up: Future[None]) -> str:
        if token := next(tokens, None):
            ada.use_tokens(token, "another", 0)
            return token
        return then(given_up)

    monkeypatch.setattr(ada, "fresh_token", fresh)


def expiring_on_asyncio(
    ada: AsyncClient, monkeypatch: pytest.MonkeyPatch, then: Callable[[], Awaitable[str]]
) -> None:
    """The same."""
    tokens = iter(["a secret"])

    async def fresh(stale: str | None = None) -> str:
        if token := next(tokens, None):
            ada.use_tokens(token, "another", 0)
            return token
        return await then()

    monkeypatch.setattr(ada, "fresh_token", fresh)


def test_events_do_not_wait_for_a_new_token(server: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    with client(server) as ada:
        renewing = threading.Event()

        def stall(given_up: Future[None]) -> str:
            renewing.set()
            given_up.result(20)
            raise ConnectionFailed("It was given up")

        expiring(ada, monkeypatch, stall)
        event = next(iter(ada.listen()))
        assert event.type == "unknown"
        assert renewing.wait(20)
    assert server.left.acquire(timeout=20)


def test_events_do_not_wait_for_a_new_token_on_asyncio(
    server: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def listen() -> None:
        async with AsyncClient(server.url) as ada:
            renewing = asyncio.Event()

            async def stall() -> str:
                renewing.set()
                await asyncio.sleep(20)
                raise ConnectionFailed("It took too long")

            expiring_on_asyncio(ada, monkeypatch, stall)
            event = await anext(aiter(ada.listen()))
            assert event.type == "unknown"
            async with asyncio.timeout(10):
                await renewing.wait()

    asyncio.run(listen())
    assert server.left.acquire(timeout=20)


def test_a_session_that_ends_ends_the_loop(server: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    with client(server) as ada:

        def end(given_up: Future[None]) -> str:
            raise SessionEnded("The session has ended")

        expiring(ada, monkeypatch, end)
        with pytest.raises(SessionEnded):
            list(ada.listen())


def test_a_session_that_ends_ends_the_loop_on_asyncio(
    server: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def listen() -> None:
        async with AsyncClient(server.url) as ada:

            async def end() -> str:
                raise SessionEnded("The session has ended")

            expiring_on_asyncio(ada, monkeypatch, end)
            with pytest.raises(SessionEnded):
                async for _ in ada.listen():
                    pass

    asyncio.run(listen())
