"""The seed as a test: `tests/seed/api-documentation.md` works as printed, under `/api` and under `/v1`.

Requests and answers are taken out of the document. Only what stands in the tables below is replaced: ids, tokens,
times and the like. Everything else that is printed (fields, values, headers) is compared with what a server says.
"""

import hmac
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import pytest
import rfc8785
from websockets.sync.client import ClientConnection, connect

import people
import servers
from calls import DOCUMENT, OPERATIONS
from parley.contract.document import resolve
from receivers import Arrival, Receiver
from tests.contract.conftest import serving
from versions import V1, Version

SEED = (servers.ROOT / "tests" / "seed" / "api-documentation.md").read_text(encoding="utf-8")
BASES = ("/api", "/v1")

# What the seed prints for every id that it does not name, for tokens, and for times.
AN_ID = "123e4567-e89b-12d3-a456-426614174000"
A_TOKEN = "eyJhbGciOiJIUzI1NiIs..."
A_TIME = "2024-03-20T12:00:00Z"


def is_id(value: Any) -> bool:
    return isinstance(value, str) and str(UUID(value)) == value and UUID(value).version == 7


def is_time(value: Any) -> bool:
    """Say whether it is a time in UTC with Z, of about now."""
    assert value.endswith("Z")
    return abs(datetime.fromisoformat(value) - datetime.now(UTC)) < timedelta(minutes=10)


def is_token(value: Any) -> bool:
    """Say whether it begins as printed: the three dots stand for the rest."""
    return isinstance(value, str) and value.startswith(A_TOKEN.rstrip(".")) and value.count(".") == 2


# What stands in an answer for something that the server makes.
FORMS: Mapping[str, Callable[[Any], bool]] = {
    AN_ID: is_id,
    "message_id": is_id,
    "group_id": is_id,
    "next_message_id": is_id,
    A_TIME: is_time,
    A_TOKEN: is_token,
}

# What an operation answers where all goes well; the seed prints no statuses.
STATUSES = {
    "Token Generation": 200,
    "Token Refresh": 200,
    "Register User": 201,
    "Get User Profile": 200,
    "Update User Profile": 200,
    "Send Message": 201,
    "Get Messages": 200,
    "Create Group": 201,
    "Query Parameters": 200,
    "Configuration": 201,
}

# Parts of the seed that other tests below compare.
OTHERWISE = {
    "JWT Authentication": "test_authorization_header",
    "Rate Limiting": "test_rate_limit_headers",
    "Response Headers": "test_pagination_headers",
    "Authentication Error": "test_authentication_error",
    "Validation Error": "test_validation_error",
    "Rate Limit Error": "test_rate_limit_error",
    "Versioning": "test_version_in_the_path",
    "Connection": "socket_of",
    "Message Events": "test_message_event",
    "Typing Events": "test_typing_event",
    "Presence Events": "test_presence_event",
    "Event Payload": "test_webhook_payload",
}

# The versions that the seed speaks of.
VERSIONS = {"v1": "Current stable version", "v2": "Beta version (requires special access)"}


@pytest.fixture(scope="module")
def version() -> Version:
    """What the seed prints is v1."""
    return V1


class Block(NamedTuple):
    """A block of code in the seed, with the heading it stands under."""

    heading: str
    language: str
    text: str
    is_answer: bool


@dataclass(frozen=True)
class Printed:
    """A request as it is printed, and the answer that is printed below it."""

    heading: str
    method: str
    target: str
    headers: Mapping[str, str]
    body: Any
    answer: Any

    def __str__(self) -> str:
        return f"{self.method} {self.target}"


def blocks() -> Iterator[Block]:
    parts = re.finditer(
        r"^#+ (?P<heading>[^\n]+)$|^(?P<label>Response):$|^```(?P<language>\w+)\n(?P<text>.*?)\n```$",
        SEED,
        re.MULTILINE | re.DOTALL,
    )
    heading, is_answer = "", False
    for part in parts:
        if part["heading"]:
            heading, is_answer = part["heading"], False
        elif part["label"]:
            is_answer = True
        else:
            yield Block(heading, part["language"], part["text"], is_answer)
            is_answer = False


BLOCKS = list(blocks())


