"""A server somewhere, as a client of its REST side sees it."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import SplitResult, urlsplit

from parley.cli.outcomes import Surroundings, Usage

TIMEOUT = 30.0
_NO_ADDRESS = (
    "That is no address of a server; it is one such as https://chat.example.com or http://[::1]:8000."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `headers` are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)

    @property
    def message(self) -> str | None:
        """What an error says, if it is one of ours."""
        return self._error("message")

    @property
    def code(self) -> str | None:
        """The code of an error, if it is one of ours."""
        return self._error("code")

    def _error(self, name: str) -> str | None:
        try:
            told: str = self.json()["error"][name]
        except (ValueError, KeyError, TypeError):
            return None
        return told


class Remote:
    """A server by its address; `socket` is where its sockets are. Raises Usage where it is no such address."""

    def __init__(self, url: str) -> None:
        parts = _parts(url)
        self.url = url.rstrip("/")
        self.socket = f"{parts.scheme.replace('http', 'ws')}{self.url[len(parts.scheme) :]}/ws"

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request, and return whatever comes back. Raises Surroundings where nothing does."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(self.url + path, content, sent, method=method)  # noqa: S310 - http(s) only
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 - likewise
                return _read(answer)
        except urllib.error.HTTPError as error:
            return _read(error)
        except (OSError, HTTPException) as error:
            raise self.unreachable(error) from None

    def unreachable(self, error: Exception) -> Surroundings:
        """Say that the server cannot be reached, and why."""
        return Surroundings(f"{self.url} cannot be reached: {getattr(error, 'reason', error)}.")


def _parts(url: str) -> SplitResult:
    """Take the address of a server apart. Raises Usage where it is none that every reader takes for the same."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")
        is_one = parts.port != 0 and host and not ("@" in parts.netloc or parts.query or parts.fragment)
    except ValueError:
        # An IPv6 address without its end, a port that is no number, a name with an empty part.
        raise Usage(_NO_ADDRESS) from None
    if parts.scheme not in ("http", "https"):
        raise Usage("The server's address begins with http:// or https://.")
    if not is_one or not parts.path.isascii() or not url.isprintable() or " " in url:
        raise Usage(_NO_ADDRESS)
    return parts


def _read(answer: Any) -> Answer:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Answer(answer.status, headers, answer.read())
