"""Webhooks as integrators meet them: made over HTTP, called by a real server, repeated when something went wrong."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from calls import DOCUMENT, error_example
from people import Person, made, register, unique
from receivers import Arrival, Receiver
from tests.contract.conftest import NOWHERE, Watched, only_v1
from webhook_calls import finished_delivery, try_out, until, webhook

EVENTS = set(DOCUMENT["components"]["schemas"]["WebhookEventName"]["enum"]) - {"*"}
EXAMPLES = DOCUMENT["components"]["examples"]


@dataclass(frozen=True)
class Ear:
    """A path of the receiver that nobody else knows."""

    receiver: Receiver
    path: str

    @property
    def url(self) -> str:
        return f"{self.receiver.url.rstrip('/')}{self.path}"

    @property
    def arrivals(self) -> list[Arrival]:
        return self._mine(self.receiver.arrivals)

    def wait_for(self, count: int) -> list[Arrival]:
        """Return what arrived, once it is so much."""
        return self._mine(self.receiver.wait_for(lambda arrivals: len(self._mine(arrivals)) >= count))

    def _mine(self, arrivals: list[Arrival]) -> list[Arrival]:
        return [arrival for arrival in arrivals if arrival.path == self.path]


@pytest.fixture
def ear(receiver: Receiver) -> Ear:
    return Ear(receiver, f"/{unique('ear')}")


def ear_that_says(receiver: Receiver, status: int) -> Ear:
    return Ear(receiver, f"/{unique('ear')}/{status}")


def deliveries(person: Person, webhook_id: str, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = made(person.get(f"/webhooks/{webhook_id}/deliveries", **query))[
        "deliveries"
    ]
    return found


def reason_of(answer: httpx.Response) -> Any:
    return answer.json()["error"]["details"]["reason"]


# ---- what is sent, which no version of REST has to do with


def everything_happens(ada: Person, bob: Person, eve: Person) -> None:
    """Do something for each event that Ada's webhook can hear of."""
    group = ada.found(bob)["id"]
    message = ada.say(group)["id"]
    made(ada.patch(f"/messages/{message}", {"content": "Hello, dear world!"}))
    made(bob.put(f"/conversations/{group}/read", {"message_id": message}))
    ada.delete(f"/messages/{message}")
    made(ada.post(f"/groups/{group}/members", {"user_id": eve.id}))
    made(ada.patch(f"/groups/{group}/members/{eve.id}", {"role": "admin"}))
    ada.delete(f"/groups/{group}/members/{eve.id}")
    made(ada.patch(f"/groups/{group}", {"name": "Reading"}))
    ada.delete(f"/groups/{group}")
    made(ada.patch(f"/users/{ada.id}", {"bio": "Analyst"}))


MOVING = ("status", "content", "metadata", "edited_at", "deleted_at", "last_seen")


def without(data: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in names}


@only_v1
def test_every_event_is_sent_as_the_log_tells_it(ada: Person, bob: Person, eve: Person, ear: Ear) -> None:
    """With the cursor and the data of `GET /events`, under an id of its own, in a form that libraries verify."""
    made_one = webhook(ada, ear.url)
    other = webhook(ada, NOWHERE)
    everything_happens(ada, bob, eve)
    made(ada.patch(f"/webhooks/{other['id']}", {"status": "disabled"}))
    arrivals = ear.wait_for(len(EVENTS))
    assert len({arrival.id for arrival in arrivals}) == len(arrivals)

    told = {each["cursor"]: each for each in made(ada.get("/events", after="0", limit=100))["events"]}
    for arrival in arrivals:
        payload = arrival.payload
        assert list(payload)[-1] == "signature"
        event = told[payload["cursor"]]
        expected = event["data"]
        if "content" in expected:
            expected = {**expected, "message_id": expected["id"]}
        # What may have become of it between the one reading and the other.
        assert payload["data"].keys() == expected.keys()
        assert without(payload["data"], *MOVING) == without(expected, *MOVING)
        assert Webhook(made_one["signing_secret"]).verify(arrival.body, dict(arrival.headers)) == payload
    names = {arrival.payload["event"] for arrival in arrivals}
    assert names == EVENTS


