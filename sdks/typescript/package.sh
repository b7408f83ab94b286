#!/bin/sh
# Packs the SDK into dist/ of the checkout.
set -eu
cd "$(dirname "$0")"
sh conformance/build.sh
rm -rf build/package
mkdir build/package
cp -R package.json README.md ../../LICENSE dist build/package
mkdir -p ../../dist
cd build/package
npm pack --silent --ignore-scripts --pack-destination ../../../../dist
