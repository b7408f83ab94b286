"""What the versions of the contract say differently, for the rules that hold in each."""

from collections.abc import Mapping
from dataclasses import dataclass

from scripts.specification import JSON, PROBLEM, Document

# Each status that is an error has one code.
CODES: Mapping[int, str] = {
    400: "validation_error",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    410: "gone",
    413: "payload_too_large",
    415: "unsupported_media_type",
    422: "idempotency_mismatch",
    426: "upgrade_required",
    429: "rate_limit_exceeded",
    500: "internal_error",
    503: "unavailable",
}


@dataclass(frozen=True, slots=True)
class Version:
    """One version: where it is served, how it says errors, and which headers tell of limits and of pages."""

    base: str
    codes: Mapping[int, str]
    error_type: str
    error_schema: str
    error_path: tuple[str, ...]
    limit_headers: frozenset[str]
    page_headers: frozenset[str]
    bodiless: frozenset[int]
    # No schema can say these, so an operation that answers them says when.
    said_in_refusals: frozenset[int]


V1 = Version(
    base="/v1",
    codes=CODES,
    error_type=JSON,
    error_schema="ErrorEnvelope",
    error_path=("error", "code"),
    limit_headers=frozenset(("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")),
    page_headers=frozenset(("X-Pagination-Total", "X-Pagination-Pages", "X-Pagination-Per-Page")),
    bodiless=frozenset((204,)),
    said_in_refusals=frozenset((409, 410, 422)),
)
V2 = Version(
    base="/v2",
    codes={**CODES, 412: "precondition_failed"},
    error_type=PROBLEM,
    error_schema="Problem",
    error_path=("code",),
    limit_headers=frozenset(("RateLimit-Policy", "RateLimit")),
    page_headers=frozenset(("Link",)),
    bodiless=frozenset((204, 304)),
    said_in_refusals=frozenset((409, 410, 412, 422)),
)


def version_of(document: Document) -> Version:
    """Return the version that a document is of, by the major number of its own."""
    major = str(document.get("info", {}).get("version")).partition(".")[0]
    return V2 if major == "2" else V1
