"""Parameters of path, query and header, as an operation of the real document reads them."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from edge import ID, Answer, Edge
from parley.contract.parameters import python_name

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def edge() -> Edge:
    return Edge()


def problems(answer: Answer) -> list[tuple[str, str]]:
    assert answer.status == 400, answer.body
    assert answer.error["code"] == "validation_error"
    assert answer.error["message"] == "Invalid request data"
    first, *_ = found = [(error["field"], error["reason"]) for error in answer.details["errors"]]
    assert (answer.details["field"], answer.details["reason"]) == first
    return found


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("Idempotency-Key", "idempotency_key"),
        ("from", "from_"),
        ("type", "type_"),
        ("user_id", "user_id"),
        ("pageSize", "page_size"),
        ("id", "id_"),
    ],
)
def test_a_parameter_has_a_name_in_python(name: str, argument: str) -> None:
    assert python_name(name) == argument


async def test_values_arrive_with_their_types(edge: Edge) -> None:
    target = f"/v1/messages?conversation_id={ID}&limit=007&type=text&from=2026-03-01&to=2026-03-20T12:00:00%2B01:00"
    assert (await edge.ask("GET", target)).status == 200
    given = edge.handlers.last
    assert given["conversation_id"] == UUID(ID)
    assert given["limit"] == 7
    assert given["type_"] == "text"
    assert given["from_"] == date(2026, 3, 1)
    assert given["to"] == datetime(2026, 3, 20, 11, tzinfo=UTC)
    assert "before" not in given


async def test_defaults_are_filled_in(edge: Edge) -> None:
    for target in ("/v1/messages", "/v1/messages?", "/v1/messages?&&", "/v1/messages?type=text"):
        assert (await edge.ask("GET", target)).status == 200
        assert edge.handlers.last["limit"] == 50


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        ("limit=", "limit", "Must be an integer"),
        ("limit=1.0", "limit", "Must be an integer"),
        ("limit=%D9%A3", "limit", "Must be an integer"),
        ("limit=0", "limit", "Must be at least 1"),
        ("limit=101", "limit", "Must be at most 100"),
        ("limit=99999999999999999999", "limit", "Must be an integer"),
        ("limit=5&limit=5", "limit", "Must be given once"),
        ("before=1", "before", "Invalid uuid format"),
        ("from=yesterday", "from", "Invalid date format"),
        ("status=seen", "status", "Must be one of: sent, delivered, read"),
        ("colour=red", "colour", "Unknown query parameter"),
        ("=", "", "Unknown query parameter"),
        ("type=text%00", "type", "Must not contain U+0000"),
        ("type=%ff", "query", "Must be UTF-8, percent-encoded"),
    ],
)
async def test_a_bad_query_is_refused_by_name(edge: Edge, query: str, field: str, reason: str) -> None:
    assert problems(await edge.ask("GET", f"/v1/messages?{query}")) == [(field, reason)]


async def test_all_problems_are_listed(edge: Edge) -> None:
    answer = await edge.ask("GET", "/v1/messages?a=1&limit=x&before=y")
    assert [field for field, _ in problems(answer)] == ["a", "limit", "before"]


async def test_no_more_than_twenty_problems_are_listed(edge: Edge) -> None:
    answer = await edge.ask("GET", "/v1/messages?" + "&".join(f"x{number}=1" for number in range(50)))
    assert len(problems(answer)) == 20


async def test_plus_and_percent_are_decoded(edge: Edge) -> None:
    await edge.ask("GET", "/v1/users?username=a%5Fd%61")
    assert edge.handlers.last["username"] == "a_da"
    answer = await edge.ask("GET", "/v1/users?username=a+da")
    assert problems(answer)[0][0] == "username"


async def test_a_list_is_separated_by_commas(edge: Edge) -> None:
    other = "019d0a7b-8991-7ce9-9b84-000000000000"
    await edge.ask("GET", f"/v1/users?ids={ID},{other}")
    assert edge.handlers.last["ids"] == [UUID(ID), UUID(other)]
    answer = await edge.ask("GET", f"/v1/users?ids={ID},nobody")
    assert problems(answer) == [("ids[1]", "Invalid uuid format")]


@pytest.mark.parametrize("segment", ["1", "%FF", "%00", "a%2Fb", ID + "%20"])
async def test_a_bad_path_parameter_is_refused_by_name(edge: Edge, segment: str) -> None:
    [(field, _)] = problems(await edge.ask("GET", f"/v1/users/{segment}"))
    assert field == "user_id"


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ([("Idempotency-Key", "")], "Must have at least 1 character"),
        ([("Idempotency-Key", "a" * 129)], "Must have at most 128 characters"),
        ([("Idempotency-Key", "a b")], "Must match"),
        ([("Idempotency-Key", "é")], "Must match"),
        ([("Idempotency-Key", "a"), ("Idempotency-Key", "a")], "Must be given once"),
    ],
)
async def test_a_bad_header_is_refused_by_name(edge: Edge, headers: Any, problem: str) -> None:
    answer = await edge.ask("POST", "/v1/groups", {"name": "x"}, headers=headers)
    field, reason = problems(answer)[0]
    assert field == "Idempotency-Key"
    assert reason.startswith(problem)


async def test_a_header_arrives(edge: Edge) -> None:
    await edge.ask("POST", "/v1/groups", {"name": "x"}, headers=[("idempotency-key", "k1")])
    assert edge.handlers.last["idempotency_key"] == "k1"


async def test_problems_of_parameters_and_body_come_together(edge: Edge) -> None:
    answer = await edge.ask("PATCH", "/v1/groups/1", {"colour": "red"})
    assert [field for field, _ in problems(answer)] == ["group_id", "colour"]
