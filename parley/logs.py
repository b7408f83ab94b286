"""Logs: one line per record on standard error, for people (console) or machines (JSON).

What people write never stands in a log. Values under the names in `_SECRET` are masked. Of an exception only
the first line of its message is shown, because a validator repeats the refused value in the lines below; of one
of the database, or of its driver, not even that line, because both quote values there: their class, the SQLSTATE
and the constraint say what happened. A request is logged by its route's template, never by its path or query,
which may hold a token.

How Parley logs, in every module that does: `_log = logs.logger("webhooks")`, by the package the module is of, or
its own name where it stands alone; that is the record's `part`. The event is a sentence without a capital and a
full stop, and the same for every record of its kind: what differs is in fields. Why something failed is
`reason=logs.reason_of(error)`, or `_log.exception(...)` where nobody foresaw it, and never `str(error)`. What
is tried again and again says so through an `Outage`.
"""

import asyncio
import logging
import sys
import traceback
from collections.abc import Callable, Iterator, MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
import structlog

Style = Literal["console", "json"]
Fields = MutableMapping[str, Any]

_SECRET = frozenset(
    {
        "access_token",
        "authorization",
        "body",
        "content",
        "cookie",
        "email",
        "metadata",
        "password",
        "query",
        "refresh_token",
        "secret",
        "token",
    }
)
# uvicorn names paths with their query at INFO, and connexion each operation it finds.
_QUIET = {"uvicorn": logging.WARNING, "asyncio": logging.WARNING, "connexion": logging.WARNING}

