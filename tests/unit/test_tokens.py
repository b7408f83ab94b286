"""Tokens: what is signed is read again, and nothing else is."""

import base64
import hashlib
import hmac
import json
import stat
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from parley.errors import Unauthorized
from parley.ids import uuid7
from parley.services.tokens import CLOCKS_DIFFER, KEY_FILE, MAX_LENGTH, Claims, Tokens, kept_keys
from parley.settings import JwtKey

NOW = 1_774_008_420
OLD = JwtKey("old", SecretStr("an old secret of thirty-two bytes or more"))
NEW = JwtKey("new", SecretStr("a new secret of thirty-two bytes or more"))


@pytest.fixture
def tokens() -> Tokens:
    return Tokens([NEW, OLD], now=lambda: NOW)


@pytest.fixture
def claims() -> Claims:
    return Claims("access", uuid7(), uuid7(), uuid7(), NOW, NOW + 3600)


def encoded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def forged(header: Any, payload: Any, secret: str | None = None) -> str:
    """Make a token by hand, so that no library's caution stands between a forger and the test."""
    signed = encoded(json.dumps(header).encode()) + b"." + encoded(json.dumps(payload).encode())
    signature = b"" if secret is None else hmac.digest(secret.encode(), signed, hashlib.sha256)
    return (signed + b"." + encoded(signature)).decode()


def payload_of(claims: Claims, **others: Any) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "use": claims.use,
        "sub": str(claims.user_id),
        "sid": str(claims.session_id),
        "jti": str(claims.token_id),
        "iat": claims.issued_at,
        "exp": claims.expires_at,
    }
    return payload | others


def header(**others: Any) -> Mapping[str, Any]:
    return {"alg": "HS256", "kid": "new", "typ": "JWT"} | others


def refusal(tokens: Tokens, token: str) -> Unauthorized:
    with pytest.raises(Unauthorized) as refused:
        tokens.read(token, "access")
    assert str(refused.value) == "Invalid or expired token"
    return refused.value


def test_reads_what_it_signed(tokens: Tokens, claims: Claims) -> None:
    """What a token says is what was signed, for both uses."""
    assert tokens.read(tokens.sign(claims), "access") == claims
    renewal = replace(claims, use="refresh", generation=7)
    assert tokens.read(tokens.sign(renewal), "refresh") == renewal


def test_header_begins_with_alg(tokens: Tokens, claims: Claims) -> None:
    """A token looks as the documentation prints it, and names the key that signed it."""
    token = tokens.sign(claims)
    assert token.startswith("eyJhbGciOiJIUzI1NiIs")
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "kid": "new", "typ": "JWT"}


def test_same_claims_make_same_token(tokens: Tokens, claims: Claims) -> None:
    """Signing again makes no new token, so that a repeated refresh gives the same one."""
    assert tokens.sign(claims) == tokens.sign(claims)


def test_forged_by_hand_is_read_when_right(tokens: Tokens, claims: Claims) -> None:
    """The forger of these tests makes tokens that are taken, so that its wrong ones are refused for their fault."""
    token = forged(header(), payload_of(claims), NEW.secret.get_secret_value())
    assert tokens.read(token, "access") == claims


def test_old_key_still_checks(tokens: Tokens, claims: Claims) -> None:
    """A key that no longer signs still checks what it signed."""
    token = Tokens([OLD]).sign(claims)
    assert tokens.read(token, "access") == claims
    with pytest.raises(Unauthorized):
        Tokens([NEW], now=lambda: NOW).read(token, "access")


def test_expired_says_so(tokens: Tokens, claims: Claims) -> None:
    """An expired token is told apart, to the second."""
    assert refusal(tokens, tokens.sign(replace(claims, expires_at=NOW))).details == {"token_expired": True}
    assert tokens.read(tokens.sign(replace(claims, expires_at=NOW + 1)), "access").expires_at == NOW + 1


