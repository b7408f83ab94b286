"""Sessions on a real database: recognising callers, renewing tokens, and ending both everywhere at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import jwt
import pytest

from accounts import PASSWORD, Process, caller_of, cut_listeners, process
from parley.errors import NotFound, Unauthorized, Unavailable
from parley.model import Tokens
from parley.storage import sessions as storage
from parley.storage.database import Connection

pytestmark = pytest.mark.anyio

# Seconds after which what should have happened has not.
NOT_YET = 10.0


@pytest.fixture
async def parley(database_dsn: str) -> AsyncIterator[Process]:
    async with process(database_dsn) as running:
        yield running


@pytest.fixture
async def ada(parley: Process) -> Tokens:
    return await parley.enter("ada")


def count_questions(parley: Process, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that grows by one each time the database is asked whether a session is alive."""
    asked: list[object] = []
    ask = storage.which_alive

    async def counted(conn: Connection, sessions: Sequence[tuple[UUID, UUID]]) -> Sequence[bool]:
        asked.append(sessions)
        return await ask(conn, sessions)

    monkeypatch.setattr(storage, "which_alive", counted)
    return asked


async def refuses(parley: Process, token: str) -> bool:
    try:
        await parley.accounts.authenticate(token)
    except Unauthorized:
        return True
    return False


async def soon_refuses(parley: Process, token: str) -> None:
    """Return as soon as the token is refused."""
    async with asyncio.timeout(NOT_YET):
        while not await refuses(parley, token):
            await asyncio.sleep(0.005)


# ---- recognising callers


