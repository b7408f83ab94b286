"""The formats of strings that the contract uses. Each accepts only what the Python type can hold.

A validator that knows a format too generously would let a value through that the generated model or the
database then refuses, which would be a fault of the server and not of the client.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from urllib.parse import urlsplit

# RFC 9562, section 4: the canonical text form only.
_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
# RFC 3339, section 5.6. A leap second is refused, because a datetime cannot hold it.
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATE_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
# RFC 5321, section 4.1.2, without quoted local parts and address literals: nobody has those.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")
# RFC 3986: the characters a URI is made of; a percent sign begins an escaped byte.
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")


def is_uuid(text: str) -> bool:
    """Say whether it is a UUID in its canonical form of 36 characters."""
    return _UUID.fullmatch(text) is not None


def is_email(text: str) -> bool:
    """Say whether mail could be sent to it: an address whose host has a domain."""
    local = text.partition("@")[0]
    return len(text) <= 254 and len(local) <= 64 and _EMAIL.fullmatch(text) is not None


def is_date(text: str) -> bool:
    """Say whether it is a day of the calendar, as YYYY-MM-DD."""
    if _DATE.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_date_time(text: str) -> bool:
    """Say whether it is a moment with a time zone, which Python can hold in UTC too."""
    if _DATE_TIME.fullmatch(text) is None:
        return False
    try:
        parse_date_time(text).utctimetuple()
    except (ValueError, OverflowError):
        return False
    return True


def parse_date_time(text: str) -> datetime:
    """Read an RFC 3339 date-time; digits after the microseconds are cut off."""
    return datetime.fromisoformat(text.upper())


def is_uri(text: str) -> bool:
    """Say whether it is an absolute URI; one of the web must name a host."""
    if _URI.fullmatch(text) is None:
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.hostname) or parts.scheme.lower() not in {"http", "https"}


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "uuid": is_uuid,
    "email": is_email,
    "date": is_date,
    "date-time": is_date_time,
    "uri": is_uri,
    # For people who fill in a form: it says nothing about the value.
    "password": lambda text: True,
}

# Formats of numbers are bounds, which the validator checks as such.
INTEGER_BOUNDS: Mapping[str, tuple[int, int]] = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
}