def test_expired_forgery_says_nothing(tokens: Tokens, claims: Claims) -> None:
    """Only a token that was ours is told that it has expired."""
    token = forged(header(), payload_of(claims, exp=NOW - 1), OLD.secret.get_secret_value())
    assert refusal(tokens, token).details == {"token_expired": False}


def test_refresh_token_is_no_access_token(tokens: Tokens, claims: Claims) -> None:
    """A token of one use is refused for the other, expired or not."""
    renewal = tokens.sign(replace(claims, use="refresh", generation=1))
    assert refusal(tokens, renewal).details == {"token_expired": False}
    with pytest.raises(Unauthorized):
        tokens.read(tokens.sign(claims), "refresh")


@pytest.mark.parametrize(
    "changed",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS512"},
        {"alg": "RS256"},
        {"alg": None},
        {"alg": ["HS256"]},
        {"kid": "other"},
        {"kid": ""},
        {"kid": None},
        {"kid": 7},
        {"kid": ["new"]},
        {"kid": "../../etc/passwd"},
        {"kid": "old"},
        {"crit": ["exp"]},
        {"b64": False, "crit": ["b64"]},
    ],
    ids=str,
)
def test_other_headers_are_refused(tokens: Tokens, claims: Claims, changed: dict[str, Any]) -> None:
    """The algorithm is ours to say, and a key is only picked from those configured."""
    refusal(tokens, forged(header(**changed), payload_of(claims), NEW.secret.get_secret_value()))


def test_unsigned_is_refused(tokens: Tokens, claims: Claims) -> None:
    """No signature, or one made with a key that is public, opens nothing."""
    for algorithm in ("none", "HS256"):
        refusal(tokens, forged(header(alg=algorithm), payload_of(claims)))
        refusal(tokens, forged(header(alg=algorithm), payload_of(claims), ""))
        refusal(tokens, forged(header(alg=algorithm), payload_of(claims), "new"))


@pytest.mark.parametrize("missing", ["use", "sub", "sid", "jti", "iat", "exp"])
def test_missing_claim_is_refused(tokens: Tokens, claims: Claims, missing: str) -> None:
    """Every claim must be there, though the signature is right."""
    payload = payload_of(claims)
    del payload[missing]
    refusal(tokens, forged(header(), payload, NEW.secret.get_secret_value()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"use": "ACCESS"},
        {"use": ["access"]},
        {"sub": 7},
        {"sub": None},
        {"sub": "ada"},
        {"sid": {}},
        {"jti": []},
        {"jti": ""},
        {"iat": "1774008420"},
        {"exp": "9999999999"},
        {"exp": True},
        {"exp": 9999999999.5},
        {"exp": None},
    ],
    ids=str,
)
def test_wrong_kind_of_claim_is_refused(tokens: Tokens, claims: Claims, wrong: dict[str, Any]) -> None:
    """A claim of another type is refused and breaks nothing."""
    refusal(tokens, forged(header(), payload_of(claims, **wrong), NEW.secret.get_secret_value()))


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_from_the_future_is_refused(tokens: Tokens, claims: Claims, claim: str) -> None:
    """A token that does not hold yet is refused; clocks of two nodes may differ by some seconds."""
    secret = NEW.secret.get_secret_value()
    soon = forged(header(), payload_of(claims, **{claim: NOW + CLOCKS_DIFFER}), secret)
    assert tokens.read(soon, "access").user_id == claims.user_id
    refusal(tokens, forged(header(), payload_of(claims, **{claim: NOW + CLOCKS_DIFFER + 1}), secret))


@pytest.mark.parametrize("not_before", [None, "1774008420", True, 1.5, float("nan"), []])
def test_not_before_is_a_number(tokens: Tokens, claims: Claims, not_before: Any) -> None:
    """What cannot be judged is refused."""
    payload = payload_of(claims, nbf=not_before)
    refusal(tokens, forged(header(), payload, NEW.secret.get_secret_value()))


