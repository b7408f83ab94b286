#!/bin/sh
# Runs Maven here with a local repository of the checkout's own, .sdks/maven. When that has all that this SDK needs (see
# scripts/install_sdk_tools.sh) nothing is fetched any more.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
repository=$here/../../.sdks/maven
offline=
if cmp -s "$here/pom.xml" "$repository/.has"; then
    # dist/java is a repository as well, and is reached without a network.
    offline="-o -Daether.offline.protocols=file"
fi
export MAVEN_OPTS="${MAVEN_OPTS:-} -XX:TieredStopAtLevel=1 -Xshare:auto"
exec mvn --quiet --batch-mode --no-transfer-progress $offline "-Dmaven.repo.local=$repository" "$@"
