#!/bin/sh
# Everything that is checked of the SDK for Python but its conformance: types, unit tests, the README's programs, and
# that the package works where nothing else is installed.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
python=${PYTHON:-python3}
sh conformance/build.sh
environment=$root/.sdks/python-sdk/bin
"$environment/mypy"
"$environment/mypy" conformance/driver.py tests/*.py
"$python" "$root/scripts/with_server.py" "$environment/python" -m pytest -p no:cacheprovider tests

# The package, in an environment that has never seen the checkout.
sh package.sh
empty=$(mktemp -d)
trap 'rm -rf "$empty"' EXIT
"$python" -m venv "$empty"
"$empty/bin/python" -m pip --disable-pip-version-check --quiet install --require-hashes --requirement requirements.lock
"$empty/bin/python" -m pip --disable-pip-version-check --quiet install --no-deps --no-index "$root"/dist/parley_sdk-*.whl
cp README.md tests/test_readme.py "$empty"
mkdir "$empty/tests"
mv "$empty/test_readme.py" "$empty/tests"
cd "$empty"
"$python" "$root/scripts/with_server.py" "$empty/bin/python" -m pytest -p no:cacheprovider tests -k ten_lines
