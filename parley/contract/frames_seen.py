"""For tests: each frame of a socket, in both directions, is held against the document, and what was found noted.

It goes into the file of `parley.contract.answers`: a line of JSON for each kind of frame and each close code when it
is first seen, and for each violation. The documented frames are those of `generated/frames.py`, whose tables say
which of them may be sent when. In production it is off.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from generated.frames import (
    CLIENT_SCHEMAS,
    CLOSES,
    EVENTS,
    HANDSHAKE,
    SENDS,
    SERVER_SCHEMAS,
    ClientFrameType,
    CloseCode,
    ServerFrameType,
    SocketState,
)
from parley import cursors
from parley.contract.problems import problems_of
from parley.contract.schemas import Schemas
from parley.realtime.deflate import inflate
from parley.realtime.handshake import Handshake
from parley.realtime.socket import Listener, Socket, SocketOptions
from parley.realtime.wire import COMPRESSED, Opcode

MAX_INFLATED = 16 * 1024 * 1024


class FramesRecorder:
    """Knows all documented frames; appends to the file. `make` goes into `Sockets`."""

    def __init__(self, document: Mapping[str, Any], protocol: Mapping[str, Any], file: Path) -> None:
        """`document` is the OpenAPI document, which has the schemas, and `protocol` the AsyncAPI document."""
        compiled = Schemas(document)

        def validator(name: str) -> Any:
            return compiled.validator({"$ref": f"#/components/schemas/{name}"})

        self._client = {frame: validator(name) for frame, name in CLIENT_SCHEMAS.items()}
        self._server = {frame: validator(name) for frame, name in SERVER_SCHEMAS.items()}
        messages = protocol["components"]["messages"]
        self._refusals = {
            # A frame that is not by its schema is refused as such, whatever it is.
            frame: {"validation_error"}
            | {refusal["code"] for refusal in messages[name].get("x-refusals", ())}
            for frame, name in CLIENT_SCHEMAS.items()
        }
        self._file = file
        self._noted: set[bytes] = set()
        # The sockets that one event goes to say the same, one after the other.
        self.sent = lru_cache(maxsize=4096)(self._sent)

    def make(
        self,
        transport: asyncio.Transport,
        handshake: Handshake,
        listener: Listener,
        options: SocketOptions,
        connections: set[Any],
    ) -> Socket:
        """Return a socket whose frames are checked."""
        return _CheckedSocket(self, transport, handshake, listener, options, connections)

    def note(self, direction: str, what: str | int, violation: str | None) -> None:
        """Write down what was seen: the type of a frame that was `sent` or `received`, or a close's code."""
        line = orjson.dumps(
            {"frame": direction, "type": what, "violation": violation}, option=orjson.OPT_APPEND_NEWLINE
        )
        if line not in self._noted:
            self._noted.add(line)
            with self._file.open("ab") as file:
                file.write(line)

    def received(self, text: str) -> ClientFrameType | None:
        """Return the type of a client's frame, and None where it is not as documented."""
        try:
            frame = orjson.loads(text)
            frame_type = ClientFrameType(frame["type"])
        except (ValueError, TypeError, KeyError):
            return None
        return frame_type if self._client[frame_type].is_valid(frame) else None

    def refuses(self, frame_type: str | None, code: str) -> bool:
        """Say whether a frame may be refused so; without a type it was none."""
        return code in self._refusals.get(frame_type or "", {"validation_error"})

    def _sent(self, payload: bytes) -> tuple[ServerFrameType | None, Mapping[str, Any], str | None]:
        """Return the type of a frame of the server, the frame, and what is wrong with it in itself."""
        frame = orjson.loads(payload)
        try:
            frame_type = ServerFrameType(frame["type"])
        except ValueError:
            return None, frame, f"there is no frame {frame['type']!r}"
        validator = self._server[frame_type]
        problems = "; ".join(f"{where}: {why}" for where, why in problems_of(validator, frame, "frame", 5))
        if not problems and (frame_type in EVENTS) != ("cursor" in frame):
            problems = "events have a cursor, and notices have none"
        return frame_type, frame, problems or None


