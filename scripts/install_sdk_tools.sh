#!/bin/sh
# Installs what the gate of compatibility and the checks of the SDKs need beyond their languages, into .sdks/: pinned,
# and only where it is missing.
# Without a language its part is left out with a word; in CI that is an error.
set -eu
cd "$(dirname "$0")/.."

missing() {
    echo "No $1 here: the SDK for $2 is not checked." >&2
    [ -z "${CI:-}" ] || exit 3
}

STATICCHECK=v0.8.2
OASDIFF=v1.35.0
if command -v go >/dev/null 2>&1; then
    if [ "$(cat .sdks/bin/.oasdiff 2>/dev/null)" != "$OASDIFF" ]; then
        mkdir -p .sdks/bin
        GOBIN=$(pwd)/.sdks/bin go install "github.com/oasdiff/oasdiff@$OASDIFF"
        echo "$OASDIFF" > .sdks/bin/.oasdiff
    fi
    if [ "$(cat .sdks/bin/.staticcheck 2>/dev/null)" != "$STATICCHECK" ]; then
        mkdir -p .sdks/bin
        GOBIN=$(pwd)/.sdks/bin go install "honnef.co/go/tools/cmd/staticcheck@$STATICCHECK"
        echo "$STATICCHECK" > .sdks/bin/.staticcheck
    fi
else
    missing Go Go
fi
