#!/usr/bin/env bash
# Checks the dependencies: advisories, licences, duplicates and sources (deny.toml), and that each one is used.
# Installs cargo-deny and cargo-machete where they are missing. ADVISORY_DB names a clone of the repository
# rustsec/advisory-db, bare or not; without it, the database is fetched.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in cargo-deny@0.20.2 cargo-machete@0.9.2; do
  command -v "${tool%@*}" >/dev/null || cargo install --locked "$tool"
done

if [ -n "${ADVISORY_DB:-}" ]; then
  git -C "$ADVISORY_DB" rev-parse --git-dir >/dev/null 2>&1 || {
    echo "error: ADVISORY_DB names $ADVISORY_DB, which is not a clone of rustsec/advisory-db" >&2
    exit 1
  }
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  # The folder's name is what cargo-deny derives from the repository's address.
  git clone --quiet --shared "$ADVISORY_DB" "$work/advisory-db-3157b0e258782691"
  sed "s|^\[advisories\]|&\ndb-path = \"$work\"|" deny.toml > "$work/deny.toml"
  cargo deny --locked --offline --config "$work/deny.toml" check --hide-inclusion-graph
else
  cargo deny --locked check --hide-inclusion-graph
fi
cargo machete
