"""A fuzzer that knows nothing but the published document finds nothing wrong, and would find what is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import faulty
import servers
from calls import CALLS
from fuzzing import PHASES, Fuzzed, answered, fuzz
from people import KEYS
from receivers import Receiver
from servers import Server
from tests.contract.conftest import towards

# What the fuzzer makes for each operation and phase; `make soak` makes more.
EXAMPLES = 50
EXAMPLES_TO_SOAK = 1000


@pytest.fixture
def fresh(tmp_path: Path, receiver: Receiver) -> Iterator[Server]:
    """A server of its own: the fuzzer changes passwords, logs out and deletes what it finds.

    Its webhooks lead to the receiver and nowhere else, whatever addresses the fuzzer invents.
    """
    server = servers.start(tmp_path, "fuzzed", env=KEYS | towards(receiver))
    yield server
    server.stop()


def report(fuzzed: Fuzzed, seed: int) -> str:
    return f"Schemathesis found {sorted(fuzzed.findings)} with seed {seed}:\n{fuzzed.output}"


def run(server: Server, receiver: Receiver, directory: Path, seed: int, examples: int) -> None:
    fuzzed = fuzz(server, directory, receiver=receiver.url, seed=seed, examples=examples)
    print(fuzzed.output)
    assert (fuzzed.status, fuzzed.findings) == (0, frozenset()), report(fuzzed, seed)
    seen = answered(server)
    # Whoever logs himself out passes on 401s alone.
    never = {name for name in CALLS if not any(status < 300 for status in seen.get(name, ()))}
    assert never == set(), f"these operations never did what they are for: {never}"


@pytest.mark.timeout(900)
def test_fuzzer_finds_nothing(fresh: Server, receiver: Receiver, tmp_path: Path, seed: int) -> None:
    """All phases, all checks, two users."""
    run(fresh, receiver, tmp_path, seed, EXAMPLES)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(5))
def test_fuzzer_finds_nothing_for_long(
    fresh: Server, receiver: Receiver, tmp_path: Path, seed: int, number: int
) -> None:
    """The same with more of everything, and with other seeds."""
    run(fresh, receiver, tmp_path, seed + number, EXAMPLES_TO_SOAK)


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


def test_every_fault_is_looked_for() -> None:
    """The one that concerns every operation is another test's, and so is that of the socket."""
    assert PLANTED.keys() == faulty.FAULTS.keys() - {"every_operation_fails", "wrong_close_code"}
