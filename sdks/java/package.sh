#!/bin/sh
# Puts the jar, its sources and its pom into dist/java, which is laid out as a Maven repository.
set -eu
cd "$(dirname "$0")"
version=$(sed -n 's:^  <version>\(.*\)</version>:\1:p' pom.xml)
target=$(cd ../.. && pwd)/dist/java/dev/parley/parley-sdk/$version
sh mvn.sh package -Dmaven.test.skip=true
rm -rf "$target"
mkdir -p "$target"
# Maven's own deploy refuses to work without a network, also where it needs none.
cp pom.xml "$target/parley-sdk-$version.pom"
cp "build/parley-sdk-$version.jar" "build/parley-sdk-$version-sources.jar" "$target"
cd "$target"
for file in *; do
    printf %s "$(sha1sum "$file" | cut -d ' ' -f 1)" > "$file.sha1"
done
