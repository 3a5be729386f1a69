#!/usr/bin/env bash
# Builds the images of deploy/Dockerfile without a Docker engine, by buildah, of a binary that is built already, and runs
# their roles from the resulting file systems. Nothing is pulled: the base is made by debootstrap, once, in target/image.
#   scripts/check-image.sh [BINARY]        target/debug/casement by default
# Needs root, buildah and debootstrap.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=${1:-target/debug/casement}
[ -x "$binary" ] || { echo "error: $binary is missing; build it first" >&2; exit 1; }
for tool in buildah debootstrap strip; do
  command -v "$tool" >/dev/null || { echo "error: $tool is missing: apt-get install buildah debootstrap binutils" >&2; exit 1; }
done
work=target/image
mkdir -p "$work" dist
# Storage of its own, and layers as plain directories: no kernel module, no mount.
b() { buildah --root "$PWD/$work/storage" --runroot "$PWD/$work/run" --storage-driver vfs "$@"; }
containers=()
end() {
  for container in "${containers[@]}"; do b rm "$container" >/dev/null 2>&1 || true; done
  # Every layer is a copy of everything: gigabytes, of which only the base is kept.
  b rmi --force localhost/check-casement localhost/check-up >/dev/null 2>&1 || true
  b rmi --prune --force >/dev/null 2>&1 || true
  rm -rf dist
}
trap end EXIT

if [ ! -e "$work/base.tar" ]; then
  echo "making the base by debootstrap"
  rm -rf "$work/root"
  debootstrap --variant=minbase --include=ca-certificates bookworm "$work/root" >"$work/debootstrap.log"
  tar -C "$work/root" --exclude './var/cache/apt/archives/*.deb' --exclude './dev/*' -cf "$work/base.tar.new" .
  rm -rf "$work/root"
  mv "$work/base.tar.new" "$work/base.tar"
fi
if ! b inspect --type image localhost/casement-base >/dev/null 2>&1; then
  container=$(b from scratch)
  b add "$container" "$work/base.tar" / >/dev/null
  b commit "$container" localhost/casement-base >/dev/null
  b rm "$container" >/dev/null
fi

# Its symbols would make the image five times as large.
strip -o dist/casement "$binary"
scripts/sbom.sh dist/casement.cdx.json --check
build() { # TARGET [FLAGS…]
  local target=$1
  shift
  b build --isolation chroot --format docker --pull-never --layers=false \
    --build-arg BASE_IMAGE=localhost/casement-base --build-arg BUILD_IMAGE=localhost/casement-base \
    --build-arg NODE_IMAGE=localhost/casement-base --build-arg BINARY=prebuilt \
    "$@" --file deploy/Dockerfile --target "$target" --tag "localhost/check-$target" .
}
expect() {
  [ "$2" = "$3" ] || { echo "error: $1: '$2', expected '$3'" >&2; exit 1; }
  echo "ok: $1"
}
setting() { b inspect --type image --format "{{.Docker.Config.$2}}" "localhost/check-$1"; }
# Runs the program of an image as its user, and tells its output.
in_image() {
  local container
  container=$(b from --pull-never "localhost/check-$1")
  containers+=("$container")
  b run --isolation chroot "$container" -- "${@:2}"
}

build casement >"$work/build.log" 2>&1 || { tail -20 "$work/build.log" >&2; exit 1; }
expect "user of the image" "$(setting casement User)" 1883:1883
expect "health check" "$(setting casement Healthcheck.Test)" "[CMD casement doctor --quick]"
expect "command" "$(setting casement Cmd)" "[backend]"
expect "role of the image" "$(setting casement Env | grep -o 'CASEMENT_ROLE=[a-z]*')" CASEMENT_ROLE=backend
version=$("$binary" --version)
expect "the binary runs in the image" "$(in_image casement casement --version)" "$version"
expect "it runs as its user" "$(in_image casement id -u)" 1883
expect "data directories are its user's" "$(in_image casement stat -c %U:%a /var/lib/casement /var/lib/broker-accounts | sort -u)" casement:700
in_image casement casement provision mosquitto --data /var/lib/casement --out /var/lib/broker-accounts >/dev/null
echo "ok: accounts can be made in the image"
expect "what it is made of" "$(in_image casement cat /usr/share/doc/casement/casement.cdx.json | sha256sum)" "$(sha256sum <dist/casement.cdx.json)"
expect "the engine is not in the image" "$(in_image casement sh -c 'find / -xdev -name libchdb.so 2>/dev/null | wc -l')" 0

# `up` with the engine that this user has, in place of the stage that fetches it.
library=${CASEMENT_LIBCHDB:-$(find "${XDG_CACHE_HOME:-$HOME/.cache}/casement/chdb" -name libchdb.so 2>/dev/null | head -1)}
if [ -z "$library" ]; then
  echo "note: the image up is not tried: make engine"
else
  mkdir -p "$work/engine"
  ln -f "$library" "$work/engine/libchdb.so" 2>/dev/null || cp "$library" "$work/engine/libchdb.so"
  build up --build-context "engine=$work/engine" >"$work/build-up.log" 2>&1 || { tail -20 "$work/build-up.log" >&2; exit 1; }
  # Loopback has more addresses than the one that others use.
  host=127.90.$((RANDOM % 250)).$((RANDOM % 250 + 1))
  in_image up timeout --signal=TERM 30 casement up --data /var/lib/casement/data --simulate 1 \
    --mqtt "$host:1883" --http "$host:8080" --clickhouse "$host:8123" >"$work/up.log" 2>&1 || true
  grep -q "Casement is ready" "$work/up.log" || { tail -20 "$work/up.log" >&2; echo "error: up does not start in its image" >&2; exit 1; }
  echo "ok: casement up starts in its image, with the embedded ClickHouse"
fi
size=$(b images --format '{{.Size}}' localhost/check-casement)
echo "ok: the image casement has $size"
