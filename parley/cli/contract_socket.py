"""Looks at the socket of a server: its frames, how it greets and resumes, and with which codes it closes."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

import jsonschema_rs
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from parley.cli.deployment import Deployment, Person
from parley.cli.remote import Answer
from parley.contract.schemas import Schemas

_TIMEOUT = 15.0
_FRAMES = 200
# What is no frame at all, as often as it takes.
_NONSENSE = '{"type": "nonsense"}'
# The same code as in the errors of REST.
_CODE_OF_NONSENSE = "validation_error"


class NotAsDocumented(Exception):
    """The server did something else; `str(error)` says what."""


@dataclass(frozen=True, slots=True)
class SocketCheck:
    """One thing to look at; `look` returns what is wrong, or None."""

    subject: str
    look: Callable[[Deployment], str | None]


class Listener:
    """An open socket each frame of which is held against the server's own document."""

    def __init__(self, deployment: Deployment, socket: ClientConnection) -> None:
        self._validator = _validator(deployment)
        self.socket = socket

    def say(self, frame_type: str, **data: Any) -> None:
        """Send a frame."""
        self.socket.send(json.dumps({"type": frame_type, "data": data}))

    def until(self, frame_type: str, about: str | None = None) -> dict[str, Any]:
        """Return the next frame of a type, about something with this id. Raises NotAsDocumented."""
        for frame in self._frames(frame_type):
            if frame["type"] == frame_type and about in (None, frame["data"].get("id")):
                return frame
        raise NotAsDocumented(f"no {frame_type} comes")

    def hears_once(self, event: Mapping[str, Any]) -> None:
        """Raise NotAsDocumented where an event that has come comes again before the answer to a ping."""
        self.say("ping", id="once")
        for frame in self._frames("pong"):
            if frame["type"] == "pong":
                return
            if (frame["type"], frame.get("cursor")) == (event["type"], event["cursor"]):
                raise NotAsDocumented(f"the same {event['type']} comes twice, with the same cursor")
        raise NotAsDocumented("no pong comes")

    def _frames(self, expected: str) -> Iterator[dict[str, Any]]:
        """Yield what comes until nothing does. Raises NotAsDocumented."""
        for _ in range(_FRAMES):
            try:
                frame = json.loads(self.socket.recv(timeout=_TIMEOUT))
            except TimeoutError:
                return
            except ConnectionClosed as closed:
                raise NotAsDocumented(f"it is closed with {_code(closed)} before a {expected}") from None
            self._judge(frame)
            yield frame

    def closes(self) -> int | None:
        """Return the code with which the server closes; whatever it says before is held against the document."""
        try:
            while True:
                self._judge(json.loads(self.socket.recv(timeout=_TIMEOUT)))
        except ConnectionClosed as closed:
            return _code(closed)
        except TimeoutError:
            return None

    def _judge(self, frame: Any) -> None:
        for error in self._validator.iter_errors(frame):
            kind = frame.get("type") if isinstance(frame, dict) else None
            raise NotAsDocumented(f"a {kind} frame is not as documented: {error.message}")


@cache
def _validator(deployment: Deployment) -> jsonschema_rs.Validator:
    return Schemas(deployment.openapi).validator(deployment.openapi["x-frames"]["server"])


def _code(closed: ConnectionClosed) -> int | None:
    return None if closed.rcvd is None else closed.rcvd.code


@contextmanager
def _open(
    deployment: Deployment, query: str = "", person: Person | None = None, origin: str | None = None
) -> Iterator[Listener]:
    headers = {} if person is None else {"Authorization": f"Bearer {person.token}"}
    with connect(
        deployment.socket + query,
        additional_headers=headers,
        origin=origin,  # type: ignore[arg-type]  # a NewType of str
        open_timeout=_TIMEOUT,
        close_timeout=1,
        max_size=None,
    ) as socket:
        yield Listener(deployment, socket)


def _told(look: Callable[[Deployment], object]) -> Callable[[Deployment], str | None]:
    """Make a sentence of what is wrong."""

    def looked(deployment: Deployment) -> str | None:
        try:
            look(deployment)
        except NotAsDocumented as error:
            return str(error)
        except InvalidStatus as error:
            return f"the handshake is refused with {error.response.status_code}"
        except (OSError, TimeoutError) as error:
            return f"the socket cannot be opened: {error}"
        except WebSocketException as error:
            return f"the socket breaks: {error}"
        except json.JSONDecodeError as error:
            return f"a frame is no JSON: {error}"
        return None

    return looked


def _token_in_url(deployment: Deployment) -> None:
    with _open(deployment, f"?token={deployment.people[1].token}") as listener:
        listener.until("ready")


def _token_in_header(deployment: Deployment) -> None:
    with _open(deployment, person=deployment.people[1]) as listener:
        listener.until("ready")


def _token_in_frame(deployment: Deployment) -> None:
    with _open(deployment) as listener:
        listener.say("auth", token=deployment.people[1].token)
        listener.until("ready")


def _ping(deployment: Deployment) -> None:
    with _open(deployment, person=deployment.people[1]) as listener:
        listener.until("ready")
        listener.say("ping", id="contract")
        if listener.until("pong")["data"].get("id") != "contract":
            raise NotAsDocumented("the pong has not the id of the ping")