def printed_requests() -> Iterator[Printed]:
    for index, block in enumerate(BLOCKS):
        matched = re.match(r"(GET|POST|PATCH|PUT|DELETE) (/\S+)", block.text)
        if matched is None:
            continue
        head, _, body = block.text.partition("\n\n")
        below = BLOCKS[index + 1]
        yield Printed(
            block.heading,
            matched[1],
            matched[2],
            headers_in(head.partition("\n")[2]),
            json.loads(body) if body else None,
            json.loads(below.text) if below.is_answer else None,
        )


def headers_in(text: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in text.splitlines())


def block_of(heading: str) -> Block:
    (found,) = (block for block in BLOCKS if block.heading == heading)
    return found


def bullets_of(heading: str) -> list[str]:
    """Return the list that stands below a heading; a heading that is there twice gives both lists."""
    sections = re.findall(rf"^#+ {heading}\n(.*?)(?=^#|\Z)", SEED, re.MULTILINE | re.DOTALL)
    return [line[2:] for section in sections for line in section.splitlines() if line.startswith("- ")]


REQUESTS = list(printed_requests())


def filled(value: Any, ids: Mapping[str, str]) -> Any:
    """Put ids and tokens where words stand for them. Whole words only, but for `{…}` and `<…>` in a text."""
    if isinstance(value, Mapping):
        return {name: filled(part, ids) for name, part in value.items()}
    if isinstance(value, list):
        return [filled(part, ids) for part in value]
    if isinstance(value, str):
        return re.sub(r"\{\w+\}|<\w+>", lambda found: ids[found[0][1:-1]], ids.get(value, value))
    return value


def differences(printed: Any, answered: Any, where: str = "answer") -> list[str]:
    """List what is printed and not answered. A printed item of a list must be one of those answered."""
    if isinstance(printed, Mapping):
        if not isinstance(answered, Mapping):
            return [f"{where} is no object: {answered!r}"]
        return [
            difference
            for name, part in printed.items()
            for difference in (
                differences(part, answered[name], f"{where}.{name}")
                if name in answered
                else [f"{where}.{name} is missing"]
            )
        ]
    if isinstance(printed, list) and isinstance(answered, list) and isinstance(printed[0], Mapping):
        return [
            f"{where} has nothing like {item}: {answered[:3]}"
            for item in printed
            if not any(differences(item, other) == [] for other in answered)
        ]
    if isinstance(printed, str) and printed in FORMS:
        return [] if FORMS[printed](answered) else [f"{where} does not look like {printed}: {answered!r}"]
    same = printed == answered and type(printed) is type(answered)
    return [] if same else [f"{where} is {answered!r} and not {printed!r}"]


@dataclass
class World:
    """A server on which the requests of the seed were sent, in an order in which they can be."""

    http: httpx.Client
    base: str
    ids: dict[str, str] = field(default_factory=dict)
    answers: dict[str, httpx.Response] = field(default_factory=dict)
    expected: dict[str, Any] = field(default_factory=dict)

    def send(self, printed: Printed, ids: Mapping[str, str] | None = None) -> httpx.Response:
        """Send a request as printed, below this world's base path."""
        known = self.ids | dict(ids or {})
        target = filled(printed.target.replace("/api", self.base, 1), known)
        body = None if printed.body is None else json.dumps(filled(printed.body, known))
        # One example prints no headers; "all API requests require a valid JWT token" says so once for all.
        headers = filled(printed.headers or {"Authorization": "Bearer <token>"}, known)
        answer = self.http.request(printed.method, target, headers=headers, content=body)
        self.answers[str(printed)] = answer
        # What the server makes keeps the word that stands for it.
        given = {word: value for word, value in known.items() if word not in FORMS}
        self.expected[str(printed)] = filled(printed.answer, given)
        return answer

    def play(self) -> None:
        """Send all requests that are printed, and before them what they speak of."""
        told = {request.heading: request for request in REQUESTS}
        bob = people.register(self.http, "bob")
        self.ids["user_id"] = self.send(told["Register User"]).json()["id"]
        tokens = self.send(told["Token Generation"]).json()
        self.ids["token"] = tokens["access_token"]
        self.send(told["Token Refresh"], {A_TOKEN: tokens["refresh_token"]})
        me = people.Person(self.http, self.ids["user_id"], "user@example.com", "username", tokens)
        me.patch(f"/users/{me.id}", told["Get User Profile"].answer["profile"])
        self.send(told["Get User Profile"])
        self.send(told["Update User Profile"])
        self._chat(me, bob, told)
        people_of_group = {"user_id1": bob.id, "user_id2": people.register(self.http, "carol").id}
        self.ids |= {"owner_id": me.id, **people_of_group}
        self.send(told["Create Group"])
        self.send(told["Query Parameters"])
        self.send(told["Configuration"])

    def _chat(self, me: people.Person, bob: people.Person, told: Mapping[str, Printed]) -> None:
        first = me.say(bob, "Message content")
        mentioned = {"user_id1": bob.id, "user_id2": me.id}
        self.ids |= {
            "sender_id": me.id,
            "receiver_id": bob.id,
            "optional_message_id": first["id"],
            **mentioned,
        }
        self.send(told["Send Message"], {AN_ID: bob.id})
        # More than one page of older ones, all of them delivered.
        last = [me.say(bob, "Message content") for _ in range(52)][-1]
        place = f"/conversations/{first['conversation_id']}"
        assert bob.put(f"{place}/delivered", {"message_id": last["id"]}).is_success
        self.ids |= {"conversation_id": first["conversation_id"], "message_id": last["id"]}
        self.send(told["Get Messages"])


