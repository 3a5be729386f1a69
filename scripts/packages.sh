#!/usr/bin/env bash
# Installs the Debian packages that are missing for `build`, `test` or `image`; does nothing when all are there.
set -euo pipefail

case "${1:-build}" in
build) needed=(cc:gcc npm:npm curl:curl) ;;
test) needed=(mosquitto:mosquitto mosquitto_pub:mosquitto-clients faketime:faketime promtool:prometheus python3:python3 curl:curl ip:iproute2 openssl:openssl systemd-analyze:systemd wget:wget chromium:chromium) ;;
image) needed=(cc:gcc buildah:buildah debootstrap:debootstrap objcopy:binutils mosquitto:mosquitto mosquitto_pub:mosquitto-clients lintian:lintian python3:python3) ;;
*) echo "usage: $0 build|test|image" >&2; exit 2 ;;
esac

PATH="$PATH:/usr/sbin"
missing=()
for pair in "${needed[@]}"; do
  command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "error: please install with your package manager: ${missing[*]}" >&2
  exit 1
fi
sudo=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "error: run as root once: apt-get install ${missing[*]}" >&2; exit 1; }
  sudo=(sudo)
fi
echo "installing ${missing[*]}"
# A service that starts by itself would take the broker's port: Casement brings its own broker.
policy=/usr/sbin/policy-rc.d
made_policy=
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
  "${sudo[@]}" chmod 755 "$policy"
  made_policy=yes
fi
trap '[ -z "$made_policy" ] || "${sudo[@]}" rm -f "$policy"' EXIT
export DEBIAN_FRONTEND=noninteractive
install() { "${sudo[@]}" apt-get install -y --no-install-recommends "${missing[@]}" >/dev/null; }
install 2>/dev/null || { "${sudo[@]}" apt-get update -qq; install; }
