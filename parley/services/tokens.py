"""Access and refresh tokens: JSON Web Tokens (RFC 7519), signed with HS256 and with nothing else.

- `use` tells the two kinds apart, and a token of one kind is never taken for the other;
- the algorithm is ours to say, not the token's; its `kid` only picks among the keys that are configured;
- none holds before it was made (`iat`) or before it says (`nbf`), give or take what clocks differ by;
- the first key signs, all of them check, so that a key can be replaced without logging anyone out.
"""

import fcntl
import hmac
import json
import os
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import jwt
from pydantic import SecretStr

from parley.errors import Unauthorized
from parley.settings import JwtKey

Use = Literal["access", "refresh"]

ALGORITHM = "HS256"
KEY_FILE = "jwt.key"
# Ours have some 450 characters. Nobody has to decode more to see that it is none of ours.
MAX_LENGTH = 1024
# Seconds by which the clocks of nodes that share a key may differ.
CLOCKS_DIFFER = 30


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says, once its signature is checked. Times are Unix seconds.

    `generation` numbers the refresh tokens of a session, and is None in an access token.
    """

    use: Use
    user_id: UUID
    session_id: UUID
    token_id: UUID
    issued_at: int
    expires_at: int
    generation: int | None = None


class Tokens:
    """Signs and reads tokens."""

    def __init__(self, keys: Sequence[JwtKey], now: Callable[[], float] = time.time) -> None:
        self._signing = keys[0]
        self._secrets = {key.kid: key.secret.get_secret_value() for key in keys}
        self._now = now
        self._jws = jwt.PyJWS(algorithms=[ALGORITHM])
        # Our own headers, as they stand in tokens, and the keys that belong to them.
        self._headers = {
            self._encoded(b"", kid).partition(".")[0]: secret.encode()
            for kid, secret in self._secrets.items()
        }

    def sign(self, claims: Claims) -> str:
        """Return the token that says this. The same claims and key make the same token."""
        payload: dict[str, Any] = {
            "use": claims.use,
            "sub": str(claims.user_id),
            "sid": str(claims.session_id),
            "jti": str(claims.token_id),
            "iat": claims.issued_at,
            "exp": claims.expires_at,
        }
        if claims.generation is not None:
            payload["gen"] = claims.generation
        # Sorted, the header begins with `alg`, as the documentation prints it.
        return self._encoded(json.dumps(payload, separators=(",", ":")).encode(), self._signing.kid)

    def _encoded(self, payload: bytes, kid: str) -> str:
        return self._jws.encode(
            payload, self._secrets[kid], algorithm=ALGORITHM, headers={"kid": kid}, sort_headers=True
        )

    def read(self, token: str, use: Use) -> Claims:
        """Return what a token of this use says. Raises Unauthorized, with `token_expired` if that is all."""
        claims = _claims(self._checked(token), self._now() + CLOCKS_DIFFER)
        if claims.use != use:
            raise Unauthorized
        if claims.expires_at <= self._now():
            raise Unauthorized(token_expired=True)
        return claims

    def _checked(self, token: str) -> Any:
        if len(token) > MAX_LENGTH or not token.isascii():
            raise Unauthorized
        try:
            payload = self._payload_of_ours(token)
            if payload is not None:
                return payload
            kid = jwt.get_unverified_header(token).get("kid")
            secret = self._secrets.get(kid) if isinstance(kid, str) else None
            if secret is None:
                raise Unauthorized
            return json.loads(self._jws.decode(token, secret, algorithms=[ALGORITHM]))
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            # RecursionError: a header made of brackets is deep enough for that.
            raise Unauthorized from error

    def _payload_of_ours(self, token: str) -> Any:
        """Return what a token says that is written exactly as we write them; None leaves the judging to PyJWT.

        That takes five times as long, which counts when thousands come back at once.
        """
        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        secret = self._headers.get(header)
        if secret is None:
            return None
        # RFC 7515, section 5.2, and appendix C for base64url without padding.
        expected = urlsafe_b64encode(hmac.digest(secret, signed.encode(), "sha256")).rstrip(b"=")
        if not hmac.compare_digest(expected, signature.encode()):
            return None
        return json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def _claims(payload: Any, latest: float) -> Claims:
    """Read the claims strictly: a configured key may be known to others who sign other things with it.

    A token that holds from later than `latest` is refused.
    """
    match payload:
        case {
            "use": "access" | "refresh" as use,
            "sub": str(sub),
            "sid": str(sid),
            "jti": str(jti),
            "iat": int(issued_at),
            "exp": int(expires_at),
            **others,
        }:
            generation: Any = others.get("gen")
            not_before: Any = others.get("nbf", issued_at)
        case _:
            raise Unauthorized
    numbers = [issued_at, expires_at, not_before] + ([generation] if use == "refresh" else [])
    if any(type(number) is not int for number in numbers):
        raise Unauthorized
    if max(issued_at, not_before) > latest:
        raise Unauthorized
    try:
        user_id, session_id, token_id = UUID(sub), UUID(sid), UUID(jti)
    except ValueError as error:
        raise Unauthorized from error
    return Claims(
        use,
        user_id,
        session_id,
        token_id,
        issued_at,
        expires_at,
        generation if use == "refresh" else None,
    )


def kept_keys(configured: Sequence[JwtKey], data_dir: Path) -> Sequence[JwtKey]:
    """Return the configured keys or, where there are none, the one that is kept in the data directory.

    It is made when it is not there; processes that start at the same time get the same one. Raises OSError,
    and ValueError when the file holds something else, or a configured key is none for HS256.
    """
    if configured:
        for key in configured:
            _check_key(key)
        return configured
    data_dir.mkdir(parents=True, exist_ok=True)
    directory = os.open(data_dir, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        path = data_dir / KEY_FILE
        if not path.exists():
            _write_key(path, directory)
        return [_read_key(path)]
    finally:
        os.close(directory)


def _check_key(key: JwtKey) -> None:
    """Refuse the key pair of another algorithm now, and not at the first log-in."""
    try:
        jwt.get_algorithm_by_name(ALGORITHM).prepare_key(key.secret.get_secret_value())
    except jwt.InvalidKeyError as error:
        raise ValueError(
            f"The JWT key {key.kid} is half of a key pair, and {ALGORITHM} needs a secret"
        ) from error


def _write_key(path: Path, directory: int) -> None:
    """Write under another name and rename, so that a crash leaves a whole key or none."""
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    line = f"{secrets.token_hex(4)}:{secrets.token_urlsafe(48)}\n"
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, line.encode())
        os.fsync(file)
    finally:
        os.close(file)
    unfinished.rename(path)
    os.fsync(directory)


def _read_key(path: Path) -> JwtKey:
    kid, _, secret = path.read_text(encoding="utf-8").strip().partition(":")
    if not kid or len(secret) < 32:
        raise ValueError(f"{path} does not hold a key; remove it to have one made, which logs everyone out")
    return JwtKey(kid, SecretStr(secret))
