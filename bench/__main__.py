"""All measurements, one after the other: `make bench`."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
MEASUREMENTS = ("bench.noop", "bench.messages", "bench.history", "bench.sockets", "bench.webhooks")


def main() -> None:
    """Run each as a program of its own, and stop at the first that fails."""
    for name in MEASUREMENTS:
        print(f"== {name}", flush=True)
        subprocess.run([sys.executable, "-m", name], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
