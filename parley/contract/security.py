"""Who calls: a bearer token from the header becomes a caller, with the help of whoever knows accounts."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from parley.contract.document import ContractError
from parley.errors import Unauthorized
from parley.model import Caller

_SCHEME = b"bearer "
# RFC 6750, section 2.1. A table, because an expression takes two microseconds for a token.
_ALLOWED = bytes(range(48, 58)) + bytes(range(65, 91)) + bytes(range(97, 123)) + b"-._~+/="


class Authenticator(Protocol):
    """What the contract needs to know about accounts."""

    async def authenticate(self, token: str) -> Caller:
        """Return whose token it is. Raises Unauthorized, with `token_expired` where that is all there is."""


def bearer_token(header: bytes | None) -> str:
    """Take the token out of the Authorization header; raises Unauthorized where there is none."""
    if header is None or header[: len(_SCHEME)].lower() != _SCHEME:
        raise Unauthorized
    token = header[len(_SCHEME) :].strip(b" ")
    if not token or token.translate(None, _ALLOWED):
        raise Unauthorized
    return token.decode("ascii")


def needs_token(document: Mapping[str, Any], operation: Mapping[str, Any], name: str) -> bool:
    """Read the security rule of an operation: nobody in particular, or a bearer token."""
    rule: Sequence[Mapping[str, Any]] = operation.get("security", document.get("security", []))
    if not rule:
        return False
    schemes = document.get("components", {}).get("securitySchemes", {})
    if len(rule) == 1 and len(rule[0]) == 1:
        scheme = schemes.get(next(iter(rule[0])), {})
        if scheme.get("type") == "http" and scheme.get("scheme", "").lower() == "bearer":
            return True
    raise ContractError(f"{name} has a security rule that is not a bearer token alone")
