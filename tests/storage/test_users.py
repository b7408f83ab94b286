"""Users on a real database: finding them page by page, and changing one's own profile."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

import pytest

from accounts import PASSWORD, Process, caller_of, process
from parley.errors import Forbidden, Invalid, NotFound
from parley.ids import uuid7
from parley.model import Caller, Me, Page, User
from parley.services.accounts import Registration
from parley.storage.users import name_key

pytestmark = pytest.mark.anyio


@pytest.fixture
async def parley(database_dsn: str) -> AsyncIterator[Process]:
    async with process(database_dsn) as running:
        yield running


def caller(user: User) -> Caller:
    return Caller(user.id, uuid7())


def names(page: Page[User]) -> Sequence[str]:
    return [user.username for user in page.items]


async def register_many(parley: Process, count: int, name: str = "user{:02}") -> list[Me]:
    return [await parley.register(name.format(number)) for number in range(count)]


async def update_events(parley: Process) -> object:
    return await parley.fetchval(
        "SELECT array_agg(ARRAY[stream_id, subject_id, actor_id]) FROM events WHERE kind = 'user.updated'"
    )


# ---- showing


async def test_email_is_shown_to_oneself_only(parley: Process) -> None:
    """Whoever asks for themselves sees their address, and nobody else does."""
    ada, bob = await parley.register("ada"), await parley.register("bob")
    assert await parley.users.me(caller(ada)) == ada
    assert await parley.users.get(caller(ada), ada.id) == ada
    seen = await parley.users.get(caller(bob), ada.id)
    assert not isinstance(seen, Me)
    assert (seen.id, seen.username) == (ada.id, "ada")
    found = await parley.users.list_page(ids=[ada.id, bob.id])
    assert not any(isinstance(user, Me) for user in found.items)
    assert set(await parley.users.by_ids([ada.id, bob.id, uuid4()])) == {ada.id, bob.id}


async def test_unknown_user_is_not_there(parley: Process) -> None:
    """Who does not exist is not found."""
    ada = await parley.register("ada")
    with pytest.raises(NotFound, match="There is no such user"):
        await parley.users.get(caller(ada), uuid4())


# ---- finding


async def test_finds_by_prefix(parley: Process) -> None:
    """The beginning of a name finds it, whatever its case; what only contains it, or sorts near it, does not."""
    for name in ("Ada", "adam", "ada.b", "ADA_", "bada", "ad", "adb", "ad-a", "a_a"):
        await parley.accounts.register(Registration(f"{name}@example.com", name, PASSWORD, name))
    for prefix in ("ada", "ADA", "aDa"):
        assert set(names(await parley.users.list_page(username=prefix))) == {"Ada", "adam", "ada.b", "ADA_"}
    assert names(await parley.users.list_page(username="adam")) == ["adam"]
    assert names(await parley.users.list_page(username="adamm")) == []
    assert names(await parley.users.list_page(username="a_a")) == ["a_a"]
    assert names(await parley.users.list_page(username="a%a")) == []


@pytest.mark.parametrize("last", ["\ud7ff", "\U0010ffff", "\x7f", "z"])
async def test_prefix_ends_with_any_character(parley: Process, last: str) -> None:
    """Whatever a prefix ends with, it finds what begins so, and nothing else."""
    prefix = "ab" + last
    await parley.execute(
        """
        INSERT INTO users (id, email, email_key, username, username_key, display_name)
        SELECT gen_random_uuid(), u, u, u, u, u
        FROM unnest($1::text[]) u
        """,
        [prefix, prefix + "c", prefix + "\U0010ffff", "ab", "ac", "aab"],
    )
    assert name_key(prefix) == prefix
    assert set(names(await parley.users.list_page(username=prefix))) == {
        prefix,
        prefix + "c",
        prefix + "\U0010ffff",
    }


async def test_prefix_uses_the_index(parley: Process) -> None:
    """Looking for a prefix reads the index on names, in a plan that serves any prefix."""
    await parley.execute(
        """
        INSERT INTO users (id, email, email_key, username, username_key, display_name)
        SELECT gen_random_uuid(), n, n, n, n, n
        FROM (SELECT 'user' || n AS n FROM generate_series(1, 5000) n) numbered
        """
    )
    async with parley.database.transaction() as conn:
        await conn.execute("ANALYZE users")
        await conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await conn.execute(
            "PREPARE find AS SELECT id FROM users u WHERE u.username_key >= $1 AND u.username_key < $2"
        )
        plan = await conn.fetch("EXPLAIN EXECUTE find('user42', 'user43')")
    assert any("users_username_taken" in row[0] for row in plan)


async def test_prefix_is_not_counted(parley: Process) -> None:
    """What a prefix finds is paged, and nobody counts it."""
    await register_many(parley, 3)
    page = await parley.users.list_page(username="user", limit=2)
    assert names(page) == ["user02", "user01"]
    assert (page.has_more, page.total, page.current_page, page.per_page) == (True, None, None, 2)


async def test_finds_by_ids(parley: Process) -> None:
    """Ids find those that exist, once each, newest first, and count them."""
    users = await register_many(parley, 3)
    wanted = [users[0].id, users[2].id, uuid4(), users[0].id]
    page = await parley.users.list_page(ids=wanted)
    assert names(page) == ["user02", "user00"]
    assert (page.total, page.total_exact, page.current_page, page.has_more) == (2, True, 1, False)
    assert page.next_cursor is None


async def test_conditions_add_up(parley: Process) -> None:
    """Ids and a prefix together find those for whom both hold."""
    ada, bob = await parley.register("ada"), await parley.register("bob")
    page = await parley.users.list_page(ids=[ada.id, bob.id], username="bob")
    assert (names(page), page.total) == (["bob"], 1)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"status": "online"},
        {"username": "ab"},
        {"username": ""},
        {"username": "abc", "before": uuid4(), "after": uuid4()},
    ],
)
async def test_aimless_lists_are_refused(parley: Process, asked: dict[str, object]) -> None:
    """Users are looked for by something, in one direction: nobody reads them all."""
    with pytest.raises(Invalid):
        await parley.users.list_page(**asked)  # type: ignore[arg-type]  # names are chosen


async def test_walks_back_to_the_oldest(parley: Process) -> None:
    """`before` leads through all pages; the last one says that there is no more."""
    users = await register_many(parley, 5)
    wanted = [user.id for user in users]
    first = await parley.users.list_page(ids=wanted, limit=2)
    second = await parley.users.list_page(ids=wanted, limit=2, before=cursor(first))
    third = await parley.users.list_page(ids=wanted, limit=2, before=cursor(second))
    assert [names(page) for page in (first, second, third)] == [
        ["user04", "user03"],
        ["user02", "user01"],
        ["user00"],
    ]
    assert [page.has_more for page in (first, second, third)] == [True, True, False]
    assert [page.current_page for page in (first, second, third)] == [1, 2, 3]
    assert {page.total for page in (first, second, third)} == {5}
    assert third.next_cursor is None


async def test_walks_on_to_the_newest(parley: Process) -> None:
    """`after` leads to newer pages, shown newest first, and its cursor goes on when there is none yet."""
    users = await register_many(parley, 5)
    prefix = {"username": "user", "limit": 2}
    first = await parley.users.list_page(after=users[0].id, **prefix)  # type: ignore[arg-type]  # names are chosen
    second = await parley.users.list_page(after=cursor(first), **prefix)  # type: ignore[arg-type]  # names are chosen
    third = await parley.users.list_page(after=cursor(second), **prefix)  # type: ignore[arg-type]  # names are chosen
    assert [names(page) for page in (first, second, third)] == [
        ["user02", "user01"],
        ["user04", "user03"],
        [],
    ]
    assert [page.has_more for page in (first, second, third)] == [True, False, False]
    assert third.next_cursor == second.next_cursor
    await parley.register("user05")
    later = await parley.users.list_page(after=cursor(third), **prefix)  # type: ignore[arg-type]  # names are chosen
    assert names(later) == ["user05"]


async def test_pages_beyond_the_ends(parley: Process) -> None:
    """Beyond either end is an empty page, which knows where it stands."""
    users = await register_many(parley, 4)
    wanted = [user.id for user in users]
    oldest = await parley.users.list_page(ids=wanted, limit=2, before=users[0].id)
    assert (names(oldest), oldest.has_more, oldest.next_cursor, oldest.current_page) == ([], False, None, 3)
    newest = await parley.users.list_page(ids=wanted, limit=2, after=users[3].id)
    assert (names(newest), newest.has_more, newest.next_cursor) == ([], False, str(users[3].id))
    assert newest.current_page == 1


def cursor(page: Page[User]) -> UUID:
    assert page.next_cursor is not None
    return UUID(page.next_cursor)


# ---- status


async def test_filters_by_status(database_dsn: str) -> None:
    """Online is whoever was seen by any process within a minute; offline is everybody else."""
    async with process(database_dsn) as one, process(database_dsn) as two:
        users = await register_many(one, 4)
        one.presence.seen(caller(users[0]))
        two.presence.seen(caller(users[1]))
        await two.presence.flush()
        await one.execute(
            "INSERT INTO presence (user_id, last_seen) VALUES ($1, now() - interval '61 seconds')",
            users[2].id,
        )
        online = await one.users.list_page(username="user", status="online")
        assert names(online) == ["user01", "user00"]
        assert {user.status for user in online.items} == {"online"}
        assert all(user.last_seen for user in online.items)
        offline = await one.users.list_page(ids=[user.id for user in users], status="offline")
        assert names(offline) == ["user03", "user02"]
        assert {user.status for user in offline.items} == {"offline"}
        assert offline.total == 2


# ---- changing


async def test_changes_what_is_given(parley: Process) -> None:
    """What is given changes, null clears, and what is left out stays."""
    ada = await parley.register("ada")
    changed = await parley.users.update(
        caller(ada),
        ada.id,
        {"bio": "Analyst", "location": "London", "avatar_url": "https://example.com/ada.png"},
    )
    assert (changed.profile.bio, changed.profile.location) == ("Analyst", "London")
    assert changed.display_name == "Ada"
    changed = await parley.users.update(
        caller(ada), ada.id, {"location": None, "avatar_url": None, "display_name": "Ada King"}
    )
    assert (changed.profile.bio, changed.profile.location, changed.profile.avatar_url) == (
        "Analyst",
        None,
        None,
    )
    assert changed.display_name == "Ada King"
    assert await parley.users.me(caller(ada)) == changed


async def test_cleared_display_name_is_the_username(parley: Process) -> None:
    """There is always something to call somebody."""
    ada = await parley.register("ada")
    assert (await parley.users.update(caller(ada), ada.id, {"display_name": None})).display_name == "ada"


async def test_change_is_in_the_log(parley: Process) -> None:
    """A change is one event in the user's own stream; what changes nothing is none."""
    ada = await parley.register("ada")
    await parley.users.update(caller(ada), ada.id, {"bio": "Analyst"})
    await parley.users.update(caller(ada), ada.id, {"bio": "Analyst"})
    await parley.users.update(caller(ada), ada.id, {})
    assert await update_events(parley) == [[ada.id, ada.id, ada.id]]


