"""Joins the fragments in changelog.d/ into CHANGELOG.md, as the changes of a version, and removes them.

Usage: changelog.py VERSION

Exit code 0: it is written. 1: a fragment is not as changelog.d/README.md says, or there is none; nothing was changed.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRAGMENTS = ROOT / "changelog.d"
CHANGELOG = ROOT / "CHANGELOG.md"

# In the order in which they are read: what one may have to do something about comes first.
KINDS = {
    "security": "Security",
    "removed": "Removed",
    "changed": "Changed",
    "added": "Added",
    "fixed": "Fixed",
}
TITLE = "# Changes\n"


class BadFragment(Exception):
    """A file is no fragment; `str(error)` says which, and why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write what changed into the changelog."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("version", metavar="VERSION", help="the version that is released")
    version = parser.parse_args(arguments).version
    try:
        fragments = dict(read_fragments(FRAGMENTS))
    except BadFragment as error:
        print(error, file=sys.stderr)
        return 1
    if not fragments:
        print(f"{FRAGMENTS.name}/ tells of no change.", file=sys.stderr)
        return 1
    chapter = f"\n## {version} ({datetime.now(UTC):%Y-%m-%d})\n{joined(fragments)}"
    before = CHANGELOG.read_text(encoding="utf-8") if CHANGELOG.exists() else TITLE
    CHANGELOG.write_text(TITLE + chapter + before.removeprefix(TITLE), encoding="utf-8")
    for path in fragments:
        path.unlink()
    return 0


def read_fragments(directory: Path) -> Iterator[tuple[Path, str]]:
    """Yield each fragment with its sentence, ordered by name. Raises BadFragment."""
    for path in sorted(directory.iterdir()):
        if path.name == "README.md":
            continue
        if path.suffixes[-1:] != [".md"] or _kind(path) not in KINDS:
            raise BadFragment(f"{path.name}: is not called NAME.KIND.md, where KIND is {' or '.join(KINDS)}")
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) != 1 or not lines[0].endswith("."):
            raise BadFragment(f"{path.name}: is not one sentence on one line")
        yield path, lines[0]


def joined(fragments: Mapping[Path, str]) -> str:
    """Return the sentences below the names of their kinds."""
    chapters = []
    for kind, title in KINDS.items():
        told = [f"- {sentence}\n" for path, sentence in fragments.items() if _kind(path) == kind]
        if told:
            chapters.append(f"\n### {title}\n\n{''.join(told)}")
    return "".join(chapters)


def _kind(path: Path) -> str:
    return Path(path.stem).suffix.removeprefix(".")


if __name__ == "__main__":
    sys.exit(main())
