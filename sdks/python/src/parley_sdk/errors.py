"""All errors: those of the runtime, and one for each code of the contract."""

import json
from collections.abc import Mapping
from typing import Any

from parley_sdk.api_error import (
    ApiError,
    ConnectionFailed,
    FrameLimitReached,
    ParleyError,
    SessionEnded,
    SocketClosed,
    TimedOut,
    WebhookVerificationError,
)
from parley_sdk.generated.error_classes import *  # noqa: F403 (the generated classes are all public)
from parley_sdk.generated.error_classes import CLASS_OF_CODE, CLASS_OF_STATUS

__all__ = [
    "ApiError",
    "ConnectionFailed",
    "FrameLimitReached",
    "ParleyError",
    "SessionEnded",
    "SocketClosed",
    "TimedOut",
    "WebhookVerificationError",
    *(each.__name__ for each in CLASS_OF_CODE.values()),
]


def error_of(status: int, body: bytes, request_id: str | None) -> ApiError:
    """Return the error that an answer is; one that is no envelope, as a proxy's page, has the class of its status."""
    envelope = envelope_of(body)
    code = str(envelope.get("code", ""))
    details = envelope.get("details")
    kind = CLASS_OF_CODE.get(code) or CLASS_OF_STATUS.get(status) or ApiError
    return kind(
        str(envelope.get("message", "The server gave no reason")),
        code=code or "unknown",
        status=status,
        details=details if isinstance(details, dict) else {},
        request_id=request_id,
    )


def envelope_of(body: bytes) -> Mapping[str, Any]:
    """Return what an error says; nothing where it is none of the contract."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return error if isinstance(error, dict) else {}
