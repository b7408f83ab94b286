"""Refreshes and time-outs of both clients, at a server that answers when a test lets it."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from parley_sdk import AsyncClient, Client, FileTokenStore, RetryPolicy, TokenStore
from parley_sdk.api_error import ConnectionFailed, ParleyError, TimedOut
from parley_sdk.dial import dial
from parley_sdk.errors import UnavailableError
from renewed import RENEWED

ONCE = RetryPolicy(max_attempts=1)


class Answers:
    """What is answered, and when."""

    def __init__(self) -> None:
        self.refreshes = threading.Semaphore(0)
        self.count = 0
        self.status = 200
        self.may_answer = threading.Event()
        self.drips = b""
        self.ended = threading.Event()
        self.url = ""


def handler_of(answers: Answers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # A byte now and then, each sooner than the time-out.
            with_end = iter(answers.drips)
            while (byte := next(with_end, None)) is not None and not answers.ended.wait(0.05):
                try:
                    self.wfile.write(bytes([byte]))
                except OSError:
                    return

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answers.count += 1
            answers.refreshes.release()
            answers.may_answer.wait(20)
            body = json.dumps(RENEWED if answers.status == 200 else {}).encode()
            try:
                self.send_response(answers.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                return

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 (its name there)
            """Say nothing."""

    return Handler


@pytest.fixture
def answers() -> Iterator[Answers]:
    answers = Answers()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(answers))
    answers.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield answers
    answers.may_answer.set()
    answers.ended.set()
    server.shutdown()
    thread.join()
    server.server_close()


def expired(answers: Answers, store: TokenStore | None = None) -> Client:
    made = Client(answers.url, token_store=store, timeout=20, retry=ONCE)
    made.use_tokens("old", "refresh", 0)
    return made


def expired_async(answers: Answers, store: TokenStore | None = None) -> AsyncClient:
    made = AsyncClient(answers.url, token_store=store, timeout=20, retry=ONCE)
    made.use_tokens("old", "refresh", 0)
    return made


def asked(client: Client) -> tuple[threading.Thread, list[ParleyError]]:
    failures: list[ParleyError] = []

    def ask() -> None:
        try:
            client.get_me()
        except ParleyError as error:
            failures.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    return asking, failures


async def begun(answers: Answers) -> None:
    assert await asyncio.to_thread(answers.refreshes.acquire, timeout=20)


def waiting(client: Client, threads: int) -> bool:
    under_way = client._renewals._under_way
    return under_way is not None and len(under_way[0]._waiters) == threads


def test_all_who_wait_share_an_error(answers: Answers) -> None:
    answers.status = 503
    with expired(answers) as ada, ThreadPoolExecutor(10) as threads:
        asking = [threads.submit(ada.fresh_token) for _ in range(10)]
        while not waiting(ada, 10):
            time.sleep(0.001)
        answers.may_answer.set()
        assert {type(each.exception(20)) for each in asking} == {UnavailableError}
    assert answers.count == 1


def test_all_who_wait_share_an_error_on_asyncio(answers: Answers) -> None:
    answers.status = 503

    async def ask() -> list[Any]:
        async with expired_async(answers) as ada:
            asking = [asyncio.create_task(ada.fresh_token()) for _ in range(10)]
            await begun(answers)
            answers.may_answer.set()
            return await asyncio.gather(*asking, return_exceptions=True)

    assert {type(each) for each in asyncio.run(ask())} == {UnavailableError}
    assert answers.count == 1


def test_who_leaves_does_not_end_a_refresh(answers: Answers) -> None:
    async def ask() -> str:
        async with expired_async(answers) as ada:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await ada.get_me()
            await begun(answers)
            answers.may_answer.set()
            return await ada.fresh_token()

    assert asyncio.run(ask()) == "new"
    assert answers.count == 1


def test_closing_waits_for_a_refresh(answers: Answers, tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path / "tokens")
    ada = expired(answers, store)
    asking, failures = asked(ada)
    assert answers.refreshes.acquire(timeout=20)
    closing = threading.Thread(target=ada.close)
    closing.start()
    answers.may_answer.set()
    closing.join(20)
    asking.join(20)
    assert [type(failure) for failure in failures] == [ConnectionFailed]
    kept = store.load()
    assert kept is not None
    assert kept.refresh_token == "next"


def test_closing_waits_for_a_refresh_on_asyncio(answers: Answers, tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path / "tokens")

    async def ask() -> None:
        ada = expired_async(answers, store)
        asking = asyncio.create_task(ada.get_me())
        await begun(answers)
        closing = asyncio.create_task(ada.close())
        await asyncio.sleep(0)
        answers.may_answer.set()
        await closing
        with pytest.raises(ConnectionFailed):
            await asking

    asyncio.run(ask())
    kept = store.load()
    assert kept is not None
    assert kept.refresh_token == "next"


def test_closing_waits_only_for_a_while(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parley_sdk.renewals.CLOSE_WITHIN", 0.1)
    ada = expired(answers)
    before = threading.active_count()
    asking, failures = asked(ada)
    assert answers.refreshes.acquire(timeout=20)
    ada.close()
    asking.join(10)
    assert [type(failure) for failure in failures] == [ConnectionFailed]
    # That of the answer that still waits is the server's own.
    assert threading.active_count() <= before + 1


def test_closing_waits_only_for_a_while_on_asyncio(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parley_sdk.renewals.CLOSE_WITHIN", 0.1)

    async def ask() -> None:
        ada = expired_async(answers)
        asking = asyncio.create_task(ada.get_me())
        await begun(answers)
        async with asyncio.timeout(10):
            await ada.close()
            with pytest.raises(ConnectionFailed):
                await asking
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(ask())


def test_a_listener_that_is_closed_waits_for_no_refresh(answers: Answers) -> None:
    ada = expired(answers)
    listener = ada.listen()
    listening = threading.Thread(target=lambda: list(listener))
    listening.start()
    assert answers.refreshes.acquire(timeout=20)
    listener.close()
    listening.join(10)
    assert not listening.is_alive()
    answers.may_answer.set()
    ada.close()
    assert ada.tokens is not None
    assert ada.tokens.access_token == "new"


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n"


@pytest.mark.parametrize(
    "drips", [HEAD + b" " * 200, b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200], ids=["body", "head"]
)
def test_an_answer_that_drips_takes_too_long(answers: Answers, drips: bytes) -> None:
    answers.drips = drips

    def ask() -> None:
        with Client(answers.url, timeout=0.5, retry=ONCE) as ada:
            ada.use_tokens("good", "refresh", 3600)
            ada.get_me()

    async def ask_async() -> None:
        async with AsyncClient(answers.url, timeout=0.5, retry=ONCE) as ada:
            ada.use_tokens("good", "refresh", 3600)
            await ada.get_me()

    asks: list[Callable[[], None]] = [ask, lambda: asyncio.run(ask_async())]
    for each in asks:
        began = time.monotonic()
        with pytest.raises(TimedOut):
            each()
        # Dripped as a whole it would take ten seconds.
        assert time.monotonic() - began < 5


def test_a_connection_that_is_not_accepted_is_given_up() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        address = deaf.getsockname()
        filling = [socket.socket() for _ in range(4)]
        for each in filling:
            each.setblocking(False)
            each.connect_ex(address)
        with pytest.raises(ConnectionAbortedError):
            dial(address, 20, lambda: True)
        with pytest.raises(TimeoutError):
            dial(address, 0.05, lambda: False)
        for each in filling:
            each.close()


def test_where_nobody_listens_nothing_is_waited_for() -> None:
    with pytest.raises(ConnectionRefusedError):
        dial(("127.0.0.1", 1), 20, lambda: False)
