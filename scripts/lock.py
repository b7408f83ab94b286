"""Writes requirements.lock and requirements-dev.lock from pyproject.toml: versions and hashes, no addresses.

`scripts/lock.py` keeps what is locked where pyproject.toml allows it; `scripts/lock.py --upgrade` does not.
The locks are universal: one file serves every Python from 3.11 and every platform. Needs uv on PATH.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {
    # The runtime lock is a constraint of the other, so that both agree.
    "requirements.lock": ["--group", "build"],
    "requirements-dev.lock": ["--group", "build", "--group", "dev", "--constraint", "requirements.lock"],
}
OPTIONS = [
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-annotate",
    "--custom-compile-command=make lock",
    "--quiet",
]


def main() -> int:
    if shutil.which("uv") is None:
        print("Writing the locks needs uv: pip install uv.", file=sys.stderr)
        return 3
    for name, groups in LOCKS.items():
        command = ["uv", "pip", "compile", "pyproject.toml", *groups, *OPTIONS, "--output-file", name]
        subprocess.run([*command, *sys.argv[1:]], cwd=ROOT, check=True)
        if "://" in (ROOT / name).read_text():
            print(f"{name} names an address; a lock may be installed from any index.", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
