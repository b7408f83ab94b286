"""Every example of the document is true: requests are accepted, answers look like those that are given.

The examples tell one story; `story.py` plays it, and puts the ids of the real things in the place of the told.
"""

import asyncio
import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import asyncpg
import httpx
import pytest

import servers
from as_v1 import error_of
from calls import CALLS, DOCUMENT, OPERATIONS, Call, bodies_of
from parley.contract.document import Document, operations_of, resolve
from parley.cursors import decode
from people import PASSWORD, Person, expired, made, register, send, unique
from receivers import Receiver
from scripts.specification import callbacks_of
from story import ACCESS_TOKEN, EXAMPLE_IDS, REFRESH_TOKEN, Story
from tests.contract.conftest import Watched, only_v1
from versions import V1, V2, Doorkeeper, Site, Version
from webhook_calls import finished_delivery, until

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")


def calls_with_each_body() -> Iterator[tuple[Call, int]]:
    for operation, call in CALLS.items():
        for index, body in enumerate(list(bodies_of(OPERATIONS[operation])) or [None]):
            yield replace(call, body=body), index


def told(call: Call, story: Story) -> Call:
    """The same request about what is really there."""
    return replace(call, path=story.told(call.path), query=story.told(call.query), body=story.told(call.body))


def prepared(call: Call, story: Story) -> Call:
    """Do first what has to be done for the request to succeed."""
    call = told(call, story)
    match call.operation:
        case "register_user":
            # Ada is there already.
            name = unique("new")
            return call.with_body(**{**call.body, "email": f"{name}@example.com", "username": name})
        case "update_user":
            return call.at(f"/users/{story.ada.id}")
        case "add_member":
            assert story.ada.delete(f"/groups/{story.group['id']}/members/{story.bob.id}").is_success
        case "list_users":
            return call.asking(username=story.bob.username)
        case "redeliver":
            story.delivered()
    return call


# Requests are the same in v2, whose twin makes them in `test_versions.py`.
@only_v1
@pytest.mark.parametrize(
    "call", [pytest.param(call, id=f"{call}-{index}") for call, index in calls_with_each_body()]
)
def test_request_is_accepted(http: httpx.Client, receiver: Receiver, call: Call) -> None:
    """What the document shows can be sent, and works."""
    story = Story(http, receiver.url)
    answer = send(story.ada, prepared(call, story))
    assert answer.is_success, answer.text


@only_v1
@pytest.mark.parametrize(
    "parameter",
    [
        pytest.param((operation, parameter), id=f"{operation}-{parameter['name']}")
        for operation, call in CALLS.items()
        for parameter in (resolve(DOCUMENT, each) for each in call.documented.raw.get("parameters", ()))
        if parameter["in"] != "path" and "example" in parameter
    ],
)
def test_parameter_is_accepted(
    http: httpx.Client, receiver: Receiver, parameter: tuple[str, Mapping[str, Any]]
) -> None:
    """The example of each parameter of a query or a header, for each operation that has it."""
    operation, facts = parameter
    story = Story(http, receiver.url)
    call, value = prepared(CALLS[operation], story), story.told(facts["example"])
    if facts["in"] == "header":
        answer = send(story.ada, call, **{facts["name"]: value})
    else:
        text = ",".join(value) if isinstance(value, list) else value
        answer = send(story.ada, replace(call, query={**call.query, facts["name"]: text}))
    assert answer.is_success, answer.text


def test_story_is_the_whole_story() -> None:
    """No example names a thing that the story does not tell of."""
    examples = json.dumps([*DOCUMENT["components"]["examples"].values(), *map(list, bodies_in_order())])
    assert set(ID.findall(examples)) == set(EXAMPLE_IDS.values())
    assert set(ID.findall(json.dumps([*V2.document["components"]["examples"].values()]))) <= {
        *EXAMPLE_IDS.values()
    }
    assert set(re.findall(r"eyJ[\w.-]+", examples)) == {ACCESS_TOKEN, REFRESH_TOKEN}


def bodies_in_order() -> Iterator[Iterator[Any]]:
    for operation in OPERATIONS.values():
        yield bodies_of(operation)


def edited(story: Story) -> httpx.Response:
    body = {"content": "Hello, dear world!"}
    return story.ada.patch(f"/messages/{story.reply['id']}", body)


