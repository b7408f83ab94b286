"""A fuzzer that knows nothing but the published document finds nothing wrong, and would find what is."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import faulty
import servers
from calls import CALLS
from databases import TestDatabases
from fuzzing import PHASES, Fuzzed, answered, fuzz
from people import KEYS
from receivers import Receiver
from servers import Server
from tests.contract.conftest import towards
from versions import V2, Doorkeeper, Version, doorkeeper

# What the fuzzer makes for each operation and phase; `make soak` makes more.
EXAMPLES = 50
EXAMPLES_TO_SOAK = 1000


@dataclass(frozen=True)
class Fresh:
    """A server of its own: the fuzzer changes passwords, logs out and deletes what it finds.

    Its webhooks lead to the receiver and nowhere else, whatever addresses the fuzzer invents.
    """

    server: Server
    doorkeeper: Doorkeeper
    receiver: Receiver

    def fuzz(self, version: Version, directory: Path, seed: int, examples: int) -> None:
        """Fail where the fuzzer finds something, or does not really try an operation."""
        fuzzed = fuzz(
            self.server,
            directory,
            receiver=self.receiver.url,
            seed=seed,
            examples=examples,
            version=version,
            let_in=self.doorkeeper.let_in,
        )
        print(fuzzed.output)
        assert (fuzzed.status, fuzzed.findings) == (0, frozenset()), report(fuzzed, seed)
        seen = answered(self.server)
        # Whoever logs himself out passes on 401s alone.
        never = {
            name for name in CALLS if not any(status < 300 for status in seen.get(version.noted(name), ()))
        }
        assert never == set(), f"these operations never did what they are for: {never}"


@pytest.fixture(scope="module")
def fresh(
    databases: TestDatabases, tmp_path_factory: pytest.TempPathFactory, receiver: Receiver
) -> Iterator[Fresh]:
    dsn = databases.create()
    env = {**KEYS, **towards(receiver), "PARLEY_DATABASE_URL": dsn}
    server = servers.start(tmp_path_factory.mktemp("fresh"), "fuzzed", env=env, temporary=False)
    with doorkeeper(dsn) as keeper:
        yield Fresh(server, keeper, receiver)
    server.stop()


def report(fuzzed: Fuzzed, seed: int) -> str:
    return f"Schemathesis found {sorted(fuzzed.findings)} with seed {seed}:\n{fuzzed.output}"


@pytest.mark.timeout(900)
def test_fuzzer_finds_nothing(fresh: Fresh, version: Version, tmp_path: Path, seed: int) -> None:
    """All phases, all checks, two users."""
    fresh.fuzz(version, tmp_path, seed, EXAMPLES)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(5))
def test_fuzzer_finds_nothing_for_long(
    fresh: Fresh, version: Version, tmp_path: Path, seed: int, number: int
) -> None:
    """The same with more of everything, and with other seeds."""
    fresh.fuzz(version, tmp_path, seed + number, EXAMPLES_TO_SOAK)


# A fault, the operations it concerns, the phases that find it, and what Schemathesis calls it.
PLANTED = {
    "wrong_type": (["get_me"], ["coverage"], "ST108"),
    "undeclared_status": (["list_groups"], ["examples"], "ST103"),
    "missing_header": (["create_group"], ["examples"], "ST107"),
    "unknown_fields_accepted": (["create_group"], ["coverage"], "ST201"),
    "somebody_elses_messages": (["list_messages", "send_message", "get_message"], PHASES, "ST402"),
    "fails_on_some_input": (["create_group"], ["coverage"], "ST101"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_fuzzer_finds_what_is_wrong(tmp_path: Path, receiver: Receiver, seed: int, fault: str) -> None:
    """Each fault that was planted on purpose is found, and only that."""
    operations, phases, code = PLANTED[fault]
    # What a broken server answers is not to be held against the document.
    env = {**KEYS, **towards(receiver), "PARLEY_CHECK_ANSWERS": str(tmp_path / "answers")}
    server = servers.start(tmp_path, "faulty", env=env, program=faulty.program(fault))
    try:
        fuzzed = fuzz(
            server,
            tmp_path,
            receiver=receiver.url,
            seed=seed,
            examples=20,
            phases=phases,
            operations=operations,
        )
    finally:
        server.stop()
    assert fuzzed.findings == {code}, report(fuzzed, seed)


# The same of v2: a fault, where it is, and what Schemathesis says of it.
PLANTED_IN_V2 = {
    "problem_without_title": ("create_group", "POST /groups", "ST108 Response violates schema"),
    "list_without_items": ("list_groups", "GET /groups", "ST108 Response violates schema"),
    "undeclared_status_of_v2": ("list_conversations", "GET /conversations", "ST103 Undocumented status code"),
    "missing_tag": ("get_me", "GET /me", "ST107 Missing required response headers"),
}


def test_fuzzer_finds_what_is_wrong_in_v2(
    databases: TestDatabases, tmp_path: Path, receiver: Receiver, seed: int
) -> None:
    """Each fault is found where it is, and nothing else."""
    dsn = databases.create()
    answers = {"PARLEY_CHECK_ANSWERS": str(tmp_path / "answers"), "PARLEY_DATABASE_URL": dsn}
    env = {**KEYS, **towards(receiver), **answers}
    program = faulty.program(*PLANTED_IN_V2)
    server = servers.start(tmp_path, "faulty", env=env, temporary=False, program=program)
    try:
        with doorkeeper(dsn) as keeper:
            fuzzed = fuzz(
                server,
                tmp_path,
                receiver=receiver.url,
                seed=seed,
                examples=20,
                phases=["examples", "coverage"],
                operations=[operation for operation, _, _ in PLANTED_IN_V2.values()],
                version=V2,
                let_in=keeper.let_in,
            )
    finally:
        server.stop()
    expected = {(place, finding) for _, place, finding in PLANTED_IN_V2.values()}
    assert fuzzed.places == expected, report(fuzzed, seed)


def test_every_fault_is_looked_for() -> None:
    """Those that concern every operation, the socket, or what only a walk sees are other tests'."""
    elsewhere = {"every_operation_fails", "wrong_close_code", "missing_limits"}
    elsewhere |= {"status_on_send", "missing_location", "login_wrong", "refresh_teapot"}
    elsewhere |= {"other_contract", "edit_unshown", "empty_list", "error_frame_code", "delivered_twice"}
    elsewhere |= {"conflict_for_not_found", "missing_allow", "never_there"}
    assert PLANTED.keys() | PLANTED_IN_V2.keys() == faulty.FAULTS.keys() - elsewhere