async def test_others_are_not_changed(parley: Process) -> None:
    """Somebody else's profile is seen and not changed; nobody's is not there."""
    ada, bob = await parley.register("ada"), await parley.register("bob")
    with pytest.raises(Forbidden):
        await parley.users.update(caller(bob), ada.id, {"bio": "Not me"})
    with pytest.raises(NotFound):
        await parley.users.update(caller(bob), uuid4(), {"bio": "Nobody"})
    assert (await parley.users.me(caller(ada))).profile.bio is None
    assert await update_events(parley) is None


async def test_changes_at_once_are_all_kept(parley: Process) -> None:
    """Two changes of different things at the same time lose neither."""
    ada = await parley.register("ada")
    await asyncio.gather(
        parley.users.update(caller(ada), ada.id, {"bio": "Analyst"}),
        parley.users.update(caller(ada), ada.id, {"location": "London"}),
    )
    me = await parley.users.me(caller(ada))
    assert (me.profile.bio, me.profile.location) == ("Analyst", "London")


async def test_log_in_does_not_hold_up_the_log(parley: Process) -> None:
    """A log-in that hangs in its transaction does not make a profile change wait under the head."""
    tokens = await parley.enter("ada")
    async with parley.database.transaction() as conn:
        await conn.execute("SELECT FROM credentials WHERE user_id = $1 FOR UPDATE", tokens.user_id)
        async with asyncio.timeout(20):
            await parley.users.update(caller_of(tokens), tokens.user_id, {"bio": "Analyst"})


# ---- for whoever runs the server


async def test_lists_accounts(parley: Process) -> None:
    """Accounts are listed from the oldest, page by page, with their suspension."""
    users = await register_many(parley, 3)
    await parley.accounts.suspend("user01@example.com")
    first = await parley.users.accounts(limit=2)
    second = await parley.users.accounts(after=first[-1].id, limit=2)
    assert [account.id for account in [*first, *second]] == [user.id for user in users]
    assert [account.suspended_at is not None for account in [*first, *second]] == [False, True, False]
    assert first[0].email == "user00@example.com"