@pytest.fixture(scope="module", params=BASES)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return a world of its own for each base path: a name can be registered once."""
    with serving(tmp_path_factory.mktemp("seed"), PARLEY_RATE_LIMITS="on") as http:
        played = World(http, request.param)
        played.play()
        yield played


def as_printed(answer: httpx.Response, printed: Any) -> None:
    """Fail unless everything that is printed is in the answer."""
    assert answer.headers["content-type"] == "application/json"
    assert differences(printed, answer.json()) == []


def test_every_block_is_compared() -> None:
    """Nothing of the seed is overlooked, and no line of the tables is left over."""
    headings = {block.heading for block in BLOCKS}
    assert headings == STATUSES.keys() | OTHERWISE.keys()
    assert {request.heading for request in REQUESTS} == STATUSES.keys()
    assert all(name in globals() for name in OTHERWISE.values())


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_request_is_answered_as_printed(world: World, request_: Printed) -> None:
    """The status, and every field that is printed with its value."""
    answer = world.answers[str(request_)]
    assert answer.status_code == STATUSES[request_.heading], answer.text
    if request_.answer is not None:
        as_printed(answer, world.expected[str(request_)])


def test_refresh_gives_new_tokens(world: World) -> None:
    """The answer is not printed; it is the one of the log-in."""
    answer = world.answers["POST /api/auth/refresh"]
    as_printed(answer, next(each.answer for each in REQUESTS if each.heading == "Token Generation"))


def test_profile_is_updated(world: World) -> None:
    """What is sent is shown from then on."""
    sent = next(each.body for each in REQUESTS if each.heading == "Update User Profile")
    shown = world.answers["PATCH /api/users/{user_id}"].json()
    assert {**shown, **shown["profile"]}.items() >= sent.items()


def test_every_listed_message_is_like_the_printed_one(world: World) -> None:
    """The list has fifty, of which the seed prints one."""
    target = next(str(each) for each in REQUESTS if each.heading == "Get Messages")
    listed = world.answers[target].json()["messages"]
    (item,) = world.expected[target]["messages"]
    different = [each for each in listed if differences(item, each)]
    assert len(listed) == 50
    # The one message with other words is the one of the seed itself.
    assert [each["content"] for each in different] in ([], ["Hello, world!"])


def test_filters_find_what_they_say(world: World) -> None:
    """The example, with the days replaced by yesterday and today."""
    example = next(each for each in REQUESTS if each.heading == "Query Parameters")
    assert world.answers[str(example)].json()["messages"] == []
    today = datetime.now(UTC).date()
    days = {"from=2024-03-01": f"from={today - timedelta(days=1)}", "to=2024-03-20": f"to={today}"}
    target = example.target.replace("/api", world.base, 1)
    for printed, day in days.items():
        target = target.replace(printed, day)
    found = world.http.get(target, headers=filled({"Authorization": "Bearer <token>"}, world.ids)).json()
    assert {(each["status"], each["type"]) for each in found["messages"]} == {("delivered", "text")}
    assert len(found["messages"]) == 50


def test_authorization_header(world: World) -> None:
    """A token in the header is all that is needed, and without it nothing is shown."""
    headers = filled(headers_in(block_of("JWT Authentication").text), world.ids)
    assert world.http.get(f"{world.base}/me", headers=headers).status_code == 200
    assert world.http.get(f"{world.base}/me").status_code == 401


def test_rate_limit_headers(world: World) -> None:
    """Somebody's first request leaves them with what is printed."""
    printed = headers_in(block_of("Rate Limiting").text)
    someone = people.register(world.http)
    now = time.time()
    answer = world.http.get(f"{world.base}/me", headers=someone.headers)
    reset = int(answer.headers["X-RateLimit-Reset"])
    assert {name: answer.headers[name] for name in printed} == {**printed, "X-RateLimit-Reset": str(reset)}
    assert 0 < reset - now <= 62


