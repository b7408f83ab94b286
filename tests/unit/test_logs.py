"""Logs: structured, with request ids, and without what people write."""

import asyncio
import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import pytest
import structlog

from parley import logs
from parley.errors import Unavailable


class Written:
    """What was written to standard error."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream

    def text(self) -> str:
        self._stream.flush()
        buffer = self._stream.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode()

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, logs.Style], Written]]:
    """Return a function that sets logging up and returns what is written from then on."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    quiet = {name: logging.getLogger(name).level for name in ("uvicorn", "asyncio", "connexion")}

    def configure(level: str, style: logs.Style) -> Written:
        stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        monkeypatch.setattr(sys, "stderr", stream)
        logs.configure(level, style)
        return Written(stream)

    yield configure
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level
    for name, before in quiet.items():
        logging.getLogger(name).setLevel(before)


Configure = Callable[[str, logs.Style], Written]


def test_json_is_a_record_a_line(written: Configure) -> None:
    """Machines get time, level, part, event and facts; records of other libraries look the same."""
    log = written("info", "json")
    logs.logger("log").info("batch appended", events=12)
    logging.getLogger("asyncpg").warning("slow %s", "query")
    ours, theirs = log.records()
    assert (ours["event"], ours["level"], ours["part"], ours["events"]) == (
        "batch appended",
        "info",
        "log",
        12,
    )
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("slow query", "warning", "asyncpg")


def test_the_level_is_a_threshold(written: Configure) -> None:
    """Less important records cost nothing and appear nowhere."""
    log = written("warning", "json")
    logs.logger("log").info("unimportant")
    logging.getLogger("asyncpg").info("unimportant")
    logs.logger("log").warning("important")
    assert [record["event"] for record in log.records()] == ["important"]


def test_a_request_id_is_on_every_record_of_its_task(written: Configure) -> None:
    """Tasks do not see each other's, and what a task starts inherits it."""
    log = written("info", "json")

    async def request(request_id: str) -> None:
        logs.begin_request(request_id)
        await asyncio.sleep(0)  # lets the other request set its own
        logs.logger("test").info(request_id)
        logging.getLogger("asyncpg").warning(request_id)

    async def both() -> None:
        await asyncio.gather(request("first"), request("second"))

    asyncio.run(both())
    records = log.records()
    assert len(records) == 4
    assert all(record["request_id"] == record["event"] for record in records)


@pytest.mark.parametrize("style", ["json", "console"])
def test_secrets_are_masked(written: Configure, style: logs.Style) -> None:
    """Whoever logs a token, a password or a message by mistake logs stars."""
    log = written("debug", style)
    logs.logger("test").info("mistake", token="hunter2", password="hunter2", content="hunter2")
    logs.logger("test").error("mistake", email="hunter2", authorization="hunter2", refresh_token="hunter2")
    assert "mistake" in log.text()
    assert "hunter2" not in log.text()


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_traceback_shows_no_values(written: Configure, style: logs.Style) -> None:
    """Databases and validators repeat the refused value below their first line; variables hold it too."""
    log = written("info", style)
    # Not in the line itself: a traceback shows the source.
    secret = "hunter2"

    def insert(content: str) -> None:
        raise ValueError(f"value too long\nDETAIL: Failing row contains ({content}\n{content}).")

    try:
        try:
            insert(secret)
        except ValueError as error:
            raise RuntimeError("not saved") from error
    except RuntimeError:
        logs.logger("test").exception("failed")
        logging.getLogger("other").exception("failed too")
    said = log.text()
    assert said.count("ValueError: value too long") == 2
    assert said.count("RuntimeError: not saved") == 2
    assert "in insert" in said
    assert secret not in said


# As the server tells them: one whose first line quotes a value, and one whose DETAIL does.
BAD_VALUE = asyncpg.InvalidTextRepresentationError.new(
    {"C": "22P02", "M": 'invalid input syntax for type uuid: "hunter2"'}
)
DUPLICATE = asyncpg.UniqueViolationError.new(
    {
        "C": "23505",
        "M": 'duplicate key value violates unique constraint "users_email_key"',
        "D": "Key (email)=(hunter2) already exists.",
        "n": "users_email_key",
    }
)


def unwritable() -> asyncpg.DataError:
    """Return what the driver says of a value that it cannot write, as it says it."""
    error = asyncpg.DataError("invalid input for query argument $1: 'hunter2'")
    error.__cause__ = ValueError("hunter2 is no date")
    error.__cause__.__cause__ = KeyError("hunter2")
    return error


