"""`python -m parley` is `parley`."""

from parley.cli import run

if __name__ == "__main__":
    run()