@only_v1
@pytest.mark.parametrize("name", ["message_created_payload", "tombstone_payload", "test_payload"])
def test_example_of_a_payload_is_true(ada: Person, bob: Person, ear: Ear, name: str) -> None:
    """What is really sent has the members that the document shows, and null where that has null."""
    example = EXAMPLES[name]["value"]
    asked = webhook(ada, ear.url, "message.created")
    if name == "test_payload":
        try_out(ada, asked["id"])
    else:
        message = ada.say(bob, metadata={"mentions": [bob.id]})
        (arrival,) = ear.wait_for(1)
        if name == "tombstone_payload":
            finished_delivery(ada, asked["id"], arrival.id)
            ada.delete(f"/messages/{message['id']}")
            made(ada.post(f"/webhooks/{asked['id']}/deliveries/{arrival.id}/redeliver"))
            ear.wait_for(2)
    payload = ear.arrivals[-1].payload
    assert payload.keys() == example.keys()
    assert payload["event"] == example["event"]
    assert shape(payload["data"]) == shape(example["data"])


def shape(data: Mapping[str, Any]) -> Any:
    return {name: value is None for name, value in data.items()}


@only_v1
def test_only_what_was_asked_for(ada: Person, bob: Person, ear: Ear) -> None:
    """By name, and by conversation; receipts, profiles and what happens elsewhere are not sent."""
    group = ada.found(bob)["id"]
    asked = webhook(ada, ear.url, "message.created", "member.removed", conversation_id=group)
    ada.say(bob, "Elsewhere")
    ada.say(group, "Here")
    made(ada.patch(f"/users/{ada.id}", {"bio": "Analyst"}))
    ada.delete(f"/groups/{group}/members/{bob.id}")
    first, last = (arrival.payload for arrival in ear.wait_for(2))
    by_name = {payload["event"]: payload["data"] for payload in (first, last)}
    assert by_name.keys() == {"message.created", "member.removed"}
    assert by_name["message.created"]["content"] == "Here"
    assert len(deliveries(ada, asked["id"])) == 2


@only_v1
def test_nothing_of_conversations_of_others(ada: Person, bob: Person, eve: Person, ear: Ear) -> None:
    """What two others say is none of the owner's business, and what they said after they left neither."""
    webhook(ada, ear.url, "message.created", ordered=True)
    group = bob.found(ada, eve)["id"]
    bob.say(eve, "A secret")
    bob.say(group, "Before")
    assert bob.delete(f"/groups/{group}/members/{ada.id}").is_success
    bob.say(group, "After")
    bob.say(ada, "The end")
    # In order, so whatever was too much would have come before the end.
    contents = [arrival.payload["data"]["content"] for arrival in ear.wait_for(2)]
    assert contents == ["Before", "The end"]


@only_v1
def test_secrets_overlap_during_rotation(ada: Person, ear: Ear) -> None:
    """Old and new both verify, and the seed's member is made by the new one; a stranger's does not."""
    asked = webhook(ada, ear.url)
    rotated = made(ada.post(f"/webhooks/{asked['id']}/rotate-secret", {"secret": "a new webhook secret"}))
    assert rotated["secret"] == "a new webhook secret"
    try_out(ada, asked["id"])
    (arrival,) = ear.arrivals
    for secret in (asked["signing_secret"], rotated["signing_secret"]):
        assert Webhook(secret).verify(arrival.body, dict(arrival.headers)) == arrival.payload
    stranger = webhook(ada, ear.url)["signing_secret"]
    with pytest.raises(WebhookVerificationError):
        Webhook(stranger).verify(arrival.body, dict(arrival.headers))
    shown = made(ada.get(f"/webhooks/{asked['id']}"))
    assert shown["previous_secret_until"] == rotated["previous_secret_until"]


