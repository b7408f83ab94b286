#!/bin/sh
# Becomes the driver.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../../../.sdks/python-sdk/bin/python" "$here/driver.py" "$@"
