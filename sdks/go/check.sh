#!/bin/sh
# Everything that is checked of the SDK for Go but its conformance: vet, staticcheck, unit tests, and the README's
# programs, in an empty module that gets the SDK as a package.
set -eu
cd "$(dirname "$0")"
if ! command -v go >/dev/null 2>&1; then
    echo "NOT CHECKED: the SDK for Go needs go" >&2
    [ -z "${CI:-}" ]
    exit
fi
python=${PYTHON:-python3}
unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "gofmt would change: $unformatted" >&2; exit 1; }
go vet ./...
if [ -x ../../.sdks/bin/staticcheck ]; then
    ../../.sdks/bin/staticcheck ./...
elif [ -n "${CI:-}" ]; then
    echo "staticcheck is missing: scripts/install_sdk_tools.sh installs it" >&2
    exit 1
else
    echo "NOT CHECKED by staticcheck: scripts/install_sdk_tools.sh installs it" >&2
fi
go test -race ./...
PYTHON=$python sh package.sh
"$python" ../../scripts/with_server.py "$python" readme.py
