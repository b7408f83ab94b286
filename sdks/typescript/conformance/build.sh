#!/bin/sh
# Builds the SDK into dist/, its driver and its tests into build/; what is there already is left alone.
set -eu
cd "$(dirname "$0")/.."
# npm writes this file itself, last of all.
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
    npm ci --ignore-scripts --no-audit --no-fund --silent
    touch node_modules/.package-lock.json
fi
if [ -e build/.ready ] && [ -z "$(find . -path ./node_modules -prune -o -path ./dist -prune -o -path ./build -prune \
    -o \( -name '*.ts' -o -name '*.json' -o -name build.sh \) -newer build/.ready -print)" ]; then
    exit 0
fi
rm -rf build dist
node_modules/.bin/tsc
node_modules/.bin/tsc -p tsconfig.tests.json
touch build/.ready
