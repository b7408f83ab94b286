#!/bin/sh
# Builds the SDK and its driver into .sdks/java-driver; run again it does nothing.
set -eu
cd "$(dirname "$0")/.."
target=$(cd ../.. && pwd)/.sdks/java-driver
if [ -e "$target/.ready" ] && [ -z "$(find pom.xml src/main conformance -newer "$target/.ready" | head -n 1)" ]; then
    exit 0
fi
rm -rf "$target"
mkdir -p "$target/lib" "$target/driver"
sh mvn.sh compile dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$target/lib"
cp -R build/classes "$target/sdk"
javac -Xlint:all -Werror -proc:none --release 17 -d "$target/driver" -cp "$target/sdk:$target/lib/*" conformance/driver/*.java
touch "$target/.ready"
