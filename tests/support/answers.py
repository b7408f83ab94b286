"""Every documented answer is produced by a test, and every answer that a test sees is documented.

Servers of tests check each of their answers against the document and note it in a file. This plugin gives the
files of a run (and of its xdist workers) a directory, reads them at the end, and fails the run

- for an answer, a frame of a socket or a request to a webhook that is not as documented, whichever suite it is;
- for a documented answer that was never given, or an event that no webhook was sent, when the whole of
  `tests/contract` was run;
- for a documented frame or close code that was never seen, when the whole of `tests/e2e` was run.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from documents import read_document
from generated.frames import ClientFrameType, CloseCode, ServerFrameType
from parley.contract.document import operations_of
from parley.contract.v2 import operation_name

DIRECTORY = "ANSWERS_DIRECTORY"
ROOT = Path(__file__).resolve().parents[2]
CONTRACT = ROOT / "tests" / "contract"
SOCKETS = ROOT / "tests" / "e2e"

# Answers that are documented and that no test can produce, each with its reason. (None at present.)
NOT_PRODUCED: Mapping[tuple[str, int], str] = {}
# The same of frames and close codes.
FRAMES_NOT_PRODUCED: Mapping["Frame", str] = {}

# A server of this name was asked by a fuzzer. What it answered must be documented; but what it produced may not
# be produced the next time, and so does not count as produced.
FUZZED = "-fuzzed"

# Answers to requests that belong to no operation.
OUTSIDE = {(None, 204), (None, 404), (None, 405)}

Answer = tuple[str | None, int]
# `sent` and the type of a server's frame, `received` and that of a client's, or `close` and a code.
Frame = tuple[str, str | int]


@dataclass
class Seen:
    """What the servers of a run answered."""

    answers: set[Answer] = field(default_factory=set)
    frames: set[Frame] = field(default_factory=set)
    payloads: set[str] = field(default_factory=set)
    violations: set[str] = field(default_factory=set)
    count: int = 0

    def read(self, directory: Path) -> None:
        """Read what was noted in all files of a directory."""
        for file in directory.glob("*.jsonl"):
            by_luck = file.stem.endswith(FUZZED)
            for line in file.read_text().splitlines():
                self._take(json.loads(line), by_luck)

    def _take(self, line: Mapping[str, object], by_luck: bool) -> None:
        if "frame" in line:
            self._take_frame(line)
            return
        if "payload" in line:
            self._take_payload(line, by_luck)
            return
        self.count += 1
        operation, status = line["operation"], line["status"]
        assert operation is None or isinstance(operation, str)
        assert isinstance(status, int)
        if line["violation"] is None and not by_luck:
            self.answers.add((operation, status))
        elif line["violation"] is not None:
            self.violations.add(f"{operation} {status} ({line['method']}): {line['violation']}")

    def _take_frame(self, line: Mapping[str, object]) -> None:
        direction, what = line["frame"], line["type"]
        assert isinstance(direction, str)
        assert isinstance(what, str | int)
        if line["violation"] is None:
            self.frames.add((direction, what))
        else:
            self.violations.add(f"{direction} {what}: {line['violation']}")

    def _take_payload(self, line: Mapping[str, object], by_luck: bool) -> None:
        event = str(line["payload"])
        if line["violation"] is not None:
            self.violations.add(f"webhook {event}: {line['violation']}")
        elif not by_luck:
            self.payloads.add(event)


def documented_frames() -> set[Frame]:
    """Return every frame of both sides, a client's that is refused, and every close code."""
    return {
        ("received", "refused"),
        *(("sent", str(frame)) for frame in ServerFrameType),
        *(("received", str(frame)) for frame in ClientFrameType),
        *(("close", int(code)) for code in CloseCode),
    }


def documented_payloads() -> set[str]:
    """Return every event that a webhook can be sent."""
    document = read_document()
    return set(document["components"]["schemas"]["WebhookPayload"]["discriminator"]["mapping"])


def documented_answers() -> set[Answer]:
    """Return every answer of every operation of both versions, and those outside of operations."""
    return {*OUTSIDE, *_answers_of("openapi", str), *_answers_of("openapi-v2", operation_name)}


def _answers_of(document: str, name: Callable[[str], str]) -> Iterator[Answer]:
    for operation in operations_of(read_document(document)):
        for status in operation.raw["responses"]:
            yield name(operation.operation_id), int(status)


def faults(seen: Seen, *, whole: bool, sockets: bool = False) -> Iterator[str]:
    """Say what is wrong. `whole` and `sockets` say that all tests ran which are to produce all answers, or frames."""
    for violation in sorted(seen.violations):
        yield f"not as documented: {violation}"
    if sockets:
        yield from _missing_frames(seen)
    if not whole:
        return
    missing = documented_answers() - seen.answers
    for operation, status in sorted(missing - NOT_PRODUCED.keys(), key=str):
        yield f"documented, but no test produces it: {operation} {status}"
    for operation, status in sorted(NOT_PRODUCED.keys() - missing):
        yield f"no exception any more, take it out of NOT_PRODUCED: {operation} {status}"
    for event in sorted(documented_payloads() - seen.payloads):
        yield f"documented, but no test lets a webhook be sent it: {event}"


def _missing_frames(seen: Seen) -> Iterator[str]:
    missing = documented_frames() - seen.frames
    for direction, what in sorted(missing - FRAMES_NOT_PRODUCED.keys(), key=str):
        yield f"documented, but no test produces it: {direction} {what}"
    for direction, what in sorted(FRAMES_NOT_PRODUCED.keys() - missing, key=str):
        yield f"no exception any more, take it out of FRAMES_NOT_PRODUCED: {direction} {what}"


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
        passed = session.testsfailed == 0
        whole = passed and _is_whole(session.config, CONTRACT)
        sockets = passed and _is_whole(session.config, SOCKETS)
        self._lines = list(faults(self._seen, whole=whole, sockets=sockets))
        if self._lines and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show what was found."""
        if self._seen.count:
            different = f"{len(self._seen.answers)} different"
            terminalreporter.write_line(f"{self._seen.count} answers of servers checked, {different}")
        if self._seen.frames:
            terminalreporter.write_line(
                f"{len(self._seen.frames)} kinds of frames and closes of sockets seen"
            )
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


def _is_whole(config: pytest.Config, suite: Path) -> bool:
    """Say whether all tests of a suite were asked for."""
    options = config.option
    narrowed = (
        options.keyword or options.markexpr or options.collectonly or options.deselect or options.ignore
    )
    if narrowed or getattr(options, "lf", False) or getattr(options, "stepwise", False):
        return False
    places = [config.invocation_params.dir / argument for argument in config.args]
    return any(place.resolve() == suite or place.resolve() in suite.parents for place in places)
