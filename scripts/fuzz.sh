#!/usr/bin/env bash
# Fuzzes the decoder and the whole path of a clip: scripts/fuzz.sh [seconds for each]. On stable Rust, with libFuzzer and
# the coverage that LLVM itself offers; there is no unsafe code here for an address sanitizer to watch.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
target=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_TARGET_DIR=$PWD/target/fuzz
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
# An explicit target keeps these flags away from build scripts.
cargo build --release --target "$target" --manifest-path crates/audio/fuzz/Cargo.toml
for name in decode clip; do
  found=$CARGO_TARGET_DIR/corpus/$name
  mkdir -p "$found" "$CARGO_TARGET_DIR/artifacts/$name"
  # New inputs go to the first directory; those of the repository are only read.
  "$CARGO_TARGET_DIR/$target/release/$name" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 \
    -print_final_stats=1 -verbosity=0 -artifact_prefix="$CARGO_TARGET_DIR/artifacts/$name/" \
    "$found" "crates/audio/fuzz/corpus/$name"
done
