"""A valid request for each operation, out of the document's own examples."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from documents import read_document
from parley.contract.document import DocumentedOperation, operations_of, resolve

DOCUMENT = read_document()
OPERATIONS: Mapping[str, DocumentedOperation] = {each.operation_id: each for each in operations_of(DOCUMENT)}

# The document says of these in words only that one of several parameters must be there.
_QUERIES = {"list_users": {"username": "ada"}}


@dataclass(frozen=True)
class Call:
    """A request for an operation. `path` is below the base path; the ids in it are of nobody and nothing."""

    operation: str
    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None

    @property
    def documented(self) -> DocumentedOperation:
        return OPERATIONS[self.operation]

    @property
    def statuses(self) -> set[int]:
        """The statuses of the answers that the document knows."""
        return {int(status) for status in self.documented.raw["responses"]}

    @property
    def secured(self) -> bool:
        """Whether it takes a token."""
        return bool(self.documented.raw.get("security", DOCUMENT["security"]))

    @property
    def limited_per(self) -> str:
        """What tells one counter of its rate limit from the next: user, address, account or session."""
        per: str = self.documented.raw["x-rate-limit"]["per"]
        return per

    @property
    def bucket(self) -> str:
        """The rate limit that it draws from."""
        name: str = self.documented.raw["x-rate-limit"]["bucket"]
        return name

    def with_body(self, **members: Any) -> "Call":
        """The same request with these members in its body, which has no others."""
        return replace(self, body=members)

    def asking(self, **parameters: Any) -> "Call":
        """The same request with these parameters in its query, which has no others."""
        return replace(self, query=parameters)

    def at(self, path: str) -> "Call":
        """The same request for something else."""
        return replace(self, path=path)

    def __str__(self) -> str:
        return self.operation


def _calls() -> Iterator[Call]:
    for operation in OPERATIONS.values():
        path = operation.path
        for parameter in (resolve(DOCUMENT, each) for each in operation.raw.get("parameters", ())):
            if parameter["in"] == "path":
                path = path.replace(f"{{{parameter['name']}}}", parameter["example"])
        body = next(bodies_of(operation), None)
        query = _QUERIES.get(operation.operation_id, {})
        yield Call(operation.operation_id, operation.method.upper(), path, query, body)


def bodies_of(operation: DocumentedOperation) -> Iterator[Any]:
    """Yield the examples of an operation's request body."""
    if "requestBody" in operation.raw:
        content = resolve(DOCUMENT, operation.raw["requestBody"])["content"]["application/json"]
        for example in content["examples"].values():
            yield resolve(DOCUMENT, example)["value"]


CALLS: Mapping[str, Call] = {call.operation: call for call in _calls()}


def error_example(response: str, name: str) -> Any:
    """Return the body of an example of one of the shared answers, such as `Conflict`, `taken`."""
    content = DOCUMENT["components"]["responses"][response]["content"]["application/json"]
    return resolve(DOCUMENT, content["examples"][name])["value"]
