#!/bin/sh
# Everything that is checked of the SDK for Java but its conformance: warnings of the compiler, unit tests, and the
# README's programs, in an empty project that gets the SDK as a package.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}
sh mvn.sh test
sh package.sh
"$python" ../../scripts/with_server.py "$python" readme.py
