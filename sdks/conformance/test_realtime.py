"""The socket: every event once and in order, through whatever the network does."""

import json
import time
from pathlib import Path

import pytest

import people
from clients import BACKOFF, logged_in
from drivers import Driver, Listener
from people import Person
from proxy import Proxy, proxy_to
from servers import Server, StartServer

MESSAGES = 1000
CUTS = 20
# The contract's limits on connections would stand in the way of the cuts; they are tested apart.
MANY = {"PARLEY_RATE_LIMIT_WS": "100000/minute", "PARLEY_RATE_LIMITS": "off"}


@pytest.fixture
def listener(driver: Driver, client: str) -> Listener:
    """Return a listener of Ada's that is live."""
    heard = driver.listen(client, "l1", backoff=BACKOFF)
    heard.until_state("live")
    return heard


def test_what_happens_is_handed_over(listener: Listener, ada: Person, bob: Person) -> None:
    """Typed, with its cursor and its seq."""
    sent = bob.say(ada, "Hello")
    event = listener.until_event("message")
    assert event["data"]["id"] == sent["id"]
    assert (event["data"]["content"], event["seq"], event["known"]) == ("Hello", 1, True)
    assert event["cursor"]


def test_the_token_stands_in_no_url(listener: Listener, proxy: Proxy) -> None:
    """It goes in the first frame."""
    assert listener.states[-1] == "live"
    assert proxy.count(b"GET /ws") == 1
    assert proxy.count(b"token=") == 0


