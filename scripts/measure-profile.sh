#!/usr/bin/env bash
# What a release profile costs and gives: processor time of a build from nothing, bytes of the stripped binary, and processor
# time of 2,000 clips' features. Processor time says something on a busy machine, too; the clock does not.
#   scripts/measure-profile.sh NAME [KEY=VALUE ...]
#   scripts/measure-profile.sh thin LTO=thin CODEGEN_UNITS=16
#   scripts/measure-profile.sh all            every profile of docs/benchmarks.md, one after the other (an hour and more)
# KEY is one of Cargo's CARGO_PROFILE_RELEASE_*. Binaries stay in target/profile/NAME, to be measured further.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = all ]; then
  scripts/measure-profile.sh none
  scripts/measure-profile.sh thin LTO=thin
  scripts/measure-profile.sh one-unit CODEGEN_UNITS=1
  scripts/measure-profile.sh fat LTO=fat CODEGEN_UNITS=1
  scripts/measure-profile.sh small OPT_LEVEL=s
  exit 0
fi

name=${1:?a name for what is measured, e.g. thin}
shift
scripts/page.sh
dir=target/profile/$name
mkdir -p "$dir"
rm -rf "$dir/build"
for setting in "$@"; do export "CARGO_PROFILE_RELEASE_$setting"; done
unset RUSTC_WRAPPER
export CARGO_INCREMENTAL=0
TIMEFORMAT='%U %S %R'
times=$( { time cargo build --quiet --release --locked -p casement --target-dir "$dir/build" >&2; } 2>&1 | tail -n 1)
cp "$dir/build/release/casement" "$dir/casement"
rm -rf "$dir/build"
objcopy --strip-all "$dir/casement" "$dir/stripped"

mapfile -t clips < <(yes crates/audio/tests/goldens/clips/chirp_16k_f32.wav | head -n 2000)
features=()
for _ in 1 2 3 4 5; do
  # shellcheck disable=SC2207
  features+=($( { time "$dir/stripped" features "${clips[@]}" > "$dir/features.json"; } 2>&1 | awk '{print $1 + $2}'))
done
median=$(printf '%s\n' "${features[@]}" | sort -n | sed -n 3p)
read -r user system clock <<< "$times"
echo "$name $*: build $(awk -v u="$user" -v s="$system" 'BEGIN {print int(u + s)}') s of processor time ($clock s by the clock)," \
  "$(stat -c %s "$dir/stripped") bytes, features of 2,000 clips $median s (${features[*]})"