def test_every_secret_is_good_for_its_own_day(ada: Person, ear: Ear) -> None:
    """However often it is rotated; the eleventh would be one too many, and the refusal says until when."""
    asked = webhook(ada, ear.url)
    path = f"/webhooks/{asked['id']}/rotate-secret"
    secrets = [asked["signing_secret"]]
    ends = []
    for _ in range(9):
        rotated = made(ada.post(path))
        secrets.append(rotated["signing_secret"])
        ends.append(rotated["previous_secret_until"])
    refused = ada.post(path)
    assert refused.status_code == 409
    example = error_example("Conflict", "secrets")["error"]
    told = refused.json()["error"]
    first = f"{ends[0][:19]}Z"
    assert told["message"] == example["message"].replace("2026-03-21T12:00:00Z", first)
    assert told["details"]["reason"] == told["message"]
    assert told["details"].keys() == example["details"].keys()
    assert 86_000 < told["details"]["retry_after"] <= 86_400
    assert refused.headers["Retry-After"] == str(told["details"]["retry_after"])
    try_out(ada, asked["id"])
    (arrival,) = ear.arrivals
    assert arrival.headers["webhook-signature"].count("v1,") == 10
    for secret in secrets:
        assert Webhook(secret).verify(arrival.body, dict(arrival.headers)) == arrival.payload
    assert made(ada.get(f"/webhooks/{asked['id']}"))["previous_secret_until"] == ends[-1]


# ---- what is shown


def test_secret_is_shown_once(ada: Person, ear: Ear) -> None:
    """In the answer to whoever makes or rotates it, and in no other."""
    asked = webhook(ada, ear.url, secret="webhook_secret")
    rotated = made(ada.post(f"/webhooks/{asked['id']}/rotate-secret"))
    try_out(ada, asked["id"])
    path = f"/webhooks/{asked['id']}"
    for answer in (
        ada.get("/webhooks"),
        ada.get(path),
        ada.patch(path, {"ordered": True}),
        ada.get(f"{path}/deliveries"),
    ):
        assert answer.is_success
        for secret in ("webhook_secret", asked["signing_secret"], rotated["secret"]):
            assert secret not in answer.text


@only_v1
@pytest.mark.parametrize("secret", ["webhook_secret", "ein Schlüssel 🗝", f"whsec_{'QUJD' * 8}", None])
def test_every_form_of_a_secret_signs(ada: Person, ear: Ear, secret: str | None) -> None:
    """The seed's, one with other letters, one of Standard Webhooks, and one that is made."""
    asked = webhook(ada, ear.url, **({} if secret is None else {"secret": secret}))
    assert secret in (None, asked["secret"])
    try_out(ada, asked["id"])
    (arrival,) = ear.arrivals
    Webhook(asked["signing_secret"]).verify(arrival.body, dict(arrival.headers))


@pytest.mark.parametrize(
    "secret", ["whsec_", "whsec_short", "whsec_QUJD", "whsec_!!!!" * 4, " spaced out", "spaced out "]
)
def test_secret_that_is_none(ada: Person, secret: str) -> None:
    """Libraries would refuse it, or read it in different ways."""
    body = {"url": NOWHERE, "events": ["*"], "secret": secret}
    rotated = f"/webhooks/{webhook(ada, NOWHERE)['id']}/rotate-secret"
    for answer in (ada.post("/webhooks", body), ada.post(rotated, {"secret": secret})):
        assert answer.status_code == 400
        assert answer.json()["error"]["details"]["field"] == "secret"


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:10.0.0.1]/",
        "http://0x7f.1/",
        "http://user:password@example.com/",
        "http://example.com:22/",
        "ftp://example.com/",
        "http://example.com/#fragment",
        "http://",
    ],
)
def test_address_that_is_refused(ada: Person, url: str) -> None:
    """When it is made, and when it is changed; what stood there stays."""
    asked = webhook(ada, NOWHERE)
    for answer in (
        ada.post("/webhooks", {"url": url, "events": ["*"]}),
        ada.patch(f"/webhooks/{asked['id']}", {"url": url}),
    ):
        assert answer.status_code == 400
        assert answer.json()["error"]["details"]["field"] == "url"
    assert made(ada.get(f"/webhooks/{asked['id']}"))["url"] == NOWHERE


@pytest.mark.parametrize(
    ("events", "field"),
    [
        (["message.sung"], "events[0]"),
        (["*", "message"], "events[1]"),
        ([], "events"),
        (["*", "*"], "events"),
    ],
)
def test_unknown_events_are_refused(ada: Person, events: list[str], field: str) -> None:
    """By their place in the list."""
    answer = ada.post("/webhooks", {"url": NOWHERE, "events": events})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == field


