#!/bin/sh
# Builds the driver into .sdks/go-driver; the Go tool itself knows what is up to date.
set -eu
cd "$(dirname "$0")/.."
go build -race -o ../../.sdks/go-driver ./conformance/driver
