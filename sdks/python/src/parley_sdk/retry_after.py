"""How long a server says to wait."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

# Nobody means more than an hour; more is a mistake, or malice.
LONGEST = 3600.0


def retry_after(headers: Mapping[str, str], details: Mapping[str, Any]) -> float | None:
    """Return so many seconds, by the header (RFC 9110, 10.2.3) or by what the error says; None where nothing does."""
    told = _seconds(headers.get("Retry-After", "").strip(), headers.get("Date"))
    if told is None:
        told = details.get("retry_after")
    if isinstance(told, int | float) and told >= 0:
        return float(min(told, LONGEST))
    return None


def _seconds(text: str, date: str | None) -> float | None:
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        # By the server's own clock, where it tells it.
        now = _time(date) if date else datetime.now(UTC)
        return max(0.0, (_time(text) - now).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _time(text: str) -> datetime:
    # All three forms of RFC 9110, 5.6.7; that of asctime says no zone, and means this one.
    told = parsedate_to_datetime(text)
    return told if told.tzinfo is not None else told.replace(tzinfo=UTC)