def test_changes_and_what_stays(ada: Person, bob: Person) -> None:
    """What is left out stays; null takes the filter away."""
    group = ada.found(bob)["id"]
    asked = webhook(ada, NOWHERE, "message.created", conversation_id=group, ordered=True)
    path = f"/webhooks/{asked['id']}"
    assert made(ada.patch(path, {"events": ["*"]})) == {**made(ada.get(path)), "events": ["*"]}
    changed = made(ada.patch(path, {"conversation_id": None, "ordered": False}))
    assert (changed["conversation_id"], changed["ordered"], changed["events"]) == (None, False, ["*"])
    assert changed["created_at"] == asked["created_at"]


def test_list_by_status(ada: Person) -> None:
    """Active ones, disabled ones, or all."""
    one, other = webhook(ada, NOWHERE)["id"], webhook(ada, NOWHERE)["id"]
    made(ada.patch(f"/webhooks/{one}", {"status": "disabled"}))

    def listed(**query: str) -> list[str]:
        return [each["id"] for each in made(ada.get("/webhooks", **query))["webhooks"]]

    assert listed() == [other, one]
    assert listed(status="active") == [other]
    assert listed(status="disabled") == [one]
    assert ada.get("/webhooks", status="sleeping").status_code == 400


def test_deliveries_by_status(ada: Person, receiver: Receiver, ear: Ear) -> None:
    """What arrived, what was given up and what waits, each with what came of it."""
    fine = webhook(ada, ear.url)["id"]
    done = try_out(ada, fine)
    assert deliveries(ada, fine, status="succeeded") == [done]
    assert deliveries(ada, fine, status="failed") == []
    (attempt,) = done["attempts"]
    assert (attempt["number"], attempt["status"], attempt["error"], attempt["response_excerpt"]) == (
        1,
        204,
        None,
        None,
    )

    gone = webhook(ada, ear_that_says(receiver, 410).url)["id"]
    failed = try_out(ada, gone)
    assert deliveries(ada, gone, status="failed") == [failed]
    assert (failed["status"], failed["next_attempt_at"], failed["attempts"][0]["status"]) == (
        "failed",
        None,
        410,
    )

    nobody = webhook(ada, NOWHERE, "message.created")["id"]
    made(ada.post(f"/webhooks/{nobody}/test"))
    until(lambda: bool(deliveries(ada, nobody)[0]["attempts"]))
    (waiting,) = deliveries(ada, nobody, status="pending")
    (attempt,) = waiting["attempts"]
    assert attempt["status"] is None
    assert attempt["error"]
    assert waiting["next_attempt_at"] > attempt["at"]


def test_delivery_of_another_webhook_is_not_found(ada: Person, ear: Ear) -> None:
    """Though both belong to the same person."""
    one, other = webhook(ada, ear.url)["id"], webhook(ada, ear.url)["id"]
    delivery = try_out(ada, one)["id"]
    assert ada.get(f"/webhooks/{other}/deliveries/{delivery}").status_code == 404
    assert ada.post(f"/webhooks/{other}/deliveries/{delivery}/redeliver").status_code == 404


def test_list_goes_on_where_something_stood(ada: Person, bob: Person) -> None:
    """A webhook that was deleted meanwhile still says where; one of somebody else shows nothing of theirs."""
    first, second, third = (webhook(ada, NOWHERE)["id"] for _ in range(3))
    foreign = webhook(bob, NOWHERE)["id"]
    last = webhook(ada, NOWHERE)["id"]

    def listed(**cursor: str) -> list[str]:
        return [each["id"] for each in made(ada.get("/webhooks", **cursor))["webhooks"]]

    assert ada.delete(f"/webhooks/{second}").status_code == 204
    assert (listed(before=second), listed(after=second)) == ([first], [last, third])
    assert (listed(before=foreign), listed(after=foreign)) == ([third, first], [last])


