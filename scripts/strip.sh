#!/usr/bin/env bash
# Parts a binary from its symbols: DIR/casement, which is shipped, and DIR/casement.debug, which debuggers find by its name, and
# by which `addr2line -e casement.debug ADDRESS` reads a backtrace.
#   scripts/strip.sh [release|debug] [DIR]     release, target/package
# A release binary beyond 45 MB is refused: boxes have small disks, and something was linked that should not be.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${1:-release}
out=${2:-target/package}
most=45000000

binary=target/$profile/casement
[ -x "$binary" ] || { echo "error: $binary is missing; build it first" >&2; exit 1; }
command -v objcopy >/dev/null || { echo "error: objcopy is missing: apt-get install binutils" >&2; exit 1; }
mkdir -p "$out"
objcopy --only-keep-debug --compress-debug-sections "$binary" "$out/casement.debug"
chmod 644 "$out/casement.debug"
objcopy --strip-all "$binary" "$out/casement"
# The link has the name and a checksum, no directory.
(cd "$out" && objcopy --add-gnu-debuglink=casement.debug casement)
chmod 755 "$out/casement"
size=$(stat -c %s "$out/casement")
echo "$out/casement has $size bytes, $out/casement.debug $(stat -c %s "$out/casement.debug")"
if [ "$profile" = release ] && [ "$size" -gt "$most" ]; then
  echo "error: a release binary has at most $most bytes: cargo bloat --release -p casement --crates tells what weighs" >&2
  exit 1
fi
