"""Bodies: read no further than allowed, and JSON that every reader reads the same way."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley.contract.bodies import MAX_DEPTH, MAX_INTEGER, check_media_type, parse_json, read_body
from parley.contract.errors import ClientGone, PayloadTooLarge, UnsupportedMediaType
from parley.errors import Invalid

pytestmark = pytest.mark.anyio


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff", "Must be UTF-8"),
        (b'{"a": "\xc3\x28"}', "Must be UTF-8"),
        (b"\xef\xbb\xbf{}", "Is not JSON"),
        (b"{", "Is not JSON: line 1, column 2"),
        (b"{} {}", "Is not JSON"),
        (b"{'a': 1}", "Is not JSON"),
        (b'{"a": 1,}', "Is not JSON"),
        (b'"a\nb"', "Is not JSON"),
        (b"NaN", "it has NaN"),
        (b"[Infinity]", "it has Infinity"),
        (b"-Infinity", "it has -Infinity"),
        (b'{"a": 1, "b": 2, "a": 3}', "'a' twice"),
        (b'{"x": {"a": 1, "\\u0061": 2}}', "'a' twice"),
        (b"1e400", "a double cannot hold"),
        (b"-1e999999999", "a double cannot hold"),
        (b"9007199254740992", "a double cannot hold"),
        (b"-9007199254740992", "a double cannot hold"),
        (b"1" * 100_000, "a double cannot hold"),
        (nested(MAX_DEPTH + 1), "nested too deep"),
        (nested(100_000), "nested too deep"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deep"),
        (b"01", "Is not JSON"),
        (b"+1", "Is not JSON"),
        (b"\x00", "Is not JSON"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_what_is_no_json_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_json(body)
    assert refused.value.details["field"] == "body"
    assert reason in refused.value.details["reason"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"a": {"b": ["x", "\\u0000"]}}', "a.b[1]"),
        (b'{"a": "\\ud800"}', "a"),
        (b'{"a": "\\udc00\\ud800"}', "a"),
        (b'{"\\u0000": 1}', "body"),
        (b'"\\ud800"', "body"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_its_field(body: bytes, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_json(body)
    assert refused.value.details["field"] == field


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b' \t\r\n{"a": [1, 1.5, true, null, "x"]} \n', {"a": [1, 1.5, True, None, "x"]}),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\\\\u0000"', "\\u0000"),
        (b"9007199254740991", MAX_INTEGER),
        (b"1e20", 1e20),
        (b"-0", 0),
        (b'{"a": {"x": 1}, "b": {"x": 1}}', {"a": {"x": 1}, "b": {"x": 1}}),
        (b"[" + b"[]," * 100 + b"[]]", [[]] * 101),
    ],
)
def test_json_is_read(body: bytes, value: Any) -> None:
    assert parse_json(body) == value


def test_the_allowed_depth_is_read() -> None:
    assert json.dumps(parse_json(nested(MAX_DEPTH))).encode() == nested(MAX_DEPTH)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), inner)
    ),
)


@given(JSON, st.booleans())
def test_all_other_json_is_read_as_it_was_written(value: Any, ascii_only: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary())
def test_no_bytes_break_the_reader(body: bytes) -> None:
    """Whatever comes is read or refused; nothing else is raised."""
    try:
        parse_json(body)
    except Invalid as refused:
        assert refused.details["reason"]


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/json",
        b"Application/JSON",
        b"application/json; charset=utf-8",
        b'application/json;charset="UTF-8"',
        b"application/json ;",
    ],
)
def test_json_media_types_are_taken(content_type: bytes) -> None:
    check_media_type(content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        b"",
        b"text/plain",
        b"application/json; charset=latin-1",
        b"application/jsonp",
        b"application/x-www-form-urlencoded",
        b"application/json, text/plain",
        b"multipart/form-data; boundary=x",
    ],
)
def test_other_media_types_are_refused(content_type: bytes | None) -> None:
    with pytest.raises(UnsupportedMediaType):
        check_media_type(content_type)


class Wire:
    """A body in pieces; counts how many were taken."""

    def __init__(self, *pieces: bytes | None) -> None:
        self.pieces = list(pieces)
        self.taken = 0

    async def receive(self) -> dict[str, Any]:
        piece = self.pieces[self.taken]
        self.taken += 1
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": self.taken < len(self.pieces)}


async def test_a_body_comes_in_pieces() -> None:
    assert await read_body(Wire(b"ab", b"", b"c").receive, 3, None) == b"abc"


async def test_a_length_beyond_the_limit_is_refused_unread() -> None:
    wire = Wire(b"abcd")
    with pytest.raises(PayloadTooLarge):
        await read_body(wire.receive, 3, b"4")
    assert wire.taken == 0


@pytest.mark.parametrize("length", [None, b"3"], ids=["chunked", "lying"])
async def test_reading_stops_where_the_limit_is_passed(length: bytes | None) -> None:
    wire = Wire(b"ab", b"cd", b"ef", b"gh")
    with pytest.raises(PayloadTooLarge):
        await read_body(wire.receive, 3, length)
    assert wire.taken == 2


async def test_one_large_piece_is_refused_as_well() -> None:
    with pytest.raises(PayloadTooLarge):
        await read_body(Wire(b"abcd").receive, 3, None)


@pytest.mark.parametrize("pieces", [(None,), (b"ab", None)])
async def test_a_client_that_leaves_is_no_error_of_ours(pieces: tuple[bytes | None, ...]) -> None:
    with pytest.raises(ClientGone):
        await read_body(Wire(*pieces).receive, 3, None)