def test_deleted_webhook_is_gone(ada: Person, bob: Person, ear: Ear) -> None:
    """With its deliveries, and nothing more is sent."""
    asked = webhook(ada, ear.url)["id"]
    delivery = try_out(ada, asked)["id"]
    assert ada.delete(f"/webhooks/{asked}").status_code == 204
    ada.say(bob)
    for path in ("", "/deliveries", f"/deliveries/{delivery}"):
        assert ada.get(f"/webhooks/{asked}{path}").status_code == 404
    other = webhook(ada, ear.url)["id"]
    try_out(ada, other)
    assert [arrival.payload["event"] for arrival in ear.arrivals] == ["webhook.test"] * 2


# ---- how many


def test_ten_webhooks_and_no_more(watched: Watched) -> None:
    """Also when they are asked for at the same time; who deletes one may make another."""
    ada = register(watched.http, "ada")
    body = {"url": NOWHERE, "events": ["*"]}
    with ThreadPoolExecutor(13) as pool:
        answers = list(pool.map(lambda _: ada.post("/webhooks", body), range(13)))
    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [409] * 3
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert reason_of(refused) == "You have as many webhooks as you may have: 10"
    some = next(answer for answer in answers if answer.status_code == 201).json()["id"]
    assert ada.delete(f"/webhooks/{some}").status_code == 204
    assert ada.post("/webhooks", body).status_code == 201
    assert register(watched.http).post("/webhooks", body).status_code == 201


# ---- again


def test_redelivery_has_the_same_id(ada: Person, bob: Person, ear: Ear) -> None:
    """So that a receiver can tell; its attempts go on being counted."""
    asked = webhook(ada, ear.url, "message.created")["id"]
    ada.say(bob)
    (first,) = ear.wait_for(1)
    finished_delivery(ada, asked, first.id)
    again = made(ada.post(f"/webhooks/{asked}/deliveries/{first.id}/redeliver"))
    assert (again["id"], again["attempt_count"], again["finished_at"]) == (first.id, 1, None)
    _, second = ear.wait_for(2)
    assert (second.id, second.payload["data"]) == (first.id, first.payload["data"])
    done = finished_delivery(ada, asked, first.id)
    assert [attempt["number"] for attempt in done["attempts"]] == [1, 2]


def test_what_waits_cannot_be_redelivered(ada: Person, bob: Person, receiver: Receiver) -> None:
    """What was not tried yet goes in its turn, here after one that failed."""
    broken = ear_that_says(receiver, 500)
    asked = webhook(ada, broken.url, "message.created", ordered=True)["id"]
    for _ in range(2):
        ada.say(bob)
    until(lambda: len(deliveries(ada, asked)) == 2)
    delivery = deliveries(ada, asked)[0]["id"]
    answer = ada.post(f"/webhooks/{asked}/deliveries/{delivery}/redeliver")
    assert answer.status_code == 409
    assert reason_of(answer) == "This delivery is waiting to be sent as it is"


def test_what_failed_and_waits_is_sent_at_once(
    ada: Person, bob: Person, receiver: Receiver, ear: Ear
) -> None:
    """Whoever has mended the receiver does not wait for the next attempt, which may be hours away."""
    broken = ear_that_says(receiver, 500)
    asked = webhook(ada, broken.url, "message.created")
    path = f"/webhooks/{asked['id']}"
    ada.say(bob)
    (failed,) = broken.wait_for(1)
    until(lambda: deliveries(ada, asked["id"])[0]["attempts"])
    made(ada.patch(path, {"url": ear.url}))
    recovery = made(ada.post(f"{path}/recover", {"since": asked["created_at"]}))
    assert (recovery["deliveries"], recovery["has_more"]) == (1, False)
    (arrival,) = ear.wait_for(1)
    assert arrival.id == failed.id
    done = finished_delivery(ada, asked["id"], failed.id)
    assert [attempt["status"] for attempt in done["attempts"]] == [500, 204]