def _bad_frame(deployment: Deployment) -> None:
    with _open(deployment, person=deployment.people[1]) as listener:
        listener.until("ready")
        listener.socket.send(_NONSENSE)
        code = listener.until("error")["data"]["code"]
        if code != _CODE_OF_NONSENSE:
            raise NotAsDocumented(f"an unknown frame is refused as {code} and not as {_CODE_OF_NONSENSE}")


def _delivery(deployment: Deployment) -> None:
    """A message arrives, and comes again to whoever comes back with the cursor before it."""
    with _open(deployment, person=deployment.people[1]) as listener:
        start = listener.until("ready")["data"]["cursor"]
        said = deployment.say("Is anybody there?")
        first = listener.until("message", about=said["id"])
        listener.hears_once(first)
    with _open(deployment, f"?cursor={quote(start)}", deployment.people[1]) as listener:
        again = listener.until("message", about=said["id"])
        listener.hears_once(again)
    if (first["cursor"], first["data"]["seq"]) != (again["cursor"], again["data"]["seq"]):
        raise NotAsDocumented("the message has another cursor or seq when it comes again")


def _foreign_origin(deployment: Deployment) -> None:
    """A server may allow any origin; else the handshake is refused with 403."""
    with contextlib.suppress(InvalidStatus):
        with _open(deployment, person=deployment.people[1], origin="https://foreign.example") as listener:
            listener.until("ready")
        return
    _refused(deployment, "GET", 403, Origin="https://foreign.example")


def _no_handshake(deployment: Deployment) -> None:
    _refused(deployment, "GET", 426)
    _refused(deployment, "POST", 405)


def _refused(deployment: Deployment, method: str, expected: int, **headers: str) -> None:
    if headers:
        headers |= {
            "Upgrade": "websocket",
            "Sec_WebSocket_Version": "13",
            "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        # urllib closes every connection, which is no upgrade; so the refusal is read from a real handshake.
        try:
            with _open(deployment, origin=headers["Origin"]):
                return
        except InvalidStatus as error:
            status = error.response.status_code
    else:
        answer = deployment.ask(method, "/ws")
        status = answer.status
        _judge_refusal(deployment, answer)
    if status != expected:
        raise NotAsDocumented(f"{method} /ws answers {status} and not {expected}")


def _judge_refusal(deployment: Deployment, answer: Answer) -> None:
    """Hold the code and the headers of a refusal over HTTP against the document."""
    refusals = deployment.asyncapi.get("x-handshake", {}).get("refusals", ())
    for refusal in (each for each in refusals if each["status"] == answer.status):
        if answer.code != refusal["code"]:
            raise NotAsDocumented(f"{answer.status} has the code {answer.code} and not {refusal['code']}")
        for name in refusal.get("headers", ()):
            if name.lower() not in answer.headers:
                raise NotAsDocumented(f"{answer.status} comes without the header {name}")


def _closing(
    name: str, provoke: Callable[[Listener], object], query: str = "", *, known: bool = True
) -> SocketCheck:
    """Make a check that a socket is closed with the code that the server's document has under a name."""

    def look(deployment: Deployment) -> None:
        codes = {each["name"]: each["code"] for each in deployment.asyncapi["x-close-codes"]}
        if name not in codes:
            raise NotAsDocumented(f"x-close-codes has no {name}")
        with _open(deployment, query, deployment.people[0] if known else None) as listener:
            with contextlib.suppress(ConnectionClosed):
                provoke(listener)
            code = listener.closes()
        if code != codes[name]:
            raise NotAsDocumented(f"it is closed with {code} and not with {codes[name]} ({name})")

    return SocketCheck(f"closes as {name}", _told(look))


def _nothing(listener: Listener) -> None:
    """The handshake was enough."""


def _binary(listener: Listener) -> None:
    listener.until("ready")
    listener.socket.send(b"binary")


def _huge(listener: Listener) -> None:
    listener.until("ready")
    listener.socket.send(json.dumps({"type": "ping", "data": {"id": "x" * 2_000_000}}))


def _much_nonsense(listener: Listener) -> None:
    listener.until("ready")
    for _ in range(100):
        listener.socket.send(_NONSENSE)


def _session_ends(deployment: Deployment) -> None:
    person = deployment.people[0].again()
    codes = {each["name"]: each["code"] for each in deployment.asyncapi["x-close-codes"]}
    with _open(deployment, person=person) as listener:
        listener.until("ready")
        person.ask("POST", "/auth/logout")
        code = listener.closes()
    if code != codes.get("session_revoked"):
        raise NotAsDocumented(f"it is closed with {code} and not with {codes.get('session_revoked')}")


# A user may connect ten times a minute, so the two people share them.
SOCKET_CHECKS = (
    SocketCheck("takes a token in the URL", _told(_token_in_url)),
    SocketCheck("takes a token in the header", _told(_token_in_header)),
    SocketCheck("takes a token in a frame", _told(_token_in_frame)),
    SocketCheck("answers a ping by a pong", _told(_ping)),
    SocketCheck("says what is wrong with a frame", _told(_bad_frame)),
    SocketCheck("delivers a message, and again after its cursor", _told(_delivery)),
    SocketCheck("refuses what is no handshake", _told(_no_handshake)),
    SocketCheck("lets pages of foreign origins in only if it means to", _told(_foreign_origin)),
    _closing("unauthorized", _nothing, "?token=nonsense", known=False),
    _closing("unsupported_data", _binary),
    _closing("frame_too_big", _huge),
    _closing("bad_frame", _much_nonsense),
    SocketCheck("closes as session_revoked", _told(_session_ends)),
)
