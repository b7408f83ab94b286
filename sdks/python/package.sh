#!/bin/sh
# Builds the wheel into dist/.
set -eu
cd "$(dirname "$0")"
sh conformance/build.sh
../../.sdks/python-sdk/bin/python -m hatchling build -t wheel -d ../../dist >/dev/null