def test_nothing_is_sent_while_disabled(ada: Person, bob: Person, ear: Ear) -> None:
    """Whoever asks for it is told; it hears of nothing until it is enabled, and then of what comes."""
    asked = webhook(ada, ear.url, "message.created")["id"]
    delivery = try_out(ada, asked)["id"]
    path = f"/webhooks/{asked}"
    disabled = made(ada.patch(path, {"status": "disabled"}))
    assert (disabled["status"], disabled["disabled_reason"]) == ("disabled", "requested")
    for answer in (
        ada.post(f"{path}/test"),
        ada.post(f"{path}/deliveries/{delivery}/redeliver"),
        ada.post(f"{path}/recover", {"since": "2026-03-20T12:00:00Z"}),
    ):
        assert answer.status_code == 409
        assert reason_of(answer) == "This webhook is disabled; enable it first"
    ada.say(bob, "Not heard")
    enabled = made(ada.patch(path, {"status": "active"}))
    assert (enabled["status"], enabled["disabled_reason"]) == ("active", None)
    ada.say(bob, "Heard")
    assert ear.wait_for(2)[1].payload["data"]["content"] == "Heard"


def test_owner_hears_that_it_was_disabled(ada: Person, receiver: Receiver, ear: Ear) -> None:
    """In the log, with the reason, and by another webhook of theirs; asking twice says it once."""
    webhook(ada, ear.url, "webhook.disabled")
    gone = webhook(ada, ear_that_says(receiver, 410).url)["id"]
    try_out(ada, gone)
    until(lambda: made(ada.get(f"/webhooks/{gone}"))["status"] == "disabled")
    quiet = webhook(ada, NOWHERE)["id"]
    for _ in range(2):
        made(ada.patch(f"/webhooks/{quiet}", {"status": "disabled"}))
    told = [
        each["data"]
        for each in made(ada.get("/events", after="0"))["events"]
        if each["type"] == "webhook.disabled"
    ]
    assert told == [
        {"webhook_id": gone, "reason": "endpoint_gone"},
        {"webhook_id": quiet, "reason": "requested"},
    ]
    assert sorted((arrival.payload["data"] for arrival in ear.wait_for(2)), key=str) == sorted(told, key=str)


def test_recovery_delivers_what_failed_and_what_was_missed(
    ada: Person, bob: Person, receiver: Receiver, ear: Ear
) -> None:
    """Once each: a second recovery finds nothing. What was before the webhook is not its own."""
    ada.say(bob, "Before")
    gone = ear_that_says(receiver, 410)
    asked = webhook(ada, gone.url, "message.created")
    path = f"/webhooks/{asked['id']}"
    ada.say(bob, "Failed")
    gone.wait_for(1)
    until(lambda: made(ada.get(path))["status"] == "disabled")
    ada.say(bob, "Missed")
    made(ada.patch(path, {"status": "active", "url": ear.url}))
    recovery = made(ada.post(f"{path}/recover", {"since": asked["created_at"]}))
    assert (recovery["deliveries"], recovery["has_more"]) == (2, False)
    contents = [arrival.payload["data"]["content"] for arrival in ear.wait_for(2)]
    assert sorted(contents) == ["Failed", "Missed"]
    until(lambda: len(deliveries(ada, asked["id"], status="succeeded")) == 2)
    again = made(ada.post(f"{path}/recover", {"since": "2020-01-01T00:00:00Z"}))
    assert again["deliveries"] == 0
    assert len(ear.arrivals) == 2


def test_recovery_begins_at_its_time(ada: Person, bob: Person, ear: Ear) -> None:
    """What was missed before that stays missed; a time in the future finds nothing."""
    asked = webhook(ada, ear.url, "message.created")["id"]
    path = f"/webhooks/{asked}"
    made(ada.patch(path, {"status": "disabled"}))
    ada.say(bob, "Early")
    late = ada.say(bob, "Late")
    made(ada.patch(path, {"status": "active"}))
    assert made(ada.post(f"{path}/recover", {"since": "2100-01-01T00:00:00Z"}))["deliveries"] == 0
    assert made(ada.post(f"{path}/recover", {"since": late["created_at"]}))["deliveries"] == 1
    assert ear.wait_for(1)[0].payload["data"]["content"] == "Late"


def test_running_test_is_told_apart(ada: Person) -> None:
    """The example of a conflict has the words of the real one."""
    asked = webhook(ada, NOWHERE)["id"]
    made(ada.patch(f"/webhooks/{asked}", {"status": "disabled"}))
    conflict = ada.post(f"/webhooks/{asked}/test").json()["error"]
    assert conflict["code"] == error_example("Conflict", "taken")["error"]["code"]
    assert json.dumps(conflict["details"]) == json.dumps({"reason": conflict["message"]})
