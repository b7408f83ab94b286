"""What v2's edge makes of requests and of v1's replies."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from documents import read_document
from edge import ADA, BOB, ID, Answer, Edge
from parley import preconditions
from parley.contract import Reply, created, listed, ok, paged
from parley.contract.options import ContractOptions
from parley.contract.request import current_contract
from parley.contract.v2 import PUBLISHED, Beta
from parley.errors import Conflict, Gone, Invalid, NotFound, RateLimited, Unavailable
from parley.model import Page

pytestmark = pytest.mark.anyio

DOCUMENT = read_document("openapi-v2")
GROUP = {"id": ID, "name": "Book club", "member_count": 2, "members": []}


class Access:
    """Ada has access, and Bob has not."""

    def __init__(self) -> None:
        self.users = {ADA.user_id}

    async def granted(self, user_id: UUID) -> bool:
        return user_id in self.users


def make_edge(options: ContractOptions | None = None, access: Access | None = None) -> Edge:
    return Edge(options=options, beta=Beta(DOCUMENT, (access or Access()).granted))


@pytest.fixture(scope="module")
def shared() -> Edge:
    return make_edge()


@pytest.fixture
def edge(shared: Edge) -> Edge:
    shared.handlers.replies.clear()
    shared.handlers.calls.clear()
    return shared


def problem(answer: Answer) -> Any:
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == answer.status
    assert found["type"] == f"/errors/{found['code']}"
    assert found["title"] == DOCUMENT["x-problems"][found["code"]]["title"]
    assert found["instance"].endswith(f"#{answer.headers['x-request-id']}")
    return found


async def test_the_handler_is_the_same(edge: Edge) -> None:
    """It is given what v1 would give it, and nothing of conditions."""
    condition = [("If-None-Match", '"x"')]
    assert (await edge.ask("GET", f"/v2/messages/{ID}", headers=condition)).status == 200
    assert edge.handlers.calls == [("get_message", {"message_id": UUID(ID), "caller": ADA})]


async def test_v1_is_as_it_was(edge: Edge) -> None:
    answer = await edge.ask("GET", f"/v1/messages/{ID}", headers=[("If-None-Match", "*")], token="bob")
    assert answer.status == 200
    assert "etag" not in answer.headers
    assert "ratelimit" not in answer.headers
    assert (await edge.ask("GET", "/v1/nothing")).headers["content-type"] == "application/json"


async def test_metrics_tell_the_versions_apart(edge: Edge) -> None:
    edge.watcher.answers.clear()
    await edge.ask("GET", "/v2/me")
    await edge.ask("GET", "/v1/me")
    assert edge.watcher.answers == [("v2.get_me", "GET", "/v2/me", 200), ("get_me", "GET", "/me", 200)]


async def test_its_own_contract_is_named(edge: Edge) -> None:
    """On every answer, and to whoever asks for it."""

    async def told() -> Reply:
        return ok(current_contract())

    edge.handlers.replies["get_contract"] = told
    answer = await edge.ask("GET", "/v2/contract", token=None)
    assert answer.json()["version"] == DOCUMENT["info"]["version"]
    assert answer.headers["x-contract"] == PUBLISHED.header
    assert (await edge.ask("GET", "/v2/nothing")).headers["x-contract"] == PUBLISHED.header
    assert (await edge.ask("GET", "/v1/contract")).json()["version"] != DOCUMENT["info"]["version"]


@pytest.mark.parametrize("path", ["/v2", "/v2/", "/v2/nothing"])
async def test_what_is_not_there_is_a_problem(edge: Edge, path: str) -> None:
    """The base path itself is of v2 as well; what only begins like it is not."""
    answer = await edge.ask("GET", path, token=None)
    assert (answer.status, problem(answer)["code"]) == (404, "not_found")
    assert answer.headers["x-contract"] == PUBLISHED.header
    assert (await edge.ask("GET", "/v20", token=None)).error["code"] == "not_found"


class TestAccess:
    async def test_others_are_refused(self, edge: Edge) -> None:
        """In v2's form and in v1's, which may be all that their client knows; no handler is called."""
        answer = await edge.ask("GET", "/v2/me", token="bob")
        found = problem(answer)
        assert (answer.status, found["code"]) == (403, "forbidden")
        assert "no access to v2" in found["detail"]
        assert found["error"] == {"code": "forbidden", "message": found["detail"], "details": {}}
        assert edge.handlers.calls == []

    async def test_strangers_are_unauthorized(self, edge: Edge) -> None:
        answer = await edge.ask("GET", "/v2/me", token=None)
        assert (answer.status, problem(answer)["token_expired"]) == (401, False)
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert problem(await edge.ask("GET", "/v2/me", token="expired"))["token_expired"] is True

    async def test_broken_body_does_not_hide_it(self, edge: Edge) -> None:
        """Whoever has no access is told that, whatever they send."""
        assert (await edge.ask("POST", "/v2/messages", b"{", token="bob")).status == 403

    async def test_trying_counts(self) -> None:
        """Being refused costs as much as being served."""
        edge = make_edge(ContractOptions(rate_limits={"api": (2, 60)}))
        statuses = [(await edge.ask("GET", "/v2/me", token="bob")).status for _ in range(3)]
        assert statuses == [403, 403, 429]

    async def test_both_versions_have_one_counter(self) -> None:
        edge = make_edge(ContractOptions(rate_limits={"api": (2, 60)}))
        paths = ("/v1/me", "/v2/me", "/api/me")
        assert [(await edge.ask("GET", path)).status for path in paths] == [200, 200, 429]

    async def test_taken_away_while_a_request_waits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever waited for events gets none any more."""
        monkeypatch.setattr("parley.contract.v2._PATIENCE", 0)
        access = Access()
        edge = make_edge(access=access)

        async def taken_away() -> Reply:
            access.users.clear()
            return listed("events", [], next_cursor="x", has_more=False)

        edge.handlers.replies["list_events"] = taken_away
        assert (await edge.ask("GET", "/v2/events?wait=30")).status == 403


