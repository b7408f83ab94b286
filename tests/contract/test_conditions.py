"""Entity tags of v2: a read tells when there is nothing new, and no update is lost."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any, NamedTuple

import httpx
import pytest

import people
import sockets
from as_v1 import DOCUMENT_OF_V2
from calls import CALLS
from parley.contract.document import operations_of
from people import Person, made, unique
from receivers import Receiver
from story import Story
from tests.contract.conftest import NOWHERE, serving, towards
from versions import V2, Site, Version
from webhook_calls import try_out, until, webhook

OPERATIONS = {each.operation_id: each for each in operations_of(DOCUMENT_OF_V2)}
READS = [name for name, each in OPERATIONS.items() if "304" in each.raw["responses"]]
CHANGES = [name for name, each in OPERATIONS.items() if "412" in each.raw["responses"]]

# What to send to change a thing once more; what is not here is deleted.
BODIES: Mapping[str, Callable[[], Any]] = {
    "update_user": lambda: {"bio": unique("Analyst")},
    "edit_message": lambda: {"content": unique("Hello, dear world")},
    "update_group": lambda: {"name": unique("Reading circle")},
    "update_member": lambda: {"role": "admin"},
    "update_webhook": lambda: {"url": f"{NOWHERE}{unique('hook')}"},
}


@pytest.fixture(scope="module")
def version() -> Version:
    """v1 knows no conditions."""
    return V2


@pytest.fixture
def story(http: httpx.Client, receiver: Receiver) -> Story:
    return Story(http, receiver.url)


def path_of(story: Story, operation: str) -> str:
    """Return path and query of an operation, about what the story tells of; a user is Ada herself."""
    query = {"list_users": f"?ids={story.bob.id}", "list_events": "?after=0"}.get(operation, "")
    if OPERATIONS[operation].path == "/users/{user_id}":
        return f"/users/{story.ada.id}"
    told: str = story.told(CALLS[operation].path)
    return f"{told}{query}"


def update_of(operation: str) -> str | None:
    """Return the operation that updates what another one reads or deletes."""
    path = OPERATIONS[operation].path
    return next((name for name in BODIES if OPERATIONS[name].path == path), None)


def read(person: Person, path: str, known: str | None = None) -> httpx.Response:
    """Read something, unless it is known."""
    return V2.sent(person.ask("GET", path, headers={} if known is None else {"If-None-Match": known}))


def tag_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    tag: str = answer.headers["ETag"]
    return tag


def change(person: Person, operation: str, path: str, demanded: str) -> httpx.Response:
    """Change or delete what is in the state that is demanded."""
    method = OPERATIONS[operation].method.upper()
    options = {"json": BODIES[operation]()} if operation in BODIES else {}
    return V2.sent(person.ask(method, path, headers={"If-Match": demanded}, **options))


def is_stale(answer: httpx.Response) -> bool:
    """Say whether a change was refused because of what happened before; else it must have been made."""
    assert answer.status_code in (200, 204, 412), answer.text
    return answer.status_code == 412


# ---- reads


@pytest.fixture(scope="module")
def quiet(http: httpx.Client, receiver: Receiver) -> Story:
    """Return a story of which all was told: what becomes of a delivery would be news."""
    story = Story(http, receiver.url)
    story.delivered()
    return story


@pytest.mark.parametrize("operation", READS)
def test_nothing_new(quiet: Story, operation: str) -> None:
    """It is said without a body; whoever knows something else is told."""
    path = path_of(quiet, operation)
    tag = tag_of(read(quiet.ada, path))
    # What is left of the limits is something else at any time.
    for known in ("*",) if operation == "get_limits" else (tag, f"W/{tag}", f'"another", {tag}', "*"):
        answer = read(quiet.ada, path, known)
        assert (answer.status_code, answer.content) == (304, b""), known
        assert answer.headers["ETag"] == tag or operation == "get_limits"
        assert not answer.headers.keys() & {"content-type", "content-length"}
    assert read(quiet.ada, path, '"another"').status_code == 200


def described(story: Story) -> None:
    made(story.ada.patch(f"/users/{story.ada.id}", BODIES["update_user"]()))


def edited(story: Story) -> None:
    made(story.ada.patch(f"/messages/{story.reply['id']}", BODIES["edit_message"]()))


def deleted(story: Story) -> None:
    assert story.ada.delete(f"/messages/{story.reply['id']}").status_code == 204


def seen(story: Story) -> None:
    place = f"/conversations/{story.first['conversation_id']}/read"
    made(story.bob.put(place, {"message_id": story.reply["id"]}))


def answered(story: Story) -> None:
    story.bob.say(story.ada, "Hello again!")


def founded(story: Story) -> None:
    story.ada.found(story.carol)


def renamed(story: Story) -> None:
    made(story.ada.patch(f"/groups/{story.group['id']}", BODIES["update_group"]()))


def joined(story: Story) -> None:
    made(story.carol.post(f"/groups/{story.group['id']}/join"))


def promoted(story: Story) -> None:
    made(story.ada.patch(f"/groups/{story.group['id']}/members/{story.bob.id}", {"role": "admin"}))


def handed_over(story: Story) -> None:
    made(story.ada.patch(f"/groups/{story.group['id']}/members/{story.bob.id}", {"role": "owner"}))


def listening(story: Story) -> None:
    webhook(story.ada, NOWHERE)


def redirected(story: Story) -> None:
    made(story.ada.patch(f"/webhooks/{story.webhook['id']}", BODIES["update_webhook"]()))


def disabled(story: Story) -> None:
    made(story.ada.patch(f"/webhooks/{story.webhook['id']}", {"status": "disabled"}))


def rotated(story: Story) -> None:
    made(story.ada.post(f"/webhooks/{story.webhook['id']}/rotate-secret"))


def tried_out(story: Story) -> None:
    try_out(story.ada, story.webhook["id"])


def sent_again(story: Story) -> None:
    place = path_of(story, "get_delivery")
    made(story.ada.post(f"{place}/redeliver"))
    until(lambda: len(made(story.ada.get(place))["attempts"]) == 2)


def logged_in(story: Story) -> None:
    story.ada.again()


class News(NamedTuple):
    """A read, what happens after it, and whether that makes an update stale which is based on the read."""

    operation: str
    happens: Callable[[Story], None]
    makes_stale: bool | None = None


NEWS = [
    News("get_me", described),
    News("get_user", described, makes_stale=True),
    News("list_sessions", logged_in),
    News("get_conversation", answered),
    News("list_conversations", seen),
    News("get_message", edited, makes_stale=True),
    News("get_message", seen, makes_stale=False),
    News("list_messages", answered),
    News("list_messages", edited),
    News("list_messages", deleted),
    News("list_messages", seen),
    News("list_events", answered),
    News("get_group", renamed, makes_stale=True),
    News("get_group", joined, makes_stale=False),
    News("get_group", promoted, makes_stale=False),
    News("list_groups", founded),
    News("list_members", joined),
    News("get_member", promoted, makes_stale=True),
    News("get_webhook", redirected, makes_stale=True),
    News("get_webhook", disabled, makes_stale=True),
    News("get_webhook", rotated, makes_stale=False),
    News("list_webhooks", listening),
    News("list_deliveries", tried_out),
    News("get_delivery", sent_again),
]


@pytest.mark.parametrize("news", NEWS, ids=lambda news: f"{news.operation}-{news.happens.__name__}")
def test_news(story: Story, news: News) -> None:
    """They are told, though one knows what was before."""
    story.delivered()
    path = path_of(story, news.operation)
    before = tag_of(read(story.ada, path))
    news.happens(story)
    told = read(story.ada, path, before)
    after = tag_of(told)
    assert after != before
    assert read(story.ada, path, after).status_code == 304
    update = update_of(news.operation)
    assert (update is None) == (news.makes_stale is None)
    if update is not None:
        assert is_stale(change(story.ada, update, path, before)) == news.makes_stale


def test_group_with_another_owner_is_another(story: Story) -> None:
    """Whoever saw the former one as its owner may not know what they change."""
    path = path_of(story, "get_group")
    before = tag_of(read(story.ada, path))
    handed_over(story)
    assert tag_of(read(story.ada, path, before)).partition(".")[0] != before.partition(".")[0]
    assert is_stale(change(story.ada, "update_group", path, before))


def test_presence_is_news_and_no_update(story: Story) -> None:
    """Who is online is told to whoever reads; nobody's update is lost because of it."""
    path = path_of(story, "get_user")
    before = tag_of(read(story.ada, path))
    with sockets.listening(story.ada) as socket:
        # Requests do not show her any more.
        socket.say("presence", status="offline")
        until(lambda: bool(made(story.ada.get("/me"))["status"] == "offline"))
        told = read(story.ada, path, before)
        assert tag_of(told) != before
        assert not is_stale(change(story.ada, "update_user", path, before))


