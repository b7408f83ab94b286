#!/bin/sh
# Installs Chromium, which the test of the docs page drives. Does nothing where one is there already.
set -eu

for browser in ${CHROMIUM:-chromium chromium-browser google-chrome}; do
    if command -v "$browser" >/dev/null 2>&1; then
        echo "A browser is there: $(command -v "$browser")"
        exit 0
    fi
done

if ! command -v apt-get >/dev/null 2>&1; then
    echo "No Chromium here, and no apt-get to install it with: install Chromium by your system's means." >&2
    exit 3
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "No Chromium here, and installing it needs root: apt-get install chromium." >&2
        exit 3
    fi
    as_root=sudo
fi
$as_root apt-get update --quiet --quiet
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends chromium
