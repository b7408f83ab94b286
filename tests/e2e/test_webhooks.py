"""Webhooks of a whole server: made over REST, heard by receivers on this machine, by the side of the socket."""

import hmac
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from standardwebhooks import Webhook, WebhookVerificationError

import people
import receivers
import servers
from parley.webhooks.verification import verify_member
from people import Person, made
from receivers import Arrival, Behaviour, Receiver, answering, receiving
from servers import Server, StartServer, environment, parley
from sockets import listening
from webhook_calls import until, webhook

# The seed's.
SECRET = "webhook_secret"
HERE = {"PARLEY_WEBHOOK_ALLOW_NETWORKS": "127.0.0.1"}

# What the socket calls what a webhook is told.
ON_THE_SOCKET = {
    "message.created": "message",
    "message.updated": "message.updated",
    "message.deleted": "message.deleted",
    "receipt.updated": "receipt",
    "group.created": "conversation.created",
    "group.updated": "group.updated",
    "group.deleted": "group.deleted",
    "member.added": "member.added",
    "member.removed": "member.removed",
    "member.updated": "member.updated",
    "user.updated": "user.updated",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server that may send to this machine."""
    server = servers.start(tmp_path_factory.mktemp("webhooks"), "house", env=HERE)
    yield server
    server.stop()
    assert server.violations() == []


@pytest.fixture
def pair(house: Server) -> Iterator[tuple[Person, Person]]:
    with people.client(house.url) as http:
        yield people.register(http, "ada"), people.register(http, "bob")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def verified(arrival: Arrival, signing_secret: str) -> dict[str, Any]:
    """Return a payload that the official library has verified."""
    payload: dict[str, Any] = Webhook(signing_secret).verify(arrival.body, dict(arrival.headers))
    return payload


def first_attempt(person: Person, webhook_id: str) -> dict[str, Any]:
    """Wait for the first attempt of a webhook's only delivery, and return it."""
    path = f"/webhooks/{webhook_id}/deliveries"
    until(lambda: bool(made(person.get(path))["deliveries"]))
    (delivery,) = made(person.get(path))["deliveries"]
    until(lambda: bool(made(person.get(f"{path}/{delivery['id']}"))["attempts"]))
    found: dict[str, Any] = made(person.get(f"{path}/{delivery['id']}"))["attempts"][0]
    return found


def refusal(person: Person, url: str) -> str:
    """Return why a webhook for an address cannot be made."""
    answer = person.post("/webhooks", {"url": url, "events": ["*"]})
    assert answer.status_code == 400
    details = answer.json()["error"]["details"]
    assert details["field"] == "url"
    return str(details["reason"])


def test_tells_what_the_socket_tells(pair: tuple[Person, Person], receiver: Receiver) -> None:
    """The same events under the same cursors, whatever happens, signed so that the official library verifies them."""
    ada, bob = pair
    hook = webhook(bob, receiver.url, secret=SECRET)
    with listening(bob) as socket:
        group = ada.found(bob)
        eve = people.register(ada.http, "eve")
        message = ada.say(group["id"])
        made(bob.put(f"/conversations/{group['id']}/read", {"message_id": message["id"]}))
        made(ada.patch(f"/messages/{message['id']}", {"content": "Hello again"}))
        made(ada.patch(f"/groups/{group['id']}", {"name": "Chess"}))
        made(ada.post(f"/groups/{group['id']}/members", {"user_id": eve.id}))
        made(ada.patch(f"/groups/{group['id']}/members/{eve.id}", {"role": "admin"}))
        ada.delete(f"/groups/{group['id']}/members/{eve.id}")
        made(ada.patch(f"/users/{ada.id}", {"bio": "Countess"}))
        ada.delete(f"/messages/{message['id']}")
        ada.delete(f"/groups/{group['id']}")
        socket.until("group.deleted")
    heard = {frame["cursor"]: frame for frame in socket.frames if "cursor" in frame}
    arrivals = receiver.wait_for_count(len(heard))
    told = {
        payload["cursor"]: payload
        for payload in (verified(each, hook["signing_secret"]) for each in arrivals)
    }
    assert told.keys() == heard.keys()
    assert {payload["event"] for payload in told.values()} == ON_THE_SOCKET.keys()
    for cursor, payload in told.items():
        assert ON_THE_SOCKET[payload["event"]] == heard[cursor]["type"]
        assert identity(payload["data"]) == identity(heard[cursor]["data"])
        verify_member(payload, secret=SECRET)
    assert len({arrival.id for arrival in arrivals}) == len(arrivals)


def identity(data: Mapping[str, Any]) -> list[Any]:
    """Return what an event is about, which does not change with what happens later."""
    return [data.get(name) for name in ("id", "conversation_id", "group_id", "user_id", "seq")]


def test_both_secrets_are_good_after_a_rotation(pair: tuple[Person, Person], receiver: Receiver) -> None:
    """What is sent from then on is signed by both, and by no other."""
    ada, bob = pair
    hook = webhook(bob, receiver.url, "message.created", secret=SECRET)
    ada.say(bob, "before")
    (before,) = receiver.wait_for_count(1)
    new = made(bob.post(f"/webhooks/{hook['id']}/rotate-secret", {}))
    ada.say(bob, "after")
    _, after = receiver.wait_for_count(2)
    assert verified(before, hook["signing_secret"])["data"]["content"] == "before"
    for secret in (hook["signing_secret"], new["signing_secret"]):
        assert verified(after, secret)["data"]["content"] == "after"
    with pytest.raises(WebhookVerificationError):
        verified(before, new["signing_secret"])
    verify_member(after.payload, secret=new["secret"])


def test_numbers_and_names_of_clients_are_signed(pair: tuple[Person, Person], receiver: Receiver) -> None:
    """Whatever a client put into `custom`: canonical JSON has its own rules for floats and the order of names."""
    ada, bob = pair
    webhook(bob, receiver.url, "message.created", secret=SECRET)
    custom = {
        "\ufb33": 1.0,
        "\U0001f600": -0.0,
        "a": 1e21,
        "b": 5e-7,
        "c": 2.0**60,
        "d": 2**53 - 1,
    }
    ada.say(bob, metadata={"custom": custom})
    (arrival,) = receiver.wait_for_count(1)
    payload = arrival.payload
    verify_member(payload, secret=SECRET)
    assert {name: float(value) for name, value in payload["data"]["metadata"]["custom"].items()} == {
        name: float(value) for name, value in custom.items()
    }
    member = payload.pop("signature")
    expected = hmac.new(SECRET.encode(), rfc8785.dumps(as_doubles(payload)), "sha256").hexdigest()
    assert member == f"sha256={expected}"


def as_doubles(value: Any) -> Any:
    """Return JSON with every number as a double, as JavaScript reads it."""
    return json.loads(json.dumps(value), parse_int=float)


def test_a_burst_arrives_once_each(pair: tuple[Person, Person], receiver: Receiver) -> None:
    """Over few connections, and with `ordered` in the order of the conversation."""
    ada, bob = pair
    with receiving() as in_order:
        webhook(bob, receiver.url, "message.created")
        webhook(bob, in_order.url, "message.created", ordered=True)
        contents = [str(number) for number in range(200)]
        for content in contents:
            ada.say(bob, content)
        arrivals = receiver.wait_for_count(len(contents))
        ordered = in_order.wait_for_count(len(contents))
    assert sorted(arrival.payload["data"]["content"] for arrival in arrivals) == sorted(contents)
    assert [arrival.payload["data"]["content"] for arrival in ordered] == contents
    assert receiver.connections < 50
    assert in_order.connections == 1


@pytest.mark.parametrize(
    ("behave", "shown"),
    [
        (answering(301, b"moved", location="http://10.0.0.1/"), (301, "redirects are not followed", "moved")),
        (receivers.closing, (None, "the connection was closed before an answer", None)),
        (receivers.saying(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), (None, "the answer is not HTTP", None)),
        (answering(500, "Grüße\0".encode()), (500, None, "Grüße\ufffd")),
        (answering(200, b"x" * 10_000), (200, None, "x" * 4096)),
    ],
)
def test_what_came_of_it_is_shown(
    pair: tuple[Person, Person], receiver: Receiver, behave: Behaviour, shown: tuple[Any, ...]
) -> None:
    """An attempt with its status or the reason why there is none, and what the receiver said."""
    _, bob = pair
    receiver.behave = behave
    hook = webhook(bob, receiver.url)
    made(bob.post(f"/webhooks/{hook['id']}/test"))
    attempt = first_attempt(bob, hook["id"])
    assert (attempt["status"], attempt["error"], attempt["response_excerpt"]) == shown


def test_nothing_private_is_logged(house: Server, pair: tuple[Person, Person], receiver: Receiver) -> None:
    """Neither secrets nor what people write, nor the address, in which people put secrets too."""
    ada, bob = pair
    receiver.behave = answering(500, b"what the receiver said")
    url = f"{receiver.url}hook?key=in-the-address"
    hook = webhook(bob, url, "message.created", secret="a-secret-of-bobs")
    ada.say(bob, "what Ada said")
    receiver.wait_for_count(1)
    first_attempt(bob, hook["id"])
    log = house.log.read_text()
    for private in (
        "a-secret-of-bobs",
        "what Ada said",
        "what the receiver said",
        "in-the-address",
        hook["signing_secret"],
    ):
        assert private not in log


# ---- where they may go


def test_what_can_be_seen_is_refused_at_once(server: Server) -> None:
    """By a server as it is when nobody has set anything."""
    with people.client(server.url) as http:
        bob = people.register(http, "bob")
        assert refusal(bob, "http://127.0.0.1:9000/").endswith("it is this machine itself")
        assert refusal(bob, "https://169.254.169.254/latest/meta-data").endswith(
            "it is a cloud's metadata service"
        )
        assert refusal(bob, "http://user:password@example.com/").startswith("must not have a user name")
        assert refusal(bob, "http://example.com:25/").startswith("names port 25")


def test_the_operator_narrows_it(start_server: StartServer) -> None:
    """To https and to ports."""
    server = start_server(env={"PARLEY_WEBHOOK_HTTPS_ONLY": "on", "PARLEY_WEBHOOK_PORTS": "443,8000-8999"})
    with people.client(server.url) as http:
        bob = people.register(http, "bob")
        assert refusal(bob, "http://example.com:8080/") == "must begin with https://"
        assert refusal(bob, "https://example.com:9000/").startswith("names port 9000")
        webhook(bob, "https://example.com:8443/hook")


def test_what_became_forbidden_is_refused_later(
    start_server: StartServer, receiver: Receiver, tmp_path: Path
) -> None:
    """A webhook from before the operator became stricter is not sent, and its owner reads why."""
    data = ("--data-dir", str(tmp_path / "data"))
    loose = start_server(*data, env=HERE, temporary=False)
    with people.client(loose.url) as http:
        bob = people.register(http, "bob")
        hook = webhook(bob, receiver.url)
    loose.stop()
    strict = start_server(*data, temporary=False)
    with people.client(strict.url) as http:
        bob.http = http
        made(bob.post(f"/webhooks/{hook['id']}/test"))
        attempt = first_attempt(bob, hook["id"])
    assert attempt["status"] is None
    assert attempt["error"] == "the URL leads to an address that is refused: it is this machine itself"
    assert receiver.arrivals == []


def test_listen_hears_a_server(house: Server, pair: tuple[Person, Person]) -> None:
    """The command and the server understand each other."""
    ada, bob = pair
    process = subprocess.Popen(
        parley("webhooks", "listen", "--port", "0", "--print-url", "--json"),
        stdout=subprocess.PIPE,
        text=True,
        env=environment({"WEBHOOK_SECRET": SECRET}),
    )
    try:
        assert process.stdout is not None
        webhook(bob, process.stdout.readline().strip(), "message.created", secret=SECRET)
        ada.say(bob, "Hello, receiver!")
        said = json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()
    assert (said["event"], said["verified"], said["problem"]) == ("message.created", True, None)
    assert said["payload"]["data"]["content"] == "Hello, receiver!"
