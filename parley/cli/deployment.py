"""A server somewhere, as a client sees it: its documents, and two people who were made there to look at it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Any
from uuid import uuid4

from parley.cli.outcomes import Refused, Surroundings
from parley.cli.remote import Answer, Remote

# What is looked at in each document; without it, it is that of another program.
_HAS = {"openapi": ("info", "paths", "x-frames"), "asyncapi": ("info", "x-close-codes")}
_PUBLISHED = ("version", "openapi_sha256", "asyncapi_sha256")


class Deployment(Remote):
    """A server and its documents. Raises Surroundings where it is not there."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.documents = {name: self._document(name) for name in ("openapi", "asyncapi")}
        self.openapi: dict[str, Any] = json.loads(self.documents["openapi"])
        self.asyncapi: dict[str, Any] = json.loads(self.documents["asyncapi"])
        told = self.ask("GET", "/v1/contract")
        if told.status != 200 or not _has(told, _PUBLISHED):
            raise Surroundings(
                f"GET /v1/contract {_instead(told)}: this server tells nothing of its contract."
            )
        self.published: dict[str, str] = told.json()
        self.header = told.headers.get("x-contract", "nothing")
        # Two of them, since a message needs somebody who gets it.
        self.people: list[Person] = []
        self.group_id = ""
        self.message: dict[str, Any] = {}

    def settle(self) -> None:
        """Make two people, a group of theirs and a message in it."""
        self.people = [Person.register(self), Person.register(self)]
        ada, bob = self.people
        group = ada.made("/groups", {"name": "Contract check", "members": [bob.user_id]}, "id")
        self.group_id = group["id"]
        self.message = self.say("Hello, world!")

    def leave(self) -> None:
        """Take the group away. Accounts stay: nobody but the operator can remove one."""
        self.people[0].ask("DELETE", f"/groups/{self.group_id}")

    def say(self, content: str) -> dict[str, Any]:
        """Let the first person send a message to the second, and return it."""
        ada, bob = self.people
        body = {"receiver_id": bob.user_id, "content": content, "type": "text"}
        return ada.made("/messages", body, "id", "conversation_id")

    def _document(self, name: str) -> bytes:
        answer = self.ask("GET", f"/{name}.json")
        if answer.status != 200 or not _has(answer, _HAS[name]):
            raise Surroundings(f"GET /{name}.json {_instead(answer)}: this server publishes no contract.")
        return answer.body


def _has(answer: Answer, names: Iterable[str]) -> bool:
    """Say whether the body is an object with these fields."""
    try:
        body = answer.json()
    except ValueError:
        return False
    return isinstance(body, dict) and body.keys() >= set(names)


def _instead(answer: Answer) -> str:
    """Say what came instead of what was to come. Servers of pages answer any path with a page and 200."""
    return f"answers {answer.status}" + (" with something else" if 200 <= answer.status < 300 else "")


@dataclass(frozen=True, slots=True)
class Person:
    """An account with a session."""

    deployment: Deployment
    credentials: Mapping[str, str]
    user_id: str
    token: str
    session_id: str

    @classmethod
    def register(cls, deployment: Deployment) -> "Person":
        """Make an account under a name that nobody has, and log in."""
        name = f"contract_check_{token_hex(6)}"
        credentials = {"email": f"{name}@example.com", "password": token_hex(16)}
        made = deployment.ask("POST", "/v1/users", {**credentials, "username": name})
        if made.status != 201:
            raise Refused(f"No account can be made there: POST /v1/users answers {made.status}.")
        return cls.logged_in(deployment, credentials)

    @classmethod
    def logged_in(cls, deployment: Deployment, credentials: Mapping[str, str]) -> "Person":
        """Begin a session."""
        answer = deployment.ask("POST", "/v1/auth/login", credentials)
        if answer.status != 200 or not _has(answer, ("user_id", "access_token", "session_id")):
            raise Refused(f"A new account cannot log in: POST /v1/auth/login {_instead(answer)}.")
        tokens = answer.json()
        return cls(deployment, credentials, tokens["user_id"], tokens["access_token"], tokens["session_id"])

    def again(self) -> "Person":
        """Return the same person with a session of its own."""
        return self.logged_in(self.deployment, self.credentials)

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Send a request with the token, below /v1."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if method == "POST":
            headers["Idempotency_Key"] = str(uuid4())
        return self.deployment.ask(method, f"/v1{path}", body, **headers)

    def made(self, path: str, body: Any, *fields: str) -> dict[str, Any]:
        """Make something and return it. Raises Refused where it is not made, or has not these fields."""
        answer = self.ask("POST", path, body)
        if not 200 <= answer.status < 300 or not _has(answer, fields):
            reason = f", {answer.message}" if answer.message else ""
            raise Refused(f"POST /v1{path} {_instead(answer)}{reason}.")
        value: dict[str, Any] = answer.json()
        return value
