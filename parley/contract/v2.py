"""v2, the beta: the same operations as v1, with another edge.

`spec/v2.overlay.yaml` says what differs, and here is all of it: who may come in, and how a request's conditions and a
reply's errors, rate limits, lists and entity tags are written. Handlers and services know of one version only.
"""

import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from time import perf_counter, time
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote, urlencode
from uuid import UUID

import orjson
from starlette.types import Receive, Scope, Send

from parley import preconditions
from parley.contract.answers import AnswersRecorder
from parley.contract.cors import Cors
from parley.contract.document import Document, DocumentedOperation, resolve
from parley.contract.entity_tags import entity_tag, is_demanded_state, is_known
from parley.contract.errors import invalid
from parley.contract.exchange import Edge, Exchange, common_lines
from parley.contract.limits import Count
from parley.contract.operations import CompiledOperation, Compiler
from parley.contract.options import ContractOptions
from parley.contract.problems import Field, pointer_of
from parley.contract.published import Published, read_published
from parley.contract.replies import Listing, Reply, encode
from parley.contract.routing import EXCHANGE, Begin
from parley.errors import Forbidden
from parley.model import Page
from parley.preconditions import Precondition

BASE_PATH = "/v2"
PUBLISHED = read_published("openapi-v2")

_V1 = "/v1/"
_V2 = f"{BASE_PATH}/"
_POLICY = b'ratelimit-policy: "%b";q=%d;w=%d\r\n'
_REST = b'ratelimit: "%b";r=%d;t=%d\r\n'
_CONDITIONS = frozenset(("if_match", "if_none_match"))
_IF_MATCH = b"if-match"
_IF_UNMODIFIED_SINCE = b"if-unmodified-since"
# RFC 9110, section 13.1. If-Modified-Since only spares an answer and If-Range a part of one: nothing happens by
# overlooking those, nor where a read overlooks If-Unmodified-Since.
_PREVENTING: Mapping[bytes, str] = {
    _IF_MATCH: "If-Match",
    b"if-none-match": "If-None-Match",
    _IF_UNMODIFIED_SINCE: "If-Unmodified-Since",
}
_STEP = re.compile(r"[^.\[\]]+")
# Of v1's details, those that tell of fields; the others become members of a problem under their own names.
_OF_FIELDS = frozenset(("field", "reason", "errors"))
# `instance` has room for so many characters of a path, however they are written in a URI.
_MAX_PATH = 160
# Of `parameter` in the document.
_MAX_NAME = 128
# Whoever was let wait longer for what they read may have lost the access meanwhile. In seconds.
_PATIENCE = 0.1


@dataclass(frozen=True, slots=True)
class Beta:
    """What v2 needs to be served: its document, and who tells whether a user may use it."""

    document: Document
    has_access: Callable[[UUID], Awaitable[bool]]


class NoAccess(Forbidden):
    """The caller is known, and may use v1 only."""

    def __init__(self) -> None:
        super().__init__("This account has no access to v2, a beta; whoever runs this server can grant it")


class V2Edge(Edge):
    """What all exchanges of v2 share. Rate limits are those of v1: one counter for both."""

    def __init__(self, edge: Edge, beta: Beta, options: ContractOptions) -> None:
        file = options.answers_file
        recorder = None if file is None else AnswersRecorder(beta.document, file, operation_name)
        cors = Cors(options.cors_origins, beta.document)
        super().__init__(cors, edge.addresses, edge.limits, edge.observer, recorder)
        self.titles = {code: facts["title"] for code, facts in beta.document["x-problems"].items()}
        self.has_access = beta.has_access

    def begin(self, scope: Scope, receive: Receive, send: Send) -> "V2Exchange":
        """Begin an exchange of v2."""
        return V2Exchange(self, scope, receive, send)


def by_version(of_v1: Begin, of_v2: Begin) -> Begin:
    """Begin each exchange as the version has it that its path names."""

    def begin(scope: Scope, receive: Receive, send: Send) -> Exchange:
        path = scope["path"]
        if path.startswith(BASE_PATH) and (path == BASE_PATH or path.startswith(_V2)):
            return of_v2(scope, receive, send)
        return of_v1(scope, receive, send)

    return begin


def operation_name(operation_id: str) -> str:
    """Return what metrics and logs call an operation of v2, to tell it from that of v1."""
    return f"v2.{operation_id}"