class _CheckedSocket(Socket):
    """A socket that tells the recorder all that passes, and knows the order in which it may.

    Beside the document's tables it holds the promise: cursors grow, and a conversation's messages follow each other.
    """

    def __init__(
        self,
        recorder: FramesRecorder,
        transport: asyncio.Transport,
        handshake: Handshake,
        listener: Listener,
        options: SocketOptions,
        connections: set[Any],
    ) -> None:
        super().__init__(transport, handshake, listener, options, connections)
        said = handshake.request
        begins_open = "token" in said.query or said.headers.get("authorization", "").lower().startswith(
            "bearer "
        )
        self._recorder = recorder
        self._at = SocketState.OPEN if begins_open else SocketState.AUTHENTICATING
        self._peer_closes = False
        self._greeted = False
        # What `ready` or `resync` said last, and the last event.
        self._stands_at = 0
        self._cursor = 0
        self._seqs: dict[str, int] = {}
        self._errors: list[str] = []
        self._hidden = self.write
        self.write = self._write_checked

    def _write_by(self, write: Callable[[bytes], None]) -> None:
        self._hidden = write

    def _write_checked(self, framed: bytes) -> None:
        for opcode, payload in _frames(framed):
            if opcode is Opcode.TEXT:
                self._check_sent(payload)
            elif opcode is Opcode.CLOSE:
                self._check_close(int.from_bytes(payload[:2]) if payload else CloseCode.NORMAL)
        self._hidden(framed)

    def _check_sent(self, payload: bytes) -> None:
        frame_type, frame, violation = self._recorder.sent(payload)
        if frame_type is not None and violation is None:
            violation = self._misplaced(frame_type, frame)
        if frame_type is ServerFrameType.ERROR and violation is None:
            self._errors.append(frame["data"]["code"])
        self._recorder.note(
            "sent", str(frame["type"]), violation and f"{violation}: {payload.decode()[:300]}"
        )

    def _misplaced(self, frame_type: ServerFrameType, frame: Mapping[str, Any]) -> str | None:
        if frame_type not in SENDS[self._at]:
            return f"it is not sent while {self._at}"
        if frame_type in (ServerFrameType.READY, ServerFrameType.RESYNC):
            position = cursors.decode(frame["data"]["cursor"]).position
            before, self._stands_at = self._stands_at, position
            if self._greeted and frame_type is ServerFrameType.READY and position < max(before, self._cursor):
                return f"it says {position}, and the client stands at {max(before, self._cursor)}"
        if frame_type is ServerFrameType.ERROR:
            code, refused = frame["data"]["code"], frame["data"]["frame"]
            return (
                None if self._recorder.refuses(refused, code) else f"{code} is not documented for {refused}"
            )
        if frame_type is ServerFrameType.READY:
            self._greeted = True
        elif frame_type in EVENTS | {ServerFrameType.RESYNC} and not self._greeted:
            return "it comes before ready"
        if frame_type is ServerFrameType.RESYNC:
            self._seqs.clear()
        if frame_type not in EVENTS:
            return None
        position = cursors.decode(frame["cursor"]).position
        before, self._cursor = self._cursor, position
        if position <= before:
            return f"{position} comes after {before}"
        return self._out_of_order(frame_type, frame)

    def _out_of_order(self, frame_type: ServerFrameType, frame: Mapping[str, Any]) -> str | None:
        data = frame["data"]
        if frame_type is ServerFrameType.MEMBER_REMOVED:
            # Whoever comes back later missed what was said meanwhile.
            self._seqs.pop(data["conversation_id"], None)
        if frame_type is not ServerFrameType.MESSAGE:
            return None
        before = self._seqs.get(data["conversation_id"])
        self._seqs[data["conversation_id"]] = frame["seq"]
        if before is not None and frame["seq"] != before + 1:
            return f"seq {frame['seq']} comes after {before}"
        return None

    def _check_close(self, code: int) -> None:
        violation = None
        if self._peer_closes:
            # The answer has the client's own code.
            code = CloseCode.NORMAL
        elif code not in frozenset(CloseCode):
            violation = f"{code}: there is no such code"
        elif CloseCode(code) not in CLOSES[self._at]:
            violation = f"{code}: it does not close so while {self._at}"
        self._at = SocketState.CLOSING
        self._recorder.note("close", code, violation)

    def _take(self, opcode: Opcode, payload: bytes) -> None:
        if opcode is Opcode.CLOSE:
            self._peer_closes = True
        if opcode is not Opcode.TEXT or self._at is SocketState.CLOSING:
            super()._take(opcode, payload)
            return
        at, text = self._at, payload.decode(errors="replace")
        frame_type = self._recorder.received(text)
        if frame_type is not None and HANDSHAKE[at, frame_type].allowed:
            self._at = HANDSHAKE[at, frame_type].then
        self._errors.clear()
        super()._take(opcode, payload)
        self._recorder.note("received", frame_type or "refused", self._misread(at, frame_type, text))

    def _misread(self, at: SocketState, frame_type: ClientFrameType | None, text: str) -> str | None:
        """Say what is wrong with what the server made of a frame at once; `_misplaced` judges each error's code."""
        if self._at is SocketState.CLOSING:
            return None
        if (
            at is SocketState.AUTHENTICATING
            and frame_type is not None
            and not HANDSHAKE[at, frame_type].allowed
        ):
            return None if self._errors == ["unauthorized"] else f"nobody has said who says it: {text[:300]}"
        if frame_type is None:
            return None if self._errors == ["validation_error"] else f"it was not refused: {text[:300]}"
        return None


def _frames(framed: bytes) -> Iterator[tuple[Opcode, bytes]]:
    """Take joined frames apart; text comes out as it was before it was compressed."""
    at = 0
    while at < len(framed):
        first, size, at = framed[at], framed[at + 1], at + 2
        width = {126: 2, 127: 8}.get(size, 0)
        if width:
            size, at = int.from_bytes(framed[at : at + width]), at + width
        payload, at = framed[at : at + size], at + size
        yield Opcode(first & 0x0F), inflate(payload, MAX_INFLATED) if first & COMPRESSED else payload
