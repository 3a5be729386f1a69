#!/usr/bin/env bash
# Builds the images of deploy/Dockerfile without a Docker engine, by buildah, of a binary that is built already, and runs
# their roles from the resulting file systems, as Compose does: a root that cannot be written, a user without capabilities, the
# volumes and /tmp. Nothing is pulled: the base is made by debootstrap, once, in target/image.
#   scripts/check-image.sh [BINARY]        target/debug/casement by default
# Needs root, buildah, debootstrap and mosquitto.
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
places=() # Where images are mounted.
started=() # What runs, by pid.
end() {
  local pid place
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
  for place in "${places[@]}"; do umount --recursive "$place" 2>/dev/null || true; done
  rm -rf --one-file-system "$work/volumes" "$work/engine-data"
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
label() { b inspect --type image --format "{{index .Docker.Config.Labels \"org.opencontainers.image.$2\"}}" "localhost/check-$1"; }
# described IMAGE: its labels and when it is looked at.
described() {
  expect "title of $1" "$(label "$1" title)" Casement
  expect "licence of $1" "$(label "$1" licenses)" Apache-2.0
  expect "version of $1" "$(label "$1" version)" "${version#casement }"
  [ -n "$(label "$1" description)" ] || { echo "error: $1 has no description" >&2; exit 1; }
  expect "times of the health check of $1" "$(setting "$1" Healthcheck.Interval) $(setting "$1" Healthcheck.Timeout)" "30s 10s"
}
described casement
expect "the binary runs in the image" "$(in_image casement casement --version)" "$version"
expect "it runs as its user" "$(in_image casement id -u)" 1883
expect "data directories are its user's" "$(in_image casement stat -c %U:%a /var/lib/casement /var/lib/broker-accounts | sort -u)" casement:700
in_image casement casement provision mosquitto --data /var/lib/casement --out /var/lib/broker-accounts >/dev/null
echo "ok: accounts can be made in the image"
expect "what it is made of" "$(in_image casement cat /usr/share/doc/casement/casement.cdx.json | sha256sum)" "$(sha256sum <dist/casement.cdx.json)"
expect "the engine is not in the image" "$(in_image casement sh -c 'find / -xdev -name libchdb.so 2>/dev/null | wc -l')" 0

# Loopback has more addresses than the one that others use.
host=127.90.$((RANDOM % 250)).$((RANDOM % 250 + 1))
# room IMAGE NAME VOLUME…: the image's file system, which cannot be written but in these directories and in /tmp, at $work/NAME.
room() {
  local container place=$PWD/$work/$2 volume
  container=$(b from --pull-never "localhost/check-$1")
  containers+=("$container")
  mkdir -p "$place"
  places+=("$place")
  mount --bind "$(b mount "$container")" "$place"
  mount -o remount,bind,ro "$place"
  mount -t proc proc "$place/proc"
  mount --rbind /dev "$place/dev"
  mount --make-rslave "$place/dev"
  mount -t tmpfs -o mode=1777,size=64m tmpfs "$place/tmp"
  for volume in "${@:3}"; do
    install -d -o 1883 -g 1883 -m 700 "$work/volumes/$2$volume"
    mount --bind "$work/volumes/$2$volume" "$place$volume"
  done
  if chroot "$place" touch /usr/local/bin/mark 2>/dev/null; then echo "error: the root of $2 can be written" >&2; exit 1; fi
}
# exec_in NAME COMMAND…: in place of this shell, as Compose's containers run.
exec_in() {
  exec chroot "$PWD/$work/$1" /usr/bin/env -i --chdir=/var/lib/casement PATH=/usr/local/bin:/usr/bin:/bin \
    CASEMENT_ROLE="$1" CASEMENT_LIBCHDB=/usr/local/lib/casement/libchdb.so CASEMENT__MQTT__BROKER="tcp://$host:1883" \
    CASEMENT__CLICKHOUSE__ADDR="$host:8123" CASEMENT__HTTP__ADDR="$host:8080" CASEMENT__ML__ADDR="$host:8081" \
    CASEMENT__ACCOUNTS__PATH=/var/lib/casement/accounts CASEMENT__JOURNAL__PATH=/var/lib/casement/journal \
    CASEMENT__REGISTRY__PATH=/var/lib/casement/registry CASEMENT__AUDIO__STORAGE_PATH=/var/lib/casement-audio \
    setpriv --reuid=1883 --regid=1883 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "${@:2}"
}
# start NAME COMMAND…: in the background; its log is $work/NAME.log.
start() {
  exec_in "$@" >"$work/$1.log" 2>&1 &
  started+=($!)
}
# said NAME TEXT: until the log of what was started last has a line, for two minutes.
said() {
  local _
  for _ in $(seq 1200); do
    ! grep -qsF "$2" "$work/$1.log" || return 0
    kill -0 "${started[-1]}" 2>/dev/null || break
    sleep 0.1
  done
  tail -20 "$work/$1.log" >&2
  echo "error: $1 does not say '$2'" >&2
  exit 1
}
# well NAME FLAGS…: its health check, within a minute.
well() {
  local _
  for _ in $(seq 30); do
    ! (exec_in "$1" casement doctor --quick "${@:2}") >"$work/doctor.log" 2>&1 || { echo "ok: $1 is well by its health check"; return 0; }
    sleep 2
  done
  cat "$work/doctor.log" >&2
  echo "error: $1 is not well" >&2
  exit 1
}
stop() {
  local pid
  for pid in "${started[@]}"; do
    kill "$pid"
    wait "$pid" || { echo "error: what was started did not end in order" >&2; exit 1; }
  done
  started=()
}

library=${CASEMENT_LIBCHDB:-$(find "${XDG_CACHE_HOME:-$HOME/.cache}/casement/chdb" -name libchdb.so 2>/dev/null | head -1)}
if [ -z "$library" ]; then
  echo "note: the roles are not tried: make engine"
else
  # Mosquitto and ClickHouse have images of their own; here they are this machine's.
  printf 'listener 1883 %s\nallow_anonymous true\npersistence false\nuser root\n' "$host" >"$work/mosquitto.conf"
  "$(PATH="$PATH:/usr/sbin" command -v mosquitto)" -c "$work/mosquitto.conf" >"$work/mosquitto.log" 2>&1 &
  started+=($!)
  "$binary" engine --data "$work/engine-data" --clickhouse "$host:8123" >"$work/engine.log" 2>&1 &
  started+=($!)
  said engine "casement engine is running"
  room casement backend /var/lib/casement /var/lib/service-accounts /var/lib/casement-audio
  room casement ml /var/lib/casement/models /var/lib/service-accounts
  room casement simulate /var/lib/service-accounts
  start backend casement backend
  said backend "casement backend is running"
  start ml casement ml
  said ml "the model is loaded"
  start simulate casement simulate --broker="tcp://$host:1883" --devices=2
  mosquitto_sub -h "$host" -t 'window/+/control' -C 1 -W 180 >"$work/window.log" || {
    tail -20 "$work/backend.log" "$work/ml.log" "$work/simulate.log" >&2
    echo "error: no window of the simulated rooms moves" >&2
    exit 1
  }
  echo "ok: backend, ml and simulate run from their image with a root that cannot be written, and a window moves"
  well backend
  well ml
  stop

  # `up` with the engine that this user has, in place of the stage that fetches it.
  mkdir -p "$work/engine"
  ln -f "$library" "$work/engine/libchdb.so" 2>/dev/null || cp "$library" "$work/engine/libchdb.so"
  build up --build-context "engine=$work/engine" >"$work/build-up.log" 2>&1 || { tail -20 "$work/build-up.log" >&2; exit 1; }
  described up
  expect "health check of up" "$(setting up Healthcheck.Test)" "[CMD casement doctor --quick --data /var/lib/casement/data]"
  room up up /var/lib/casement
  flags=(--data /var/lib/casement/data --mqtt "$host:1883" --http "$host:8080" --clickhouse "$host:8123")
  start up casement up --simulate 1 "${flags[@]}"
  said up "Casement is ready"
  echo "ok: casement up starts in its image with a root that cannot be written, with the embedded ClickHouse"
  well up "${flags[@]}"
  # As docs/install.md says for one container.
  (exec_in up casement backup --data data --to backups) >"$work/backup.log" 2>&1 || { cat "$work/backup.log" >&2; echo "error: up cannot be backed up" >&2; exit 1; }
  stop
  (exec_in up sh -ec 'mv data data.before && casement restore backups --data data') >"$work/backup.log" 2>&1 || { cat "$work/backup.log" >&2; echo "error: up cannot be restored" >&2; exit 1; }
  start up casement up "${flags[@]}"
  said up "Casement is ready"
  well up "${flags[@]}"
  stop
  echo "ok: one container is backed up while it runs, and restored"
fi
size=$(b images --format '{{.Size}}' localhost/check-casement)
echo "ok: the image casement has $size"
