"""Programs that some tests need beyond PyPI."""

import os
import shutil
from pathlib import Path

import pytest

NODE_PACKAGES = Path(__file__).resolve().parents[1] / "node" / "node_modules"

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def browser() -> str:
    """Return the path of a Chromium; without one the test is skipped, and in CI it fails."""
    for name in (os.environ.get("CHROMIUM"), *BROWSERS):
        if name and (path := shutil.which(name)):
            return path
    pytest.skip("NOT TESTED for lack of a browser: scripts/install_browser.sh installs one")


def node() -> str:
    """Return the path of Node, whose WebSocket is that of undici; without one the test is skipped."""
    if path := shutil.which("node"):
        return path
    pytest.skip("NOT TESTED for lack of Node (nodejs of Debian, at least 20)")


def node_packages() -> Path:
    """Return the directory of what comes from npm; where it was not installed the test is skipped."""
    if NODE_PACKAGES.exists():
        return NODE_PACKAGES
    pytest.skip("NOT TESTED for lack of packages of npm: scripts/install_node_packages.sh installs them")