def history_after_deletion(story: Story) -> httpx.Response:
    assert story.bob.delete(f"/messages/{story.first['id']}").is_success
    return story.ada.get("/messages", conversation_id=story.first["conversation_id"])


def read(story: Story) -> httpx.Response:
    place = f"/conversations/{story.first['conversation_id']}/read"
    return story.ada.put(place, {"message_id": story.reply["id"]})


def let_in(story: Story) -> httpx.Response:
    return story.ada.post(f"/groups/{story.group['id']}/members", {"user_id": story.carol.id})


def promoted(story: Story) -> httpx.Response:
    return story.ada.patch(f"/groups/{story.group['id']}/members/{story.bob.id}", {"role": "admin"})


def everything_that_happened(story: Story) -> httpx.Response:
    made(let_in(story))
    kept_for_ever = {"is_private": True, "message_retention_days": None}
    made(story.ada.patch(f"/groups/{story.group['id']}", {"settings": kept_for_ever}))
    made(
        story.bob.put(
            f"/conversations/{story.first['conversation_id']}/read", {"message_id": story.reply["id"]}
        )
    )
    made(story.bob.patch(f"/users/{story.bob.id}", {"bio": "Baker"}))
    return story.ada.get("/events", after="0", limit=100)


def disabled(story: Story) -> httpx.Response:
    return story.ada.patch(f"/webhooks/{story.webhook['id']}", {"status": "disabled"})


def told_of_a_message(story: Story) -> str:
    """Let something happen that the webhook hears of; return the path of its delivery, once it has arrived."""
    story.ada.say(story.bob)
    path = f"/webhooks/{story.webhook['id']}/deliveries"

    def heard() -> list[dict[str, Any]]:
        deliveries = made(story.ada.get(path))["deliveries"]
        return [each for each in deliveries if each["event"] == "message.created"]

    until(lambda: bool(heard()))
    (delivery,) = heard()
    finished_delivery(story.ada, story.webhook["id"], delivery["id"])
    return f"{path}/{delivery['id']}"


def delivered(story: Story) -> httpx.Response:
    return story.ada.get(told_of_a_message(story))


def all_delivered(story: Story) -> httpx.Response:
    return story.ada.get(told_of_a_message(story).rpartition("/")[0])


def requeued(story: Story) -> httpx.Response:
    return story.ada.post(f"{told_of_a_message(story)}/redeliver")


# How to get the real counterpart of each example of an answer, once the story was played.
REAL: Mapping[str, Callable[[Story], httpx.Response]] = {
    "tokens": lambda story: story.ada.http.post("/v1/auth/login", json=credentials(story.ada)),
    "sessions": lambda story: story.ada.get("/auth/sessions"),
    "me": lambda story: story.ada.get("/me"),
    "oneself": lambda story: story.ada.get(f"/users/{story.ada.id}"),
    "user": lambda story: story.ada.get(f"/users/{story.bob.id}"),
    "users": lambda story: story.ada.get("/users", ids=story.bob.id),
    "message": lambda story: story.ada.get(f"/messages/{story.reply['id']}"),
    "image": lambda story: story.ada.get(f"/messages/{story.image['id']}"),
    "edited_message": edited,
    "messages": history_after_deletion,
    "direct_conversation": lambda story: story.ada.get(f"/conversations/{story.first['conversation_id']}"),
    "new_conversation": lambda story: story.ada.post("/conversations", {"user_id": story.carol.id}),
    "group_conversation": lambda story: story.bob.get(f"/conversations/{story.group['id']}"),
    "conversations": lambda story: story.bob.get("/conversations"),
    "receipt": read,
    "group": lambda story: story.ada.get(f"/groups/{story.group['id']}"),
    "groups": lambda story: story.ada.get("/groups"),
    "member": let_in,
    "admin": promoted,
    "members": lambda story: story.ada.get(f"/groups/{story.group['id']}/members"),
    "events": everything_that_happened,
    "no_events": lambda story: story.ada.get("/events"),
    "webhook": lambda story: story.ada.get(f"/webhooks/{story.webhook['id']}"),
    "disabled_webhook": disabled,
    "created_webhook": lambda story: story.ada.post(
        "/webhooks", {"url": story.webhook["url"], "events": ["*"], "secret": "webhook_secret"}
    ),
    "webhooks": lambda story: story.ada.get("/webhooks"),
    "rotated_secret": lambda story: story.ada.post(f"/webhooks/{story.webhook['id']}/rotate-secret"),
    "delivery": delivered,
    "pending_delivery": lambda story: story.ada.post(f"/webhooks/{story.webhook['id']}/test"),
    "requeued_delivery": requeued,
    "deliveries": all_delivered,
    "recovery": lambda story: story.ada.post(
        f"/webhooks/{story.webhook['id']}/recover", {"since": "2026-03-20T12:00:00Z"}
    ),
    "limits": lambda story: story.ada.get("/limits"),
    "contract": lambda story: story.ada.get("/contract"),
}


