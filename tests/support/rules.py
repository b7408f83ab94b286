"""What holds for every suite: the seed, the profiles of Hypothesis, and that nothing is skipped in CI."""

import os
import random
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings

SEED = int((Path(__file__).parents[1] / "SEED").read_text())
IN_CI = os.environ.get("CI", "").lower() not in {"", "0", "false"}

# What a machine does not allow is no missing tool: these may be skipped in CI too, in plain sight.
_SURROUNDINGS = ("only root can become", "mount namespaces are forbidden")

# Another engineer's machine may be ten times slower; a test that is slow there is not wrong.
settings.register_profile(
    "default", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
# Without a database and derandomised, so that a red run can be repeated and a green one means the same.
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True, database=None)
settings.register_profile(
    "soak",
    parent=settings.get_profile("default"),
    max_examples=5000,
    stateful_step_count=200,
    verbosity=Verbosity.normal,
    phases=tuple(Phase),
)
settings.load_profile("ci" if IN_CI else "default")


def pytest_report_header(config: pytest.Config) -> str:
    del config
    return f"seed: {SEED} (tests/SEED); CI: {'yes, nothing may be skipped' if IN_CI else 'no'}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests to `make soak`, which asks for them."""
    if "soak" in config.option.markexpr:
        return
    long_ones = [item for item in items if item.get_closest_marker("soak")]
    items[:] = [item for item in items if item not in long_ones]
    if long_ones:
        config.hook.pytest_deselected(items=long_ones)


@pytest.fixture(autouse=True)
def _fixed_seed() -> None:
    """Let `random` make the same choices in each run of a test, whatever ran before it."""
    random.seed(SEED)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test that is skipped fails: there everything that a test needs is installed."""
    del item, call
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not reason.removeprefix("Skipped: ").startswith(_SURROUNDINGS):
            report.outcome = "failed"
            report.longrepr = f"Skipped, which CI does not allow: {reason}"
    return report


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run tests marked `anyio` on asyncio, which is what the server runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
def seed() -> int:
    """Return the seed for whatever makes its own choices: the fuzzer, the crash test."""
    return SEED
