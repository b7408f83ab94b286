"""Why Parley refuses something, as a tree of sentences that knows nothing of HTTP.

    ParleyError
    ├── Invalid               the request breaks a rule that can be named, field by field
    ├── Unauthorized          nobody we know, or no longer
    │   └── SessionEnded      known, but this session was ended
    ├── Forbidden             known, allowed to see it, but not to do this
    ├── NotFound              it is not there, or not the caller's to see
    ├── Conflict              it would contradict what is there already
    ├── Gone                  it was there and was deleted
    ├── PreconditionFailed    it has changed since the client saw it
    ├── IdempotencyMismatch   the same key came with another request
    ├── RateLimited           too many, too fast
    └── Unavailable           not now; the outcome may be unknown, repeat with the idempotency key

`code` is the word of the contract (`ErrorCode` in the spec). `details` hold facts, never sentences of
the database or another library. `parley.contract.errors` turns these into answers, and nothing else does.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

# How many problems are told at once, and for how many seconds anybody is told to stay away; the contract says so.
MAX_PROBLEMS_TOLD = 100
MAX_RETRY_AFTER = 86_400


class ParleyError(Exception):
    """The root of all refusals. `str(error)` is the sentence that the client reads."""

    code: ClassVar[str]

    def __init__(self, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, Any] = details or {}


class Invalid(ParleyError):
    """One or more fields break a rule: `(field, reason)` pairs, the first of which is also shown alone.

    Of very many only the first hundred are told.
    """

    code = "validation_error"

    def __init__(self, field: str, reason: str, *others: tuple[str, str]) -> None:
        problems: Sequence[tuple[str, str]] = ((field, reason), *others)
        super().__init__(
            "Invalid request data",
            {
                "field": field,
                "reason": reason,
                "errors": [{"field": where, "reason": why} for where, why in problems[:MAX_PROBLEMS_TOLD]],
            },
        )


class Unauthorized(ParleyError):
    """The credentials are missing, wrong, expired or revoked. It never says which account exists."""

    code = "unauthorized"

    def __init__(self, message: str = "Invalid or expired token", *, token_expired: bool = False) -> None:
        super().__init__(message, {"token_expired": token_expired})


class SessionEnded(Unauthorized):
    """The token is right, and its session has ended: only logging in helps."""


class Forbidden(ParleyError):
    """The caller may see the thing but not do this to it."""

    code = "forbidden"


class NotFound(ParleyError):
    """The thing does not exist for this caller. `what` is a noun: "message", "group"."""

    code = "not_found"

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no such {what}", {"resource": what})


class Conflict(ParleyError):
    """The request contradicts the present state; `field` names the property where there is one."""

    code = "conflict"

    def __init__(self, reason: str, *, field: str | None = None, retry_after: int | None = None) -> None:
        details: dict[str, Any] = {"reason": reason}
        if field is not None:
            details["field"] = field
        if retry_after is not None:
            details["retry_after"] = retry_after
        super().__init__(reason, details)


class Gone(ParleyError):
    """It was there, and was deleted or trimmed."""

    code = "gone"


class PreconditionFailed(ParleyError):
    """The thing is not in the state that the request demands: somebody else has changed it."""

    code = "precondition_failed"

    def __init__(self) -> None:
        super().__init__("It has changed since you read it; read it again")


class IdempotencyMismatch(ParleyError):
    """An `Idempotency-Key` was used before for a different request."""

    code = "idempotency_mismatch"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for a different request")


class RateLimited(ParleyError):
    """Too many requests; `retry_after` is in whole seconds."""

    code = "rate_limit_exceeded"

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many requests", {"retry_after": retry_after})


class Unavailable(ParleyError):
    """Parley cannot do it at the moment; `retry_after` is in whole seconds.

    Where a write was under way its outcome may be unknown: repeating it with the same `Idempotency-Key`
    is safe and tells.
    """

    code = "unavailable"

    def __init__(
        self, message: str = "The service is not available at the moment", *, retry_after: int = 1
    ) -> None:
        super().__init__(message, {"retry_after": retry_after})