class V2Exchange(Exchange):
    """An exchange whose reply is v1's, and is written as v2 has it."""

    published: ClassVar[Published] = PUBLISHED
    _common_lines: ClassVar[bytes] = common_lines(PUBLISHED)

    __slots__ = ("_edge_of_v2", "if_none_match", "operation", "precondition", "shows_envelope")

    def __init__(self, edge: V2Edge, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(edge, scope, receive, send)
        self._edge_of_v2 = edge
        self.operation: V2Operation | None = None
        self.if_none_match: str | None = None
        self.precondition: Precondition | None = None
        # For a caller without access, whose client may know nothing but v1.
        self.shows_envelope = False

    @staticmethod
    def limit_lines(count: Count) -> bytes:
        """Write a counter as draft-ietf-httpapi-ratelimit-headers-10 has it: the policy, and what is left of it."""
        bucket, seconds = count.bucket, max(0, ceil(count.reset - time()))
        name = bucket.name.encode()
        policy = _POLICY % (name, bucket.limit, bucket.window_seconds)
        return policy + _REST % (name, count.remaining, seconds)

    def lines(self, name: bytes) -> list[str] | None:
        """Return all lines of a header as text, and those of a condition as one, since it is a list."""
        found = super().lines(name)
        if found is None or name not in (b"if-match", b"if-none-match"):
            return None if found is None else list(found)
        return [", ".join(found)]

    async def answer(self, reply: Reply, operation: str | None, route: str) -> None:
        """Send the reply as v2 has it. Raises as v1's does."""
        await super().answer(self._translated(reply), operation, route)

    def _translated(self, reply: Reply) -> Reply:
        if reply.status >= 400:
            return Problem(reply.status, self._problem(reply.status, reply.body["error"]), reply.headers)
        headers = {name: value for name, value in reply.headers.items() if not _is_replaced(name)}
        if "Location" in headers:
            headers["Location"] = headers["Location"].replace(_V1, _V2, 1)
        body = reply.body
        if reply.listing is not None:
            body = _listed(body, reply.listing)
            headers |= self._links(reply.listing, body)
        operation = self.operation
        if operation is None or not operation.is_tagged or reply.status != 200:
            return Reply(reply.status, body, headers)
        written = encode(body)
        tag = headers["ETag"] = operation.tag(written)
        if self.if_none_match is not None and is_known(tag, self.if_none_match):
            return Reply(304, None, {"ETag": tag})
        return Reply(200, orjson.Fragment(written), headers)

    def _problem(self, status: int, error: Mapping[str, Any]) -> dict[str, Any]:
        """Write v1's error as a problem (RFC 9457, section 3)."""
        code, details = error["code"], error["details"]
        # What a proxy or a client made of the path may hold anything; of a known one the parts are all identifiers.
        path = quote(self.scope["path"][:_MAX_PATH], errors="replace")
        problem = {
            "type": f"/errors/{code}",
            "title": self._edge_of_v2.titles[code],
            "status": status,
            "detail": error["message"],
            "instance": f"{path}#{self.request_id}",
            "code": code,
            **{name: value for name, value in details.items() if name not in _OF_FIELDS},
        }
        reason = details.get("reason")
        if "field" not in details:
            # Most reasons only repeat the sentence.
            if reason not in (None, error["message"]):
                problem["reason"] = reason
        else:
            told = details.get("errors") or [{"field": details["field"], "reason": reason}]
            problem["errors"] = [{"detail": found["reason"], **self._place(found["field"])} for found in told]
        if self.shows_envelope:
            problem["error"] = error
        return problem

    def _place(self, field: str) -> dict[str, str]:
        """Say where a field stands: in the body, or which parameter or header it is."""
        if isinstance(field, Field) and field.pointer is not None:
            return {"pointer": field.pointer}
        name = field.partition("[")[0][:_MAX_NAME]
        operation = self.operation
        location = None if operation is None else operation.locations.get(name)
        if location == "header":
            return {"header": name}
        if location is None and operation is not None and operation.has_body and not isinstance(field, Field):
            return {"pointer": _pointer(field)}
        # A name that nobody knows is told as it came.
        return {"parameter": field[:_MAX_NAME] if location is None else name}

    def _links(self, listing: Listing, body: Mapping[str, Any]) -> dict[str, str]:
        """Return the Link header (RFC 8288) of a list that has pages."""
        page = listing.page
        if page is None and "next_cursor" not in body:
            return {}
        query = parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = {name for name, _ in query}
        kept = [(name, value) for name, value in query if name not in ("before", "after")]
        places = _of_the_log(body) if page is None else _places(page, given)
        path = quote(self.scope["path"])
        links = (f'<{_target(path, [*kept, *cursor])}>; rel="{rel}"' for rel, cursor in places)
        return {"Link": ", ".join(links)}


class Problem(Reply):
    """An error, as RFC 9457 has it."""

    content_type: ClassVar[bytes] = b"content-type: application/problem+json\r\n"


class V2Operation(CompiledOperation):
    """An operation of v2: v1's handler, for those who have access, with conditions."""

    def __init__(self, compiler: Compiler, documented: DocumentedOperation, edge: V2Edge) -> None:
        super().__init__(compiler, documented)
        self._has_access = edge.has_access
        self.operation_id = operation_name(documented.operation_id)
        self.route = f"{BASE_PATH}{documented.path}"
        document = compiler.document
        success = resolve(document, documented.raw["responses"].get("200", {}))
        self.is_tagged = "ETag" in success.get("headers", {})
        path = document["paths"][documented.path]
        self._overlooked = path.get("x-volatile", ()), path.get("x-momentary", ())
        self.has_body = "requestBody" in documented.raw
        self.locations = {
            facts["name"]: facts["in"]
            for facts in (
                resolve(document, each)
                for each in (*documented.path_parameters, *documented.raw.get("parameters", ()))
            )
        }
        unknown = {lower: name for lower, name in _PREVENTING.items() if name not in self.locations}
        if documented.method == "get":
            del unknown[_IF_UNMODIFIED_SINCE]
        self._unknown_conditions = frozenset(unknown)
        self.locations |= dict.fromkeys(unknown.values(), "header")

    def tag(self, body: bytes) -> str:
        """Return the entity tag of what this operation shows or changes."""
        return entity_tag(body, *self._overlooked)

    def _argument_names(self, raw: Mapping[str, Any]) -> set[str]:
        return super()._argument_names(raw) - _CONDITIONS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        exchange: V2Exchange = scope[EXCHANGE]
        exchange.operation = self
        await super().__call__(scope, receive, send)

    async def _count(self, exchange: Exchange, value: Any) -> None:
        """Count the request, and let nobody in without access: trying has its price, and nothing was read yet."""
        await super()._count(exchange, value)
        await self._check_access(exchange)

    def _arguments(self, exchange: Exchange, value: Any) -> dict[str, Any]:
        assert isinstance(exchange, V2Exchange)
        if not self._unknown_conditions.isdisjoint(exchange.headers):
            self._refuse_conditions(exchange)
        arguments = super()._arguments(exchange, value)
        exchange.if_none_match = arguments.pop("if_none_match", None)
        demanded: str | None = arguments.pop("if_match", None)
        if demanded is not None:
            exchange.precondition = Precondition(
                lambda thing: is_demanded_state(self.tag(encode(thing)), demanded)
            )
            preconditions.demand(exchange.precondition)
        return arguments

    def _refuse_conditions(self, exchange: Exchange) -> None:
        """Raise Invalid: read as no condition it would do what the client wanted to prevent."""
        found = self._unknown_conditions & exchange.headers.keys()
        if _IF_MATCH in exchange.headers:
            # RFC 9110, section 13.1.4: the date is for those who know nothing of tags.
            found -= {_IF_UNMODIFIED_SINCE}
        if found:
            raise invalid(
                [(_PREVENTING[name], "Is no condition of this operation") for name in sorted(found)]
            )

    async def _reply(self, exchange: Exchange) -> Reply:
        assert isinstance(exchange, V2Exchange)
        started = perf_counter()
        try:
            reply = await super()._reply(exchange)
        finally:
            preconditions.withdraw()
        if exchange.precondition is not None and not exchange.precondition.was_judged:
            raise AssertionError(f"{self.operation_id} has changed something, whatever If-Match demanded")
        # What was changed was changed, and is not refused afterwards.
        if self.documented.method == "get" and perf_counter() - started > _PATIENCE:
            await self._check_access(exchange)
        return reply

    async def _check_access(self, exchange: Exchange) -> None:
        assert isinstance(exchange, V2Exchange)
        if exchange.caller is not None and not await self._has_access(exchange.caller.user_id):
            exchange.shows_envelope = True
            raise NoAccess


def _is_replaced(name: str) -> bool:
    return name.startswith("X-Pagination-")


def _listed(body: Mapping[str, Any], listing: Listing) -> dict[str, Any]:
    """Call the list `items`, and tell in the body what v1 tells in X-Pagination headers."""
    written = {"items" if name == listing.name else name: value for name, value in body.items()}
    page = listing.page
    if page is not None and page.total is not None:
        written["total"] = page.total
        if not page.total_exact:
            written["total_exact"] = False
    return written


Places = Iterator[tuple[str, list[tuple[str, str]]]]


def _places(page: Page[Any], given: Collection[str]) -> Places:
    """Yield relations and cursors of a list that is newest first: next is older, prev is newer."""
    yield "first", []
    has_older = page.has_more if "after" not in given else page.oldest_cursor is not None
    has_newer = page.has_more if "after" in given else "before" in given
    if has_older and page.oldest_cursor is not None:
        yield "next", [("before", str(page.oldest_cursor))]
    if has_newer and page.newest_cursor is not None:
        yield "prev", [("after", str(page.newest_cursor))]


def _of_the_log(body: Mapping[str, Any]) -> Places:
    """Yield relations and cursors of the log, which is oldest first and is walked in one direction."""
    yield "first", [("after", "0")]
    if body["has_more"]:
        yield "next", [("after", body["next_cursor"])]


def _target(path: str, query: list[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _pointer(field: str) -> str:
    """Turn `metadata.mentions[0]`, as services name a field, into a pointer."""
    return pointer_of(() if field == "body" else _STEP.findall(field))