@pytest.mark.parametrize("generation", [None, "1", True, 1.0])
def test_refresh_token_needs_generation(tokens: Tokens, claims: Claims, generation: Any) -> None:
    """A refresh token without its number is none."""
    payload = payload_of(claims, use="refresh", gen=generation)
    with pytest.raises(Unauthorized):
        tokens.read(forged(header(), payload, NEW.secret.get_secret_value()), "refresh")


@pytest.mark.parametrize("payload", [None, [], "access", 7, {}])
def test_payload_that_is_no_claims_is_refused(tokens: Tokens, payload: Any) -> None:
    """Something else that was signed with the same key is no token."""
    refusal(tokens, forged(header(), payload, NEW.secret.get_secret_value()))


@pytest.mark.parametrize("payload", [b"", b"Hello", b"[" * 500, b"\xff", b'{"a":', "ü".encode()])
def test_signed_rubbish_is_refused(tokens: Tokens, claims: Claims, payload: bytes) -> None:
    """Nor is what is no JSON, under the very header that ours have."""
    signed = tokens.sign(claims).partition(".")[0].encode() + b"." + encoded(payload)
    signature = hmac.digest(NEW.secret.get_secret_value().encode(), signed, hashlib.sha256)
    refusal(tokens, (signed + b"." + encoded(signature)).decode())


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "a.b.c.d",
        "eyJhbGciOiJIUzI1NiIs",
        "ü.ü.ü",
        "\ud800.a.b",
        "\0",
        "e30.e30.e30",
        "a" * (MAX_LENGTH + 1),
        "a" * 10_000_000,
        encoded(b"[" * 700).decode() + ".e30.e30",
        encoded(b'{"alg":' + b"[" * 500).decode() + ".e30.e30",
    ],
    ids=lambda token: repr(token[:20]),
)
def test_rubbish_is_refused(tokens: Tokens, token: str) -> None:
    """Whatever stands where a token should be, the answer is the same."""
    refusal(tokens, token)


def test_changed_token_is_refused(tokens: Tokens, claims: Claims) -> None:
    """No character of a token can be another one, but for the spare bits of the last."""
    token = tokens.sign(claims)
    for place in range(len(token) - 1):
        other = "A" if token[place] != "A" else "B"
        refusal(tokens, token[:place] + other + token[place + 1 :])


def test_configured_keys_are_taken(tmp_path: Path) -> None:
    """Where keys are configured no file is made."""
    assert kept_keys([NEW], tmp_path) == [NEW]
    assert not list(tmp_path.iterdir())


def test_key_pair_stops_the_start(tmp_path: Path) -> None:
    """A key that belongs to another algorithm is named before anybody logs in."""
    pem = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----"
    with pytest.raises(ValueError, match="The JWT key old is half of a key pair"):
        kept_keys([NEW, JwtKey("old", SecretStr(pem))], tmp_path)


def test_key_is_made_and_kept(tmp_path: Path) -> None:
    """Without a configured key one is made once, for its owner's eyes only."""
    data_dir = tmp_path / "data"
    (made,) = kept_keys([], data_dir)
    assert len(made.secret.get_secret_value()) >= 43
    assert stat.S_IMODE((data_dir / KEY_FILE).stat().st_mode) == 0o600
    assert kept_keys([], data_dir) == [made]
    assert [path.name for path in data_dir.iterdir()] == [KEY_FILE]


def test_processes_agree_on_key(tmp_path: Path) -> None:
    """Those that start at the same time get the same key."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: kept_keys([], tmp_path)[0], range(32)))
    assert len(set(made)) == 1


def test_unfinished_key_is_replaced(tmp_path: Path) -> None:
    """What a crash left behind is in nobody's way."""
    (tmp_path / KEY_FILE).with_suffix(".new").write_text("half a k")
    assert kept_keys([], tmp_path) == kept_keys([], tmp_path)


def test_spoilt_key_file_is_named(tmp_path: Path) -> None:
    """A file that holds no key stops the start with a sentence."""
    (tmp_path / KEY_FILE).write_text("short")
    with pytest.raises(ValueError, match=r"jwt\.key does not hold a key"):
        kept_keys([], tmp_path)
