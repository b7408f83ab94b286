"""What was missed: a listener says so, and there is a way to read it."""

from pathlib import Path

from clients import BACKOFF, RETRY, logged_in
from commands import Sdk
from drivers import Driver, until
from people import Person
from proxy import Proxy
from scripts import sdk_contract
from stub import Socket, Stub, ready

BAD_CURSOR = next(row.code for row in sdk_contract.read().close_verdicts if not row.keep_cursor)


def test_a_damaged_cursor_is_told(
    driver: Driver, client: str, ada: Person, bob: Person, tmp_path: Path
) -> None:
    """The server knows nothing of it: a `resync` comes before what follows, and the history has the rest."""
    store = tmp_path / "cursor"
    heard = driver.listen(client, "l1", cursor_file=str(store), backoff=BACKOFF)
    heard.until_state("live")
    bob.say(ada, "heard")
    last = heard.until_event("message")["data"]
    driver.do("unlisten", listener="l1")
    missed = [bob.say(ada, f"missed {number}")["id"] for number in range(2)]
    text = store.read_text()
    store.write_text(text[: len(text) // 2])
    heard = driver.listen(client, "l2", cursor_file=str(store), backoff=BACKOFF)
    resync = heard.until_event("resync")
    assert resync["data"]["reason"] == "bad_cursor"
    assert heard.of("message") == []
    later = bob.say(ada, "later")["id"]
    assert heard.until_event("message")["data"]["id"] == later
    assert resync["data"]["cursor"] != heard.of("message")[0]["cursor"]
    ids = driver.do("history", client=client, since=last["created_at"])["ids"]
    assert ids == [later, *reversed(missed), last["id"]]
    driver.do("unlisten", listener="l2")
    assert store.read_text() != text


def test_the_history_since_a_time_is_that_of_all(
    driver: Driver, client: str, ada: Person, bob: Person
) -> None:
    """Of each conversation, what was written since, newest first; older ones are left out."""
    old, group = bob.found()["id"], bob.found()["id"]
    for each in (old, group):
        bob.post(f"/groups/{each}/members", {"user_id": ada.id})
        bob.say(each, "too old")
    first = bob.say(ada, "the last that was seen")
    in_group = [bob.say(group, f"in the group {number}")["id"] for number in range(2)]
    to_her = bob.say(ada, "to her alone")["id"]
    ids = driver.do("history", client=client, since=first["created_at"])["ids"]
    assert ids == [to_her, first["id"], *reversed(in_group)]
    assert driver.do("history", client=client, since="2036-01-01T00:00:00Z")["ids"] == []


def test_an_event_in_hand_comes_again(
    sdk: Sdk, driver: Driver, proxy: Proxy, ada: Person, bob: Person, tmp_path: Path
) -> None:
    """A program that crashes while it handles an event has not handled it: the next one is handed it."""
    store = str(tmp_path / "cursor")
    (tmp_path / "crashes").mkdir()
    crashing = Driver(sdk.command(), tmp_path / "crashes")
    heard = crashing.listen(logged_in(crashing, proxy.url, ada), "l1", cursor_file=store, backoff=BACKOFF)
    heard.until_state("live")
    bob.say(ada, "handled")
    heard.until_event("message")
    crashing.do("pause", listener="l1")
    for number in range(5):
        bob.say(ada, f"in its hands {number}")
    # The others wait behind the one that is in its hands.
    until(lambda: crashing.do("held", listener="l1")["events"] >= 4)
    crashing.kill()
    heard = driver.listen(logged_in(driver, proxy.url, ada), "l1", cursor_file=store, backoff=BACKOFF)
    heard.until(lambda self: self.contents[-1:] == ["in its hands 4"])
    # The one before is told again only where its handler had not asked for more, when the program crashed.
    assert [text for text in heard.contents if text != "handled"] == [f"in its hands {n}" for n in range(5)]
    driver.do("unlisten", listener="l1")


def test_a_refused_cursor_is_kept_until_its_loss_was_told(
    sdk: Sdk, driver: Driver, stub: Stub, stubbed: str, tmp_path: Path
) -> None:
    """A program that crashes before it heard of the loss hears of it the next time, refused twice or not."""
    # What the server does with each connection in turn.
    course = ["welcome", "refuse", "be silent", "refuse", "refuse", "welcome"]

    async def script(socket: Socket) -> None:
        given.append((await socket.next())["data"].get("cursor"))
        match course[socket.number - 1]:
            case "welcome":
                await socket.send("ready", ready(f"cursor-{socket.number}"))
            case "refuse":
                await socket.close(BAD_CURSOR)
        await socket.until_left()

    given: list[str | None] = []
    stub.play(script)
    store = tmp_path / "cursor"
    options = {"cursor_file": str(store), "backoff": BACKOFF}
    driver.listen(stubbed, "l1", **options).until_state("live")
    driver.do("unlisten", listener="l1")
    kept = store.read_text()
    (tmp_path / "crashes").mkdir()
    crashing = Driver(sdk.command(), tmp_path / "crashes")
    crashing.do("client", name="one", base_url=stub.url, timeout=20, retry=RETRY)
    crashing.do("login", client="one", email="ada@example.com", password="secure_password")
    crashing.listen("one", "l1", **options)
    until(lambda: len(given) == 3)
    crashing.kill()
    assert store.read_text() == kept
    heard = driver.listen(stubbed, "l2", **options)
    resync = heard.until_event("resync")
    assert (resync["data"]["reason"], resync["data"]["cursor"]) == ("bad_cursor", "cursor-6")
    assert given == [None, "cursor-1", None, "cursor-1", None, None]
    until(lambda: store.read_text() != kept)
    driver.do("unlisten", listener="l2")
