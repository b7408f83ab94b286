"""Errors become answers here, and nowhere else: the seed's envelope, the status of its code, its headers."""

from collections.abc import Mapping
from typing import Any

from parley.contract.replies import Reply
from parley.errors import Invalid, ParleyError

STATUS_OF_CODE: Mapping[str, int] = {
    "validation_error": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "gone": 410,
    "precondition_failed": 412,
    "payload_too_large": 413,
    "unsupported_media_type": 415,
    "idempotency_mismatch": 422,
    "upgrade_required": 426,
    "rate_limit_exceeded": 429,
    "internal_error": 500,
    "unavailable": 503,
}

MAX_PROBLEMS = 20
# Of `field` in the document's ErrorDetails.
MAX_FIELD_LENGTH = 500


class ClientGone(Exception):
    """The client left before its request was whole. There is nobody to answer."""


class MethodNotAllowed(ParleyError):
    """The path exists, but not with this method; `allow` are those it has."""

    code = "method_not_allowed"

    def __init__(self, allow: str) -> None:
        super().__init__("This path does not have that method")
        self.allow = allow


class PayloadTooLarge(ParleyError):
    """The body is larger than this server reads."""

    code = "payload_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is larger than {limit} bytes", {"max_bytes": limit})


class UnsupportedMediaType(ParleyError):
    """The body is not said to be JSON in UTF-8."""

    code = "unsupported_media_type"

    def __init__(self) -> None:
        super().__init__("The body must be application/json")


class InternalError(ParleyError):
    """A fault of ours. What it was stands in the log under the request id, not in the answer."""

    code = "internal_error"

    def __init__(self) -> None:
        super().__init__("Something went wrong on our side")


def invalid(problems: list[tuple[str, str]]) -> Invalid:
    """Make one error of `(field, reason)` pairs; at most MAX_PROBLEMS of them are told."""
    (field, reason), *others = problems[:MAX_PROBLEMS]
    return Invalid(field, reason, *others)


def error_reply(error: ParleyError, *, credentials_given: bool = False) -> Reply:
    """Turn a refusal into its answer."""
    status = STATUS_OF_CODE[error.code]
    details = _shortened(error.details) if isinstance(error, Invalid) else error.details
    body = {"error": {"code": error.code, "message": error.message, "details": details}}
    return Reply(status, body, _headers(error, status, credentials_given))


def _shortened(details: Mapping[str, Any]) -> dict[str, Any]:
    """Cut the names of fields, which a client may have made up, to what the document promises."""
    errors = [{**problem, "field": _cut(problem["field"])} for problem in details["errors"]]
    return {**details, "field": errors[0]["field"], "errors": errors}


def _cut(field: str) -> str:
    # A slice, even of the whole, would forget where the field stands.
    return field if len(field) <= MAX_FIELD_LENGTH else field[:MAX_FIELD_LENGTH]


def _headers(error: ParleyError, status: int, credentials_given: bool) -> dict[str, str]:
    headers: dict[str, str] = {}
    if status == 401:
        # RFC 6750, section 3.1: no error code for somebody who tried no credentials.
        reason = ', error="invalid_token"' if credentials_given else ""
        headers["WWW-Authenticate"] = f'Bearer realm="parley"{reason}'
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = error.allow
    retry_after: Any = error.details.get("retry_after")
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return headers
