#!/bin/sh
# Becomes the driver: in Node, or with `browser` in a page of a headless Chromium.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec node "$here/../build/conformance/driver/${1:-node}.js"
