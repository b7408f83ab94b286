"""All measurements, or those that are named, one after the other.

    python -m bench [noop] [messages] [history] [sockets] [webhooks]

Needs `wrk`. Each is a program of its own with options of its own: `python -m bench.sockets --help`.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
MEASUREMENTS = ("noop", "messages", "history", "sockets", "webhooks")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run each as a program of its own, and stop at the first that fails."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", help=", ".join(MEASUREMENTS))
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.what if name not in MEASUREMENTS]:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(MEASUREMENTS)}")
    for name in chosen.what or MEASUREMENTS:
        print(f"== {name}", flush=True)
        subprocess.run([sys.executable, "-m", f"bench.{name}"], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
