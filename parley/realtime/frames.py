"""What the server says, encoded once however many sockets it goes to."""

from typing import Any

import orjson

from parley.model import JSON_OPTIONS, write_identifier


def encode(frame_type: str, data: Any, cursor: str | None = None, seq: int | None = None) -> bytes:
    """Return a frame's JSON: durable events have a cursor, and a seq where a conversation orders them."""
    frame = {"type": frame_type, "data": data}
    if cursor is not None:
        frame["cursor"] = cursor
    if seq is not None:
        frame["seq"] = seq
    return encode_data(frame)


def encode_data(data: Any) -> bytes:
    """Return the JSON of something that is to stand in a frame."""
    return orjson.dumps(data, default=write_identifier, option=JSON_OPTIONS)
