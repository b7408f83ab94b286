"""A server somewhere, as a client sees it: its documents, and two people who were made there to look at it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Any
from uuid import uuid4

from parley.cli.outcomes import Refused
from parley.cli.remote import Answer, Remote


class Deployment(Remote):
    """A server and its documents. Raises Surroundings where it is not there."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.documents = {name: self._document(name) for name in ("openapi", "asyncapi")}
        self.openapi: dict[str, Any] = json.loads(self.documents["openapi"])
        self.asyncapi: dict[str, Any] = json.loads(self.documents["asyncapi"])
        told = self.ask("GET", "/v1/contract")
        if told.status != 200:
            raise Refused(
                f"GET /v1/contract answers {told.status}: this server tells nothing of its contract."
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
        group = ada.made("POST", "/groups", {"name": "Contract check", "members": [bob.user_id]})
        self.group_id = group["id"]
        self.message = self.say("Hello, world!")

    def leave(self) -> None:
        """Take the group away. Accounts stay: nobody but the operator can remove one."""
        self.people[0].ask("DELETE", f"/groups/{self.group_id}")

    def say(self, content: str) -> dict[str, Any]:
        """Let the first person send a message to the second, and return it."""
        ada, bob = self.people
        body = {"receiver_id": bob.user_id, "content": content, "type": "text"}
        return ada.made("POST", "/messages", body)

    def _document(self, name: str) -> bytes:
        answer = self.ask("GET", f"/{name}.json")
        if answer.status != 200:
            raise Refused(f"GET /{name}.json answers {answer.status}: this server publishes no contract.")
        return answer.body


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
        if answer.status != 200:
            raise Refused(f"A new account cannot log in: POST /v1/auth/login answers {answer.status}.")
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

    def made(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Return the body of a success. Raises Refused where it is none."""
        answer = self.ask(method, path, body)
        if not 200 <= answer.status < 300:
            reason = f", {answer.message}" if answer.message else ""
            raise Refused(f"{method} /v1{path} answers {answer.status}{reason}.")
        value: dict[str, Any] = answer.json()
        return value
