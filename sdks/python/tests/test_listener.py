"""Listeners at a server that a test plays: where the token goes, and what is left when a program leaves."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from parley_sdk import AsyncClient, Backoff, Client, RetryPolicy
from parley_sdk.api_error import ConnectionFailed, ParleyError
from parley_sdk.realtime import Listener
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

EVENT = {"type": "moon.landed", "data": {}, "cursor": "c1"}
BACKOFF = Backoff(0.01, 0.02)


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
    class Full:
        def load(self) -> str | None:
            return None

        def save(self, cursor: str | None) -> None:
            raise OSError("No space left on device")

    with client(server) as ada, pytest.raises(ParleyError, match="No space"):
        next(iter(ada.listen(cursor_store=Full())))
    assert server.left.acquire(timeout=20)
