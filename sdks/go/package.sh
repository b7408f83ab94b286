#!/bin/sh
# Puts the module into dist/go, which is laid out as a module proxy: `GOPROXY=file://.../dist/go,...` serves it.
set -eu
cd "$(dirname "$0")"
exec "${PYTHON:-python3}" package.py ../../dist/go