# ---- updates


def test_all_reads_and_changes_are_here() -> None:
    """Every GET can be made on a condition, and every change of what a GET shows."""
    methods = {name: each.method for name, each in OPERATIONS.items()}
    shown = {each.path for each in OPERATIONS.values() if each.method == "get"}
    assert set(READS) == {name for name, method in methods.items() if method == "get"}
    assert set(CHANGES) == {
        name for name, each in OPERATIONS.items() if each.method in ("patch", "delete") and each.path in shown
    }
    assert {name for name in CHANGES if methods[name] == "patch"} == BODIES.keys()
    # Of the last three nothing changes that a request could bring about.
    assert {news.operation for news in NEWS} == {*READS} - {"list_users", "get_limits", "get_contract"}


@pytest.mark.parametrize("operation", CHANGES)
def test_change_of_what_was_seen(story: Story, operation: str) -> None:
    """It is made, and nothing is done to what one has not seen."""
    path = path_of(story, operation)
    before = read(story.ada, path)
    for foreign in ('"another"', f"W/{tag_of(before)}"):
        assert is_stale(change(story.ada, operation, path, foreign))
    assert read(story.ada, path, tag_of(before)).status_code == 304
    answer = change(story.ada, operation, path, f'"another", {tag_of(before)}')
    assert not is_stale(answer)
    if operation in BODIES:
        assert tag_of(answer) == tag_of(read(story.ada, path)) != tag_of(before)


