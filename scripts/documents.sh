#!/usr/bin/env bash
# Writes what a package has beside the binary: man pages and completions, by the binary itself.
#   scripts/documents.sh BINARY DIR
set -euo pipefail
binary=$1
out=$2
rm -rf "$out/man"
mkdir -p "$out"
"$binary" man "$out/man" >/dev/null
"$binary" completions bash >"$out/casement.bash"
"$binary" completions zsh >"$out/_casement"
"$binary" completions fish >"$out/casement.fish"
