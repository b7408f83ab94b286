#!/bin/sh
# Installs the SDK into an environment of its own, .sdks/python-sdk; run again it does nothing.
set -eu
cd "$(dirname "$0")/../../.."
environment=.sdks/python-sdk
if [ ! -e "$environment/.ready" ] || [ sdks/python/requirements.lock -nt "$environment/.ready" ]; then
    rm -rf "$environment"
    "${PYTHON:-python3}" -m venv "$environment"
    pip="$environment/bin/python -m pip --disable-pip-version-check --quiet"
    $pip install --require-hashes --requirement sdks/python/requirements.lock
    $pip install --no-deps --no-build-isolation --no-index --editable sdks/python
    touch "$environment/.ready"
fi
