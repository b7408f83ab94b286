#!/bin/sh
# Builds the SDK and its driver into .sdks/java-driver; run again it does nothing.
set -eu
cd "$(dirname "$0")/.."
target=$(cd ../.. && pwd)/.sdks/java-driver
if [ -e "$target/.ready" ] && [ -z "$(find pom.xml src/main conformance -newer "$target/.ready" | head -n 1)" ]; then
    exit 0
fi
rm -rf "$target"
mkdir -p "$target/lib" "$target/classes"
sh mvn.sh compile dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$target/lib"
jar --create --file "$target/lib/sdk.jar" -C build/classes .
javac -Xlint:all -Werror -proc:none --release 17 -d "$target/classes" -cp "$target/lib/*" conformance/driver/*.java
jar --create --file "$target/lib/driver.jar" -C "$target/classes" .
# Classes that a first run has loaded come out of an archive later: a JVM then starts in half the time. That run asks
# nobody for anything, so there is nothing that it could wait for.
java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ArchiveClassesAtExit="$target/classes.jsa" -cp "$target/lib/*" Driver \
    < conformance/first_run.jsonl > "$target/first_run.log" 2>&1
touch "$target/.ready"