def credentials(person: Person) -> dict[str, str]:
    return {"email": person.email, "password": PASSWORD}


def differences(example: Any, real: Any, where: str) -> Iterator[str]:
    """List where an example does not look like what is real. Values may differ, kinds and names may not."""
    if isinstance(example, Mapping) and isinstance(real, Mapping):
        for name in sorted(example.keys() ^ real.keys()):
            yield f"{where}.{name} is only in {'the example' if name in example else 'the answer'}"
        for name in example.keys() & real.keys():
            yield from differences(example[name], real[name], f"{where}.{name}")
    elif isinstance(example, list) and isinstance(real, list):
        for index, item in enumerate(example):
            found = [list(differences(item, other, f"{where}[{index}]")) for other in real]
            yield from min(found, key=len, default=[f"{where} is empty"])
    elif _kind(example) != _kind(real):
        yield f"{where} is {example!r} in the example and {real!r} in the answer"


def _kind(value: Any) -> str:
    """Say what a value is, as exactly as an example must show it."""
    if isinstance(value, str):
        if ID.fullmatch(value):
            return "id"
        if value.startswith("eyJ"):
            return "token"
        return "time" if TIME.fullmatch(value) else "string"
    return type(value).__name__


# Members that may be null or left out, and are one way in the example and the other here.
EITHER_WAY = re.compile(
    r"\.(user_agent|address|last_seen|bio|avatar_url|location|next_cursor|description|response_excerpt)\b"
)


@pytest.mark.parametrize("name", REAL)
def test_answer_looks_like_its_example(
    http: httpx.Client, version: Version, receiver: Receiver, name: str
) -> None:
    """The same names, and values of the same kinds."""
    example = version.document["components"]["examples"][name]["value"]
    answer = made(version.sent(REAL[name](Story(http, receiver.url))))
    found = [each for each in differences(example, answer, name) if not EITHER_WAY.search(each)]
    assert found == []


def payload_examples(document: Document) -> set[str]:
    """Return the names of the examples of what webhooks are sent; `test_webhooks.py` compares those."""
    (request,) = (request for _, request in callbacks_of(document))
    shown = request["requestBody"]["content"]["application/json"]["examples"].values()
    return {example["$ref"].rpartition("/")[2] for example in shown}


@pytest.mark.parametrize("document", [V1.document, V2.document], ids=["v1", "v2"])
def test_every_example_belongs_to_an_answer(document: Document) -> None:
    """An example that no operation shows is one that nobody reads."""
    shown = {
        example["$ref"].rpartition("/")[2]
        for operation in operations_of(document)
        for answer in operation.raw["responses"].values()
        if "content" in answer
        for example in answer["content"]["application/json"]["examples"].values()
    }
    assert shown == REAL.keys()
    assert shown | payload_examples(document) == document["components"]["examples"].keys()


# ---- errors


