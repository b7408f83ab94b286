"""Compares the contract with what was released: nobody's client may stop working because of a change here.

Usage: compat.py [--release]

spec/released/<version>/ holds the documents as they were published. The newest of the same major version is what the
present ones (generated/*.json) are held against, in three ways:

- REST, frames, payloads of webhooks and the handshake's parameters by oasdiff (scripts/compat_rest.py), with what it
  overlooks by ourselves (scripts/compat_forms.py);
- channels, operations and messages of the socket by @asyncapi/diff (scripts/compat_socket.py);
- what neither of them reads, such as limits and errors of REST (scripts/compat_tables.py), close codes and states of a
  socket (scripts/compat_states.py), and words that only stay or that nobody knows (scripts/compat_words.py).

What differs in more than words from what was released must be of a greater version (scripts/compat_version.py).

With --release the present documents are put there as what was released. Exit code 0: every client goes on working.
1: something breaks or has the version of something else, and is told. 3: a tool is missing (without CI=true what can
be compared is).
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# So that it also runs as a bare script, where Python looks for modules only beside it.
sys.path.insert(0, str(ROOT))

from scripts.compat_forms import broken_forms
from scripts.compat_rest import broken_by_oasdiff
from scripts.compat_socket import broken_by_asyncapi_diff
from scripts.compat_states import broken_states
from scripts.compat_tables import broken_tables
from scripts.compat_version import misnamed
from scripts.compat_words import REST, SOCKET, broken_words
from scripts.sdk_tools import MissingTool

RELEASED = ROOT / "spec" / "released"
GENERATED = ROOT / "generated"
NAMES = ("openapi", "asyncapi")

WHAT_TO_DO = """\
Whoever uses {version} would have to change something because of that. What can be done (docs/compatibility.md):
- Add instead of changing: a new field, event, operation or optional parameter breaks nobody.
- Is the old way to go? Mark it `deprecated: true` with `x-deprecated-since` and `x-sunset`, and keep it.
- Is the break intended? Then it is another major version: raise `info.version` in both documents."""


@dataclass(frozen=True, slots=True)
class Contract:
    """Both documents of one version."""

    openapi: Mapping[str, Any]
    asyncapi: Mapping[str, Any]

    @property
    def version(self) -> str:
        """The version, as REST's document has it."""
        version: str = self.openapi["info"]["version"]
        return version


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--release", action="store_true", help="keep the present documents as released")
    options = parser.parse_args(arguments)
    present = read_contract(GENERATED)
    if options.release:
        return release(present)
    return check(present, newest_released(present.version))


def check(present: Contract, released: Contract | None) -> int:
    """Print what breaks, and what to do about it."""
    if released is None:
        print(
            f"Nothing of version {present.version.partition('.')[0]} was released: there is nobody to break."
        )
        return 0
    broken, missing = compare(released, present)
    for reason in missing:
        print(f"NOT COMPARED: {reason}", file=sys.stderr)
    if broken:
        print("\n".join(broken))
        print(WHAT_TO_DO.format(version=released.version), file=sys.stderr)
        return 1
    if wrong := list(misnamed(_both(released), _both(present))):
        print("\n".join(wrong))
        print("Raise `info.version` in both documents (docs/compatibility.md).", file=sys.stderr)
        return 1
    if missing:
        return 3 if os.environ.get("CI") else 0
    print(f"Whatever was made for {released.version} goes on working.")
    return 0


def compare(released: Contract, present: Contract) -> tuple[list[str], list[str]]:
    """Return what breaks, and why something could not be compared."""
    documents = released.openapi, present.openapi, released.asyncapi, present.asyncapi
    broken = broken_by_rules(released, present)
    missing: list[str] = []
    try:
        broken += broken_by_oasdiff(*documents)
    except MissingTool as error:
        missing.append(str(error))
    try:
        broken += broken_by_asyncapi_diff(released.asyncapi, present.asyncapi)
    except MissingTool as error:
        missing.append(str(error))
    return broken, missing


def broken_by_rules(released: Contract, present: Contract) -> list[str]:
    """Return what breaks by our own rules, without any tool."""
    rest, socket = (released.openapi, present.openapi), (released.asyncapi, present.asyncapi)
    broken: list[str] = []
    if released.openapi != present.openapi:
        broken += [*broken_tables(*rest), *broken_forms(*rest), *broken_words(REST, *rest)]
    if released.asyncapi != present.asyncapi:
        broken += [*broken_states(*socket), *broken_words(SOCKET, *socket)]
    return broken


def _both(contract: Contract) -> dict[str, Mapping[str, Any]]:
    return dict(zip(NAMES, (contract.openapi, contract.asyncapi), strict=True))


def read_contract(directory: Path) -> Contract:
    """Read both documents of a directory."""
    documents = (json.loads((directory / f"{name}.json").read_text(encoding="utf-8")) for name in NAMES)
    return Contract(*documents)


def released_versions() -> Iterator[tuple[int, ...]]:
    """Yield all versions that were released."""
    for directory in RELEASED.iterdir():
        yield tuple(int(part) for part in directory.name.split("."))


def newest_released(version: str) -> Contract | None:
    """Return the newest that was released of the same major version, if there is one."""
    major = int(version.partition(".")[0])
    same = [each for each in released_versions() if each[0] == major]
    return read_contract(RELEASED / ".".join(map(str, max(same)))) if same else None


def release(present: Contract) -> int:
    """Keep the present documents. What was released once is never written again."""
    directory = RELEASED / present.version
    if directory.exists():
        print(
            f"{present.version} was released already: raise `info.version` in both documents.",
            file=sys.stderr,
        )
        return 1
    if status := check(present, newest_released(present.version)):
        return status
    directory.mkdir(parents=True)
    for name in NAMES:
        (directory / f"{name}.json").write_bytes((GENERATED / f"{name}.json").read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