class TestProblems:
    @pytest.mark.parametrize(
        ("target", "method", "status", "allow"),
        [("/v2/nothing", "GET", 404, None), ("/v2/me", "PUT", 405, "GET, HEAD, OPTIONS")],
    )
    async def test_outside_of_operations(
        self, edge: Edge, target: str, method: str, status: int, allow: str | None
    ) -> None:
        answer = await edge.ask(method, target)
        assert problem(answer)["instance"].startswith(f"{target}#")
        assert answer.status == status
        assert answer.headers.get("allow") == allow

    async def test_places_in_a_body(self, edge: Edge) -> None:
        body = {"receiver_id": ID, "content": "x", "metadata": {"mentions": [ID, "x"]}, "a/b~c d": 1}
        found = problem(await edge.ask("POST", "/v2/messages", body))
        pointers = {part["pointer"]: part["detail"] for part in found["errors"]}
        assert pointers == {"#/metadata/mentions/1": "Invalid uuid format", "#/a~1b~0c%20d": "Unknown field"}

    async def test_the_body_itself(self, edge: Edge) -> None:
        found = problem(await edge.ask("POST", "/v2/messages", b"{"))
        assert [part["pointer"] for part in found["errors"]] == ["#"]

    async def test_places_in_a_request(self, edge: Edge) -> None:
        """Parameters of path and query, and headers, each by its name; also one that nobody knows."""
        broken = "/v2/messages/x?limit=0&nothing=1"
        found = problem(await edge.ask("GET", broken, headers=[("If-None-Match", "x")]))
        assert [part.get("parameter") or part.get("header") for part in found["errors"]] == [
            "message_id",
            "If-None-Match",
            "limit",
            "nothing",
        ]

    async def test_unknown_parameter_is_none_of_the_body(self, edge: Edge) -> None:
        found = problem(await edge.ask("POST", "/v2/messages?content=1", {"receiver_id": ID, "content": "x"}))
        assert found["errors"] == [{"detail": "Unknown query parameter", "parameter": "content"}]

    async def test_what_services_refuse(self, edge: Edge) -> None:
        """They name fields as people do."""
        refused = Invalid("metadata.mentions[1]", "Is no member", ("content", "Is empty"))
        edge.handlers.replies["send_message"] = refused
        found = problem(await edge.ask("POST", "/v2/messages", {"receiver_id": ID, "content": "x"}))
        assert found["errors"] == [
            {"detail": "Is no member", "pointer": "#/metadata/mentions/1"},
            {"detail": "Is empty", "pointer": "#/content"},
        ]
        edge.handlers.replies["list_messages"] = Invalid("before", "Is none")
        assert problem(await edge.ask("GET", "/v2/messages"))["errors"] == [
            {"detail": "Is none", "parameter": "before"}
        ]

    async def test_facts_stand_beside_the_rest(self, edge: Edge) -> None:
        at = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
        edge.handlers.replies["get_message"] = Gone("It was deleted", {"deleted_at": at})
        assert problem(await edge.ask("GET", f"/v2/messages/{ID}"))["deleted_at"] == "2026-03-20T12:00:00Z"
        edge.handlers.replies["get_message"] = Gone("Too old", {"reason": "log_reset"})
        assert problem(await edge.ask("GET", f"/v2/messages/{ID}"))["reason"] == "log_reset"
        edge.handlers.replies["get_message"] = NotFound("message")
        assert problem(await edge.ask("GET", f"/v2/messages/{ID}"))["resource"] == "message"
        edge.handlers.replies["get_message"] = Unavailable()
        answer = await edge.ask("GET", f"/v2/messages/{ID}")
        assert str(problem(answer)["retry_after"]) == answer.headers["retry-after"]

    async def test_conflicts_tell_the_field(self, edge: Edge) -> None:
        edge.handlers.replies["register_user"] = Conflict("This username is taken", field="username")
        body = {"email": "a@example.com", "password": "secure_password", "username": "ada"}
        found = problem(await edge.ask("POST", "/v2/users", body, token=None))
        assert found["errors"] == [{"detail": "This username is taken", "pointer": "#/username"}]
        edge.handlers.replies["register_user"] = Conflict("It is still running", retry_after=1)
        found = problem(await edge.ask("POST", "/v2/users", body, token=None))
        assert "errors" not in found
        assert "reason" not in found

    async def test_unforeseen(self, edge: Edge) -> None:
        edge.handlers.replies["get_me"] = RuntimeError("secret")
        answer = await edge.ask("GET", "/v2/me")
        assert problem(answer)["code"] == "internal_error"
        assert b"secret" not in answer.body

    async def test_names_that_a_client_made_up_are_cut(self, edge: Edge) -> None:
        """What is told has the lengths that the document promises."""
        found = problem(await edge.ask("GET", f"/v2/messages?{'x' * 3000}=1"))
        assert found["errors"][0]["parameter"] == "x" * 128
        deep: Any = "x"
        for _ in range(40):
            deep = {"é" * 40: deep}
        body = {"receiver_id": ID, "content": "\x00", "metadata": {"custom": deep}}
        found = problem(await edge.ask("POST", "/v2/messages", body))
        assert all(len(part["pointer"]) <= 2000 for part in found["errors"])
        found = problem(await edge.ask("GET", f"/v2/{'%22' * 3000}"))
        assert len(found["instance"]) <= 2200


