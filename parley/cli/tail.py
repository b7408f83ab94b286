"""`parley tail`: what happens to a user, as it happens. The smallest client that keeps to the whole document.

It keeps the cursor of the last thing that had one, does as the code of a close says, and waits a random part of a
second before it comes back, longer each time that it fails.
"""

import contextlib
import json
import random
import sys
import time
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import typer

from generated.frames import EVENTS, CloseCode, Reconnect, ServerFrameType
from parley.cli import printable
from parley.cli.outcomes import Refused
from parley.cli.passwords import ask_password
from parley.cli.remote import TIMEOUT, Remote

# Seconds that it waits at the most, beside what a close code says.
_LONGEST_WAIT = 30.0
# Refusals of a handshake that pass by themselves.
_PASSING = frozenset((429, 500, 502, 503, 504))


def tail(
    email: str | None = typer.Argument(
        None, help="Who to log in as; the password is asked for. Without it a token is."
    ),
    url: str = typer.Option("http://127.0.0.1:8080", help="Where the server is."),
    after: str | None = typer.Option(
        None, help="The cursor to go on from; 0 is the beginning of what is kept. Without it: from now on."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print each frame as a line of JSON."),
) -> None:
    """Print what happens to a user, as it happens, and come back when the connection breaks. Ctrl-C ends it.

    The password, or an access token, is the first line of standard input where nobody types.
    """
    server = Remote(url)
    if email is None:
        tokens = {"access_token": ask_password("Token", confirm=False)}
    else:
        tokens = _tokens(server, "/v1/auth/login", {"email": email, "password": ask_password(confirm=False)})
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        _Tail(server, tokens, after, as_json=as_json).run()


def _tokens(server: Remote, path: str, body: dict[str, str]) -> dict[str, Any]:
    """Return the tokens that a request is answered with. Raises Refused with the server's own words."""
    answer = server.ask("POST", path, body, Idempotency_Key=str(uuid4()))
    if answer.status != 200:
        raise Refused(f"{answer.message or f'The server answers {answer.status}'}.")
    tokens: dict[str, Any] = answer.json()
    return tokens


class _Tail:
    """One user's events. `cursor` is that of the last thing that had one."""

    def __init__(self, server: Remote, tokens: dict[str, Any], cursor: str | None, *, as_json: bool) -> None:
        self._server = server
        self._tokens = tokens
        self._cursor = cursor
        self._as_json = as_json
        self._failures = 0
        self._was_there = False
        self._is_renewed = False

    def run(self) -> None:
        """Listen for ever. Raises Refused where coming back would not help."""
        while True:
            code = self._listen()
            if not code.keep_cursor:
                self._cursor = None
            if code.reconnect is Reconnect.NEW_TOKEN:
                self._renew(code)
            elif code.reconnect in (Reconnect.NEVER, Reconnect.NEW_SESSION):
                raise Refused(code.meaning)
            time.sleep(code.after_seconds + random.uniform(0, min(2.0**self._failures, _LONGEST_WAIT)))
            self._failures += 1

    def _listen(self) -> CloseCode:
        """Print what comes until the socket closes, and return why it did."""
        from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
        from websockets.sync.client import connect

        query = "" if self._cursor is None else f"?cursor={quote(self._cursor)}"
        headers = {"Authorization": f"Bearer {self._tokens['access_token']}"}
        try:
            with connect(
                self._server.socket + query, additional_headers=headers, max_size=None, open_timeout=TIMEOUT
            ) as socket:
                while True:
                    self._take(json.loads(socket.recv()))
        except ConnectionClosed as ended:
            return _code(None if ended.rcvd is None else ended.rcvd.code)
        except InvalidStatus as refusal:
            if refusal.response.status_code not in _PASSING:
                raise Refused(f"The server answers {refusal.response.status_code}.") from None
            return CloseCode.UNAVAILABLE
        except (OSError, TimeoutError, InvalidHandshake) as error:
            if not self._was_there:
                raise self._server.unreachable(error) from None
            return CloseCode.GOING_AWAY

    def _take(self, frame: dict[str, Any]) -> None:
        kind, data = frame["type"], frame["data"]
        if kind in EVENTS or kind == ServerFrameType.RESYNC:
            typer.echo(printable.as_json(frame) if self._as_json else printable.line(_as_text(kind, data)))
            # Whoever reads a pipe wants it now.
            sys.stdout.flush()
        if kind == ServerFrameType.READY:
            self._failures = 0
            self._was_there, self._is_renewed = True, False
        # Only what was printed counts as received.
        if kind in (ServerFrameType.READY, ServerFrameType.RESYNC):
            self._cursor = data["cursor"]
        elif "cursor" in frame:
            self._cursor = frame["cursor"]

    def _renew(self, code: CloseCode) -> None:
        if "refresh_token" not in self._tokens or self._is_renewed:
            raise Refused(code.meaning)
        body = {"refresh_token": self._tokens["refresh_token"]}
        self._tokens = _tokens(self._server, "/v1/auth/refresh", body)
        self._is_renewed = True


def _code(number: int | None) -> CloseCode:
    """Return a code of the document. Without one the connection broke; one of later versions passes, perhaps."""
    if number is None:
        return CloseCode.GOING_AWAY
    try:
        return CloseCode(number)
    except ValueError:
        return CloseCode.INTERNAL_ERROR


def _as_text(kind: str, data: dict[str, Any]) -> str:
    match kind:
        case "message" | "message.updated" | "message.deleted":
            content = "(deleted)" if data["content"] is None else data["content"]
            return f"{kind:<21} {data['conversation_id']} #{data['seq']} {data['sender_id']}: {content}"
        case "resync":
            return f"{kind:<21} {data['reason']}: something is missing here; read afresh"
    where = data.get("conversation_id") or data.get("group_id") or data.get("id")
    rest = " ".join(
        f"{name}={data[name]}"
        for name in ("user_id", "role", "name", "kind", "display_name", "read_seq", "delivered_seq")
        if data.get(name) is not None
    )
    return f"{kind:<21} {where} {rest}".rstrip()
