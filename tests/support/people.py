"""People who use a server over HTTP: they register, log in and ask, as any client would."""

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt

from calls import Call

PASSWORD = "secure_password"

# A server that knows this key takes tokens that a test signed.
KEY_ID = "tests"
KEY = "a secret of the tests which is long enough"
KEYS = {"PARLEY_JWT_KEYS": f"{KEY_ID}:{KEY}"}

_numbers = itertools.count(1)


@dataclass
class Person:
    """Somebody with an account. Requests go out with the token of their session, below `/v1`."""

    http: httpx.Client
    id: str
    email: str
    username: str
    tokens: dict[str, Any] = field(repr=False)
    base: str = "/v1"

    @property
    def headers(self) -> dict[str, str]:
        """What proves who they are."""
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request with their token."""
        headers = {**self.headers, **options.pop("headers", {})}
        return self.http.request(method, f"{self.base}{path}", headers=headers, **options)

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.ask("GET", path, params=params)

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return self.ask("POST", path, json=body, headers=headers)

    def patch(self, path: str, body: Any) -> httpx.Response:
        return self.ask("PATCH", path, json=body)

    def put(self, path: str, body: Any) -> httpx.Response:
        return self.ask("PUT", path, json=body)

    def delete(self, path: str) -> httpx.Response:
        return self.ask("DELETE", path)

    def say(self, to: "Person | str", content: str = "Hello, world!", **more: Any) -> dict[str, Any]:
        """Send a message to somebody or to the group with this id, and return it."""
        receiver = to.id if isinstance(to, Person) else to
        return made(self.post("/messages", {"receiver_id": receiver, "content": content, **more}))

    def found(self, *members: "Person", **settings: Any) -> dict[str, Any]:
        """Make a group with these members, and return it."""
        body = {"name": "Book club", "members": [member.id for member in members], "settings": settings}
        return made(self.post("/groups", body))

    def again(self) -> "Person":
        """The same person on another device: with a session of its own."""
        return Person(self.http, self.id, self.email, self.username, log_in(self.http, self.email), self.base)


def send(
    person: Person,
    call: Call,
    *,
    content: bytes | Iterator[bytes] | None = None,
    media_type: str | None = "application/json",
    base: str = "/v1",
    **headers: str,
) -> httpx.Response:
    """Send a request of the document, with the person's token if it takes one; `content` replaces its body."""
    if call.body is not None and content is None:
        content = json.dumps(call.body).encode()
    if content is not None and media_type is not None:
        headers["Content-Type"] = media_type
    if call.secured:
        headers |= person.headers
    return person.http.request(
        call.method, f"{base}{call.path}", params=call.query, headers=headers, content=content
    )


def made(response: httpx.Response) -> dict[str, Any]:
    """Return what was made or shown; anything else fails the test with the answer."""
    assert response.is_success, f"{response.request.method} {response.request.url}: {response.text}"
    value: dict[str, Any] = response.json()
    return value


@contextmanager
def client(url: str, transport: httpx.BaseTransport | None = None) -> Iterator[httpx.Client]:
    """Return a client that knows no proxy and gives up in the end."""
    # No server of tests speaks TLS, and to read the authorities that would be trusted takes 20 ms.
    with httpx.Client(base_url=url, timeout=60, trust_env=False, verify=False, transport=transport) as http:
        yield http


def unique(name: str) -> str:
    """Return a name that nobody in this process has yet."""
    return f"{name}{next(_numbers)}"


def register(http: httpx.Client, name: str = "person") -> Person:
    """Make an account whose username begins with `name`, and log in."""
    username = unique(name)
    email = f"{username}@example.com"
    body = {"email": email, "password": PASSWORD, "username": username}
    user = made(http.post("/v1/users", json=body))
    return Person(http, user["id"], email, username, log_in(http, email))


def log_in(http: httpx.Client, email: str, password: str = PASSWORD) -> dict[str, Any]:
    """Return the tokens of a new session."""
    return made(http.post("/v1/auth/login", json={"email": email, "password": password}))


def expired(token: str) -> str:
    """Return the same token, signed with the key of the tests, as it would be after its time."""
    claims: Mapping[str, Any] = jwt.decode(token, KEY, algorithms=["HS256"])
    header = jwt.get_unverified_header(token)
    return jwt.encode(
        {**claims, "iat": claims["iat"] - 90_000, "exp": claims["iat"] - 1},
        KEY,
        algorithm="HS256",
        headers={"kid": header["kid"]},
        sort_headers=True,
    )
