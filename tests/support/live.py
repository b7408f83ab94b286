"""Live connections without a network: they join a real hub, and what is written to them is read as frames."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from generated.frames import SERVER_MODELS, ServerFrameType
from parley.ids import uuid7
from parley.realtime.hub import Hub
from parley.realtime.window import LiveEvent, Window


@dataclass
class Ticking:
    """A clock in seconds that only tests move."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


class Pipe:
    """Stands for a socket whose peer has `buffered` bytes to read."""

    def __init__(self) -> None:
        self.buffered = 0
        self.writes: list[bytes] = []
        self.written = asyncio.Event()

    def write(self, framed: bytes) -> None:
        self.writes.append(framed)
        self.written.set()


@dataclass(eq=False)
class Live:
    """A connection of a user."""

    user_id: UUID
    session_id: UUID = field(default_factory=uuid7)
    streams: set[UUID] = field(default_factory=set)
    socket: Pipe = field(default_factory=Pipe)
    was_cut: bool = False

    def deliver(self, framed: bytes, frames: int, position: int) -> None:
        """Write frames, as the hub asks."""
        self.socket.write(framed)

    def log_was_reset(self) -> None:
        """Nothing is to be done here."""

    def cut(self) -> None:
        """Remember it."""
        self.was_cut = True

    def heard(self) -> list[dict[str, Any]]:
        """Return the frames that came since the last time, each of which is as the document has it."""
        framed, self.socket.writes = b"".join(self.socket.writes), []
        return [read(payload) for payload in payloads(framed)]

    def told(self) -> list[tuple[Any, ...]]:
        """Return their data without names, for notices of typing and presence."""
        return [tuple(frame["data"].values()) for frame in self.heard()]


def read(payload: bytes) -> dict[str, Any]:
    frame: dict[str, Any] = orjson.loads(payload)
    SERVER_MODELS[ServerFrameType(frame["type"])].model_validate_json(payload)
    return frame


def payloads(framed: bytes) -> Iterable[bytes]:
    """Take joined frames apart: unmasked, final, text."""
    at = 0
    while at < len(framed):
        assert framed[at] == 0x81
        size, at = framed[at + 1], at + 2
        extended = {126: 2, 127: 8}.get(size, 0)
        if extended:
            size, at = int.from_bytes(framed[at : at + extended]), at + extended
        yield framed[at : at + size]
        at += size


def hub() -> Hub:
    """Return a hub of a log without events."""
    return Hub(Window(0))


def join(hub: Hub, user_id: UUID, *streams: UUID) -> Live:
    """Let a new connection be live."""
    live = Live(user_id)
    hub.join(live, streams)
    return live


def remove(hub: Hub, stream_id: UUID, user_id: UUID) -> None:
    """Let somebody be removed from a conversation, by an event of the log."""
    hub.publish([LiveEvent(hub.position + 1, stream_id, b"", leaves=frozenset([user_id]))])