def test_each_message_once_through_twenty_cuts(
    driver: Driver, listener: Listener, proxy: Proxy, ada: Person, bob: Person
) -> None:
    """A thousand messages, in order, while the connection breaks again and again."""
    conversation = bob.post("/conversations", {"user_id": ada.id}).json()["id"]
    for number in range(MESSAGES):
        body = {"conversation_id": conversation, "content": str(number)}
        people.made(bob.post("/messages", body))
        if number % (MESSAGES // CUTS) == 0:
            proxy.until_sockets(1)
            proxy.cut_sockets()
    listener.until(lambda self: len(self.of("message")) >= MESSAGES)
    assert listener.contents == [str(number) for number in range(MESSAGES)]
    assert [event["seq"] for event in listener.of("message")] == list(range(1, MESSAGES + 1))
    assert proxy.count(b"GET /ws") == CUTS + 1


def test_it_goes_on_after_the_server_was_restarted(
    driver: Driver, start_server: StartServer, tmp_path: Path
) -> None:
    """With its cursor: what was sent while it was away comes, too."""
    data = {"PARLEY_DATA_DIR": str(tmp_path / "data"), **MANY}
    first = start_server(env=data, temporary=False)
    with proxy_to(first.url) as proxy:
        with people.client(first.url) as http:
            ada, bob = people.register(http, "ada"), people.register(http, "bob")
            heard = driver.listen(logged_in(driver, proxy.url, ada), "l1", backoff=BACKOFF)
            heard.until_state("live")
            bob.say(ada, "before")
            heard.until_event("message")
        first.stop()
        second = start_server(env=data, temporary=False)
        with people.client(second.url) as http:
            again = Person(http, bob.id, bob.email, bob.username, bob.tokens)
            again.say(ada, "meanwhile")
            proxy.lead_to(second.url)
            heard.until_event("message", 2)
            again.say(ada, "after")
            heard.until_event("message", 3)
        assert heard.contents == ["before", "meanwhile", "after"]


def test_a_slow_handler_holds_the_reader_back(
    driver: Driver, listener: Listener, ada: Person, bob: Person
) -> None:
    """Memory is bounded, and in the end each message came once."""
    driver.do("pause", listener="l1")
    conversation = bob.post("/conversations", {"user_id": ada.id}).json()["id"]
    for number in range(1500):
        body = {"conversation_id": conversation, "content": f"{number} " + "x" * 3000}
        people.made(bob.post("/messages", body))
    held = driver.do("held", listener="l1")["events"]
    assert held <= 600
    driver.do("resume", listener="l1")
    listener.until(lambda self: len(self.of("message")) >= 1500)
    assert [int(content.split()[0]) for content in listener.contents] == list(range(1500))


def test_it_comes_back_with_the_cursor_of_a_file(
    driver: Driver, proxy: Proxy, ada: Person, bob: Person, tmp_path: Path
) -> None:
    """A program that was ended goes on where its handler stood."""
    store = str(tmp_path / "cursor.json")
    client = logged_in(driver, proxy.url, ada)
    heard = driver.listen(client, "l1", cursor_file=store)
    heard.until_state("live")
    bob.say(ada, "first")
    heard.until_event("message")
    driver.do("unlisten", listener="l1")
    bob.say(ada, "second")
    heard = driver.listen(client, "l2", cursor_file=store)
    heard.until_event("message")
    bob.say(ada, "third")
    heard.until_event("message", 2)
    assert heard.contents == ["second", "third"]


def test_the_beginning_of_what_is_kept(driver: Driver, client: str, ada: Person, bob: Person) -> None:
    """The cursor `0` brings all that the log still has."""
    bob.say(ada, "long ago")
    heard = driver.listen(client, "l1", cursor="0")
    heard.until_event("message")
    assert heard.contents == ["long ago"]


def test_a_cursor_of_another_log_is_told(driver: Driver, client: str, short_lived: Server) -> None:
    """The listener is handed a `resync` and goes on from its cursor."""
    with people.client(short_lived.url) as http:
        stranger = people.register(http, "eve")
        foreign = stranger.get("/events").json()["next_cursor"]
    heard = driver.listen(client, "l1", cursor=foreign)
    assert heard.until_event("resync")["data"]["reason"] == "log_reset"
    heard.until_state("live")


def test_a_revoked_session_ends_it(driver: Driver, listener: Listener, proxy: Proxy, ada: Person) -> None:
    """It says so, and does not come back."""
    tokens = driver.do("tokens", client="ada")
    with people.client(str(ada.http.base_url)) as mine:
        mine.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        assert mine.post("/v1/auth/logout").status_code == 204
    assert listener.until_ended()["class"] == "SessionEnded"
    proxy.until_sockets(0)
    connections = proxy.count(b"GET /ws")
    assert driver.refused("me", client="ada").name == "SessionEnded"
    assert proxy.count(b"GET /ws") == connections == 1


def test_a_member_hears_what_is_theirs(listener: Listener, ada: Person, bob: Person) -> None:
    """Added, removed and added again: nothing from in between."""
    group = bob.found()["id"]
    bob.say(group, "too early")
    bob.post(f"/groups/{group}/members", {"user_id": ada.id})
    listener.until_event("member.added")
    bob.say(group, "theirs")
    bob.delete(f"/groups/{group}/members/{ada.id}")
    assert listener.until_event("member.removed")["data"]["user_id"] == ada.id
    bob.say(group, "not theirs")
    bob.post(f"/groups/{group}/members", {"user_id": ada.id})
    listener.until_event("member.added", 2)
    bob.say(group, "theirs again")
    listener.until_event("message", 2)
    assert listener.contents == ["theirs", "theirs again"]


def test_its_token_is_renewed_on_the_live_socket(driver: Driver, short_lived: Server) -> None:
    """The socket outlives its first token, and is never cut for it."""
    with proxy_to(short_lived.url) as proxy, people.client(short_lived.url) as http:
        ada, bob = people.register(http, "ada"), people.register(http, "bob")
        client = logged_in(driver, proxy.url, ada, refresh_margin=3)
        heard = driver.listen(client, "l1", backoff=BACKOFF)
        heard.until_state("live")
        first = driver.do("tokens", client=client)["refresh_token"]
        # Longer than the first token lives.
        for number in range(12):
            bob.again().say(ada, str(number))
            heard.until_event("message", number + 1)
            time.sleep(1)
        assert driver.do("tokens", client=client)["refresh_token"] != first
        assert proxy.count(b"GET /ws") == 1


def test_what_it_says_is_heard(
    driver: Driver, listener: Listener, proxy: Proxy, ada: Person, bob: Person
) -> None:
    """Typing, presence and receipts."""
    sent = bob.say(ada, "Hello")
    conversation = sent["conversation_id"]
    listener.until_event("message")
    other = logged_in(driver, proxy.url, bob, name="bob")
    heard = driver.listen(other, "l2", backoff=BACKOFF)
    heard.until_state("live")
    driver.do("typing", listener="l1", conversation_id=conversation, is_typing=True)
    assert heard.until_event("typing")["data"]["user_id"] == ada.id
    driver.do("receipt", listener="l1", conversation_id=conversation, message_id=sent["id"], kind="read")
    heard.until(lambda self: any(event["data"]["read_seq"] == 1 for event in self.of("receipt")))
    driver.do("presence", listener="l1", status="offline")
    heard.until(lambda self: any(event["data"]["status"] == "offline" for event in self.of("presence")))


def test_it_closes_cleanly(driver: Driver, client: str, proxy: Proxy, ada: Person, bob: Person) -> None:
    """No thread, task or goroutine is left, and no connection."""
    heard = driver.listen(client, "l1", backoff=BACKOFF)
    heard.until_state("live")
    bob.say(ada, "Hello")
    heard.until_event("message")
    driver.do("unlisten", listener="l1")
    assert heard.until_ended()["class"] is None
    driver.do("close", name=client)
    assert driver.do("leftovers") == {"count": 0}
    proxy.until_sockets(0)


def test_it_ends_while_it_waits_to_come_back(driver: Driver, client: str, proxy: Proxy) -> None:
    """A listener can be ended in any state."""
    heard = driver.listen(client, "l1", backoff={"base": 30, "cap": 30})
    heard.until_state("live")
    proxy.refuse(True)
    proxy.cut_sockets()
    heard.until_state("waiting")
    driver.do("unlisten", listener="l1")
    assert heard.until_ended()["class"] is None


def test_two_listeners_of_one_client_hear_the_same(
    driver: Driver, client: str, listener: Listener, ada: Person, bob: Person
) -> None:
    """Each has its own cursor."""
    second = driver.listen(client, "l2", backoff=BACKOFF)
    second.until_state("live")
    bob.say(ada, "Hello")
    for heard in (listener, second):
        assert heard.until_event("message")["data"]["content"] == "Hello"
    assert json.dumps(listener.of("message")) == json.dumps(second.of("message"))