@dataclass(frozen=True)
class Scene:
    """Where errors are made: three people on a server whose database a test can reach."""

    dsn: str
    doorkeeper: Doorkeeper
    http: httpx.Client
    ada: Person
    bob: Person
    eve: Person
    elsewhere: Person

    def message(self) -> str:
        message_id: str = self.ada.say(self.bob)["id"]
        return message_id

    def repeated(self, first: Mapping[str, str], second: Mapping[str, str]) -> httpx.Response:
        """Send two requests with one key; return the second answer."""
        made(self.ada.post("/groups", first, **{"Idempotency-Key": "the-same"}))
        return self.ada.post("/groups", second, **{"Idempotency-Key": "the-same"})

    def registered_again(self) -> httpx.Response:
        body = {"email": f"{unique('new')}@example.com", "username": self.ada.username, "password": PASSWORD}
        return self.http.post("/v1/users", json=body)

    def deleted(self) -> httpx.Response:
        path = f"/messages/{self.message()}"
        self.ada.delete(path)
        return self.ada.get(path)

    def suspended(self) -> httpx.Response:
        """Log in as somebody whom the operator has suspended."""
        somebody = register(self.http)
        command = servers.parley("user", "suspend", somebody.email)
        env = servers.environment({"PARLEY_DATABASE_URL": self.dsn})
        subprocess.run(command, env=env, check=True, capture_output=True, timeout=60)
        return self.http.post("/v1/auth/login", json=credentials(somebody))

    def sent_away(self) -> httpx.Response:
        """Ask as somebody whose access to the beta was taken away."""
        self.doorkeeper.keep_out(self.eve.id)
        return self.eve.get("/me")

    def changed(self) -> httpx.Response:
        """Edit a message that is not any more what it was."""
        path, body = f"/messages/{self.message()}", {"content": "Hello, dear world!"}
        return self.ada.ask("PATCH", path, json=body, headers={"If-Match": '"a-tag-of-before"'})

    def trimmed(self) -> httpx.Response:
        """Come back with a cursor after the log was trimmed up to a later one."""
        cursor = made(self.ada.get("/events"))["next_cursor"]
        for _ in range(2):
            self.message()
        last = decode(made(self.ada.get("/events"))["next_cursor"]).position
        asyncio.run(trim_log(self.dsn, last))
        return self.ada.get("/events", after=cursor)


async def trim_log(dsn: str, position: int) -> None:
    """Say that events up to a position are no longer kept, as the retention does."""
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute("UPDATE log_state SET trimmed_to = $1", position)
    finally:
        await conn.close()


@pytest.fixture
def scene(watched_site: Site, watched: Watched, http: httpx.Client) -> Scene:
    ada, bob, eve = (register(watched.http, name) for name in ("ada", "bob", "eve"))
    elsewhere = register(http, "elsewhere")
    return Scene(watched.dsn, watched_site.doorkeeper, watched.http, ada, bob, eve, elsewhere)


LARGE = b" " * (2**20 + 1)

Errors: TypeAlias = Mapping[tuple[str, str], Callable[[Scene], httpx.Response]]

# How to get each error that is shown as an example.
ERRORS: Errors = {
    ("InvalidRequest", "field"): lambda scene: scene.http.post(
        "/v1/auth/login", json={"email": "ada", "password": PASSWORD}
    ),
    ("InvalidRequest", "parameter"): lambda scene: scene.ada.get("/messages", limit=101),
    ("Unauthorized", "expired"): lambda scene: scene.http.get(
        "/v1/me", headers={"Authorization": f"Bearer {expired(scene.ada.tokens['access_token'])}"}
    ),
    ("Unauthorized", "invalid"): lambda scene: scene.http.get("/v1/me"),
    ("WrongCredentials", "wrong"): lambda scene: scene.http.post(
        "/v1/auth/login", json={"email": scene.ada.email, "password": "a guess"}
    ),
    ("Suspended", "suspended"): Scene.suspended,
    ("Forbidden", "role"): lambda scene: scene.bob.patch(
        f"/groups/{scene.ada.found(scene.bob)['id']}", {"name": "Bob's"}
    ),
    ("NotFound", "message"): lambda scene: scene.eve.get(f"/messages/{scene.message()}"),
    ("NotFound", "group"): lambda scene: scene.eve.get(f"/groups/{scene.ada.found(is_private=True)['id']}"),
    ("UnknownPath", "path"): lambda scene: scene.ada.get("/nothing"),
    ("MethodNotAllowed", "method"): lambda scene: scene.ada.delete("/me"),
    ("Conflict", "taken"): Scene.registered_again,
    ("Gone", "deleted"): Scene.deleted,
    ("CursorGone", "trimmed"): Scene.trimmed,
    ("PayloadTooLarge", "large"): lambda scene: send(scene.ada, CALLS["create_group"], content=LARGE),
    ("UnsupportedMediaType", "text"): lambda scene: send(
        scene.ada, CALLS["create_group"], media_type="text/plain"
    ),
    ("IdempotencyMismatch", "mismatch"): lambda scene: scene.repeated({"name": "One"}, {"name": "Two"}),
}