@pytest.mark.parametrize("operation", CHANGES)
def test_change_of_whatever_is_there(story: Story, operation: str) -> None:
    """That is demanded too: it must be there."""
    path = path_of(story, operation)
    assert not is_stale(change(story.ada, operation, path, "*"))


@pytest.mark.parametrize("operation", CHANGES)
def test_update_of_v1_makes_stale(story: Story, site: Site, operation: str) -> None:
    """v1 demands nothing, and overwrites; but whoever uses v2 notices."""
    path, update = path_of(story, operation), update_of(operation)
    assert update is not None
    before = tag_of(read(story.ada, path))
    with people.client(site.url) as http:
        made(replace(story.ada, http=http).patch(path, BODIES[update]()))
    assert is_stale(change(story.ada, operation, path, before))
    assert tag_of(read(story.ada, path)) != before


@pytest.fixture(scope="module")
def elsewhere(
    site: Site, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """Return a client of a second process on the same database."""
    directory = tmp_path_factory.mktemp("elsewhere")
    with (
        serving(directory, PARLEY_DATABASE_URL=site.dsn, **towards(receiver)) as there,
        V2.client(str(there.base_url)) as http,
    ):
        yield http


AT_ONCE = 6


@pytest.mark.parametrize("operation", CHANGES)
def test_no_update_is_lost(story: Story, elsewhere: httpx.Client, operation: str) -> None:
    """Of those who change the same state at the same time, in two processes, one does and the others hear of it."""
    path = path_of(story, operation)
    tag = tag_of(read(story.ada, path))
    ready = Barrier(AT_ONCE)

    def try_it(number: int) -> httpx.Response:
        person = replace(story.ada, http=elsewhere) if number % 2 else story.ada
        ready.wait()
        return change(person, operation, path, tag)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(try_it, range(AT_ONCE)))
    (winner,) = (answer for answer in answers if answer.is_success)
    others = {answer.status_code for answer in answers if answer is not winner}
    if operation in BODIES:
        assert others == {412}
        assert tag_of(winner) == tag_of(read(story.ada, path))
    else:
        # What was deleted is not there any more.
        assert others <= {412, 404, 410}
        assert read(story.ada, path).status_code in (404, 410)


@pytest.mark.parametrize("condition", ["", "another", 'W/"', '"a" "b"', '*, "a"'])
def test_malformed_condition(story: Story, condition: str) -> None:
    """It is refused: read as no condition it would do what the client wanted to prevent."""
    path = path_of(story, "update_group")
    tag = tag_of(read(story.ada, path))
    refused = change(story.ada, "update_group", path, condition)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["header"] == "If-Match"
    answer = read(story.ada, path, condition)
    assert (answer.status_code, answer.json()["errors"][0]["header"]) == (400, "If-None-Match")
    assert read(story.ada, path, tag).status_code == 304


# What each operation takes; all others of these are refused.
TAKEN = dict.fromkeys(READS, "If-None-Match") | dict.fromkeys(CHANGES, "If-Match")
UNKNOWN = [
    (name, condition)
    for name in OPERATIONS
    for condition in ("If-Match", "If-None-Match")
    if condition != TAKEN.get(name)
]


@pytest.mark.parametrize(("operation", "condition"), UNKNOWN)
def test_unknown_condition(quiet: Story, operation: str, condition: str) -> None:
    """It is refused before anything happens: overlooked, it would let happen what it is to prevent."""
    call = CALLS[operation]
    options = {} if call.body is None else {"json": call.body}
    path = path_of(quiet, operation)
    answer = V2.sent(quiet.ada.ask(call.method, path, headers={condition: "*"}, **options))
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"] == [{"detail": "Is no condition of this operation", "header": condition}]


def test_strangers_learn_nothing(story: Story) -> None:
    """A condition tells nobody whether something is there, or in which state, that is not theirs to see or change."""
    tag = tag_of(read(story.ada, path_of(story, "get_message")))
    for demanded in (tag, '"another"'):
        message = path_of(story, "edit_message")
        assert change(story.carol, "edit_message", message, demanded).status_code == 404
        assert change(story.bob, "edit_message", message, demanded).status_code == 403
        assert change(story.bob, "delete_group", path_of(story, "get_group"), demanded).status_code == 403
        webhook_path = path_of(story, "get_webhook")
        assert change(story.bob, "update_webhook", webhook_path, demanded).status_code == 404
        assert change(story.bob, "delete_webhook", webhook_path, demanded).status_code == 404
    assert read(story.carol, path_of(story, "get_message"), "*").status_code == 404
