"""Runs the lanes of tox.ini side by side and ends with one line that counts every test.

Usage: run_tests.py [--lanes N] [LANE ...]
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / ".tox" / "reports"
RESULT = REPORTS / "lanes.json"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lanes", type=int, default=4, help="how many run at the same time")
    parser.add_argument("names", nargs="*", metavar="LANE", help="only these")
    options = parser.parse_args()

    # A report of an earlier run must not be counted for a lane that died before it wrote its own.
    shutil.rmtree(REPORTS, ignore_errors=True)
    began = time.monotonic()
    status = _run_lanes(options.lanes, options.names)
    for lane in _failed_lanes():
        print(f"This lane failed: {lane}. To repeat it: make test TESTS={lane}")
    print(closing_line(time.monotonic() - began, status))
    return status


def _run_lanes(side_by_side: int, names: list[str]) -> int:
    command = [sys.executable, "-m", "tox", "run-parallel", "--parallel", str(side_by_side)]
    command += ["--parallel-no-spinner", "--result-json", str(RESULT)]
    if names:
        command += ["-e", ",".join(names)]
    # What somebody set for their own server must not decide how the tests go.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def _failed_lanes() -> list[str]:
    if not RESULT.exists():
        return []
    lanes = json.loads(RESULT.read_text())["testenvs"]
    return [name for name, lane in lanes.items() if not lane.get("result", {}).get("success", True)]


def closing_line(seconds: float, status: int) -> str:
    """Sum the reports up, in the words of pytest."""
    total = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for report in REPORTS.glob("*.xml"):
        for suite in ElementTree.parse(report).iter("testsuite"):
            for name in total:
                total[name] += int(suite.get(name, 0))
    passed = total["tests"] - total["failures"] - total["errors"] - total["skipped"]
    counts = [f"{total['failures']} failed"] if total["failures"] else []
    counts += [f"{passed} passed"]
    counts += [f"{total['skipped']} skipped"] if total["skipped"] else []
    counts += [f"{total['errors']} errors"] if total["errors"] else []
    if status and not (total["failures"] or total["errors"]):
        counts += ["but a lane failed"]
    return f" {', '.join(counts)} in {seconds:.2f}s ".center(80, "=")


if __name__ == "__main__":
    sys.exit(main())
