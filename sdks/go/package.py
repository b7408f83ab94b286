"""Writes the module as a module proxy has it (https://go.dev/ref/mod#goproxy-protocol) into a directory."""

import json
import re
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODULE = re.search(r"^module (\S+)$", (HERE / "go.mod").read_text(), re.MULTILINE)[1]  # type: ignore[index] # go.mod always begins so
VERSION = "v" + re.search(r'ContractVersion = "(.+)"', (HERE / "api" / "facts.go").read_text())[1]  # type: ignore[index] # it is generated
# What is for those who work on the SDK only.
LEFT_OUT = ("conformance/", "check.sh", "package.sh", "package.py", "readme.py")


def main() -> None:
    target = Path(sys.argv[1]).resolve() / MODULE / "@v"
    target.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target / f"{VERSION}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(HERE.rglob("*")):
            name = path.relative_to(HERE).as_posix()
            if path.is_file() and not name.startswith(LEFT_OUT):
                # A fixed time makes the archive the same each time.
                entry = zipfile.ZipInfo(f"{MODULE}@{VERSION}/{name}", (1980, 1, 1, 0, 0, 0))
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    (target / f"{VERSION}.mod").write_bytes((HERE / "go.mod").read_bytes())
    (target / f"{VERSION}.info").write_text(json.dumps({"Version": VERSION, "Time": "2026-11-22T00:00:00Z"}))
    (target / "list").write_text(f"{VERSION}\n")
    print(f"{MODULE}@{VERSION}")


if __name__ == "__main__":
    main()
