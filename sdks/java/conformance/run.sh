#!/bin/sh
# Becomes the driver. It lives for a moment: what makes it start fast is worth more than what makes it run fast.
set -eu
here=$(cd "$(dirname "$0")/../../../.sdks/java-driver" && pwd)
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -XX:SharedArchiveFile="$here/classes.jsa" \
    -cp "$here/lib/*" Driver
