"""Every documented answer is produced by a test, and every answer that a test sees is documented.

Servers of tests check each of their answers against the document and note it in a file. This plugin gives the
files of a run (and of its xdist workers) a directory, reads them at the end, and fails the run

- for an answer that is not as documented, whichever suite it is;
- for a documented answer that was never given, when the whole of `tests/contract` was run.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from parley.contract.document import load_document, operations_of

DIRECTORY = "ANSWERS_DIRECTORY"
ROOT = Path(__file__).resolve().parents[2]
CONTRACT = ROOT / "tests" / "contract"

# Answers that are documented and that no test can produce, each with its reason. (None at present.)
NOT_PRODUCED: Mapping[tuple[str, int], str] = {}

# Answers to requests that belong to no operation.
OUTSIDE = {(None, 204), (None, 404), (None, 405)}

Answer = tuple[str | None, int]


@dataclass
class Seen:
    """What the servers of a run answered."""

    answers: set[Answer] = field(default_factory=set)
    violations: set[str] = field(default_factory=set)
    count: int = 0

    def read(self, directory: Path) -> None:
        """Read what was noted in all files of a directory."""
        for file in directory.glob("*.jsonl"):
            for line in file.read_text().splitlines():
                self._take(json.loads(line))

    def _take(self, line: Mapping[str, object]) -> None:
        self.count += 1
        operation, status = line["operation"], line["status"]
        assert operation is None or isinstance(operation, str)
        assert isinstance(status, int)
        if line["violation"] is None:
            self.answers.add((operation, status))
        else:
            self.violations.add(f"{operation} {status} ({line['method']}): {line['violation']}")


def documented_answers() -> set[Answer]:
    """Return every answer of every operation, and those outside of operations."""
    document = load_document(ROOT / "generated" / "openapi.json")
    return OUTSIDE | {
        (operation.operation_id, int(status))
        for operation in operations_of(document)
        for status in operation.raw["responses"]
    }


def faults(seen: Seen, *, whole: bool) -> Iterator[str]:
    """Say what is wrong. `whole` says that all tests ran which are to produce all answers."""
    for violation in sorted(seen.violations):
        yield f"not as documented: {violation}"
    if not whole:
        return
    missing = documented_answers() - seen.answers
    for operation, status in sorted(missing - NOT_PRODUCED.keys(), key=str):
        yield f"documented, but no test produces it: {operation} {status}"
    for operation, status in sorted(NOT_PRODUCED.keys() - missing):
        yield f"no exception any more, take it out of NOT_PRODUCED: {operation} {status}"


class Collector:
    """Collects the answers of one run."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="parley-answers-"))
        self._lines: list[str] = []
        self._seen = Seen()
        os.environ[DIRECTORY] = str(self._directory)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Read all files, now that the servers have stopped."""
        self._seen.read(self._directory)
        # What a failed test did not produce needs no second complaint.
        whole = session.testsfailed == 0 and _is_whole(session.config)
        self._lines = list(faults(self._seen, whole=whole))
        if self._lines and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show what was found."""
        if self._seen.count:
            different = f"{len(self._seen.answers)} different"
            terminalreporter.write_line(f"{self._seen.count} answers of servers checked, {different}")
        if self._lines:
            terminalreporter.section("answers and their documentation", red=True)
            for line in self._lines:
                terminalreporter.write_line(line)

    def pytest_unconfigure(self) -> None:
        """Leave nothing behind."""
        os.environ.pop(DIRECTORY, None)
        shutil.rmtree(self._directory, ignore_errors=True)


def pytest_configure(config: pytest.Config) -> None:
    """Collect, but in a worker, which notes its answers where the run collects them."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Collector(), "answers-collector")


def _is_whole(config: pytest.Config) -> bool:
    """Say whether all of the contract tests were asked for."""
    options = config.option
    narrowed = (
        options.keyword or options.markexpr or options.collectonly or options.deselect or options.ignore
    )
    if narrowed or getattr(options, "lf", False) or getattr(options, "stepwise", False):
        return False
    places = [config.invocation_params.dir / argument for argument in config.args]
    return any(place.resolve() == CONTRACT or place.resolve() in CONTRACT.parents for place in places)
