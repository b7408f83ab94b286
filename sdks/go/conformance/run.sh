#!/bin/sh
# Becomes the driver. Its race detector waits at the end for what goroutines still do: of the SDK's there are none then.
set -eu
export GORACE="atexit_sleep_ms=50"
exec "$(dirname "$0")/../../../.sdks/go-driver"