@pytest.mark.parametrize("style", ["json", "console"])
def test_errors_of_the_database_show_no_values(written: Configure, style: logs.Style) -> None:
    """Not even in their first line, nor in what caused them: class, SQLSTATE and constraint say enough."""
    log = written("debug", style)
    for error in (BAD_VALUE, DUPLICATE, unwritable()):
        try:
            raise Unavailable("not now") from error
        except Unavailable as caught:
            logs.logger("storage").exception("failed", reason=logs.reason_of(caught))
            logging.getLogger("other").exception("failed too")
    said = log.text()
    assert "hunter2" not in said
    for shown in (
        "InvalidTextRepresentationError: 22P02",
        "UniqueViolationError: 23505 users_email_key",
        "asyncpg.exceptions.DataError: 22000",
    ):
        assert said.count(shown) == 3, shown
    assert said.count("Unavailable: not now") == 6


def test_a_task_that_nobody_awaits_shows_no_values(written: Configure) -> None:
    """asyncio shows the task with its exception below its first line, and the exception as itself."""
    log = written("info", "json")

    async def fail() -> None:
        raise unwritable()

    async def forget() -> None:
        task = asyncio.create_task(fail())
        await asyncio.wait([task])
        # As the task itself does where it ends with an exception that nobody has asked for.
        said = {
            "message": "Task exception was never retrieved",
            "exception": task.exception(),
            "future": task,
        }
        asyncio.get_running_loop().call_exception_handler(said)

    asyncio.run(forget())
    (record,) = log.records()
    assert (record["logger"], record["event"]) == ("asyncio", "Task exception was never retrieved")
    assert "in fail" in record["exception"]
    assert "hunter2" not in log.text()


def test_a_reason_is_one_line_and_never_empty() -> None:
    """A timeout says nothing by itself, and our own errors say less than what caused them."""
    caused = Unavailable("not now")
    caused.__cause__ = TimeoutError()
    assert logs.reason_of(caused) == "TimeoutError"
    assert logs.reason_of(Unavailable("too many\nindeed")) == "parley.errors.Unavailable: too many"
    assert logs.reason_of(ConnectionResetError(104, "gone")) == "ConnectionResetError: [Errno 104] gone"
    assert logs.reason_of(DUPLICATE) == "asyncpg.exceptions.UniqueViolationError: 23505 users_email_key"


def test_a_command_says_only_what_matters_and_not_among_results() -> None:
    """Whoever sets no logs up has its results on standard output alone, and warnings on standard error."""
    code = """if True:
        from parley import logs

        logs.logger("storage").info("unimportant")
        logs.logger("storage").warning("important")
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert "important" in done.stderr
    assert "unimportant" not in done.stderr
    assert "part=storage" in done.stderr


def test_a_group_of_exceptions_is_shown_whole() -> None:
    """Each member of a group has its own traceback."""
    text = logs.exception_text(ExceptionGroup("several", [ValueError("one"), KeyError("two")]))
    assert "ExceptionGroup: several" in text
    assert "ValueError: one" in text
    assert "KeyError: 'two'" in text


def test_uvicorn_names_no_paths(written: Configure) -> None:
    """It would log a path with its token at INFO."""
    log = written("info", "json")
    logging.getLogger("uvicorn.error").info("/ws?token=hunter2")
    assert log.text() == ""


@pytest.mark.parametrize("style", ["json", "console"])
def test_lines_of_requests_are_written_together(written: Configure, style: logs.Style) -> None:
    """They wait for a moment, share one system call, and none is lost at the end."""
    log = written("info", style)

    async def serve() -> None:
        requests = logs.RequestLog(style)
        requests.line("GET", "/messages/{message_id}", 200, 0.00321, "first")
        requests.line("POST", "/messages", 201, 1.5, "second")
        assert log.text() == ""
        requests.flush()

    asyncio.run(serve())
    first, second = log.text().splitlines()
    if style == "json":
        record = json.loads(first)
        del record["timestamp"]
        assert record == {
            "level": "info",
            "event": "request",
            "method": "GET",
            "route": "/messages/{message_id}",
            "status": 200,
            "ms": 3.21,
            "request_id": "first",
        }
    else:
        assert first.endswith("GET /messages/{message_id} 200 3.2 ms request_id=first")
    assert "second" in second


def test_lines_of_requests_come_by_themselves(written: Configure) -> None:
    """Nobody has to flush a quiet server."""
    log = written("info", "json")

    async def serve() -> None:
        requests = logs.RequestLog("json")
        requests.line("GET", "/me", 200, 0.001, "first")
        async with asyncio.timeout(5):
            while not log.text():
                await asyncio.sleep(0.01)

    asyncio.run(serve())
    assert [record["request_id"] for record in log.records()] == ["first"]
