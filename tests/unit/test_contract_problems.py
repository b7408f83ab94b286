"""What is said about an invalid body: which field, in a short sentence."""

from typing import Any

import pytest

from edge import ID, Edge

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def edge() -> Edge:
    return Edge()


LOGIN = {"email": "ada@example.com", "password": "secure_password"}
TEXT = {"receiver_id": ID, "content": "hi"}


@pytest.mark.parametrize(
    ("target", "body", "found"),
    [
        ("/auth/login", {"email": "x", "password": "y"}, [("email", "Invalid email format")]),
        ("/auth/login", {"email": 1, "password": "y"}, [("email", "Must be a string")]),
        ("/auth/login", {"password": "y"}, [("email", "Is required")]),
        ("/auth/login", {}, [("email", "Is required"), ("password", "Is required")]),
        ("/auth/login", [], [("body", "Must be an object")]),
        ("/auth/login", None, [("body", "Is required")]),
        ("/auth/login", b"null", [("body", "Must be an object")]),
        (
            "/auth/login",
            {"email": "a@b.cd", "password": ""},
            [("password", "Must have at least 1 character")],
        ),
        ("/auth/login", {"email": "a@b.cd", "password": "y", "name": 1}, [("name", "Unknown field")]),
        (
            "/messages",
            {**TEXT, "metadata": {"mentions": ["x"]}},
            [("metadata.mentions[0]", "Invalid uuid format")],
        ),
        ("/messages", {**TEXT, "metadata": {"mention": []}}, [("metadata.mention", "Unknown field")]),
        ("/messages", {**TEXT, "metadata": []}, [("metadata", "Must be an object")]),
        ("/messages", {**TEXT, "content": "x" * 4001}, [("content", "Must have at most 4000 characters")]),
        (
            "/messages",
            {"content": "hi"},
            [("receiver_id", "Exactly one of receiver_id and conversation_id is required")],
        ),
        ("/messages", {}, [("receiver_id", "Exactly one of receiver_id and conversation_id is required")]),
        (
            "/messages",
            {**TEXT, "conversation_id": ID},
            [("conversation_id", "Only one of receiver_id and conversation_id is allowed")],
        ),
        ("/messages", {"receiver_id": ID, "type": "image"}, [("metadata", "Is required")]),
        (
            "/messages",
            {"conversation_id": ID, "type": "image", "metadata": {}},
            [("metadata.attachments", "Is required")],
        ),
        (
            "/messages",
            {**TEXT, "type": "poem"},
            [("type", "Must be one of: text, image, video, audio, file")],
        ),
        ("/messages", {**TEXT, "colour": "red"}, [("colour", "Unknown field")]),
        ("/messages", {"receiver_id": "x", "content": "hi"}, [("receiver_id", "Invalid uuid format")]),
        ("/messages", "hi", [("body", "Must be an object")]),
    ],
)
async def test_a_problem_is_told(edge: Edge, target: str, body: Any, found: list[tuple[str, str]]) -> None:
    answer = await edge.ask("POST", f"/v1{target}", body)
    assert answer.status == 400, answer.body
    assert [(error["field"], error["reason"]) for error in answer.details["errors"]] == found


async def test_the_seed_is_answered_in_its_own_words(edge: Edge) -> None:
    answer = await edge.ask("POST", "/api/auth/login", {"email": "user", "password": "secure_password"})
    assert answer.error["code"] == "validation_error"
    assert answer.error["message"] == "Invalid request data"
    assert answer.details["field"] == "email"
    assert answer.details["reason"] == "Invalid email format"


async def test_a_made_up_name_is_cut(edge: Edge) -> None:
    """The document promises how long `field` is at most."""
    for answer in (
        await edge.ask("POST", "/v1/auth/login", {**LOGIN, "x" * 10_000: 1}),
        await edge.ask("POST", "/v1/auth/login", {**LOGIN, "x" * 10_000: "\0"}),
        await edge.ask("GET", f"/v1/me?{'x' * 10_000}=1"),
    ):
        assert answer.details["field"] == "x" * 500
        assert [error["field"] for error in answer.details["errors"]] == ["x" * 500]


async def test_the_list_of_problems_has_an_end(edge: Edge) -> None:
    answer = await edge.ask("POST", "/v1/auth/login", {f"x{number}": 1 for number in range(1000)})
    assert len(answer.details["errors"]) == 20
