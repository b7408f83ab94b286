"""Twins: people who do the same things on one server, one through v1 and the other through v2.

What a twin is told is compared with what the other is told once all is named alike that each has of their own: the
first id that somebody meets is the first id for both. Nothing else is overlooked but what the versions say
differently on purpose (`as_v1.py`), and what goes on by itself, such as time.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx

from calls import CALLS, DOCUMENT, OPERATIONS, bodies_of
from parley.contract.document import resolve
from people import PASSWORD, Person, log_in, made
from story import EXAMPLE_IDS
from webhook_calls import finished_delivery

CAST = ("ada", "bob", "eve")
_KINDS = {
    **dict.fromkeys(("ada", "bob", "carol"), "user"),
    **dict.fromkeys(("first", "reply", "image"), "message"),
    **dict.fromkeys(("session", "other_session"), "session"),
}
_UNKNOWN = "01890000-0000-7000-8000-000000000000"
_WRONG: tuple[Any, ...] = (None, 17, True, "", "x" * 5000, [], {}, ["x"])

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")
# By these names a twin has something of their own that does not look like it. The next cursor of the log may be where
# the other twin did something, and is therefore not the cursor of what happened to oneself.
_OWN = {"cursor": "cursor", "next_cursor": "next", "position": "position"}
_OWN |= dict.fromkeys(("secret", "signing_secret"), "secret")
# These go on by themselves.
_GOING_ON = {"last_seen", "last_used_at", "expires_in", "reset_at", "latency_ms"}
# What no two answers share, and what v2 does not tell or tells of itself.
_OF_ONE_ANSWER = {"date", "x-request-id", "content-length", "x-ratelimit-reset"}
_OF_ONE_VERSION = {"x-pagination-pages", "x-pagination-current-page", "x-pagination-per-page", "x-contract"}
_OF_ONE_CONTRACT = {"version", "openapi_sha256"}


class Step(NamedTuple):
    """A request that both twins make. The numbers choose what it is about; `key` is that of its Idempotency-Key."""

    operation: str
    who: str = "ada"
    numbers: tuple[int, ...] = (0,) * 8
    spoilt: str | None = None
    key: int | None = None


def ways_to_spoil(operation: str) -> Iterator[str]:
    """Yield how a request for an operation can be spoilt."""
    call = CALLS[operation]
    yield from ("query", "limit")
    if "{" in call.documented.path:
        yield from ("malformed id", "unknown id")
    if call.secured:
        yield from ("no token", "forged token")
    if call.body is not None:
        yield from ("unknown field", "missing field", "wrong type", "no JSON", "no media type")


class Told(NamedTuple):
    """What came of it, in words that hold for both twins."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Twin:
    """Three people with accounts, and all that they know. `name` begins whatever they are called."""

    http: httpx.Client
    name: str
    receiver: str
    people: dict[str, Person] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=lambda: dict.fromkeys(CAST, PASSWORD))
    refresh_tokens: list[str] = field(default_factory=list)
    things: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    # Where nothing happens that a webhook could hear of by itself, and when.
    quiet: dict[str, str] = field(default_factory=dict)
    names: dict[tuple[str, Any], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for who in CAST:
            email, username = f"{self.name}-{who}@example.com", f"{self.name}-{who}"
            body = {"email": email, "username": username, "password": PASSWORD}
            user = made(self.http.post("/v1/users", json=body))
            self._know("user", user["id"])
            self.people[who] = Person(self.http, user["id"], email, username, log_in(self.http, email))
            self.quiet[who] = self.people[who].found()["id"]
        beginning = {"create_group": 0, "send_message": 0, "create_webhook": 0, "test_webhook": 0}
        for operation, choice in beginning.items():
            assert self.play(Step(operation, numbers=(choice, *(1,) * 7))).status == 201

    # ---- requests

    def play(self, step: Step) -> Told:
        """Make a request, and learn from its answer."""
        path, query, body = self._request(step)
        headers, content = {}, None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        if CALLS[step.operation].secured:
            headers["Authorization"] = f"Bearer {self.people[step.who].tokens['access_token']}"
        if step.key is not None:
            headers["Idempotency-Key"] = f"{self.name}-{step.key}"
        match step.spoilt:
            case "query":
                query = {**query, "colour": "blue"}
            case "limit":
                query = {**query, "limit": 101}
            case "malformed id":
                path = _ID.sub("17", path)
            case "unknown id":
                path = _ID.sub(_UNKNOWN, path)
            case "no token":
                headers.pop("Authorization", None)
            case "forged token":
                headers["Authorization"] = "Bearer of.bad.news"
            case "no JSON" if content is not None:
                content = content[:-1]
            case "no media type":
                headers.pop("Content-Type", None)
        method = CALLS[step.operation].method
        answer = self.http.request(method, f"/v1{path}", params=query, headers=headers, content=content)
        if answer.is_success:
            self._learn(step, path, body, answer.json() if answer.content else {})
        return self.told(answer, step.operation)

    def _request(self, step: Step) -> tuple[str, dict[str, Any], Any]:
        """Return path, query and body."""
        words = self._words(step)
        path, choice = CALLS[step.operation].path, step.numbers[0]
        bodies = list(self._bodies(step)) or list(bodies_of(OPERATIONS[step.operation]))
        body = bodies[choice % len(bodies)] if bodies else None
        query = dict(self._query(step))
        for example, real in words.items():
            path = path.replace(example, real)
            body = json.loads(json.dumps(body).replace(example, real))
        if isinstance(body, dict) and body:
            name = sorted(body)[choice % len(body)]
            match step.spoilt:
                case "unknown field":
                    body["colour"] = "blue"
                # Without the conversation that it is about, a webhook would hear of things by itself.
                case "missing field" if name != "conversation_id":
                    del body[name]
                case "wrong type" if name != "conversation_id":
                    body[name] = _WRONG[step.numbers[1] % len(_WRONG)]
        return path, query, body

    def _words(self, step: Step) -> dict[str, str]:
        """Return what of a twin's own stands for the ids of the examples."""
        chosen = {}
        for number, (name, example) in enumerate(EXAMPLE_IDS.items()):
            known = self.things[_KINDS.get(name, name)]
            if known:
                chosen[example] = known[step.numbers[number % len(step.numbers)] % len(known)]
        # A message in its conversation, and a delivery of its webhook; but not always.
        if step.numbers[2] % 4:
            for whole, part in (("conversation", "reply"), ("webhook", "delivery")):
                thing = chosen.get(EXAMPLE_IDS[part])
                if thing is not None:
                    chosen[EXAMPLE_IDS[whole]] = self.things[f"{whole} of {thing}"][0]
        return chosen

    def _bodies(self, step: Step) -> Iterator[Any]:
        """Yield the bodies of operations whose examples would not do."""
        who, other = step.who, CAST[step.numbers[3] % len(CAST)]
        match step.operation:
            case "login":
                yield {"email": self.people[who].email, "password": self.passwords[who]}
                yield {"email": self.people[other].email, "password": "a guess"}
            case "send_message":
                yield {"conversation_id": EXAMPLE_IDS["conversation"], "content": "Hello, world!"}
                yield from bodies_of(OPERATIONS["send_message"])
            case "refresh":
                yield {"refresh_token": (self.refresh_tokens or ["not.a.token"])[-1]}
                yield {"refresh_token": (self.refresh_tokens or ["not.a.token"])[0]}
            case "register_user":
                name = f"{self.name}-new{step.numbers[4] % 6}"
                yield {"email": f"{name}@example.com", "username": name, "password": PASSWORD}
                yield {"email": self.people["ada"].email, "username": name, "password": PASSWORD}
            case "change_password":
                yield {"current_password": self.passwords[who], "new_password": "correct horse battery"}
                yield {"current_password": "a guess", "new_password": "correct horse battery"}
            case "create_webhook":
                about = {"events": ["group.deleted"], "conversation_id": self.quiet[who]}
                yield {"url": self.receiver, **about}
                yield {"url": self.receiver, "secret": "webhook_secret", **about}
                yield {"url": "http://10.0.0.1/", **about}
            case "update_webhook":
                yield {"ordered": True}
                yield {"status": "disabled"}
                yield {"status": "active", "url": self.receiver}
                yield {"url": "ftp://example.com/"}
            case "update_member":
                yield {"role": "admin"}
                yield {"role": "member"}
                yield {"role": "owner"}

    def _query(self, step: Step) -> Iterator[tuple[str, Any]]:
        """Yield parameters: some of those that the operation has."""
        one, two, three, four = step.numbers[4:8]
        names = {
            resolve(DOCUMENT, each)["name"] for each in OPERATIONS[step.operation].raw.get("parameters", ())
        }
        if step.operation == "list_users":
            if one % 3:
                yield "username", self.name
            else:
                yield "ids", ",".join(self.things["user"][: two % 5])
        # One of another kind, where none is known yet.
        cursors = self.things[f"item of {step.operation}"] or self.things["user"]
        for name in ("before", "after"):
            if name in names and (one % 5 == (name == "after") or one % 19 == 7):
                yield name, cursors[two % len(cursors)]
        if "limit" in names and three % 2:
            yield "limit", 1 + three % 5
        if "conversation_id" in names and four % 2:
            known = self.things["conversation"]
            yield "conversation_id", known[four % len(known)]
        choices = {
            "type": ("text", "image", "song"),
            "from": ("2024-03-01", "2100-01-01T00:00:00Z", "yesterday"),
            "sender_id": self.things["user"],
            "status": ("sent", "read", "active", "pending", "online"),
        }
        for number, (name, values) in enumerate(choices.items()):
            if name in names and (one + number) % 7 == 0:
                yield name, values[two % len(values)]

    # ---- what is learned

    def _learn(self, step: Step, path: str, body: Any, answer: dict[str, Any]) -> None:
        """Remember what there is now, and come back where one logged oneself out."""
        match step.operation:
            case "login" | "refresh":
                self.refresh_tokens.append(answer["refresh_token"])
                self._know("session", answer["session_id"])
            case "register_user":
                self._know("user", answer["id"])
            case "change_password":
                self.passwords[step.who] = body["new_password"]
            case "create_group":
                self._know("group", answer["id"])
                self._know("conversation", answer["id"])
            case "open_conversation":
                self._know("conversation", answer["id"])
            case "send_message":
                self._know("message", answer["id"])
                self._know("conversation", answer["conversation_id"])
                self._know(f"conversation of {answer['id']}", answer["conversation_id"])
            case "create_webhook":
                self._know("webhook", answer["id"])
            case "test_webhook" | "redeliver":
                finished_delivery(self.people[step.who], answer["webhook_id"], answer["id"])
                self._know("delivery", answer["id"])
                self._know(f"webhook of {answer['id']}", answer["webhook_id"])
        if answer.get("next_cursor") is not None:
            self._know(f"item of {step.operation}", answer["next_cursor"])
        if step.operation in ("refresh", "logout", "revoke_session", "change_password"):
            for who, person in self.people.items():
                if person.get("/me").status_code == 401:
                    person.tokens = log_in(self.http, person.email, self.passwords[who])

    def _know(self, kind: str, thing: str) -> None:
        if thing not in self.things[kind]:
            self.things[kind].append(thing)

    # ---- what is told

    def told(self, answer: httpx.Response, operation: str) -> Told:
        """Say what an answer says, with what is alike in the place of what is one's own."""
        status, headers, body = plainly(answer, operation)
        alike = {name: self._alike(value) for name, value in headers.items()}
        return Told(status, alike, self._alike(body))

    def _alike(self, value: Any, name: str = "") -> Any:
        if isinstance(value, Mapping):
            # In one order, or the first for one would not be the first for the other.
            return {each: self._alike(value[each], each) for each in sorted(value)}
        if isinstance(value, list):
            return [self._alike(item, name) for item in value]
        if value is not None and name in _OWN:
            return self._name(_OWN[name], value)
        if not isinstance(value, str):
            return value
        if value.startswith("eyJ"):
            return "a token"
        text = _TIME.sub("a time", value.replace(self.name, "a twin"))
        return _ID.sub(lambda found: self._name("id", found[0]), text)

    def _name(self, kind: str, value: Any) -> str:
        number = sum(each == kind for each, _ in self.names)
        return self.names.setdefault((kind, value), f"{kind} {number + 1}")

    def reads(self) -> Iterator[tuple[str, str]]:
        """Yield operations and paths by which everything can be seen that was done."""
        yield from (("get_me", "/me"), ("list_users", f"/users?username={self.name}&limit=100"))
        yield from (("list_conversations", "/conversations?limit=100"), ("list_groups", "/groups?limit=100"))
        yield from (("list_messages", "/messages?limit=100"), ("list_events", "/events?after=0&limit=100"))
        yield from (("list_webhooks", "/webhooks?limit=100"), ("list_sessions", "/auth/sessions"))
        for group in self.things["group"]:
            yield "get_group", f"/groups/{group}"
            yield "list_members", f"/groups/{group}/members"
        for webhook in self.things["webhook"]:
            yield "get_webhook", f"/webhooks/{webhook}"
            yield "list_deliveries", f"/webhooks/{webhook}/deliveries"


def plainly(answer: httpx.Response, operation: str) -> Told:
    """Say what an answer says, but for what goes on by itself and what one version has alone."""
    left_out = _OF_ONE_ANSWER | _OF_ONE_VERSION
    headers = {name: value for name, value in answer.headers.items() if name not in left_out}
    body: Any = _without(answer.json(), _GOING_ON) if answer.content else None
    if operation == "get_contract" and answer.is_success:
        body = _without(body, _OF_ONE_CONTRACT)
    if answer.status_code == 400:
        # v2 names a parameter, and none of the items in its list.
        parameters = {
            resolve(DOCUMENT, each)["name"] for each in OPERATIONS[operation].raw.get("parameters", ())
        }
        details = body["error"]["details"]
        for each in (details, *details["errors"]):
            name = each["field"].partition("[")[0]
            each["field"] = name if name in parameters else each["field"]
    return Told(answer.status_code, headers, body)


def unlike(one: Any, other: Any, where: str = "") -> Iterator[str]:
    """Yield where two things differ."""
    if isinstance(one, Mapping) and isinstance(other, Mapping) and one.keys() == other.keys():
        for name in one:
            yield from unlike(one[name], other[name], f"{where}.{name}")
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        for number, pair in enumerate(zip(one, other, strict=True)):
            yield from unlike(*pair, f"{where}[{number}]")
    elif one != other:
        yield f"{where}: {one} and {other}"


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _without(each, names) for name, each in value.items() if name not in names}
    return [_without(each, names) for each in value] if isinstance(value, list) else value