def test_rate_limits_are_the_printed_numbers(world: World) -> None:
    """Each kind of endpoint has the limit that the list says, a minute."""
    shown = people.register(world.http).get("/limits").json()["buckets"]
    buckets = {bucket["name"]: (bucket["limit"], bucket["window_seconds"]) for bucket in shown}
    names = {"Authentication endpoints": "auth", "API endpoints": "api", "WebSocket connections": "ws"}
    printed = [re.fullmatch(r"(.+): (\d+) \w+ per minute", line) for line in bullets_of("Rate Limiting")]
    assert len(printed) == len(names)
    for line in printed:
        assert line is not None
        assert buckets[names[line[1]]] == (int(line[2]), 60)


def test_authentication_error(world: World) -> None:
    """A token that was right once is told apart from one that never was."""
    token = people.expired(world.ids["token"])
    answer = world.http.get(f"{world.base}/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    as_printed(answer, json.loads(block_of("Authentication Error").text))


def test_validation_error(world: World) -> None:
    """The registration of the seed, but for the address."""
    body = next(each.body for each in REQUESTS if each.heading == "Register User")
    answer = world.http.post(f"{world.base}/users", json={**body, "email": "user at example.com"})
    assert answer.status_code == 400
    as_printed(answer, json.loads(block_of("Validation Error").text))


def test_rate_limit_error(world: World) -> None:
    """The sixth log-in in a minute is one too many, and the answer says when to come back."""
    email = f"{people.unique('nobody')}@example.com"
    body = {"email": email, "password": "no password of anybody"}
    answers = [world.http.post(f"{world.base}/auth/login", json=body) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    printed = json.loads(block_of("Rate Limit Error").text)
    # The minute began with the first of them, a moment ago.
    wait = answers[-1].json()["error"]["details"]["retry_after"]
    assert printed["error"]["details"].pop("retry_after") - 10 < wait <= 60
    as_printed(answers[-1], printed)
    assert answers[-1].headers["Retry-After"] == str(wait)


@pytest.mark.parametrize("base", BASES)
def test_pagination_headers(http: httpx.Client, ada: people.Person, bob: people.Person, base: str) -> None:
    """A history of a thousand messages has the headers that are printed."""
    printed = headers_in(block_of("Response Headers").text)
    conversation_id = ada.say(bob)["conversation_id"]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: ada.say(bob), range(int(printed["X-Pagination-Total"]) - 1)))
    answer = http.get(f"{base}/messages?conversation_id={conversation_id}", headers=ada.headers)
    assert {name: answer.headers[name] for name in printed} == printed


def test_pagination_parameters(http: httpx.Client, ada: people.Person, bob: people.Person) -> None:
    """The sentences about `limit`, `before` and `after`."""
    limit, before, after = bullets_of("Query Parameters")[:3]
    default, largest = (int(number) for number in re.findall(r"(?:default|max): (\d+)", limit))
    sent = [ada.say(bob)["id"] for _ in range(largest + 1)]
    newest_first = list(reversed(sent))

    def ids(**params: Any) -> list[str]:
        return [message["id"] for message in people.made(ada.get("/messages", **params))["messages"]]

    assert ids() == newest_first[:default]
    assert ids(limit=largest) == newest_first[:largest]
    assert ada.get("/messages", limit=largest + 1).status_code == 400
    assert "last item from previous page" in before
    assert ids(limit=10, before=newest_first[9]) == newest_first[10:20]
    assert "first item from previous page" in after
    assert ids(limit=10, after=newest_first[20]) == newest_first[10:20]


def test_filter_parameters_are_the_listed_ones() -> None:
    """Messages can be filtered by what the seed lists."""
    listed = [line.partition("`: ")[0][1:] for line in bullets_of("Query Parameters")]
    parameters = OPERATIONS["list_messages"].raw["parameters"]
    known = [resolve(DOCUMENT, parameter)["name"] for parameter in parameters]
    assert set(listed) <= set(known)
    assert listed == ["limit", "before", "after", "status", "type", "from", "to"]


