"""Makes generated/ from spec/; with --check it only says whether that has been done.

The documents are judged first: nothing is written from one that breaks a rule (`scripts/contract_rules.py`,
`scripts/socket_rules.py`). v2 is v1 with spec/v2.overlay.yaml applied to it, and keeps to the same rules and some of
its own (`scripts/rules_of_v2.py`). Exit code 0: everything is as it should be. 1: a document breaks a rule, or (with
--check) a file is stale.
"""

import argparse
import difflib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# So that it also runs as a bare script, where Python looks for modules only beside it.
sys.path.insert(0, str(ROOT))

from scripts import contract_rules, socket_rules, v2_document
from scripts.frames_module import frames_module
from scripts.migration_page import migration_page
from scripts.models_module import models_module
from scripts.operations_module import operations_module
from scripts.socket_document import Socket, bundled
from scripts.specification import BrokenDocument, read_specification
from scripts.v2_document import SecondVersion

SPECIFICATION = ROOT / "spec" / "openapi.yaml"
SOCKET_SPECIFICATION = ROOT / "spec" / "asyncapi.yaml"
OVERLAY = ROOT / "spec" / "v2.overlay.yaml"
GENERATED = ROOT / "generated"
ORIGIN = "Made from spec/openapi.yaml by scripts/codegen.py: change the former and run `make codegen`."
V2_ORIGIN = (
    "Made from spec/openapi.yaml and spec/v2.overlay.yaml by scripts/codegen.py: "
    "change those and run `make codegen`."
)
SOCKET_ORIGIN = (
    "Made from spec/asyncapi.yaml by scripts/codegen.py: change the former and run `make codegen`."
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; show what is stale")
    options = parser.parse_args(arguments)
    try:
        socket = read_socket()
        # What builds on a document is judged only where that one is sound.
        _refuse(contract_rules.violations(socket.rest) or socket_rules.violations(socket))
        v2 = read_second(socket.rest)
        _refuse(v2_document.violations(v2))
        files = generate(socket, v2)
    except BrokenDocument as error:
        print(error, file=sys.stderr)
        return 1
    return compare(files, GENERATED) if options.check else write(files, GENERATED)


def _refuse(broken: Sequence[str]) -> None:
    if broken:
        raise BrokenDocument("\n".join([*broken, f"The contract breaks {len(broken)} rules."]))


def read_socket() -> Socket:
    """Read both documents. Raises BrokenDocument with the line."""
    return Socket(read_specification(SOCKET_SPECIFICATION), read_specification(SPECIFICATION))


def read_second(first: Mapping[str, Any]) -> SecondVersion:
    """Make the second version of the first. Raises BrokenDocument with the line."""
    return v2_document.read_v2(OVERLAY, first, SPECIFICATION.name)


def generate(socket: Socket, v2: SecondVersion) -> dict[str, str]:
    """Return the text of each file in generated/ by its name."""
    line = f"# {ORIGIN}"
    return {
        "__init__.py": f'{line}\n"""What is made from the contract. Nobody edits it."""\n',
        "openapi.json": as_json(socket.rest, ORIGIN),
        "openapi-v2.json": as_json(v2.document, V2_ORIGIN),
        "models.py": models_module(socket.rest, line),
        "operations.py": operations_module(socket.rest, line),
        "asyncapi.json": as_json(bundled(socket), SOCKET_ORIGIN),
        "from-v1-to-v2.html": migration_page(socket.rest, v2, V2_ORIGIN),
        "frames.py": frames_module(socket, f"# {SOCKET_ORIGIN}"),
    }


def as_json(document: Mapping[str, Any], origin: str) -> str:
    """Return the document as JSON, in its own order; as JSON has no comments, a property says where from."""
    text = json.dumps({"x-generated": origin, **document}, indent=1, ensure_ascii=False)
    return text.replace("{\n ", "{", 1) + "\n"


def write(files: Mapping[str, str], directory: Path) -> int:
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        directory.joinpath(name).write_text(text, encoding="utf-8")
    return 0


def compare(files: Mapping[str, str], directory: Path) -> int:
    """Print how the directory differs from what would be written, and what mends it."""
    present = {path.name for path in directory.glob("*") if path.is_file()}
    lines: list[str] = []
    for name in sorted(files.keys() | present):
        path = directory / name
        old = path.read_text(encoding="utf-8") if name in present else ""
        lines += difflib.unified_diff(
            old.splitlines(keepends=True),
            files.get(name, "").splitlines(keepends=True),
            f"generated/{name}",
            f"generated/{name} (as it should be)",
        )
    if not lines:
        return 0
    print("".join(lines))
    print("generated/ is not what spec/ makes. To mend it: make codegen", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
