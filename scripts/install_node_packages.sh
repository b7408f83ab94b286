#!/bin/sh
# Installs what the tests take from npm (tests/node/package.json), and Node where there is none. Does nothing where
# all is there already.
set -eu
cd "$(dirname "$0")/../tests/node"

if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "No Node here, and no apt-get to install it with: install Node 20 and npm by your system's means." >&2
        exit 3
    fi
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            echo "No Node here, and installing it needs root: apt-get install nodejs npm." >&2
            exit 3
        fi
        as_root=sudo
    fi
    $as_root apt-get update --quiet --quiet
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends nodejs npm
fi

# npm writes this file itself, last of all.
if [ node_modules/.package-lock.json -nt package-lock.json ]; then
    echo "The packages of npm are there: tests/node/node_modules"
    exit 0
fi
npm ci --ignore-scripts --no-audit --no-fund --silent
# Where nothing was to be done the file is as old as it was.
touch node_modules/.package-lock.json