def test_version_in_the_path(world: World) -> None:
    """The address that is printed, at this server."""
    path = block_of("Versioning").text.removeprefix("https://api.example.com")
    headers = filled({"Authorization": "Bearer <token>"}, world.ids)
    assert world.http.get(path, headers=headers).status_code == 200
    versions = dict(line.split(": ") for line in bullets_of("Versioning"))
    assert versions == VERSIONS
    # The registered one has no special access.
    assert world.http.get(path.replace("/v1/", "/v2/"), headers=headers).status_code == 403


def member_signature(payload: Mapping[str, Any], secret: str) -> str:
    """Return what `signature` must be: the HMAC of the body's canonical JSON (RFC 8785) without it."""
    rest = {name: value for name, value in payload.items() if name != "signature"}
    return "sha256=" + hmac.digest(secret.encode(), rfc8785.dumps(rest), "sha256").hex()


def socket_of(person: people.Person) -> ClientConnection:
    """Open the socket at the address that is printed."""
    found = re.search(r"new WebSocket\('wss://api\.example\.com(/.*)'\)", block_of("Connection").text)
    assert found is not None
    target = filled(found[1], {"jwt_token": person.tokens["access_token"]})
    return connect(f"{str(person.http.base_url).replace('http', 'ws', 1).rstrip('/')}{target}", proxy=None)


def frame_of(socket: ClientConnection, kind: str) -> Any:
    """Return the next frame of a kind."""
    while True:
        frame = json.loads(socket.recv(timeout=30))
        if frame["type"] == kind:
            return frame


def printed_frame(heading: str, person: people.Person, conversation_id: str) -> Any:
    """Return what is printed, of this person in this conversation."""
    words = {"user_id": person.id, "sender_id": person.id, "conversation_id": conversation_id}
    return filled(json.loads(block_of(heading).text), words)


def test_message_event(ada: people.Person, bob: people.Person) -> None:
    """The other one hears of a message when it is sent."""
    conversation_id = ada.say(bob)["conversation_id"]
    printed = printed_frame("Message Events", ada, conversation_id)
    with socket_of(bob) as socket:
        frame_of(socket, "ready")
        ada.say(bob, printed["data"]["content"])
        assert differences(printed, frame_of(socket, "message")) == []


def test_typing_event(ada: people.Person, bob: people.Person) -> None:
    """The frame that is printed is what the client sends, and what the other one gets."""
    printed = printed_frame("Typing Events", ada, ada.say(bob)["conversation_id"])
    with socket_of(bob) as listening, socket_of(ada) as typing:
        frame_of(listening, "ready")
        frame_of(typing, "ready")
        typing.send(json.dumps(printed))
        assert differences(printed, frame_of(listening, "typing")) == []


def test_presence_event(ada: people.Person, bob: people.Person) -> None:
    """Whoever one talks with is seen to come."""
    printed = printed_frame("Presence Events", ada, ada.say(bob)["conversation_id"])
    with socket_of(bob) as listening:
        frame_of(listening, "ready")
        with socket_of(ada):
            assert differences(printed, frame_of(listening, "presence")) == []


@pytest.mark.parametrize("base", BASES)
def test_webhook_payload(ada: people.Person, bob: people.Person, receiver: Receiver, base: str) -> None:
    """What the webhook of the seed is sent when a message was: every printed field, by the printed secret."""
    printed = json.loads(block_of("Event Payload").text)
    body = next(each.body for each in REQUESTS if each.heading == "Configuration")
    ada.base = base
    people.made(ada.post("/webhooks", {**body, "url": f"{receiver.url}{ada.id}"}))
    message = bob.say(ada, printed["data"]["content"])

    def hers(arrivals: list[Arrival]) -> list[Arrival]:
        return [each for each in arrivals if each.path == f"/{ada.id}"]

    (arrival,) = hers(receiver.wait_for(lambda arrivals: bool(hers(arrivals))))
    ids = {"message_id": message["id"], "sender_id": bob.id, printed["timestamp"]: message["created_at"]}
    signature = arrival.payload["signature"]
    assert signature == member_signature(arrival.payload, body["secret"])
    assert differences(filled({**printed, "signature": signature}, ids), arrival.payload) == []
    assert signature.startswith(printed["signature"].rstrip("."))
