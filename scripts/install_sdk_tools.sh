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

# What the SDK for TypeScript stands on and is compiled with.
if command -v npm >/dev/null 2>&1; then
    sh sdks/typescript/conformance/build.sh
else
    missing npm TypeScript
fi

# Maven knows what it lacks only when it needs it, so it does once what the checks do: a package, a test, a class path.
if command -v mvn >/dev/null 2>&1; then
    if ! cmp -s sdks/java/pom.xml .sdks/maven/.has; then
        rm -f .sdks/maven/.has
        sh sdks/java/package.sh
        (cd sdks/java && sh mvn.sh test dependency:build-classpath dependency:copy-dependencies -Dtest=BackoffTest \
            -Dmdep.outputFile=build/class-path -DoutputDirectory=build/lib)
        cp sdks/java/pom.xml .sdks/maven/.has
    fi
else
    missing Maven Java
fi
