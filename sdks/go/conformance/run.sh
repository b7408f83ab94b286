#!/bin/sh
# Becomes the driver.
set -eu
exec "$(dirname "$0")/../../../.sdks/go-driver"
