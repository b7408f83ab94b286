"""The closing line of a run: it counts every test, and never sounds green when a lane was red."""

from pathlib import Path

import pytest

from scripts import run_tests


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(run_tests, "REPORTS", tmp_path)
    return tmp_path


def report(directory: Path, lane: str, **counts: int) -> None:
    attributes = " ".join(f'{name}="{count}"' for name, count in counts.items())
    (directory / f"{lane}.xml").write_text(f"<testsuites><testsuite {attributes}/></testsuites>")


def test_reports_are_summed(reports: Path) -> None:
    """It reads like pytest's own."""
    report(reports, "unit", tests=10, failures=0, errors=0, skipped=1)
    report(reports, "e2e", tests=5, failures=2, errors=1, skipped=0)
    line = run_tests.closing_line(12.3, 1)
    assert line.strip("= ") == "2 failed, 11 passed, 1 skipped, 1 errors in 12.30s"


def test_a_lane_without_tests_can_fail(reports: Path) -> None:
    """Lint and types have no tests to count."""
    report(reports, "unit", tests=10, failures=0, errors=0, skipped=0)
    assert "but a lane failed" in run_tests.closing_line(1, 1)
    assert run_tests.closing_line(1, 0).strip("= ") == "10 passed in 1.00s"


def test_no_report_is_no_pass(reports: Path) -> None:
    """When nothing ran, nothing passed."""
    assert not any(reports.iterdir())
    assert run_tests.closing_line(1, 1).strip("= ") == "0 passed, but a lane failed in 1.00s"
