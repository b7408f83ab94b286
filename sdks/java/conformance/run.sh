#!/bin/sh
# Becomes the driver. It lives for a moment: what makes it start fast is worth more than what makes it run fast.
set -eu
here=$(cd "$(dirname "$0")/../../../.sdks/java-driver" && pwd)
# An archive that is of no use, since this directory has moved or Java is another one, is told of where it does no harm.
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -XX:SharedArchiveFile="$here/classes.jsa" \
    -Xlog:disable -Xlog:all=warning:stderr -cp "$here/lib/*" Driver
