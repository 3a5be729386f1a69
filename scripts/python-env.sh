#!/usr/bin/env bash
# Makes the Python environment that tests compare with: target/python, with every crate's pinned requirements.
# Does nothing when it is up to date.
set -euo pipefail
cd "$(dirname "$0")/.."
env=target/python
mapfile -t requirements < <(ls crates/*/tests/python/requirements.txt)
stamp=$(cat "${requirements[@]}" | sha256sum | cut -d' ' -f1)
[ "$(cat "$env/stamp" 2>/dev/null)" != "$stamp" ] || exit 0

command -v python3 >/dev/null || { echo "error: python3 is missing; install it and run this again" >&2; exit 1; }
echo "preparing the Python environment of the tests in $env"
rm -rf "$env"
mkdir -p target
python3 -m venv "$env" 2>/dev/null || {
  rm -rf "$env"
  echo "error: python3 cannot make a virtual environment; install python3-venv and run this again" >&2
  exit 1
}
args=()
for file in "${requirements[@]}"; do args+=(-r "$file"); done
"$env/bin/pip" install --quiet --disable-pip-version-check "${args[@]}"
echo "$stamp" > "$env/stamp"
