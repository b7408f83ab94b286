"""v1 and v2 tell the same facts: twins make the same requests, and are told the same."""

import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest
from hypothesis import Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from as_v1 import PROBLEMS, SENT, AsV1, told_as_v1
from calls import CALLS
from people import client, register
from receivers import Receiver
from twins import CAST, Step, Told, Twin, plainly, unlike, ways_to_spoil
from versions import V1, V2, Site

_names = itertools.count(1)


@pytest.fixture(scope="module")
def v1(site: Site) -> Iterator[httpx.Client]:
    with V1.client(site.url) as http:
        yield http


@pytest.fixture(scope="module")
def v2(site: Site) -> Iterator[httpx.Client]:
    with V2.client(site.url, site.doorkeeper.let_in) as http:
        yield http


class Play:
    """Plays the same with twins, of whom one uses v1 and the other v2, and looks at both through both."""

    def __init__(self, site: Site, v1: httpx.Client, v2: httpx.Client, receiver: Receiver) -> None:
        self._versions = (v1, v2)
        number = next(_names)
        self.one, self.other = (
            Twin(http, f"{name}{number:04}", receiver.url) for http, name in ((v1, "one"), (v2, "two"))
        )
        # Whoever uses v1 needs no access, but for being looked at.
        for person in self.one.people.values():
            site.doorkeeper.let_in(person.id)

    def step(self, step: Step) -> Told:
        """Let both make a request, and return what both are told."""
        told = self.one.play(step)
        assert [*unlike(told, self.other.play(step))] == [], step
        return told

    def look(self) -> Iterator[tuple[str, Told]]:
        """See that for both the same has come of it, however one looks at it; yield what is shown."""
        for who in CAST:
            reads = zip(self.one.reads(), self.other.reads(), strict=True)
            for (operation, path), (_, other_path) in reads:
                answer = self._shown(self.one, who, operation, path)
                other = self._shown(self.other, who, operation, other_path)
                told = self.one.told(answer, operation)
                assert [*unlike(told, self.other.told(other, operation))] == [], (who, path)
                yield operation, told
            # All see the same groups there, also those of others.
            self._shown(self.one, who, "list_groups", "/groups?visibility=public&limit=100")

    def _shown(self, twin: Twin, who: str, operation: str, path: str) -> httpx.Response:
        """Return what both versions show somebody, word for word."""
        headers = twin.people[who].headers
        answer, other = (http.get(f"/v1{path}", headers=headers) for http in self._versions)
        assert [*unlike(plainly(answer, operation), plainly(other, operation))] == [], (who, path)
        return answer


def numbers(choice: int = 0, user: int = 1) -> tuple[int, ...]:
    """Choose a body, a user (Ada, Bob, Eve), and of all else the first; no page, no filter."""
    return (choice, user, 2, 0, 2, 0, 0, 0)


# In this order, as Ada, unless somebody else is named.
WORKS = """
get_contract register_user login refresh list_sessions get_me list_users get_user
open_conversation list_conversations get_conversation mark_read mark_delivered
send_message list_messages get_message edit_message create_group list_groups get_group update_group list_members
get_member update_member list_events create_webhook list_webhooks get_webhook update_webhook rotate_secret
test_webhook list_deliveries get_delivery redeliver recover_deliveries get_limits delete_webhook delete_message
"""
ALL_THAT_WORKS = (
    *(Step(operation, numbers=numbers()) for operation in WORKS.split()),
    Step("update_user", "bob", numbers()),
    Step("add_member", numbers=numbers(user=2)),
    Step("remove_member", numbers=numbers(user=2)),
    Step("join_group", "eve", numbers()),
    *(Step(operation, numbers=numbers()) for operation in ("delete_group", "revoke_session", "logout")),
    Step("change_password", numbers=numbers()),
)

NUMBERS = st.tuples(*(st.integers(0, 59) for _ in range(8)))
KEY = st.none() | st.none() | st.integers(1, 9)


def requests(operation: str) -> Iterator[st.SearchStrategy[Step]]:
    """Yield requests for an operation by somebody: one as it should be, which may be forbidden, and a spoilt one."""
    who = st.sampled_from(("ada", "ada", *CAST))
    for spoilt in (st.none(), st.sampled_from([*ways_to_spoil(operation)])):
        yield st.builds(Step, st.just(operation), who, NUMBERS, spoilt, KEY)


REQUESTS = [request for operation in CALLS for request in requests(operation)]
PLAYS = st.permutations(REQUESTS).flatmap(lambda steps: st.tuples(*steps))
ROUNDS = 8