# Seconds that the line of a request may wait for others, so that they are written by one system call.
_REQUEST_DELAY = 0.1
_REQUEST_BUFFER = 500

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def configure(level: str = "info", style: Style = "console") -> None:
    """Set logging up for this process; may be called again."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    renderer = _renderer(style)
    _configure_ours(threshold, renderer, structlog.WriteLoggerFactory(sys.stderr))
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, _first_line_of_asyncio, *_PROCESSORS],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=threshold, force=True)
    for name, floor in _QUIET.items():
        logging.getLogger(name).setLevel(max(floor, threshold))


def logger(part: str) -> Any:
    """Return the logger of a part of Parley: `logger("storage").info("batch appended", events=12)`."""
    return structlog.get_logger(part=part)


class Outage:
    """Says once that something has to wait, and not with every try, until it was possible again."""

    def __init__(self, log: Any, event: str) -> None:
        self._log = log
        self._event = event
        self._is_told = False

    def tell(self, error: BaseException, **facts: object) -> None:
        """Warn of it, unless that was done."""
        if not self._is_told:
            self._is_told = True
            self._log.warning(self._event, reason=reason_of(error), **facts)

    def is_over(self) -> None:
        """Warn again the next time."""
        self._is_told = False


def begin_request(request_id: str) -> None:
    """Put `request_id` on every record of this task, and of those it starts."""
    _request_id.set(request_id)


class RequestLog:
    """Writes a line for each request. Lines wait for a moment, so that many share one system call.

    Through structlog a line cost 6 to 17 microseconds, a tenth of a quick request; this costs one or two.
    """

    def __init__(self, style: Style = "console") -> None:
        self._style = style
        self._lines: list[bytes] = []
        self._flush_later: asyncio.TimerHandle | None = None

    def line(self, method: str, route: str, status: int, seconds: float, request_id: str) -> None:
        """Log one answer. `route` is the template of the path, as in the contract."""
        if self._style == "json":
            text = orjson.dumps(
                {
                    "timestamp": datetime.now(UTC),
                    "level": "info",
                    "event": "request",
                    "method": method,
                    "route": route,
                    "status": status,
                    "ms": round(seconds * 1000, 2),
                    "request_id": request_id,
                },
                option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE,
            )
        else:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            ms = seconds * 1000
            said = f"{now} [info     ] {method} {route} {status} {ms:.1f} ms request_id={request_id}\n"
            text = said.encode(errors="backslashreplace")
        self._lines.append(text)
        if len(self._lines) >= _REQUEST_BUFFER:
            self.flush()
        elif self._flush_later is None:
            self._flush_later = asyncio.get_running_loop().call_later(_REQUEST_DELAY, self.flush)

    def flush(self) -> None:
        """Write what is waiting; called at the end of the process too."""
        if self._flush_later is not None:
            self._flush_later.cancel()
            self._flush_later = None
        lines, self._lines = self._lines, []
        sys.stderr.write(b"".join(lines).decode())
        sys.stderr.flush()


def reason_of(error: BaseException) -> str:
    """Say in a line why something failed: never empty, and without values. What clients read gives way to its cause."""
    while error.__cause__ is not None and type(error).__module__ == "parley.errors":
        error = error.__cause__
    return _said(error)


def exception_text(error: BaseException) -> str:
    """Format an exception and what caused it: whole tracebacks, but of each message what may be shown."""
    return "".join(_exception_lines(error)).rstrip("\n")


def _exception_lines(error: BaseException, *, hushed: bool = False) -> Iterator[str]:
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None:
        # The driver could not write a value, say, and what caused that is an error which quotes it.
        is_quoting = earlier is error.__cause__ and _quotes_values(error)
        yield from _exception_lines(earlier, hushed=hushed or is_quoting)
        yield "\nand because of that:\n\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{_name(type(error)) if hushed else _said(error)}\n"
    if isinstance(error, BaseExceptionGroup):
        for number, part in enumerate(error.exceptions, start=1):
            yield f"\n{number}. in that group:\n"
            yield from _exception_lines(part)


def _said(error: BaseException) -> str:
    """Return the class of an error, and of what it says what may be shown."""
    if _quotes_values(error):
        facts = (getattr(error, name, None) for name in ("sqlstate", "constraint_name"))
        shown = " ".join(str(fact) for fact in facts if fact)
    else:
        shown = str(error).partition("\n")[0]
    return f"{_name(type(error))}: {shown}" if shown else _name(type(error))


def _quotes_values(error: BaseException) -> bool:
    """Whether an error is the database's or its driver's, known by name: this module needs no database."""
    return any(kind.__module__.partition(".")[0] == "asyncpg" for kind in type(error).__mro__)


def _name(kind: type[BaseException]) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _with_request_id(_logger: object, _method: str, fields: Fields) -> Fields:
    request_id = _request_id.get()
    if request_id is not None:
        fields.setdefault("request_id", request_id)
    return fields


def _with_exception(_logger: object, _method: str, fields: Fields) -> Fields:
    given = fields.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        fields["exception"] = exception_text(error)
    return fields


def _first_line_of_asyncio(_logger: object, _method: str, fields: Fields) -> Fields:
    # Below it stands the task with its whole exception, which is formatted here, or not shown at all.
    if fields.get("logger") == "asyncio":
        fields["event"] = str(fields["event"]).partition("\n")[0]
    return fields


def _without_secrets(_logger: object, _method: str, fields: Fields) -> Fields:
    for name in _SECRET & fields.keys():
        fields[name] = "**********"
    return fields


_PROCESSORS: list[structlog.typing.Processor] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _with_request_id,
    _with_exception,
    _without_secrets,
]


def _renderer(style: Style) -> structlog.typing.Processor:
    if style == "console":
        return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return structlog.processors.JSONRenderer(_dumps)


def _dumps(value: object, **options: Any) -> str:
    return orjson.dumps(value, **options).decode()


def _configure_ours(
    threshold: int, renderer: structlog.typing.Processor, writers: Callable[..., Any]
) -> None:
    structlog.configure(
        processors=[*_PROCESSORS, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=writers,
        cache_logger_on_first_use=False,
    )


if not structlog.is_configured():
    # A command sets nothing up: by itself structlog would print everything on standard output, among results.
    _configure_ours(
        logging.WARNING,
        structlog.dev.ConsoleRenderer(colors=False),
        lambda *_: structlog.WriteLogger(sys.stderr),
    )
