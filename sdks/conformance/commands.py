"""How the driver of each SDK is started, and what has to be built before."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools import browser

SDKS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Sdk:
    """An SDK and the programs that it needs; `conformance/build.sh` and `run.sh` in it build and run its driver."""

    name: str
    tools: Sequence[str]
    # What the driver is told, where one SDK has several clients.
    arguments: Sequence[str] = ()
    # The modules of scenarios that are meant for it, where not all are.
    scenarios: Sequence[str] = ()

    @property
    def directory(self) -> Path:
        return SDKS / self.name.partition("-")[0]

    def build(self) -> None:
        """Build the SDK and its driver. Without the tools the tests are skipped, and in CI that fails."""
        for tool in self.tools:
            if shutil.which(tool) is None:
                pytest.skip(f"NOT TESTED for lack of {tool}: the SDK for {self.name} needs it")
        if "browser" in self.arguments:
            browser()
        done = subprocess.run(
            ["sh", str(self.directory / "conformance" / "build.sh")],
            cwd=self.directory,
            env=os.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"The driver for {self.name} cannot be built:\n{done.stdout}"

    def command(self) -> list[str]:
        """Return the command line of the driver."""
        return ["sh", str(self.directory / "conformance" / "run.sh"), *self.arguments]


ALL = {
    sdk.name: sdk
    for sdk in (
        Sdk("typescript", ("node", "npm")),
        # In a page of Chromium, where the socket differs: it sees no pings, and cannot stop reading.
        Sdk("typescript-browser", ("node", "npm"), ("browser",), ("test_realtime", "test_socket_verdicts")),
        Sdk("python", ()),
        Sdk("python-threads", (), ("threads",)),
        Sdk("java", ("java", "mvn")),
        Sdk("go", ("go",)),
    )
}
