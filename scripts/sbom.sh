#!/usr/bin/env bash
# Writes what the binary is made of, as CycloneDX 1.5: every crate with version, licence and checksum, and the ClickHouse library
# that `casement up` loads.
#   scripts/sbom.sh [FILE] [--check]     target/package/casement.cdx.json
# --check holds it against CycloneDX's schema, by the tests' Python (make python). SOURCE_DATE_EPOCH sets its time.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-target/package/casement.cdx.json}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}

command -v cargo-cyclonedx >/dev/null || cargo install cargo-cyclonedx@0.5.9 --locked
target=$(rustc -vV | sed -n 's/^host: //p')
# It writes beside the manifest of every crate; ours is kept.
name=casement.cdx.made
trap 'rm -f crates/*/"$name".json' EXIT
cargo cyclonedx --quiet --manifest-path crates/casement/Cargo.toml --format json --spec-version 1.5 --no-build-deps \
  --target "$target" --override-filename "$name"

version=$(sed -n 's/^version=//p' scripts/fetch-engine.sh)
hash=$(sed -n "s/^ *integrity=//p" scripts/fetch-engine.sh | head -1 | base64 -d | od -An -v -tx1 | tr -d ' \n')
engine='    {"type": "library", "bom-ref": "libchdb", "name": "@chdb/lib-linux-x64-gnu", "version": "'$version'", "scope": "optional",'
engine+=' "description": "ClickHouse as a library, loaded at run time by casement up and casement engine; not in the package",'
engine+=' "hashes": [{"alg": "SHA-512", "content": "'$hash'"}], "licenses": [{"license": {"id": "Apache-2.0"}}],'
engine+=' "purl": "pkg:npm/%40chdb/lib-linux-x64-gnu@'$version'"},'
mkdir -p "$(dirname "$out")"
# Where it was built is nobody's business.
sed -e "s|$PWD/||g; s|$PWD||g" -e "s|^  \"components\": \[\$|&\n$engine|" "crates/casement/$name.json" >"$out.new"
grep -q '"bom-ref": "libchdb"' "$out.new" || { echo "error: the list of components was not found" >&2; exit 1; }
if [ "${2:-}" = --check ]; then
  target/python/bin/python - "$out.new" <<'PYTHON'
import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

text = open(sys.argv[1]).read()
fault = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
if fault:
    sys.exit(f"error: not CycloneDX 1.5: {fault}")
document = json.loads(text)
names = {component["name"] for component in document["components"]}
missing = {"tokio", "rustls", "fjall"} - names
if document["metadata"]["component"]["name"] != "casement" or missing:
    sys.exit(f"error: it does not describe casement, or has no {missing}")
PYTHON
fi
mv "$out.new" "$out"
echo "$out has $(grep -c '"bom-ref"' "$out") components"
