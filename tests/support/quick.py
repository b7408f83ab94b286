"""A server whose passwords cost little: `python quick.py serve …` is `parley serve …`.

What argon2id has to cost keeps a core busy for 30 ms with each registration and log-in, and tests make thousands of
them. That a server without this takes what it has to cost is tested in tests/unit/test_passwords.py.
"""

import sys
from pathlib import Path

import parley.cli
from parley.services import passwords

# What stands in place of `python -m parley`.
PROGRAM = (sys.executable, str(Path(__file__)))


def hash_quickly() -> None:
    """Let this process hash with argon2id all the same, and with the least that it takes."""
    passwords.MEMORY_KIB, passwords.PASSES = 8, 1


if __name__ == "__main__":
    hash_quickly()
    parley.cli.run()
