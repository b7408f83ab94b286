#!/bin/sh
# Everything that is checked of the SDK for TypeScript but its conformance: strict types (also as a browser sees them),
# unit tests, and the README's programs, in an empty project that gets the SDK as a package.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}
sh conformance/build.sh
node_modules/.bin/tsc -p tsconfig.web.json
node --test --test-timeout=60000 build/tests/*.test.js
packed=../../dist/$(sh package.sh)
"$python" ../../scripts/with_server.py node build/tests/readme.js "$packed"
