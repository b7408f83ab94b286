#!/bin/sh
# Makes a virtual environment with the first Python of at least 3.11 that really runs.
# Usage: scripts/make_venv.sh DIRECTORY      (PYTHON=/path/to/python picks one)
set -eu

directory=$1
probe='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'

# A name on PATH may be a shim of a version that is not installed, so each is asked.
for python in ${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3 python}; do
    if "$python" -c "$probe" >/dev/null 2>&1; then
        "$python" -m venv --clear "$directory"
        exit 0
    fi
done

echo "Parley needs Python 3.11 or later with venv, and found none of: ${PYTHON:-python3.11 … python3.14, python3}." >&2
echo "On Debian or Ubuntu: apt-get install python3 python3-venv. Elsewhere: https://www.python.org/downloads/" >&2
exit 3