class TestRateLimits:
    async def test_fields(self) -> None:
        edge = make_edge(ContractOptions(rate_limits={"api": (2, 60)}))
        answer = await edge.ask("GET", "/v2/me")
        assert answer.headers["ratelimit-policy"] == '"api";q=2;w=60'
        name, left, seconds = answer.headers["ratelimit"].split(";")
        assert (name, left) == ('"api"', "r=1")
        assert 0 < int(seconds.removeprefix("t=")) <= 60
        assert not [header for header in answer.headers if header.startswith("x-ratelimit")]
        await edge.ask("GET", "/v2/me")
        refused = await edge.ask("GET", "/v2/me")
        assert problem(refused)["retry_after"] == int(refused.headers["retry-after"])
        assert refused.headers["ratelimit"].startswith('"api";r=0;t=')

    async def test_not_enforced(self, edge: Edge) -> None:
        """They are shown all the same, and v1 has its own."""
        assert (await edge.ask("GET", "/v2/me")).headers["ratelimit"].startswith('"api";r=100;t=')
        assert (await edge.ask("GET", "/v1/me")).headers["x-ratelimit-remaining"] == "100"


class TestLists:
    def page(self, **more: Any) -> Page[str]:
        facts: dict[str, Any] = {"has_more": True, "next_cursor": "n", "per_page": 2, "total": 7}
        cursors = {"newest_cursor": "new", "oldest_cursor": UUID(ID)}
        return Page(["x", "y"], **{**facts, **cursors, **more})

    async def test_body(self, edge: Edge) -> None:
        edge.handlers.replies["list_messages"] = paged("messages", self.page(current_page=1))
        answer = await edge.ask("GET", "/v2/messages")
        assert answer.json() == {"items": ["x", "y"], "has_more": True, "next_cursor": "n", "total": 7}
        assert not [name for name in answer.headers if name.startswith("x-pagination")]
        edge.handlers.replies["list_messages"] = paged("messages", self.page(total_exact=False))
        assert (await edge.ask("GET", "/v2/messages")).json()["total_exact"] is False
        edge.handlers.replies["list_messages"] = paged("messages", self.page(total=None))
        assert "total" not in (await edge.ask("GET", "/v2/messages")).json()

    async def test_without_pages(self, edge: Edge) -> None:
        edge.handlers.replies["list_sessions"] = listed("sessions", [1])
        answer = await edge.ask("GET", "/v2/auth/sessions")
        assert answer.json() == {"items": [1]}
        assert "link" not in answer.headers

    @pytest.mark.parametrize(
        ("query", "more", "expected"),
        [
            ("", {}, {"first": "", "next": f"before={ID}"}),
            ("", {"has_more": False}, {"first": ""}),
            (f"before={ID}", {}, {"first": "", "next": f"before={ID}", "prev": "after=new"}),
            (f"before={ID}", {"has_more": False}, {"first": "", "prev": "after=new"}),
            (f"after={ID}", {}, {"first": "", "next": f"before={ID}", "prev": "after=new"}),
            (f"after={ID}", {"has_more": False}, {"first": "", "next": f"before={ID}"}),
            (
                f"after={ID}",
                {"has_more": False, "newest_cursor": None, "oldest_cursor": None},
                {"first": ""},
            ),
            (
                f"limit=2&before={ID}&from=2026-03-20T12:00:00%2B01:00",
                {"has_more": False},
                {
                    "first": "limit=2&from=2026-03-20T12%3A00%3A00%2B01%3A00",
                    "prev": "limit=2&from=2026-03-20T12%3A00%3A00%2B01%3A00&after=new",
                },
            ),
        ],
    )
    async def test_links(
        self, edge: Edge, query: str, more: dict[str, Any], expected: dict[str, str]
    ) -> None:
        """To what is newer and older, with the other parameters as they were."""
        edge.handlers.replies["list_messages"] = paged("messages", self.page(**more))
        answer = await edge.ask("GET", f"/v2/messages?{query}")
        links = (f'</v2/messages{cursor and "?" + cursor}>; rel="{rel}"' for rel, cursor in expected.items())
        assert answer.headers["link"] == ", ".join(links)

    async def test_the_log_is_walked_forwards(self, edge: Edge) -> None:
        edge.handlers.replies["list_events"] = listed("events", [], next_cursor="c+d", has_more=True)
        answer = await edge.ask("GET", "/v2/events?after=0&limit=1")
        assert answer.headers["link"] == (
            '</v2/events?limit=1&after=0>; rel="first", </v2/events?limit=1&after=c%2Bd>; rel="next"'
        )
        edge.handlers.replies["list_events"] = listed("events", [], next_cursor="c", has_more=False)
        assert 'rel="next"' not in (await edge.ask("GET", "/v2/events")).headers["link"]