async def test_database_is_asked_once(parley: Process, ada: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that was found good is known, and the next request asks nobody."""
    asked = count_questions(parley, monkeypatch)
    for _ in range(3):
        assert await parley.accounts.authenticate(ada.access_token) == caller_of(ada)
    assert len(asked) == 1


async def test_known_token_expires(parley: Process, ada: Tokens) -> None:
    """Being known does not lengthen a token's life."""
    await parley.accounts.authenticate(ada.access_token)
    parley.clock.ahead = timedelta(seconds=3601)
    with pytest.raises(Unauthorized) as refused:
        await parley.accounts.authenticate(ada.access_token)
    assert refused.value.details == {"token_expired": True}


async def test_session_of_somebody_else_is_none(parley: Process, ada: Tokens) -> None:
    """A session belongs to its user: in another user's name it is not there."""
    async with parley.database.read() as conn:
        asked = [(ada.session_id, uuid4()), (ada.session_id, ada.user_id), (uuid4(), ada.user_id)]
        assert await storage.which_alive(conn, asked) == [False, True, False]


async def test_expired_session_is_refused(parley: Process, ada: Tokens) -> None:
    """A session that has expired is over, whatever its tokens say."""
    await parley.execute("UPDATE sessions SET expires_at = now()")
    assert await refuses(parley, ada.access_token)
    with pytest.raises(Unauthorized):
        await parley.sessions.refresh(ada.refresh_token)
    assert await parley.sessions.list_all(caller_of(ada)) == []
    with pytest.raises(NotFound):
        await parley.sessions.revoke(caller_of(ada), ada.session_id)


async def test_forgets_what_it_knew_longest(
    parley: Process, ada: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of known tokens is bounded, and a forgotten one is asked for again."""
    monkeypatch.setattr("parley.services.sessions.MAX_KNOWN", 2)
    others = [ada, await parley.log_in("ada"), await parley.log_in("ada")]
    asked = count_questions(parley, monkeypatch)
    for tokens in [*others, *others]:
        assert await parley.accounts.authenticate(tokens.access_token) == caller_of(tokens)
    assert len(asked) == 6
    await parley.accounts.authenticate(others[2].access_token)
    assert len(asked) == 6
    for tokens in others:
        await parley.sessions.log_out(caller_of(tokens))
        assert await refuses(parley, tokens.access_token)


async def test_confirms_while_the_session_lives(database_dsn: str) -> None:
    """Who waited long is asked about again, even by a process that has not heard of the end."""
    async with process(database_dsn) as one, process(database_dsn, listening=False) as two:
        tokens = await one.enter("ada")
        await one.sessions.confirm(caller_of(tokens))
        await two.sessions.log_out(caller_of(tokens))
        with pytest.raises(Unauthorized):
            await one.sessions.confirm(caller_of(tokens))


async def test_database_away_is_no_refusal(parley: Process, ada: Tokens) -> None:
    """Where nobody can tell whether a session lives, the answer is not that it does not."""
    await parley.database.close()
    with pytest.raises(Unavailable):
        await parley.accounts.authenticate(ada.access_token)


# ---- ending


async def test_log_out_ends_the_session(parley: Process, ada: Tokens) -> None:
    """After logging out neither token works, and doing it twice does no harm."""
    await parley.accounts.authenticate(ada.access_token)
    await parley.sessions.log_out(caller_of(ada))
    assert await refuses(parley, ada.access_token)
    with pytest.raises(Unauthorized):
        await parley.sessions.refresh(ada.refresh_token)
    await parley.sessions.log_out(caller_of(ada))


async def test_revoking_ends_the_other_session(parley: Process, ada: Tokens) -> None:
    """One session ends another one of the same user, and only that."""
    other = await parley.log_in("ada")
    await parley.accounts.authenticate(other.access_token)
    await parley.sessions.revoke(caller_of(ada), other.session_id)
    assert await refuses(parley, other.access_token)
    assert not await refuses(parley, ada.access_token)


async def test_nobody_ends_sessions_of_others(parley: Process, ada: Tokens) -> None:
    """Somebody else's session is not there, and goes on."""
    bob = await parley.enter("bob")
    for session_id in (ada.session_id, uuid4()):
        with pytest.raises(NotFound, match="There is no such session"):
            await parley.sessions.revoke(caller_of(bob), session_id)
    assert not await refuses(parley, ada.access_token)


async def test_sessions_are_listed(parley: Process, ada: Tokens) -> None:
    """A user sees their sessions, the last used first, and which one asks."""
    older = await parley.log_in("ada")
    await parley.enter("bob")
    await parley.accounts.authenticate(ada.access_token)
    first, second = await parley.sessions.list_all(caller_of(ada))
    assert (first.id, first.current, second.id, second.current) == (
        ada.session_id,
        True,
        older.session_id,
        False,
    )
    assert (first.user_agent, first.address) == ("curl/8", "192.0.2.7")
    assert first.created_at < second.created_at == second.last_used_at < first.last_used_at
    assert first.expires_at - first.created_at == timedelta(days=30)
    await parley.presence.flush()
    assert await parley.sessions.list_all(caller_of(ada)) == [first, second]


async def test_other_processes_hear_of_the_end(database_dsn: str) -> None:
    """A session that one process ends is over in the others, though they knew its token."""
    async with process(database_dsn) as one, process(database_dsn) as two:
        await one.register("ada")

        async def reuse(tokens: Tokens) -> None:
            with pytest.raises(Unauthorized):
                for _ in range(2):
                    await one.sessions.refresh(tokens.refresh_token)

        ends: list[Callable[[Tokens], Awaitable[None]]] = [
            lambda tokens: one.sessions.log_out(caller_of(tokens)),
            lambda tokens: one.sessions.revoke(caller_of(tokens), tokens.session_id),
            lambda tokens: one.accounts.set_password("ada@example.com", PASSWORD),
            lambda tokens: one.accounts.suspend("ada@example.com"),
            reuse,
        ]
        for end in ends:
            await one.accounts.unsuspend("ada@example.com")
            tokens = await one.log_in("ada")
            assert not await refuses(two, tokens.access_token)
            await end(tokens)
            assert await refuses(one, tokens.access_token)
            await soon_refuses(two, tokens.access_token)


async def test_deaf_process_asks_each_time(database_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a process cannot hear of ended sessions it asks about each request."""
    async with process(database_dsn) as one, process(database_dsn, listening=False) as deaf:
        tokens = await one.enter("ada")
        asked = count_questions(deaf, monkeypatch)
        for _ in range(2):
            assert not await refuses(deaf, tokens.access_token)
        assert len(asked) == 2
        await one.sessions.log_out(caller_of(tokens))
        assert await refuses(deaf, tokens.access_token)


async def test_lost_listener_forgets_all(database_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the connection it listens on is lost, a process trusts nothing that it knew."""
    monkeypatch.setattr("parley.storage.listener.RETRY", 3600)
    async with process(database_dsn) as one, process(database_dsn, listening=False) as two:
        tokens = await two.enter("ada")
        assert not await refuses(one, tokens.access_token)
        await cut_listeners(database_dsn)
        await two.sessions.log_out(caller_of(tokens))
        await soon_refuses(one, tokens.access_token)


async def test_listens_again(database_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a break the process listens, knows and hears again."""
    monkeypatch.setattr("parley.storage.listener.RETRY", 0.01)
    async with process(database_dsn) as one, process(database_dsn, listening=False) as two:
        tokens = await two.enter("ada")
        await cut_listeners(database_dsn)
        asked = count_questions(one, monkeypatch)
        async with asyncio.timeout(NOT_YET):
            while True:
                before = len(asked)
                assert not await refuses(one, tokens.access_token)
                if len(asked) == before:
                    break
                await asyncio.sleep(0.005)
        await two.sessions.log_out(caller_of(tokens))
        await soon_refuses(one, tokens.access_token)


async def test_end_during_the_question(database_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that ends while the database is being asked about it is not known afterwards."""
    async with process(database_dsn) as one:
        tokens = await one.enter("ada")
        ask = storage.which_alive

        async def ask_and_end(conn: Connection, sessions: Sequence[tuple[UUID, UUID]]) -> Sequence[bool]:
            alive = await ask(conn, sessions)
            await one.sessions.log_out(caller_of(tokens))
            return alive

        with monkeypatch.context() as patched:
            patched.setattr(storage, "which_alive", ask_and_end)
            # It was alive when it was asked about, so this one request may pass.
            assert not await refuses(one, tokens.access_token)
        assert await refuses(one, tokens.access_token)


# ---- renewing


async def test_refresh_gives_the_next_tokens(parley: Process, ada: Tokens) -> None:
    """New tokens of the same session come, and both work; the old access token works until it expires."""
    tokens, repeated = await parley.sessions.refresh(ada.refresh_token)
    assert not repeated
    assert (tokens.session_id, tokens.user_id, tokens.expires_in) == (ada.session_id, ada.user_id, 3600)
    assert tokens.access_token != ada.access_token
    assert tokens.refresh_token != ada.refresh_token
    for token in (ada.access_token, tokens.access_token):
        assert await parley.accounts.authenticate(token) == caller_of(ada)
    again, _ = await parley.sessions.refresh(tokens.refresh_token)
    assert again.refresh_token != tokens.refresh_token


async def test_token_ids_differ(parley: Process, ada: Tokens) -> None:
    """Each token has an identifier of its own."""
    tokens, _ = await parley.sessions.refresh(ada.refresh_token)
    found = [ada.access_token, ada.refresh_token, tokens.access_token, tokens.refresh_token]
    assert len({jwt.decode(token, options={"verify_signature": False})["jti"] for token in found}) == 4


async def test_reuse_ends_the_session(parley: Process, ada: Tokens) -> None:
    """A refresh token that is used twice was stolen from somebody: nobody's tokens work any more."""
    tokens, _ = await parley.sessions.refresh(ada.refresh_token)
    await parley.accounts.authenticate(tokens.access_token)
    with pytest.raises(Unauthorized) as refused:
        await parley.sessions.refresh(ada.refresh_token)
    assert refused.value.details == {"token_expired": False}
    assert await refuses(parley, tokens.access_token)
    with pytest.raises(Unauthorized):
        await parley.sessions.refresh(tokens.refresh_token)


async def test_reuse_ends_one_session_only(parley: Process, ada: Tokens) -> None:
    """The user's other sessions go on."""
    other = await parley.log_in("ada")
    await parley.sessions.refresh(ada.refresh_token)
    with pytest.raises(Unauthorized):
        await parley.sessions.refresh(ada.refresh_token)
    assert not await refuses(parley, other.access_token)


async def test_of_two_refreshes_one_is_reuse(database_dsn: str) -> None:
    """One token used twice at the same time, in two processes: one wins, the other ends the session."""
    async with process(database_dsn, listening=False) as one, process(database_dsn, listening=False) as two:
        tokens = await one.enter("ada")
        outcomes = await asyncio.gather(
            *(member.sessions.refresh(tokens.refresh_token) for member in (one, two)), return_exceptions=True
        )
        (refusal,) = (outcome for outcome in outcomes if isinstance(outcome, BaseException))
        assert isinstance(refusal, Unauthorized)
        assert await one.fetchval("SELECT count(*) FROM sessions") == 0


async def test_repeat_gives_the_same_tokens(database_dsn: str) -> None:
    """Who repeats a refresh with its key gets the same tokens, from any process, and may go on with them."""
    async with process(database_dsn) as one, process(database_dsn) as two:
        tokens = await one.enter("ada")
        first, repeated = await one.sessions.refresh(tokens.refresh_token, "key-1")
        assert not repeated
        for member in (one, two):
            again, repeated = await member.sessions.refresh(tokens.refresh_token, "key-1")
            assert repeated
            assert (again.access_token, again.refresh_token) == (first.access_token, first.refresh_token)
            assert 3590 <= again.expires_in <= 3600
        await one.sessions.refresh(first.refresh_token)


async def test_concurrent_refreshes_with_one_key(database_dsn: str) -> None:
    """With the same key both get the same tokens."""
    async with process(database_dsn, listening=False) as one, process(database_dsn, listening=False) as two:
        tokens = await one.enter("ada")
        outcomes = await asyncio.gather(
            *(member.sessions.refresh(tokens.refresh_token, "key-1") for member in (one, two) * 2)
        )
        assert len({outcome.refresh_token for outcome, _ in outcomes}) == 1
        assert sorted(repeated for _, repeated in outcomes) == [False, True, True, True]


@pytest.mark.parametrize(
    ("first", "second"), [("key-1", "key-2"), ("key-1", None), (None, "key-1"), (None, None)]
)
async def test_repeat_needs_the_same_key(
    parley: Process, ada: Tokens, first: str | None, second: str | None
) -> None:
    """With another key, or without one, a repeat is a reuse."""
    tokens, _ = await parley.sessions.refresh(ada.refresh_token, first)
    with pytest.raises(Unauthorized):
        await parley.sessions.refresh(ada.refresh_token, second)
    assert await refuses(parley, tokens.access_token)


@pytest.mark.parametrize(("age", "allowed"), [(58, True), (61, False)])
async def test_repeat_is_for_a_minute(parley: Process, ada: Tokens, age: int, allowed: bool) -> None:
    """After sixty seconds a repeat is a reuse, whatever its key."""
    await parley.sessions.refresh(ada.refresh_token, "key-1")
    await parley.execute(
        "UPDATE session_rotations SET rotated_at = rotated_at - make_interval(secs => $1)", float(age)
    )
    if allowed:
        tokens, repeated = await parley.sessions.refresh(ada.refresh_token, "key-1")
        assert repeated
        assert 3600 - age - 2 <= tokens.expires_in <= 3600 - age
    else:
        with pytest.raises(Unauthorized):
            await parley.sessions.refresh(ada.refresh_token, "key-1")
        assert await parley.fetchval("SELECT count(*) FROM sessions") == 0


async def test_repeat_comes_late(parley: Process, ada: Tokens) -> None:
    """A repeat that was overtaken by later refreshes gives what it gave, and the session goes on."""
    older = [ada]
    for number in range(3):
        tokens, _ = await parley.sessions.refresh(older[-1].refresh_token, f"key-{number}")
        older.append(tokens)
    for number in range(3):
        again, repeated = await parley.sessions.refresh(older[number].refresh_token, f"key-{number}")
        assert repeated
        assert again.refresh_token == older[number + 1].refresh_token
        assert again.access_token == older[number + 1].access_token
        assert await parley.accounts.authenticate(again.access_token) == caller_of(ada)
    await parley.sessions.refresh(older[-1].refresh_token)


@pytest.mark.parametrize("key", ["key-2", None])
async def test_late_repeat_needs_its_own_key(parley: Process, ada: Tokens, key: str | None) -> None:
    """The key of a later refresh is not the key of an earlier one."""
    tokens, _ = await parley.sessions.refresh(ada.refresh_token, "key-1")
    tokens, _ = await parley.sessions.refresh(tokens.refresh_token, "key-2")
    with pytest.raises(Unauthorized):
        await parley.sessions.refresh(ada.refresh_token, key)
    assert await refuses(parley, tokens.access_token)


async def test_repeats_are_kept_in_bounds(
    parley: Process, ada: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often somebody refreshes, only so many of the latest can be repeated."""
    monkeypatch.setattr("parley.services.sessions.MAX_REPEATABLE", 2)
    tokens = [ada]
    for number in range(4):
        following, _ = await parley.sessions.refresh(tokens[-1].refresh_token, f"key-{number}")
        tokens.append(following)
        assert await parley.fetchval("SELECT count(*) FROM session_rotations") == min(2, number + 1)
    for number in (2, 3):
        again, _ = await parley.sessions.refresh(tokens[number].refresh_token, f"key-{number}")
        assert again.refresh_token == tokens[number + 1].refresh_token
    with pytest.raises(Unauthorized):
        await parley.sessions.refresh(tokens[1].refresh_token, "key-1")


async def test_ended_session_leaves_no_repeats(parley: Process, ada: Tokens) -> None:
    """With its session a refresh that could be repeated is forgotten."""
    await parley.sessions.refresh(ada.refresh_token, "key-1")
    await parley.sessions.log_out(caller_of(ada))
    assert await parley.fetchval("SELECT count(*) FROM session_rotations") == 0
    with pytest.raises(Unauthorized):
        await parley.sessions.refresh(ada.refresh_token, "key-1")


async def test_expired_refresh_token_says_so(parley: Process, ada: Tokens) -> None:
    """A refresh token that is merely too old ends nothing."""
    parley.clock.ahead = timedelta(days=31)
    with pytest.raises(Unauthorized) as refused:
        await parley.sessions.refresh(ada.refresh_token)
    assert refused.value.details == {"token_expired": True}
    assert await parley.fetchval("SELECT count(*) FROM sessions") == 1


async def test_refreshing_lengthens_the_session(parley: Process, ada: Tokens) -> None:
    """A session that is used lives on; its tokens never outlive it."""
    await parley.execute("UPDATE sessions SET expires_at = now() + interval '1 hour'")
    tokens, _ = await parley.sessions.refresh(ada.refresh_token)
    (session,) = await parley.sessions.list_all(caller_of(ada))
    assert session.expires_at - session.last_used_at == timedelta(days=30)
    expires_at = jwt.decode(tokens.refresh_token, options={"verify_signature": False})["exp"]
    assert expires_at == int(session.expires_at.timestamp())


async def test_access_token_refreshes_nothing(parley: Process, ada: Tokens) -> None:
    """The two kinds of tokens are not taken for each other, and trying does no harm."""
    with pytest.raises(Unauthorized):
        await parley.sessions.refresh(ada.access_token)
    assert await refuses(parley, ada.refresh_token)
    assert not await refuses(parley, ada.access_token)


async def test_no_secret_is_stored(parley: Process, ada: Tokens) -> None:
    """No token, no key and no part of a signature is in the database."""
    tokens, _ = await parley.sessions.refresh(ada.refresh_token, "a-rather-secret-key")
    row = await parley.fetchval("SELECT s::text || r::text FROM sessions s, session_rotations r")
    assert isinstance(row, str)
    for secret in (
        "a-rather-secret-key",
        *tokens.refresh_token.split(".")[1:],
        *tokens.access_token.split(".")[1:],
    ):
        assert secret not in row


async def test_session_of_refresh_token(parley: Process, ada: Tokens) -> None:
    """Which session a refresh token is for is believed only if we signed it."""
    assert parley.sessions.session_of(ada.refresh_token) == ada.session_id
    assert parley.sessions.session_of(ada.refresh_token[:-2]) is None
    assert parley.sessions.session_of(ada.access_token) is None


# ---- cleaning


async def test_expired_sessions_are_deleted(parley: Process, ada: Tokens) -> None:
    """Retention removes expired sessions in steps, and no others."""
    for _ in range(3):
        await parley.log_in("ada")
    await parley.execute("UPDATE sessions SET expires_at = now() WHERE id <> $1", ada.session_id)
    async with parley.database.transaction() as conn:
        assert [await storage.delete_expired(conn, 2) for _ in range(3)] == [2, 1, 0]
    assert not await refuses(parley, ada.access_token)


async def test_old_repeats_are_deleted(parley: Process, ada: Tokens) -> None:
    """Retention forgets in steps what is too old to be repeated, and nothing else."""
    tokens = ada
    for number in range(4):
        tokens, _ = await parley.sessions.refresh(tokens.refresh_token, f"key-{number}")
    await parley.execute(
        "UPDATE session_rotations SET rotated_at = rotated_at - interval '60 s' WHERE generation < 4"
    )
    async with parley.database.transaction() as conn:
        assert [await storage.forget_rotations(conn, 2) for _ in range(3)] == [2, 1, 0]
    assert await parley.fetchval("SELECT count(*) FROM session_rotations") == 1
