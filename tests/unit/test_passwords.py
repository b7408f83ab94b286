"""Passwords: hashed with argon2id, beside the event loop, and never too many at once."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Literal

import pytest
from argon2 import Parameters, PasswordHasher, Type, extract_parameters

from parley.errors import Invalid, Unavailable
from parley.services.passwords import Passwords, check_length

pytestmark = pytest.mark.anyio

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Gate(PasswordHasher):
    """A hasher that waits until it is let go, and notes on which threads it ran."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.open = threading.Event()
        self.open.set()
        self.at_work = 0
        self.most_at_work = 0
        self.threads: set[str] = set()
        self._lock = threading.Lock()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        with self._lock:
            self.threads.add(threading.current_thread().name)
            self.at_work += 1
            self.most_at_work = max(self.most_at_work, self.at_work)
        assert self.open.wait(timeout=30)
        with self._lock:
            self.at_work -= 1
        return super().hash(password, salt=salt)


class Noting(PasswordHasher):
    """A hasher that notes with which parameters each password is checked."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[Parameters] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - the name is argon2's
        self.verified.append(extract_parameters(str(hash)))
        return super().verify(hash, password)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def passwords(gate: Gate) -> Iterator[Passwords]:
    made = Passwords(concurrency=2, queue_size=3, hasher=gate)
    yield made
    gate.open.set()
    made.close()


async def test_right_password_verifies(passwords: Passwords) -> None:
    """The password that was hashed verifies, another one does not."""
    stored = await passwords.hash("correct horse")
    assert await passwords.verify(stored, "correct horse")
    assert not await passwords.verify(stored, "correct horsf")
    assert "correct horse" not in stored


async def test_default_is_argon2id() -> None:
    """The parameters are those that the module promises."""
    passwords = Passwords()
    try:
        made = extract_parameters(await passwords.hash("correct horse"))
    finally:
        passwords.close()
    assert (made.type, made.memory_cost, made.time_cost, made.parallelism) == (Type.ID, 19_456, 2, 1)


async def test_same_password_however_typed(passwords: Passwords) -> None:
    """One character typed as two code points is the same password."""
    assert await passwords.verify(await passwords.hash("caf\u00e9 au lait"), "cafe\u0301 au lait")


async def test_unknown_account_takes_the_same_work() -> None:
    """Whoever asks for an account that is not there causes the same work once, and gets no."""
    hasher = Noting()
    passwords = Passwords(hasher=hasher)
    try:
        stored = await passwords.hash("correct horse")
        for password_hash in (stored, None):
            assert not await passwords.verify(password_hash, "wrong horse")
        for password_hash in (stored, None):
            assert await passwords.verify(password_hash, "correct horse") is (password_hash is not None)
    finally:
        passwords.close()
    # Equal parameters and lengths make equal work; a stopwatch would tell more about this machine.
    assert hasher.verified == hasher.verified[:1] * 4


async def test_spoilt_hash_is_no_match(passwords: Passwords) -> None:
    """A stored value that is no hash lets nobody in and breaks nothing."""
    assert not await passwords.verify("!", "correct horse")


async def test_other_parameters_are_outdated(passwords: Passwords) -> None:
    """A hash made with yesterday's parameters is known as such."""
    assert not passwords.is_outdated(await passwords.hash("correct horse"))
    assert passwords.is_outdated(
        PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash("correct horse")
    )


async def test_loop_runs_on_while_hashing(passwords: Passwords, gate: Gate) -> None:
    """Hashing happens on threads of its own, two at a time, and the loop goes on meanwhile."""
    gate.open.clear()
    gate.threads.clear()
    waiting = [asyncio.create_task(passwords.hash("correct horse")) for _ in range(5)]
    while gate.at_work < 2:
        await asyncio.sleep(0.001)
    gate.open.set()
    await asyncio.gather(*waiting)
    assert gate.most_at_work == 2
    assert threading.main_thread().name not in gate.threads


async def test_full_queue_refuses(passwords: Passwords, gate: Gate) -> None:
    """Beyond two at work and three waiting the answer is "not now", and places come free again."""
    gate.open.clear()
    waiting = [asyncio.create_task(passwords.hash("correct horse")) for _ in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refused:
        await passwords.hash("correct horse")
    assert refused.value.details == {"retry_after": 1}
    gate.open.set()
    await asyncio.gather(*waiting)
    assert await passwords.hash("correct horse")


async def test_client_gone_keeps_place_until_done(passwords: Passwords, gate: Gate) -> None:
    """Who hangs up while their password is being hashed does not make room for more work than is allowed."""
    gate.open.clear()
    for _ in range(2):
        task = asyncio.create_task(passwords.hash("correct horse"))
        while not gate.at_work:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
    assert gate.at_work == 2
    waiting = [asyncio.create_task(passwords.hash("correct horse")) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await passwords.hash("correct horse")
    gate.open.set()
    await asyncio.gather(*waiting)


async def test_stopping_refuses(passwords: Passwords) -> None:
    """After the end there is no hashing, and the answer says so."""
    passwords.close()
    with pytest.raises(Unavailable, match="The server is stopping"):
        await passwords.hash("correct horse")


@pytest.mark.parametrize(("length", "fits"), [(7, False), (8, True), (128, True), (129, False)])
async def test_length_is_bounded(length: int, fits: bool) -> None:
    """A password has 8 to 128 characters."""
    if fits:
        check_length("password", "é" * length)
    else:
        with pytest.raises(Invalid) as refused:
            check_length("password", "é" * length)
        assert refused.value.details["field"] == "password"