class TestEntityTags:
    async def tag(self, edge: Edge, group: dict[str, Any], method: str = "GET") -> str:
        edge.handlers.replies["get_group"] = ok(group)
        return (await edge.ask(method, f"/v2/groups/{ID}")).headers["etag"]

    async def test_a_read_that_tells_nothing_new(self, edge: Edge) -> None:
        tag = await self.tag(edge, GROUP)
        for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            answer = await edge.ask("GET", f"/v2/groups/{ID}", headers=[("If-None-Match", known)])
            assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)
            assert "content-length" not in answer.headers
            assert "content-type" not in answer.headers
        answer = await edge.ask("GET", f"/v2/groups/{ID}", headers=[("If-None-Match", '"x"')])
        assert (answer.status, answer.json()) == (200, GROUP)

    async def test_lines_are_one_list(self, edge: Edge) -> None:
        """RFC 9110, section 5.3."""
        tag = await self.tag(edge, GROUP)
        lines = [("If-None-Match", '"x"'), ("If-None-Match", tag)]
        assert (await edge.ask("GET", f"/v2/groups/{ID}", headers=lines)).status == 304

    @pytest.mark.parametrize(
        "form", ["{}", " {}\t", '"x",,{}', ', "\xe9" , {} ,', '"x"\t,\t{}', '"{{}}", {}']
    )
    async def test_lists_as_http_has_them(self, edge: Edge, form: str) -> None:
        """With empty elements and space (RFC 9110, section 5.6.1), and whatever others put into their tags."""
        condition = form.format(await self.tag(edge, GROUP))
        answer = await edge.ask("GET", f"/v2/groups/{ID}", headers=[("If-None-Match", condition)])
        assert answer.status == 304

    async def test_very_long_conditions(self, edge: Edge) -> None:
        """Reading one takes no longer than its length has it."""
        for condition in ('"a",' * 2000 + '"', "," * 7000 + "x", '"' + "a" * 7000, "," + " ," * 3900 + "x"):
            answer = await edge.ask("GET", f"/v2/groups/{ID}", headers=[("If-None-Match", condition)])
            assert answer.status == 400

    async def test_heads_have_it_too(self, edge: Edge) -> None:
        assert await self.tag(edge, GROUP, "HEAD") == await self.tag(edge, GROUP)

    async def test_lists_have_it(self, edge: Edge) -> None:
        edge.handlers.replies["list_sessions"] = listed("sessions", [1])
        tag = (await edge.ask("GET", "/v2/auth/sessions")).headers["etag"]
        answer = await edge.ask("GET", "/v2/auth/sessions", headers=[("If-None-Match", tag)])
        assert answer.status == 304

    async def test_the_present_is_no_news(self, edge: Edge) -> None:
        """Whoever reads about themselves is seen by that; of others it is told when they were last there."""
        online = {"id": ID, "status": "online", "last_seen": "2026-03-20T12:00:00Z"}
        cases = (
            ({**online, "last_seen": "2026-03-20T12:00:01Z"}, 304),
            ({**online, "status": "offline"}, 200),
        )
        for now, status in cases:
            edge.handlers.replies["get_user"] = ok(online)
            tag = (await edge.ask("GET", f"/v2/users/{ID}")).headers["etag"]
            edge.handlers.replies["get_user"] = ok(now)
            answer = await edge.ask("GET", f"/v2/users/{ID}", headers=[("If-None-Match", tag)])
            assert answer.status == status
        tags = set()
        for seen in (None, "2026-03-20T12:00:00Z"):
            edge.handlers.replies["get_user"] = ok({**online, "status": "offline", "last_seen": seen})
            tags.add((await edge.ask("GET", f"/v2/users/{ID}")).headers["etag"])
        assert len(tags) == 2

    async def test_nor_is_it_in_lists(self, edge: Edge) -> None:
        people = [{"id": ID, "status": "online", "last_seen": second} for second in (1, 2)]
        tags = []
        for person in people:
            edge.handlers.replies["list_users"] = paged("users", Page([person], False, None, 50))
            tags.append((await edge.ask("GET", "/v2/users")).headers["etag"])
        assert tags[0] == tags[1]

    @pytest.mark.parametrize(
        "condition", ["x", '"', "W/x", '"a" "b"', "*, *", "", ",", '"a" b', 'w/"a"', '"a"' * 40]
    )
    async def test_malformed(self, edge: Edge, condition: str) -> None:
        """It is refused: read as no condition it would do what the client wanted to prevent."""
        headers = [("If-Match", condition)]
        answer = await edge.ask("PATCH", f"/v2/groups/{ID}", {"name": "x"}, headers=headers)
        assert problem(answer)["errors"][0]["header"] == "If-Match"
        assert edge.handlers.calls == []

    @pytest.mark.parametrize(
        ("now", "condition", "status"),
        [
            (GROUP, str, 200),
            (GROUP, lambda tag: f'"x", {tag}', 200),
            (GROUP, lambda _: "*", 200),
            # What others do to it is not what would be lost.
            ({**GROUP, "member_count": 3, "members": [1]}, str, 200),
            ({**GROUP, "name": "Another"}, str, 412),
            (GROUP, lambda tag: f"W/{tag}", 412),
            (GROUP, lambda _: '"x"', 412),
        ],
    )
    async def test_a_change_on_condition(
        self, edge: Edge, now: dict[str, Any], condition: Callable[[str], str], status: int
    ) -> None:
        tag = await self.tag(edge, GROUP)

        async def update() -> Reply:
            preconditions.check(now)
            return ok(now)

        edge.handlers.replies["update_group"] = update
        headers = [("If-Match", condition(tag))]
        answer = await edge.ask("PATCH", f"/v2/groups/{ID}", {"name": "x"}, headers=headers)
        assert answer.status == status
        if status == 412:
            assert problem(answer)["code"] == "precondition_failed"
        else:
            assert answer.headers["etag"] == await self.tag(edge, now)
        # Nothing is demanded of the next request.
        assert not preconditions.is_demanded()

    async def test_nobody_judged(self, edge: Edge) -> None:
        """A service that changes whatever was demanded is a fault, and is told as one."""
        edge.handlers.replies["update_group"] = ok(GROUP)
        answer = await edge.ask("PATCH", f"/v2/groups/{ID}", {"name": "x"}, headers=[("If-Match", '"x"')])
        assert answer.status == 500

    @pytest.mark.parametrize(
        ("method", "path", "condition"),
        [
            ("DELETE", f"/groups/{ID}", "If-None-Match"),
            ("PATCH", f"/groups/{ID}", "If-None-Match"),
            ("PATCH", f"/groups/{ID}", "If-Unmodified-Since"),
            ("GET", f"/groups/{ID}", "If-Match"),
            ("PUT", f"/conversations/{ID}/read", "If-Match"),
            ("PUT", "/auth/password", "If-Match"),
            ("POST", "/groups", "If-None-Match"),
            ("POST", "/auth/login", "If-Unmodified-Since"),
        ],
    )
    @pytest.mark.parametrize("value", ["*", '"x', "Wed, 01 Jan 2020 00:00:00 GMT"])
    async def test_condition_that_is_none(
        self, edge: Edge, method: str, path: str, condition: str, value: str
    ) -> None:
        """It is refused where the operation has none: whoever sends it wants something prevented."""
        headers = [(condition, value)]
        answer = await edge.ask(method, f"/v2{path}", {"name": "x"}, headers=headers)
        assert answer.status == 400
        assert problem(answer)["errors"] == [
            {"detail": "Is no condition of this operation", "header": condition}
        ]
        assert edge.handlers.calls == []
        overlooked = await edge.ask(method, f"/v1{path}", {"name": "x"}, headers=headers)
        assert b"condition" not in overlooked.body

    @pytest.mark.parametrize(
        "condition", ["If-Modified-Since", "If-Unmodified-Since", "If-Range"], ids=str.lower
    )
    async def test_dates_are_overlooked_where_they_prevent_nothing(self, edge: Edge, condition: str) -> None:
        headers = [(condition, "Wed, 01 Jan 2020 00:00:00 GMT")]
        assert (await edge.ask("GET", f"/v2/groups/{ID}", headers=headers)).status == 200

    async def test_tag_goes_before_a_date(self, edge: Edge) -> None:
        """RFC 9110, section 13.1.4: where there is If-Match, the date is overlooked."""

        async def update() -> Reply:
            preconditions.check(GROUP)
            return ok(GROUP)

        edge.handlers.replies["update_group"] = update
        headers = [("If-Match", "*"), ("If-Unmodified-Since", "Wed, 01 Jan 2020 00:00:00 GMT")]
        assert (await edge.ask("PATCH", f"/v2/groups/{ID}", {"name": "x"}, headers=headers)).status == 200

    async def test_who_may_not_come_in_learns_nothing_of_conditions(self, edge: Edge) -> None:
        """What would be refused without the condition is refused as it would be (RFC 9110, section 13.2.1)."""
        headers = [("If-None-Match", "*")]
        for token, status in ((None, 401), ("bob", 403)):
            answer = await edge.ask("DELETE", f"/v2/groups/{ID}", headers=headers, token=token)
            assert answer.status == status

    async def test_v1_demands_nothing(self, edge: Edge) -> None:
        seen: list[bool] = []

        async def update() -> Reply:
            seen.append(preconditions.is_demanded())
            return ok(GROUP)

        edge.handlers.replies["update_group"] = update
        await edge.ask("PATCH", f"/v1/groups/{ID}", {"name": "x"}, headers=[("If-Match", '"x"')])
        assert seen == [False]


