"""What is deprecated says so in each of its answers, and nothing else does."""

import copy
from typing import Any

import pytest

from documents import read_document
from edge import Edge, only
from parley.contract.deprecation import Deprecations, deprecations_of, is_any
from parley.contract.document import operations_of
from planting import with_changes

pytestmark = pytest.mark.anyio

DOCUMENT = read_document()
ANNOUNCED = ("@1796083200", "Wed, 01 Dec 2027 00:00:00 GMT")
# Another thing, which is deprecated for longer and stays longer.
OTHER = ("@1790812800", "Sat, 01 Jan 2028 00:00:00 GMT")
BOTH = (OTHER[0], ANNOUNCED[1])
SILENT = (None, None)


def dated(part: Any, since: str = "2026-12-01", sunset: str = "2027-12-01") -> None:
    """Put something of a document on its way out."""
    part |= {"deprecated": True, "x-deprecated-since": since, "x-sunset": sunset}


def deprecated_me() -> Edge:
    """Return an edge whose `GET /me` is on its way out."""
    document = copy.deepcopy(only("get_me", "list_users"))
    dated(document["paths"]["/me"]["get"])
    return Edge(document)


async def ends(
    edge: Edge, path: str, token: str | None = "ada", headers: tuple[tuple[str, str], ...] = ()
) -> tuple[str | None, str | None]:
    """Return what an answer says of its end."""
    told = (await edge.ask("GET", path, token=token, headers=headers)).headers
    return told.get("deprecation"), told.get("sunset")


async def test_deprecated_operation_says_so() -> None:
    """Since when, as RFC 9745 has it, and until when, as RFC 8594 does."""
    edge = deprecated_me()
    assert await ends(edge, "/v1/me") == ANNOUNCED
    assert await ends(edge, "/api/me") == ANNOUNCED


async def test_refusals_say_so_too() -> None:
    """A client that is refused has to change as well."""
    assert await ends(deprecated_me(), "/v1/me", token=None) == ANNOUNCED


async def test_others_say_nothing() -> None:
    """An operation beside it is here to stay."""
    assert await ends(deprecated_me(), "/v1/users?username=ada") == SILENT


class TestParameters:
    @pytest.fixture
    def edge(self) -> Edge:
        """An edge with `GET /messages`, of which a parameter of the query and one of the head are on their way out."""
        document = copy.deepcopy(only("list_messages"))
        document["components"]["parameters"]["Old"] = old = {
            "name": "X-Old",
            "in": "header",
            "schema": {"type": "string", "maxLength": 8},
        }
        dated(old, "2026-10-01", "2028-01-01")
        document["paths"]["/messages"]["get"]["parameters"].append({"$ref": "#/components/parameters/Old"})
        dated(document["components"]["parameters"]["From"])
        return Edge(document)

    async def test_who_sends_it_is_told(self, edge: Edge) -> None:
        assert await ends(edge, "/v1/messages?from=2026-01-01&limit=1") == ANNOUNCED
        assert await ends(edge, "/v1/messages", headers=(("X-Old", "x"),)) == OTHER

    async def test_refusals_say_so_too(self, edge: Edge) -> None:
        assert await ends(edge, "/v1/messages?from=never") == ANNOUNCED

    async def test_of_several_the_earliest_is_told(self, edge: Edge) -> None:
        assert await ends(edge, "/v1/messages?from=2026-01-01", headers=(("X-Old", "x"),)) == BOTH

    async def test_who_does_not_is_not_told(self, edge: Edge) -> None:
        """Nor who sends what nobody can read."""
        assert await ends(edge, "/v1/messages?limit=1") == SILENT
        assert await ends(edge, "/v1/messages") == SILENT
        assert await ends(edge, "/v1/messages?from=%ff") == SILENT


def found(changes: dict[str, Any]) -> dict[str, Deprecations]:
    """Return what is on its way out, by operations, where parts of the real document are."""
    document = copy.deepcopy(with_changes(DOCUMENT, {}))
    for place, days in changes.items():
        node: Any = document
        for step in place.split("/"):
            node = node[step.replace("~1", "/")]
        dated(node, *days)
    assert is_any(document)
    every = {each.operation_id: deprecations_of(document, each) for each in operations_of(document)}
    return {name: each for name, each in every.items() if each}


def test_field_of_an_answer_is_told_with_it() -> None:
    """By every operation that answers it, however deep it lies."""
    assert set(found({"components/schemas/Tokens/properties/expires_in": ()})) == {"login", "refresh"}
    deep = found({"components/schemas/Attachment/properties/size": ()})
    assert {"send_message", "get_message", "list_messages", "list_conversations"} <= set(deep)
    assert "list_groups" not in deep


def test_field_of_a_body_is_told_with_it() -> None:
    assert set(found({"components/schemas/Credentials/properties/password": ()})) == {"login"}


def test_header_of_an_answer_is_told_with_it() -> None:
    assert "list_conversations" in found({"components/headers/X-Pagination-Total": ()})


def test_all_days_are_found() -> None:
    """Of the operation and of its parts."""
    told = found(
        {
            "paths/~1auth~1login/post": ("2026-10-01", "2028-01-01"),
            "components/schemas/Tokens/properties/expires_in": (),
        }
    )
    assert (len(told["login"].for_all), len(told["refresh"].for_all)) == (2, 1)


def test_values_are_no_parts() -> None:
    """An example may have any member, and a field any name."""
    document = with_changes(
        DOCUMENT,
        {
            "components/schemas/Me/example": {"deprecated": True},
            "components/schemas/Me/properties/deprecated": {"type": "boolean"},
        },
    )
    assert not is_any(document)
    dated(document["components"]["schemas"]["Me"]["properties"]["deprecated"])
    assert is_any(document)


async def test_deprecated_field_says_so() -> None:
    document = copy.deepcopy(DOCUMENT)
    dated(document["components"]["schemas"]["LimitBucket"]["properties"]["remaining"])
    edge = Edge(document)
    assert await ends(edge, "/v1/limits") == ANNOUNCED
    assert await ends(edge, "/v1/me") == SILENT


async def test_pages_may_read_it() -> None:
    """CORS exposes both headers where something is deprecated."""
    origin = [("Origin", "http://localhost")]
    exposed = (await deprecated_me().ask("GET", "/v1/me", headers=origin)).headers[
        "access-control-expose-headers"
    ]
    assert {"Deprecation", "Sunset"} <= set(exposed.split(", "))
    assert (
        "Sunset"
        not in (await Edge(only("get_me")).ask("GET", "/v1/me", headers=origin)).headers[
            "access-control-expose-headers"
        ]
    )
