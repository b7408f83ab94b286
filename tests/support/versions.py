"""The versions of the contract, as a test asks for one: what is written for v1 is asked of v2 as well (`as_v1.py`)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import httpx

import people
from as_v1 import DOCUMENT_OF_V2, SENT, AsV1
from calls import DOCUMENT
from databases import LoopThread
from parley.contract.document import Document
from parley.contract.v2 import operation_name


class Doorkeeper:
    """Gives people access to the beta. It does so in the database: the command would take a second for each."""

    def __init__(self, dsn: str) -> None:
        self._loop = LoopThread()
        self._conn = self._loop.run(asyncpg.connect(dsn))

    def let_in(self, user_id: str) -> None:
        """Give access to a user."""
        self._set(user_id, "UPDATE users SET beta_since = now() WHERE id = $1")

    def keep_out(self, user_id: str) -> None:
        """Take it away."""
        self._set(user_id, "UPDATE users SET beta_since = NULL WHERE id = $1")

    def close(self) -> None:
        """Close the connection."""
        self._loop.run(self._conn.close())
        self._loop.close()

    def _set(self, user_id: str, statement: str) -> None:
        assert self._loop.run(self._conn.execute(statement, UUID(user_id))) == "UPDATE 1"


@dataclass(frozen=True)
class Site:
    """A server that serves all versions, with its database, and who lets people into the beta there."""

    url: str
    dsn: str
    doorkeeper: Doorkeeper = field(repr=False)


@contextmanager
def doorkeeper(dsn: str) -> Iterator[Doorkeeper]:
    """Have one for this database."""
    keeper = Doorkeeper(dsn)
    try:
        yield keeper
    finally:
        keeper.close()


LetIn = Callable[[str], None]


def nobody(user_id: str) -> None:
    """Let nobody in."""


@dataclass(frozen=True)
class Version:
    """One version. `openapi` is where its document is served."""

    name: str
    document: Document = field(repr=False, compare=False)
    openapi: str

    def __str__(self) -> str:
        return self.name

    @contextmanager
    def client(self, url: str, let_in: LetIn = nobody) -> Iterator[httpx.Client]:
        """Return a client of a server that speaks this version where a test says `/v1`.

        Whoever registers with it is let in.
        """
        direct = httpx.HTTPTransport(trust_env=False, verify=False)
        with people.client(url, direct if self is V1 else AsV1(let_in, direct)) as http:
            yield http

    def noted(self, operation: str) -> str:
        """Return the name under which servers note the answers of an operation."""
        return operation if self is V1 else operation_name(operation)

    def sent(self, answer: httpx.Response) -> httpx.Response:
        """Return what the server has really sent."""
        if self is V1:
            return answer
        really: httpx.Response = answer.extensions[SENT]
        return really

    def example(self, response: str, name: str) -> Any:
        """Return the body of an example of one of the shared answers, such as `Conflict`, `taken`."""
        (content,) = self.document["components"]["responses"][response]["content"].values()
        return content["examples"][name]["value"]


V1 = Version("v1", DOCUMENT, "/openapi.json")
V2 = Version("v2", DOCUMENT_OF_V2, "/v2/openapi.json")