async def test_what_was_made_is_below_v2(edge: Edge) -> None:
    edge.handlers.replies["send_message"] = created({"id": ID}, f"/v1/messages/{ID}", replayed=True)
    answer = await edge.ask("POST", "/v2/messages", {"receiver_id": ID, "content": "x"})
    assert (answer.status, answer.headers["location"]) == (201, f"/v2/messages/{ID}")
    assert answer.headers["idempotency-replayed"] == "true"


async def test_refused_requests_have_no_tag(edge: Edge) -> None:
    edge.handlers.replies["get_group"] = RateLimited(3)
    answer = await edge.ask("GET", f"/v2/groups/{ID}", headers=[("If-None-Match", "*")])
    assert (answer.status, "etag" in answer.headers) == (429, False)


async def test_what_is_deprecated_says_so() -> None:
    """As in v1: in each answer, refusals included."""
    document = copy.deepcopy(DOCUMENT)
    days = {"deprecated": True, "x-deprecated-since": "2026-12-01", "x-sunset": "2027-12-01"}
    document["paths"]["/limits"]["get"] |= days
    document["components"]["parameters"]["From"] |= days
    edge = Edge(beta=Beta(document, Access().granted))
    for token in ("ada", None):
        headers = (await edge.ask("GET", "/v2/limits", token=token)).headers
        assert headers["deprecation"] == "@1796083200"
        assert headers["sunset"] == "Wed, 01 Dec 2027 00:00:00 GMT"
    assert "sunset" in (await edge.ask("GET", "/v2/messages?from=2026-01-01")).headers
    for path in ("/v2/me", "/v2/messages", "/v1/messages?from=2026-01-01"):
        assert "sunset" not in (await edge.ask("GET", path)).headers


async def test_browsers_are_told_of_its_headers(edge: Edge) -> None:
    """They may read them, and send conditions."""
    origin = [("Origin", "http://localhost:3000")]
    exposed = (await edge.ask("GET", "/v2/me", headers=origin)).headers["access-control-expose-headers"]
    assert {"ETag", "Link", "RateLimit", "RateLimit-Policy"} <= set(exposed.split(", "))
    asked = [*origin, ("Access-Control-Request-Method", "PATCH")]
    allowed = (await edge.ask("OPTIONS", f"/v2/groups/{ID}", headers=asked)).headers
    assert {"If-Match", "If-None-Match"} <= set(allowed["access-control-allow-headers"].split(", "))


async def test_bob_is_somebody(edge: Edge) -> None:
    """The tests above would pass as well if nobody were let in."""
    assert BOB.user_id != ADA.user_id
    assert json.loads((await edge.ask("GET", "/v2/me")).body)
