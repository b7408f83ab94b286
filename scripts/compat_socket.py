"""Compares channels, operations and messages of the socket's document by @asyncapi/diff.

It wants documents without references. What a message holds is left out: oasdiff judges that, by direction. Lists of
messages become mappings by name, because it compares lists by index.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from parley.contract.document import resolve
from scripts.sdk_tools import ROOT, MissingTool
from scripts.specification import Document

PACKAGES = ROOT / "tests" / "node" / "node_modules"
_SCRIPT = Path(__file__).with_name("asyncapi_diff.cjs")
# What somebody reads, or what is judged elsewhere.
_NOT_COMPARED = frozenset(("payload", "examples", "description", "summary", "title", "tags", "traits"))


def broken_by_asyncapi_diff(released: Document, present: Document) -> list[str]:
    """Say what breaks. Raises MissingTool."""
    node = shutil.which("node")
    if node is None or not (PACKAGES / "@asyncapi" / "diff").exists():
        raise MissingTool("@asyncapi/diff is not installed: scripts/install_node_packages.sh does that.")
    before, after = _flat(released), _flat(present)
    if before == after:
        return []
    with tempfile.TemporaryDirectory(prefix="compat-") as directory:
        paths = [Path(directory) / name for name in ("released.json", "present.json")]
        for path, document in zip(paths, (before, after), strict=True):
            path.write_text(json.dumps(document), encoding="utf-8")
        done = subprocess.run(
            [node, str(_SCRIPT), *map(str, paths)],
            env={**os.environ, "NODE_PATH": str(PACKAGES)},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise MissingTool(f"@asyncapi/diff failed with {done.returncode}: {done.stderr.strip()}")
    return [
        f"the socket's document: {each['path']}: {each['action']} [asyncapi]"
        for each in json.loads(done.stdout)
    ]


def _flat(document: Document) -> dict[str, Any]:
    """Return what the tool is to compare, with no reference in it."""
    return {
        "asyncapi": document["asyncapi"],
        # Another version is no break in itself.
        "info": {"title": document["info"]["title"]},
        "servers": _inside(document, document["servers"]),
        "channels": {
            name: {
                **_inside(document, {key: value for key, value in channel.items() if key != "messages"}),
                "messages": {
                    key: _inside(document, each) for key, each in channel.get("messages", {}).items()
                },
            }
            for name, channel in document["channels"].items()
        },
        "operations": {name: _operation(document, each) for name, each in document["operations"].items()},
    }


def _operation(document: Document, operation: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {
        "action": operation["action"],
        "channel": {"address": resolve(document, operation["channel"])["address"]},
        "messages": _by_name(operation["messages"]),
    }
    if "reply" in operation:
        flat["reply"] = {"messages": _by_name(operation["reply"]["messages"])}
    return flat


def _by_name(references: list[Mapping[str, str]]) -> dict[str, Any]:
    names = (each["$ref"].rpartition("/")[2] for each in references)
    return {name: {"name": name} for name in names}


def _inside(document: Document, node: Any) -> Any:
    """Follow references, and leave out what is not compared."""
    node = resolve(document, node)
    if isinstance(node, Mapping):
        return {name: _inside(document, part) for name, part in node.items() if name not in _NOT_COMPARED}
    return [_inside(document, part) for part in node] if isinstance(node, list) else node
