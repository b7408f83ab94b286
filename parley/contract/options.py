"""What can be decided about the contract's edge without changing the contract."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from parley.settings import Network


def _no_session(body: Any) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class ContractOptions:
    """Everything here has a default that works.

    `rate_limits` overrides buckets of the document: name to (limit, seconds). `cors_origins` are the origins
    whose pages may call, `*` is any; the server's own and those of localhost may when it is empty.
    `session_of` reads which session a body speaks for; it must not believe what is not signed.
    `answers_file` is for tests: each answer is checked and noted there.
    """

    max_body_bytes: int = 1_048_576
    enforce_rate_limits: bool = True
    rate_limits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    cors_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    session_of: Callable[[Any], str | None] = _no_session
    answers_file: Path | None = None
