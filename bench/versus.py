"""What a change costs: this tree against another one, in one interleaved run.

    git worktree add ../before <commit>
    python -m bench.versus ../before [--rounds 20] [--seconds 2]

Needs `wrk`. Both servers stand beside each other on their own databases, and the load goes to and fro between them,
each round the other way round. What counts are the medians over all rounds: of the ratio of their rates, which other
work on the machine disturbs, and of the ratio of the processor time that the servers and their databases took for
a request.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from bench.messages import READ, SEND, measure, prepare
from bench.served import Served


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=Path, help="the tree to compare with")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=2)
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as one,
        tempfile.TemporaryDirectory() as other,
        Served(Path(one), chosen.before.resolve()) as before,
        Served(Path(other)) as after,
    ):
        sides = [Side(before), Side(after)]
        for name, script in (("send", SEND), ("history page", READ)):
            for number in range(chosen.rounds):
                for side in sides if number % 2 else sides[::-1]:
                    side.load(script, chosen.seconds)
            rates = [now / then for then, now in zip(sides[0].rates, sides[1].rates, strict=True)]
            costs = [now / then for then, now in zip(sides[0].costs, sides[1].costs, strict=True)]
            print(
                f"{name:15} rate {quartiles(rates)} of before, processor {quartiles(costs)} of before"
                f"  ({sides[0].summary()} | {sides[1].summary()})"
            )
            for side in sides:
                side.rates.clear()
                side.costs.clear()


class Side:
    """One of the two servers, and what was measured of it: requests a second, seconds of processor a request."""

    def __init__(self, server: Served) -> None:
        self._server = server
        self._people = prepare(server.url)
        self.rates: list[float] = []
        self.costs: list[float] = []

    def load(self, script: str, seconds: int) -> None:
        """Load it for some seconds."""
        spent = sum(self._server.processor_seconds())
        result = measure(
            self._server.url, script % {"people": self._people, "keyed": "false", "run": ""}, seconds
        )
        if result.errors:
            raise SystemExit(f"{self._server.url}: {result.errors}")
        self.rates.append(result.rate)
        self.costs.append((sum(self._server.processor_seconds()) - spent) / (result.rate * seconds))

    def summary(self) -> str:
        """Say what it did, in medians."""
        return f"{statistics.median(self.rates):.0f}/s, {statistics.median(self.costs) * 1e6:.1f} µs"


def quartiles(values: list[float]) -> str:
    """Return the median, and between what half of the values lie."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