def test_what_works(site: Site, v1: httpx.Client, v2: httpx.Client, receiver: Receiver) -> None:
    """Every operation does what it is for, for both."""
    twins = Play(site, v1, v2, receiver)
    assert {step.operation for step in ALL_THAT_WORKS} == CALLS.keys()
    for step in ALL_THAT_WORKS:
        assert twins.step(step).status < 400, step
    assert [*twins.look()]


def test_twins_are_told_the_same(
    site: Site, v1: httpx.Client, v2: httpx.Client, receiver: Receiver, seed: int
) -> None:
    """Whatever they ask for, good, bad or forbidden; and the same comes of it."""
    refused: set[str] = set()

    @seeded(seed)
    @settings(max_examples=ROUNDS, database=None, phases=[Phase.generate], deadline=None)
    @given(PLAYS)
    def play(steps: tuple[Step, ...]) -> None:
        twins = Play(site, v1, v2, receiver)
        refused.update(step.operation for step in steps if twins.step(step).status >= 400)
        assert [*twins.look()]

    play()
    assert refused == CALLS.keys()


@pytest.mark.parametrize("code", PROBLEMS)
def test_type_of_a_problem_leads_to_its_page(v1: httpx.Client, code: str) -> None:
    """It is a path on the server that answered, and the page says what the code means."""
    page = v1.get(f"/errors/{code}")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert PROBLEMS[code]["title"] in page.text


# ---- a difference would be found

Forward = Callable[[httpx.Request], httpx.Response]
Lie = Callable[[httpx.Request, Forward], httpx.Response]


