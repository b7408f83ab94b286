#!/bin/sh
# Runs Maven with a local repository of the checkout's own, .sdks/maven. Once that has what this pom.xml needs,
# nothing is fetched any more.
set -eu
cd "$(dirname "$0")"
repository=$(cd ../.. && pwd)/.sdks/maven
offline=
if cmp -s pom.xml "$repository/.has"; then
    offline=-o
fi
export MAVEN_OPTS="${MAVEN_OPTS:-} -XX:TieredStopAtLevel=1 -Xshare:auto"
exec mvn --quiet --batch-mode --no-transfer-progress $offline "-Dmaven.repo.local=$repository" "$@"
