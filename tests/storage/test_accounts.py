"""Accounts on a real database: registering, logging in, changing the password, being suspended."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from argon2 import PasswordHasher

from accounts import CHEAP, PASSWORD, Process, caller_of, process, registration
from parley.errors import (
    Conflict,
    Forbidden,
    IdempotencyMismatch,
    Invalid,
    NotFound,
    ParleyError,
    Unauthorized,
)
from parley.services.accounts import Registration
from parley.services.sessions import MAX_SESSIONS

pytestmark = pytest.mark.anyio


@pytest.fixture
async def parley(database_dsn: str) -> AsyncIterator[Process]:
    async with process(database_dsn) as running:
        yield running


async def test_registers(parley: Process) -> None:
    """A new user is as they said, with nothing told yet, and can log in."""
    me, replayed = await parley.accounts.register(
        Registration("Ada@Example.com", "Ada", PASSWORD, "Ada Lovelace")
    )
    assert (me.email, me.username, me.display_name) == ("Ada@Example.com", "Ada", "Ada Lovelace")
    assert (me.status, me.last_seen, me.profile.bio) == ("offline", None, None)
    assert not replayed
    tokens = await parley.log_in("ada")
    assert (tokens.user_id, tokens.expires_in, tokens.token_type) == (me.id, 3600, "Bearer")
    assert await parley.accounts.authenticate(tokens.access_token) == caller_of(tokens)


@pytest.mark.parametrize(
    ("email", "username", "field"),
    [
        ("ADA@EXAMPLE.COM", "grace", "email"),
        ("ada@example.com", "ada", "email"),
        ("grace@example.com", "ADA", "username"),
        ("grace@example.com", "\uff21da", "username"),
        ("grace@example.com", "a\u1d48a", "username"),
        ("ada@\uff45xample.com", "grace", "email"),
    ],
)
async def test_taken_names_are_refused(parley: Process, email: str, username: str, field: str) -> None:
    """Names are unique without regard to case and compatibility forms, and the refusal names the field."""
    await parley.register("ada")
    with pytest.raises(Conflict) as refused:
        await parley.accounts.register(Registration(email, username, PASSWORD, "Grace"))
    assert refused.value.details["field"] == field


async def test_name_that_grows_is_refused(parley: Process) -> None:
    """A name that no index can hold once it is normalised is a mistake of the client."""
    with pytest.raises(Invalid) as refused:
        await parley.accounts.register(Registration("\ufdfa" * 254, "ada", PASSWORD, "Ada"))
    assert refused.value.details["field"] == "email"


async def test_of_two_registrations_one_wins(database_dsn: str) -> None:
    """Of many that register one name at the same time one does, and the others are told the field."""
    async with process(database_dsn, listening=False) as one, process(database_dsn, listening=False) as two:
        for email, username, field in [("ada", "ada{}", "email"), ("grace{}", "grace", "username")]:
            outcomes = await asyncio.gather(
                *(
                    member.accounts.register(
                        Registration(
                            f"{email.format(number)}@example.com", username.format(number), PASSWORD, "Some"
                        )
                    )
                    for number, member in enumerate([one, two] * 4)
                ),
                return_exceptions=True,
            )
            refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
            assert len(refused) == len(outcomes) - 1
            assert all(isinstance(refusal, Conflict) for refusal in refused)
            assert {refusal.details["field"] for refusal in refused if isinstance(refusal, Conflict)} == {
                field
            }
        assert await one.fetchval("SELECT count(*) FROM users") == 2
        assert await one.fetchval("SELECT count(*) FROM credentials") == 2


async def test_repeated_registration_is_replayed(parley: Process) -> None:
    """The same request with the same key makes one user and answers twice."""
    first, replayed = await parley.accounts.register(registration("ada"), "key-1")
    assert not replayed
    again, replayed = await parley.accounts.register(registration("ada"), "key-1")
    assert replayed
    assert again == first
    assert await parley.fetchval("SELECT count(*) FROM users") == 1


async def test_replay_is_read_afresh(parley: Process) -> None:
    """A repeated registration shows the user as they are now."""
    me, _ = await parley.accounts.register(registration("ada"), "key-1")
    await parley.execute("UPDATE users SET display_name = 'Ada King' WHERE id = $1", me.id)
    again, _ = await parley.accounts.register(registration("ada"), "key-1")
    assert again.display_name == "Ada King"


@pytest.mark.parametrize("key", ["key-2", None])
async def test_registration_without_the_key_is_taken(parley: Process, key: str | None) -> None:
    """Without the key of the first request the name is simply taken."""
    await parley.accounts.register(registration("ada"), "key-1")
    with pytest.raises(Conflict):
        await parley.accounts.register(registration("ada"), key)


async def test_replay_needs_the_password(parley: Process) -> None:
    """The password belongs to the request: with another one a key was used for something else."""
    await parley.accounts.register(registration("ada"), "key-1")
    with pytest.raises(IdempotencyMismatch):
        await parley.accounts.register(registration("ada", "another password"), "key-1")


async def test_strangers_may_choose_one_key(parley: Process) -> None:
    """Before they are users people share no keys."""
    ada, _ = await parley.accounts.register(registration("ada"), "key-1")
    grace, replayed = await parley.accounts.register(registration("grace"), "key-1")
    assert not replayed
    assert ada.id != grace.id


async def test_key_serves_a_day(parley: Process) -> None:
    """After 24 hours a key means nothing any more."""
    await parley.accounts.register(registration("ada"), "key-1")
    await parley.execute("UPDATE idempotency_keys SET created_at = now() - interval '24 hours'")
    with pytest.raises(Conflict):
        await parley.accounts.register(registration("ada"), "key-1")


async def test_refused_registration_leaves_no_key(parley: Process) -> None:
    """A refusal is not kept: the key can be used again."""
    await parley.register("ada")
    with pytest.raises(Conflict):
        await parley.accounts.register(Registration("a@example.com", "ada", PASSWORD, "A"), "key-1")
    assert await parley.fetchval("SELECT count(*) FROM idempotency_keys") == 0


async def test_same_registration_in_two_processes(database_dsn: str) -> None:
    """Whichever process makes the user, the other one gives the same answer."""
    async with process(database_dsn, listening=False) as one, process(database_dsn, listening=False) as two:
        (first, first_replayed), (second, second_replayed) = await asyncio.gather(
            *(member.accounts.register(registration("ada"), "key-1") for member in (one, two))
        )
    assert first == second
    assert {first_replayed, second_replayed} == {True, False}


async def test_same_registration_still_running(parley: Process) -> None:
    """In one process the second is asked to come back while the first is at work."""
    outcomes = await asyncio.gather(
        *(parley.accounts.register(registration("ada"), "key-1") for _ in range(2)), return_exceptions=True
    )
    (refusal,) = (outcome for outcome in outcomes if isinstance(outcome, Conflict))
    assert refusal.details["retry_after"] == 1


async def test_nothing_of_the_password_is_stored(parley: Process) -> None:
    """The database holds a salted hash of a password and nothing else that depends on it."""
    await parley.accounts.register(registration("ada", "first password"), "key-1")
    await parley.accounts.register(registration("bob", "first password"), "key-2")
    await parley.execute("DELETE FROM sessions")
    hashes = await parley.fetchval("SELECT array_agg(password_hash) FROM credentials")
    assert isinstance(hashes, list)
    assert len(set(hashes)) == 2
    before = await parley.fetchval("SELECT array_agg(k::text ORDER BY k::text) FROM idempotency_keys k")
    await parley.execute("TRUNCATE users, credentials, sessions, idempotency_keys CASCADE")
    await parley.accounts.register(registration("ada", "second password"), "key-1")
    await parley.accounts.register(registration("bob", "second password"), "key-2")
    after = await parley.fetchval(
        "SELECT array_agg(split_part(k::text, ',', 3) ORDER BY k::text) FROM idempotency_keys k"
    )
    assert isinstance(before, list)
    assert [row.split(",")[2] for row in before] == after


@pytest.mark.parametrize(
    ("email", "password"),
    [("ada@example.com", "wrong password"), ("nobody@example.com", PASSWORD), ("", PASSWORD)],
)
async def test_log_in_says_not_what_is_wrong(
    parley: Process, monkeypatch: pytest.MonkeyPatch, email: str, password: str
) -> None:
    """A wrong password and an unknown address get the same words, each after one check of a password."""
    await parley.register("ada")
    checked = []
    verify = parley.passwords.verify

    async def noted(*given: str | None) -> bool:
        checked.append(given)
        return await verify(*given)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(parley.passwords, "verify", noted)
    with pytest.raises(Unauthorized) as refused:
        await parley.accounts.log_in(email, password, user_agent=None, address=None)
    assert str(refused.value) == "The e-mail address or the password is wrong"
    assert refused.value.details == {"token_expired": False}
    assert len(checked) == 1


async def test_password_is_rehashed(database_dsn: str) -> None:
    """Where parameters changed, the next log-in stores a new hash, and sessions live on."""
    async with process(database_dsn) as parley:
        tokens = await parley.enter("ada")
        before = await parley.fetchval("SELECT password_hash FROM credentials")
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    async with process(database_dsn, hasher=stronger) as parley:
        with pytest.raises(Unauthorized):
            await parley.log_in("ada", "wrong password")
        assert await parley.fetchval("SELECT password_hash FROM credentials") == before
        await asyncio.gather(*(parley.log_in("ada") for _ in range(4)))
        after = await parley.fetchval("SELECT password_hash FROM credentials")
        assert isinstance(after, str)
        assert not stronger.check_needs_rehash(after)
        assert CHEAP.check_needs_rehash(after)
        await parley.log_in("ada")
        assert await parley.fetchval("SELECT password_hash FROM credentials") == after
        assert await parley.accounts.authenticate(tokens.access_token) == caller_of(tokens)


async def test_changed_password_ends_other_sessions(parley: Process) -> None:
    """A new password works, the old one does not, and only the session that changed it goes on."""
    here = await parley.enter("ada")
    elsewhere = await parley.log_in("ada")
    bob = await parley.enter("bob")
    for tokens in (here, elsewhere, bob):
        await parley.accounts.authenticate(tokens.access_token)
    await parley.accounts.change_password(caller_of(here), PASSWORD, "another password")
    await parley.accounts.authenticate(here.access_token)
    await parley.accounts.authenticate(bob.access_token)
    with pytest.raises(Unauthorized):
        await parley.accounts.authenticate(elsewhere.access_token)
    with pytest.raises(Unauthorized):
        await parley.sessions.refresh(elsewhere.refresh_token)
    with pytest.raises(Unauthorized):
        await parley.log_in("ada")
    await parley.log_in("ada", "another password")


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("wrong password", "another password", "current_password"),
        (PASSWORD, "short", "new_password"),
        (PASSWORD, "x" * 129, "new_password"),
    ],
)
async def test_password_change_is_refused(parley: Process, current: str, new: str, field: str) -> None:
    """Who does not know the password changes nothing, and the new one has a length."""
    tokens = await parley.enter("ada")
    with pytest.raises(Invalid) as refused:
        await parley.accounts.change_password(caller_of(tokens), current, new)
    assert refused.value.details["field"] == field
    await parley.log_in("ada")


async def test_of_two_password_changes_one_wins(parley: Process) -> None:
    """Two changes from the same old password: one is too late, whoever wins."""
    tokens = await parley.enter("ada")
    outcomes = await asyncio.gather(
        *(
            parley.accounts.change_password(caller_of(tokens), PASSWORD, f"new password {n}")
            for n in range(2)
        ),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [Invalid]
    await parley.log_in("ada", f"new password {outcomes.index(None)}")


async def test_log_in_during_password_change(parley: Process) -> None:
    """A log-in with the old password never leaves a session behind that outlives the change."""
    here = await parley.enter("ada")
    for turn in range(10):
        old, new = (PASSWORD, "another password") if turn % 2 == 0 else ("another password", PASSWORD)
        outcomes = await asyncio.gather(
            *(parley.log_in("ada", old) for _ in range(3)),
            parley.accounts.change_password(caller_of(here), old, new),
            return_exceptions=True,
        )
        assert outcomes[-1] is None
        assert [session.id for session in await parley.sessions.list_all(caller_of(here))] == [
            here.session_id
        ]


async def test_suspension_ends_and_prevents_sessions(parley: Process) -> None:
    """A suspended user is out at once, is told why when they log in, and is still to be seen."""
    ada = await parley.enter("ada")
    bob = await parley.enter("bob")
    await parley.accounts.authenticate(ada.access_token)
    await parley.accounts.suspend("ADA@example.com")
    with pytest.raises(Unauthorized):
        await parley.accounts.authenticate(ada.access_token)
    with pytest.raises(Unauthorized):
        await parley.sessions.refresh(ada.refresh_token)
    with pytest.raises(Forbidden, match="This account is suspended"):
        await parley.log_in("ada")
    with pytest.raises(Unauthorized):
        await parley.log_in("ada", "wrong password")
    assert (await parley.users.get(caller_of(bob), ada.user_id)).username == "ada"
    await parley.accounts.unsuspend("ada@example.com")
    await parley.log_in("ada")


async def test_log_in_during_suspension(parley: Process) -> None:
    """However a log-in and a suspension meet, no session is left."""
    await parley.register("ada")
    for _ in range(10):
        await asyncio.gather(
            *(parley.log_in("ada") for _ in range(3)),
            parley.accounts.suspend("ada@example.com"),
            return_exceptions=True,
        )
        assert await parley.fetchval("SELECT count(*) FROM sessions") == 0
        await parley.accounts.unsuspend("ada@example.com")


async def test_operator_sets_password(parley: Process) -> None:
    """Whoever runs the server gives another password, which ends all sessions."""
    tokens = await parley.enter("ada")
    await parley.accounts.set_password("ada@example.com", "another password")
    with pytest.raises(Unauthorized):
        await parley.accounts.authenticate(tokens.access_token)
    await parley.log_in("ada", "another password")


async def test_operator_is_told_of_unknown_addresses(parley: Process) -> None:
    """What is said of an address that nobody has is that nobody has it."""
    for work in (
        parley.accounts.suspend("nobody@example.com"),
        parley.accounts.unsuspend("nobody@example.com"),
        parley.accounts.set_password("nobody@example.com", "another password"),
    ):
        with pytest.raises(NotFound):
            await work


async def test_sessions_are_bounded(parley: Process) -> None:
    """One log-in more than allowed ends the oldest session, and only that."""
    first = await parley.enter("ada")
    second = await parley.log_in("ada")
    await parley.execute(
        """
        INSERT INTO sessions (id, user_id, created_at, last_used_at, rotated_at, expires_at)
        SELECT gen_random_uuid(), $1, now(), now(), now(), now() + interval '1 day'
        FROM generate_series(3, $2)
        """,
        first.user_id,
        MAX_SESSIONS,
    )
    await parley.accounts.authenticate(first.access_token)
    await parley.log_in("ada")
    with pytest.raises(Unauthorized):
        await parley.accounts.authenticate(first.access_token)
    await parley.accounts.authenticate(second.access_token)
    assert len(await parley.sessions.list_all(caller_of(second))) == MAX_SESSIONS


async def test_what_clients_say_of_themselves_is_cut(parley: Process) -> None:
    """A long or odd user agent is stored as far as it fits."""
    await parley.register("ada")
    tokens = await parley.accounts.log_in(
        "ada@example.com", PASSWORD, user_agent="curl\0" + "é" * 1000, address="f" * 100
    )
    (session,) = await parley.sessions.list_all(caller_of(tokens))
    assert session.user_agent == "curl" + "é" * 508
    assert session.address == "f" * 64


async def test_every_refusal_is_one_of_ours(parley: Process) -> None:
    """What goes wrong in storage comes out as Parley's own words."""
    await parley.register("ada")
    outcomes = await asyncio.gather(
        *(parley.accounts.register(registration("ada")) for _ in range(4)), return_exceptions=True
    )
    assert all(isinstance(outcome, ParleyError) for outcome in outcomes)