class Liar(httpx.BaseTransport):
    """Stands for a server whose v2 tells something else than its v1."""

    def __init__(self, lie: Lie) -> None:
        self._lie = lie
        self._inner = httpx.HTTPTransport(trust_env=False, verify=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, or another one, and return the answer, or another one."""
        return self._lie(request, self._inner.handle_request)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def with_body(answer: httpx.Response, change: Callable[[Any], object]) -> httpx.Response:
    """Return an answer with something else in its body."""
    body = json.loads(answer.read())
    change(body)
    return httpx.Response(answer.status_code, headers=answer.headers, content=json.dumps(body).encode())


def other_status(request: httpx.Request, forward: Forward) -> httpx.Response:
    answer = forward(request)
    answer.status_code = 200 if answer.status_code == 201 else answer.status_code
    return answer


def other_words(request: httpx.Request, forward: Forward) -> httpx.Response:
    answer = forward(request)
    if answer.status_code != 404:
        return answer
    return with_body(answer, lambda body: body.update(detail="Nothing here"))


def other_parameter(request: httpx.Request, forward: Forward) -> httpx.Response:
    answer = forward(request)
    if answer.status_code != 400:
        return answer
    return with_body(answer, lambda body: body["errors"][0].update(parameter="colours"))


def other_pointer(request: httpx.Request, forward: Forward) -> httpx.Response:
    answer = forward(request)
    if answer.status_code != 400 or request.method != "POST":
        return answer
    return with_body(answer, lambda body: body["errors"][0].update(pointer="#/colour/0"))


def other_place(request: httpx.Request, forward: Forward) -> httpx.Response:
    answer = forward(request)
    if "Location" in answer.headers:
        answer.headers["Location"] = "/v2/groups/019d0b70-469d-7ca0-b9e7-6f44a316302b"
    return answer


def an_item_less(request: httpx.Request, forward: Forward) -> httpx.Response:
    answer = forward(request)
    if (request.method, request.url.path, answer.status_code) != ("GET", "/v2/messages", 200):
        return answer
    return with_body(answer, lambda body: body["items"].pop())


def one_more_in_total(request: httpx.Request, forward: Forward) -> httpx.Response:
    answer = forward(request)
    if (request.method, request.url.path, answer.status_code) != ("GET", "/v2/groups", 200):
        return answer
    return with_body(answer, lambda body: body.update(total=body["total"] + 1))


def no_key(request: httpx.Request, forward: Forward) -> httpx.Response:
    """Nothing is answered again, but for its header."""
    key = request.headers.pop("Idempotency-Key", None)
    answer = forward(request)
    if key is not None and next(repeats[key]):
        answer.headers["Idempotency-Replayed"] = "true"
    return answer


repeats: defaultdict[str, Iterator[int]] = defaultdict(itertools.count)


def something_else_is_done(request: httpx.Request, forward: Forward) -> httpx.Response:
    """It answers as if what was asked for had been done."""
    if request.method != "PATCH":
        return forward(request)
    content = request.read().replace(b"engines", b"trains.")
    answer = forward(httpx.Request("PATCH", request.url, headers=request.headers, content=content))
    wanted = answer.read().replace(b"trains.", b"engines")
    return httpx.Response(answer.status_code, headers=answer.headers, content=wanted)


LIES = (
    *(other_status, other_words, other_parameter, other_pointer, other_place),
    *(an_item_less, one_more_in_total, no_key, something_else_is_done),
)
A_PLAY = (
    Step("get_message", spoilt="unknown id"),
    Step("list_sessions", spoilt="query"),
    Step("send_message", spoilt="unknown field", numbers=(1,) * 8),
    Step("list_messages"),
    Step("list_groups"),
    Step("create_group", numbers=(1,) * 8, key=1),
    Step("create_group", numbers=(1,) * 8, key=1),
    Step("update_user"),
)


def act(twins: Play) -> None:
    for step in A_PLAY:
        twins.step(step)
    for _ in twins.look():
        pass


def test_what_is_told_of_no_lie(site: Site, v1: httpx.Client, v2: httpx.Client, receiver: Receiver) -> None:
    """Nothing is found where nothing is wrong."""
    act(Play(site, v1, v2, receiver))


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_lie_is_found(site: Site, v1: httpx.Client, receiver: Receiver, lie: Lie) -> None:
    """Whatever v2 tells otherwise than v1, and whatever it does otherwise."""
    with client(site.url, AsV1(site.doorkeeper.let_in, Liar(lie))) as lying, pytest.raises(AssertionError):
        act(Play(site, v1, lying, receiver))


# ---- what is no answer of v2


def an_answer(site: Site, v2: httpx.Client, target: str) -> httpx.Response:
    """Return what v2 really says to somebody."""
    ada = register(v2, "ada")
    ada.found()
    answer: httpx.Response = ada.ask("GET", target).extensions[SENT]
    return answer


def without(answer: httpx.Response, *names: str) -> None:
    for name in names:
        del answer.headers[name]


FORMLESS: Mapping[str, tuple[str, Callable[[httpx.Response], object]]] = {
    "a type of its own": (
        "/nothing",
        lambda answer: answer.headers.update({"Content-Type": "application/json"}),
    ),
    "headers of v1": ("/me", lambda answer: answer.headers.update({"X-RateLimit-Limit": "5"})),
    "pages of v1": ("/groups", lambda answer: answer.headers.update({"X-Pagination-Pages": "5"})),
    "another bucket": ("/me", lambda answer: answer.headers.update({"RateLimit": '"auth";r=1;t=1'})),
    "more than there is": ("/me", lambda answer: answer.headers.update({"RateLimit": '"api";r=101;t=1'})),
    "no policy": ("/me", lambda answer: without(answer, "RateLimit-Policy")),
    "no links": ("/groups", lambda answer: without(answer, "Link")),
    "links to a page that is not there": (
        "/groups",
        lambda answer: answer.headers.update({"Link": '</v2/groups?before=x>; rel="next"'}),
    ),
}
MISSHAPEN: Mapping[str, tuple[str, Callable[[Any], object]]] = {
    "no title": ("/nothing", lambda body: body.pop("title")),
    "another title": ("/nothing", lambda body: body.update(title="Lost")),
    "another type": ("/nothing", lambda body: body.update(type="about:blank")),
    "another status": ("/nothing", lambda body: body.update(status=410)),
    "another instance": ("/nothing", lambda body: body.update(instance="/v2/me#1")),
    "the envelope": ("/nothing", lambda body: body.update(error={"code": "not_found"})),
    "an unknown member": ("/nothing", lambda body: body.update(colour="blue")),
    "no items": ("/groups", lambda body: body.update(groups=body.pop("items"))),
    "items twice": ("/groups", lambda body: body.update(groups=body["items"])),
    "a next page": ("/groups", lambda body: body.update(has_more=True, next_cursor="x")),
}


@pytest.mark.parametrize("fault", FORMLESS)
def test_head_that_is_none_of_v2(site: Site, v2: httpx.Client, fault: str) -> None:
    """It is noticed by whoever tells it as v1 would."""
    target, spoil = FORMLESS[fault]
    answer = an_answer(site, v2, target)
    told_as_v1(answer)
    spoil(answer)
    with pytest.raises(AssertionError):
        told_as_v1(answer)


@pytest.mark.parametrize("fault", MISSHAPEN)
def test_body_that_is_none_of_v2(site: Site, v2: httpx.Client, fault: str) -> None:
    """The same of what is in it."""
    target, spoil = MISSHAPEN[fault]
    answer = an_answer(site, v2, target)
    told_as_v1(answer)
    spoilt = with_body(answer, spoil)
    spoilt.request = answer.request
    with pytest.raises((AssertionError, KeyError)):
        told_as_v1(spoilt)
