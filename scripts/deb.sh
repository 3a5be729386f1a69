#!/usr/bin/env bash
# Makes the Debian package target/debian/casement_VERSION_ARCH.deb, of a binary that is built already. Its symbols are
# target/package/casement.debug.
#   scripts/deb.sh [release|debug]
# DEB_VERSION sets another version than that of the workspace; the older package is removed. Needs cargo-deb: cargo install cargo-deb --locked
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${1:-release}
case "$profile" in
release) fast=() ;;
debug) fast=(--fast) ;;
*) echo "usage: $0 [release|debug]" >&2; exit 2 ;;
esac
command -v cargo-deb >/dev/null || { echo "error: cargo-deb is missing: cargo install cargo-deb --locked" >&2; exit 1; }

package=target/package
version=${DEB_VERSION:-$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)-1}
rm -rf "$package"
scripts/strip.sh "$profile" "$package"
scripts/documents.sh "target/$profile/casement" "$package"
scripts/sbom.sh "$package/casement.cdx.json"
gzip -9nc CHANGELOG.md >"$package/changelog.gz"
# Debian's own changelog names the version; what has changed is in CHANGELOG.md.
cat >"$package/changelog" <<TEXT
casement ($version) stable; urgency=medium

  * What has changed: /usr/share/doc/casement/changelog.gz

 -- The Casement developers <casement@casement.invalid>  $(git log -1 --format=%cD 2>/dev/null || date -R)
TEXT
cargo deb -p casement --no-build --no-strip --locked --deb-version "$version" "${fast[@]}"
