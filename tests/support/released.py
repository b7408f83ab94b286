"""The contract that was released last, and the tools that compare another one with it."""

import os

import pytest

from scripts import compat
from scripts.compat_socket import PACKAGES
from scripts.sdk_tools import HOME

NEWEST = ".".join(map(str, max(compat.released_versions())))
RELEASED = compat.read_contract(compat.RELEASED / NEWEST)


def tools() -> None:
    """Skip where the tools are not installed; in CI that is a failure."""
    installed = (HOME / "bin" / "oasdiff").exists() and (PACKAGES / "@asyncapi").exists()
    if not installed and not os.environ.get("CI"):
        pytest.skip("NOT TESTED for lack of tools: scripts/install_{sdk_tools,node_packages}.sh install them")
