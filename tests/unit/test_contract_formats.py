"""Formats: each is really checked, and nothing passes that its Python type cannot hold."""

from datetime import UTC, date, datetime
from uuid import UUID

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AwareDatetime, TypeAdapter

from parley.contract.document import ContractError
from parley.contract.formats import FORMATS, INTEGER_BOUNDS, is_date_time, parse_date_time
from parley.contract.schemas import Schemas

SCHEMAS = Schemas({})

ACCEPTED = {
    "uuid": [
        "019d0a7b-8991-7ce9-9b84-d1e0b4cfd9ec",
        "00000000-0000-0000-0000-000000000000",
        "019D0A7B-8991-7CE9-9B84-D1E0B4CFD9EC",
    ],
    "email": [
        "a@b.cd",
        "user@example.com",
        "o'hara+tag@mail.example.co.uk",
        f"{'a' * 64}@{'b' * 63}.example",
    ],
    "date": ["2024-02-29", "0001-01-01", "9999-12-31"],
    "date-time": [
        "2024-03-20T12:00:00Z",
        "2024-03-20t12:00:00z",
        "2024-03-20T12:00:00.123456789+05:30",
        "2024-02-29T23:59:59-23:59",
    ],
    "uri": [
        "https://example.com/a?b=c#d",
        "http://[::1]:8080/",
        "urn:isbn:0451450523",
        "mailto:a@b.cd",
        "https://example.com/%C3%A9",
    ],
    "password": ["", "anything"],
}

REFUSED = {
    "uuid": [
        "",
        "019d0a7b89917ce99b84d1e0b4cfd9ec",
        "{019d0a7b-8991-7ce9-9b84-d1e0b4cfd9ec}",
        "urn:uuid:019d0a7b-8991-7ce9-9b84-d1e0b4cfd9ec",
        "019d0a7b-8991-7ce9-9b84-d1e0b4cfd9eg",
        "019d0a7b-8991-7ce9-9b84-d1e0b4cfd9ec\n",
        "٠19d0a7b-8991-7ce9-9b84-d1e0b4cfd9ec",
    ],
    "email": [
        "",
        "a",
        "a@",
        "@b.cd",
        "a@b",
        "a b@c.de",
        "a@b..cd",
        ".a@b.cd",
        "a.@b.cd",
        "a@-b.cd",
        "a@b.cd\n",
        "ä@b.cd",
        f"{'a' * 65}@b.cd",
        f"a@{'b' * 64}.cd",
        "a@b@c.de",
        f"a@{'.'.join(['b' * 60] * 5)}",
    ],
    "date": [
        "",
        "2023-02-29",
        "2024-13-01",
        "2024-1-1",
        "20240101",
        "2024-W01-1",
        "0000-01-01",
        "2024-01-01T00:00:00Z",
        "２０２４-01-01",
    ],
    "date-time": [
        "",
        "2024-03-20",
        "2024-03-20T12:00:00",
        "2024-03-20 12:00:00Z",
        "2024-03-20T24:00:00Z",
        "2024-03-20T12:00Z",
        "2024-03-20T12:00:60Z",
        "2023-02-29T12:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2024-03-20T12:00:00+24:00",
        "2024-03-20T12:00:00.Z",
        "20240320T120000Z",
        "2024-03-20T12:00:00Z\n",
    ],
    "uri": [
        "",
        "example.com",
        "/path",
        "//example.com",
        "https://",
        "http:///path",
        "https://exa mple.com",
        "https://example.com/é",
        "https://[::1/",
        "https://example.com/%zz",
        "https://example.com/\n",
        "1https://example.com",
    ],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name in ACCEPTED for text in ACCEPTED[name]])
def test_a_compiled_schema_accepts(name: str, text: str) -> None:
    assert SCHEMAS.validator({"type": "string", "format": name}).is_valid(text)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name in REFUSED for text in REFUSED[name]])
def test_a_compiled_schema_refuses(name: str, text: str) -> None:
    assert not SCHEMAS.validator({"type": "string", "format": name}).is_valid(text)


def test_every_format_has_examples() -> None:
    assert set(ACCEPTED) == set(FORMATS)
    assert set(REFUSED) | {"password"} == set(FORMATS)


@pytest.mark.parametrize("name", INTEGER_BOUNDS)
def test_formats_of_integers_are_bounds(name: str) -> None:
    low, high = INTEGER_BOUNDS[name]
    validator = SCHEMAS.validator({"type": "integer", "format": name})
    assert [validator.is_valid(number) for number in (low - 1, low, high, high + 1)] == [
        False,
        True,
        True,
        False,
    ]


def test_narrower_bounds_beside_a_format_hold() -> None:
    """What a schema says beside `int32` is not loosened by it."""
    schema = {"type": "integer", "format": "int32", "minimum": 1, "exclusiveMinimum": True, "maximum": 9}
    validator = SCHEMAS.validator(schema)
    assert [number for number in range(-1, 12) if validator.is_valid(number)] == list(range(2, 10))


def test_wider_bounds_beside_a_format_do_not() -> None:
    validator = SCHEMAS.validator({"type": "integer", "format": "int32", "maximum": 2**40})
    assert not validator.is_valid(2**31)


def test_an_unknown_format_stops_the_start() -> None:
    with pytest.raises(ContractError, match="'hostname'"):
        SCHEMAS.validator({"type": "object", "properties": {"a": {"type": "string", "format": "hostname"}}})


def test_the_library_itself_lets_unknown_formats_pass() -> None:
    """The reason why formats are looked at before the library sees them; it fails when that has changed."""
    assert jsonschema_rs.Draft4Validator({"type": "string", "format": "hostnames"}).is_valid("-")


@given(st.datetimes(timezones=st.timezones()))
def test_every_moment_passes(moment: datetime) -> None:
    """What Python can hold in UTC is a date-time, and is read as the same moment."""
    text = moment.isoformat()
    try:
        in_utc = moment.astimezone(UTC)
    except OverflowError:
        return
    if is_date_time(text):
        assert parse_date_time(text) == in_utc


@given(
    st.from_regex(
        r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})\Z"
    )
)
def test_pydantic_accepts_what_is_a_date_time(text: str) -> None:
    if is_date_time(text):
        assert TypeAdapter(AwareDatetime).validate_python(text) == parse_date_time(text)


@given(st.uuids())
def test_every_uuid_passes(value: UUID) -> None:
    assert FORMATS["uuid"](str(value))


@given(st.dates())
def test_every_day_passes(day: date) -> None:
    assert FORMATS["date"](day.isoformat())
