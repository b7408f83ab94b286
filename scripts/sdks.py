"""Makes the generated part of the SDKs from the generated contract; with --check it only says whether that is done.

Usage: sdks.py [--check] [LANGUAGE ...]

A language is a module `scripts.sdk_<language>` with `TARGET`, its directory of generated files, and `generate()`.
Exit code 0: everything is as it should be. 1: a file is stale, or a tool refuses what was made. 3: a generator cannot
run for lack of a tool; with --check that is only said, unless it is CI.
"""

import argparse
import difflib
import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, cast

ROOT = Path(__file__).resolve().parent.parent
# So that it also runs as a bare script, where Python looks for modules only beside it.
sys.path.insert(0, str(ROOT))

from scripts.sdk_tools import FailedTool, MissingTool

# Whoever has not all languages checks those that there are; CI leaves out nothing.
IN_CI = os.environ.get("CI", "").lower() not in {"", "0", "false"}
LANGUAGES = ("typescript", "python", "java", "go")


class Language(Protocol):
    """A module `scripts.sdk_<language>`."""

    TARGET: Path

    def generate(self, target: Path) -> None:
        """Write all generated files of the SDK below an empty directory. Raises MissingTool, FailedTool."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; show what is stale")
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help=f"some of {', '.join(LANGUAGES)}")
    options = parser.parse_args(arguments)
    unknown = set(options.languages) - set(LANGUAGES)
    if unknown:
        parser.error(f"there is no SDK for {', '.join(sorted(unknown))}")
    stale = False
    for name in options.languages or LANGUAGES:
        try:
            stale |= _make(name, check=options.check)
        except MissingTool as error:
            print(f"sdks/{name}: NOT MADE AND NOT CHECKED: {error}", file=sys.stderr)
            if not options.check or IN_CI:
                return 3
        except FailedTool as error:
            print(f"sdks/{name}: {error}", file=sys.stderr)
            return 1
    if stale:
        print("The SDKs are not what the contract makes. To mend it: make sdks-generate", file=sys.stderr)
    return int(stale)


def _make(name: str, *, check: bool) -> bool:
    """Write what a language's generator makes, or tell whether that is stale."""
    language = cast(Language, importlib.import_module(f"scripts.sdk_{name}"))
    with tempfile.TemporaryDirectory(prefix=f"sdk-{name}-") as directory:
        made = Path(directory) / "generated"
        made.mkdir()
        language.generate(made)
        if check:
            lines = list(_differences(language.TARGET, made))
            print("".join(lines), end="")
            return bool(lines)
        shutil.rmtree(language.TARGET, ignore_errors=True)
        shutil.copytree(made, language.TARGET)
    return False


def _differences(present: Path, made: Path) -> Iterator[str]:
    """Show how a directory differs from what would be written."""
    for path in sorted(_files(present) | _files(made)):
        shown = (present / path).relative_to(ROOT)
        yield from difflib.unified_diff(
            _lines(present / path), _lines(made / path), str(shown), f"{shown} (as it should be)"
        )


def _files(directory: Path) -> set[Path]:
    # Python leaves what it has compiled beside its sources.
    files = {path.relative_to(directory) for path in directory.rglob("*") if path.is_file()}
    return {path for path in files if "__pycache__" not in path.parts}


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []


if __name__ == "__main__":
    sys.exit(main())