# Those of one version alone. What is no request has no version, and is answered as in v1.
OWN_ERRORS: Mapping[Version, Errors] = {
    V1: {
        ("NoRequest", "http"): lambda scene: scene.http.request("BREW", "/v1/me"),
        ("NoRequest", "head"): lambda scene: scene.ada.ask("GET", "/me", headers={"X-Large": "a" * 40_000}),
    },
    V2: {
        ("Forbidden", "beta"): Scene.sent_away,
        ("NoAccess", "beta"): Scene.sent_away,
        ("PreconditionFailed", "changed"): Scene.changed,
    },
}

# Errors that need more than a request; these tests compare them with their examples.
ELSEWHERE = {
    ("Conflict", "running"): "test_idempotency.py",
    ("Conflict", "secrets"): "test_webhooks.py",
    ("TooManyRequests", "limited"): "test_rate_limits.py",
    ("InternalError", "fault"): "test_outages.py",
    ("Unavailable", "unavailable"): "test_outages.py",
}


def timeless(value: Any) -> Any:
    return json.loads(TIME.sub("a time", json.dumps(value)))


@pytest.mark.parametrize(
    ("version", "example"),
    [
        pytest.param(version, example, id=f"{version}-{'-'.join(example)}")
        for version in (V1, V2)
        for example in (*ERRORS, *OWN_ERRORS[version])
    ],
    indirect=["version"],
)
def test_error_is_its_example(scene: Scene, version: Version, example: tuple[str, str]) -> None:
    """Word for word, but for times, and for where and when it happened."""
    response, name = example
    cause = ERRORS.get(example) or OWN_ERRORS[version][example]
    answer = version.sent(cause(scene))
    told, shown = timeless(answer.json()), timeless(version.example(response, name))
    if version is V2:
        assert told.pop("instance").startswith("/v2/")
        assert shown.pop("instance").startswith("/v2/")
    assert told == shown
    assert answer.headers.keys() >= {
        header.lower()
        for header, each in version.document["components"]["responses"][response]["headers"].items()
        if resolve(version.document, each).get("required")
    }


def error_examples(version: Version) -> set[tuple[str, str]]:
    return {
        (response, name)
        for response, each in version.document["components"]["responses"].items()
        for content in each.get("content", {}).values()
        for name in content["examples"]
    }


@pytest.mark.parametrize("example", sorted(error_examples(V1) & error_examples(V2)), ids="-".join)
def test_error_is_shown_alike(example: tuple[str, str]) -> None:
    """What v2 shows is what v1 shows, in its own form."""
    assert error_of(V2.example(*example)) == V1.example(*example)


@pytest.mark.parametrize("of", [V1, V2], ids=str)
def test_every_error_is_compared(of: Version) -> None:
    """Here, or in the test that is named."""
    assert error_examples(of) == ERRORS.keys() | OWN_ERRORS[of].keys() | ELSEWHERE.keys()
    for (response, name), file in ELSEWHERE.items():
        text = (servers.ROOT / "tests" / "contract" / file).read_text(encoding="utf-8")
        assert f'error_example("{response}", "{name}")' in text


def test_cursor_of_another_log_is_gone(scene: Scene) -> None:
    """A cursor that another database gave means other events here."""
    answer = scene.ada.get("/events", after=made(scene.elsewhere.get("/events"))["next_cursor"])
    assert answer.status_code == 410
    assert answer.json()["error"]["details"] == {"reason": "log_reset"}


def test_forged_cursor_is_an_error(ada: Person) -> None:
    """It is told apart from one that is too old."""
    answer = ada.get("/events", after="AVuziLgAAAAAAAAAJ_k6TbR")
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == "after"


def test_full_group(scene: Scene) -> None:
    """A group that has all the members it may have takes no more, whether they join or are added."""
    group = scene.ada.found(scene.bob, register(scene.http), is_private=False)
    joined = scene.eve.post(f"/groups/{group['id']}/join")
    added = scene.ada.post(f"/groups/{group['id']}/members", {"user_id": scene.eve.id})
    assert (joined.status_code, added.status_code) == (409, 409)
    scene.bob.delete(f"/groups/{group['id']}/members/{scene.bob.id}")
    assert scene.eve.post(f"/groups/{group['id']}/join").status_code == 201
