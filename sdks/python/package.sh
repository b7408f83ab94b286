#!/bin/sh
# Builds the wheel into dist/.
set -eu
cd "$(dirname "$0")"
sh conformance/build.sh
# With the wheel of another version beside it nobody could tell which one is meant.
rm -f ../../dist/parley_sdk-*.whl
../../.sdks/python-sdk/bin/python -m hatchling build -t wheel -d ../../dist >/dev/null
