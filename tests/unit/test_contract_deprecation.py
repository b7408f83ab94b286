"""What is deprecated says so in each of its answers, and nothing else does."""

import copy

import pytest

from edge import Edge, only

pytestmark = pytest.mark.anyio


def deprecated_me() -> Edge:
    """Return an edge whose `GET /me` is on its way out."""
    document = copy.deepcopy(only("get_me", "list_users"))
    document["paths"]["/me"]["get"] |= {
        "deprecated": True,
        "x-deprecated-since": "2026-12-01",
        "x-sunset": "2027-12-01",
    }
    return Edge(document)


async def ends(edge: Edge, path: str, token: str | None = "ada") -> tuple[str | None, str | None]:
    """Return what an answer says of its end."""
    headers = (await edge.ask("GET", path, token=token)).headers
    return headers.get("deprecation"), headers.get("sunset")


async def test_deprecated_operation_says_so() -> None:
    """Since when, as RFC 9745 has it, and until when, as RFC 8594 does."""
    announced = ("@1796083200", "Wed, 01 Dec 2027 00:00:00 GMT")
    edge = deprecated_me()
    assert await ends(edge, "/v1/me") == announced
    assert await ends(edge, "/api/me") == announced


async def test_refusals_say_so_too() -> None:
    """A client that is refused has to change as well."""
    assert await ends(deprecated_me(), "/v1/me", token=None) == (
        "@1796083200",
        "Wed, 01 Dec 2027 00:00:00 GMT",
    )


async def test_others_say_nothing() -> None:
    """An operation beside it is here to stay."""
    assert await ends(deprecated_me(), "/v1/users?username=ada") == (None, None)


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
