#!/bin/sh
# Becomes the driver. It lives for a moment: what makes it start fast is worth more than what makes it run fast.
set -eu
here=$(cd "$(dirname "$0")/../../../.sdks/java-driver" && pwd)
exec java -XX:TieredStopAtLevel=1 -Xshare:auto -XX:+UseSerialGC -cp "$here/driver:$here/sdk:$here/lib/*" Driver
