#!/bin/sh
# Installs Casement from this directory, and removes it again. Nothing is started.
#   install.sh [--user|--system] [--prefix DIR] [--engine FILE|fetch|none]
#   install.sh --uninstall [--user|--system] [--prefix DIR]
# --system (as root): DIR is /usr/local; a user `casement`, /etc/casement/casement.yaml, units of systemd, data in /var/lib/casement.
# --user (otherwise): DIR is ~/.local; a unit of your own systemd, data in ~/.local/share/casement.
# --engine: the embedded ClickHouse, libchdb.so: a file, fetched by npm (178 MB), or none. Without it: fetched where npm is.
# Run again, it upgrades. Removal keeps data and configuration, and says where they are.
set -eu

say() { echo "casement: $1"; }
fail() {
  echo "error: $1" >&2
  exit 1
}

mode=
prefix=
engine=
action=install
while [ $# -gt 0 ]; do
  case "$1" in
  --user | --system) mode=${1#--} ;;
  --prefix | --engine)
    [ $# -ge 2 ] || fail "$1 wants a value"
    if [ "$1" = --prefix ]; then prefix=$2; else engine=$2; fi
    shift
    ;;
  --uninstall) action=uninstall ;;
  -h | --help)
    sed -n '2,/^set/{s/^# \{0,1\}//;/^set/d;p}' "$0"
    exit 0
    ;;
  *) fail "$1 is no flag; see --help" ;;
  esac
  shift
done
[ -n "$mode" ] || if [ "$(id -u)" = 0 ]; then mode=system; else mode=user; fi

if [ "$mode" = system ]; then
  [ "$(id -u)" = 0 ] || fail "--system needs root; without it: --user"
  prefix=${prefix:-/usr/local}
  units=/etc/systemd/system
  cache=/var/cache/casement
  control="systemctl"
else
  : "${HOME:?is not set}"
  prefix=${prefix:-$HOME/.local}
  units=${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/casement
  control="systemctl --user"
fi
case "$prefix" in
/*) ;;
*) fail "--prefix wants a path from the root: $prefix" ;;
esac
case "$prefix" in
*[!A-Za-z0-9/._+@-]*) fail "--prefix has a character that units cannot hold: $prefix" ;;
esac
# What was installed, a path a line.
list=$prefix/share/casement/installed

has_systemd() {
  if [ "$mode" = system ]; then [ -d /run/systemd/system ]; else $control show-environment >/dev/null 2>&1; fi
}

# Removes the files of a list, and directories of ours that are empty then.
remove() {
  while IFS= read -r path; do
    case "$path" in
    /*) rm -f "$path" ;;
    esac
  done <"$1"
  rm -f "$list"
  for directory in "$prefix/share/casement/docs" "$prefix/share/casement"; do
    [ ! -d "$directory" ] || rmdir "$directory" 2>/dev/null || true
  done
}

if [ "$action" = uninstall ]; then
  [ -e "$list" ] || fail "nothing was installed below $prefix by this script ($list is missing)"
  if has_systemd; then
    for unit in casement casement-backend casement-ml; do
      [ ! -e "$units/$unit.service" ] || $control disable --now "$unit.service" >/dev/null 2>&1 || true
    done
  fi
  gone=$(mktemp)
  cp "$list" "$gone"
  remove "$gone"
  rm -f "$gone"
  # Links of units that were enabled, where no systemd runs that could take them away. A package's units keep theirs.
  for unit in casement casement-backend casement-ml; do
    for link in "$units"/*.wants/"$unit.service"; do
      [ -e "$link" ] || rm -f "$link"
    done
  done
  rm -rf "$cache/chdb"
  rmdir "$cache" 2>/dev/null || true
  if has_systemd; then $control daemon-reload || true; fi
  say "removed from $prefix"
  if [ "$mode" = system ]; then
    say "readings, models and accounts stay in /var/lib/casement, the configuration in /etc/casement. To remove them, too:"
    say "  rm -r /var/lib/casement /etc/casement && userdel casement"
  else
    say "readings, models and accounts stay in $HOME/.local/share/casement"
  fi
  exit 0
fi

cd "$(dirname "$0")"
[ -x bin/casement ] || fail "bin/casement is not beside this script: unpack the whole archive"
sha256sum --quiet --check SHA256SUMS || fail "the archive is damaged: fetch it again. Nothing was installed"
./bin/casement --version >/dev/null || fail "the program does not run here; it needs glibc 2.36 or newer"

old=
if [ -e "$list" ]; then
  old=$(mktemp)
  cp "$list" "$old"
fi
new=$(mktemp)
trap 'rm -f "$new" ${old:+"$old"}' EXIT

# put MODE FILE PATH: whoever looks sees the old file or the new one.
put() {
  mkdir -p "$(dirname "$3")"
  install -m "$1" "$2" "$3.new"
  mv -f "$3.new" "$3"
  echo "$3" >>"$new"
}
# unit FILE: with the program's own place.
unit() {
  made=$(mktemp)
  sed "s|/usr/bin/casement |$prefix/bin/casement |" "$1" >"$made"
  put 644 "$made" "$units/$(basename "$1")"
  rm -f "$made"
}

put 755 bin/casement "$prefix/bin/casement"
for page in man/*.1; do put 644 "$page" "$prefix/share/man/man1/$(basename "$page")"; done
put 644 completions/casement.bash "$prefix/share/bash-completion/completions/casement"
put 644 completions/_casement "$prefix/share/zsh/site-functions/_casement"
put 644 completions/casement.fish "$prefix/share/fish/vendor_completions.d/casement.fish"
for document in docs/*; do put 644 "$document" "$prefix/share/casement/docs/$(basename "$document")"; done
for file in LICENSE README.md CHANGELOG.md casement.cdx.json casement.yaml; do
  put 644 "$file" "$prefix/share/casement/$file"
done
put 755 fetch-engine.sh "$prefix/share/casement/fetch-engine.sh"
put 755 install.sh "$prefix/share/casement/install.sh"

if [ "$mode" = system ]; then
  getent passwd casement >/dev/null ||
    useradd --system --user-group --home-dir /var/lib/casement --no-create-home --shell /usr/sbin/nologin casement
  install -d -o casement -g casement -m 0700 /var/lib/casement
  install -d -o casement -g casement -m 0755 "$cache"
  mkdir -p /etc/casement
  if [ ! -e /etc/casement/casement.yaml ]; then
    install -m 644 etc/casement.yaml /etc/casement/casement.yaml
  fi
  for file in systemd/*.service; do unit "$file"; done
else
  unit systemd-user/casement.service
fi
mkdir -p "$(dirname "$list")"
sort -u "$new" >"$list"
# What an older version had and this one has not.
if [ -n "$old" ]; then
  grep -vxFf "$list" "$old" | while IFS= read -r path; do rm -f "$path"; done
fi

# The user of the service fetches its engine, so that it is that user's.
as_owner() {
  if [ "$mode" = system ]; then
    setpriv --reuid=casement --regid=casement --clear-groups env HOME=/var/lib/casement XDG_CACHE_HOME=/var/cache "$@"
  else
    "$@"
  fi
}
engine_version=$(sed -n 's/^version=//p' fetch-engine.sh)
library=$cache/chdb/$engine_version/libchdb.so
if [ -z "$engine" ]; then
  if command -v npm >/dev/null; then engine=fetch; else engine=none; fi
fi
case "$engine" in
none) [ -e "$library" ] || say "the embedded ClickHouse is not here: $prefix/share/casement/install.sh --help, or casement up --clickhouse URL" ;;
fetch) as_owner "$prefix/share/casement/fetch-engine.sh" ;;
*)
  [ -f "$engine" ] || fail "--engine names $engine, which is not there"
  as_owner mkdir -p "$cache/chdb/$engine_version"
  if [ ! -e "$library" ]; then
    cp "$engine" "$library.new"
    chmod 644 "$library.new"
    mv "$library.new" "$library"
  fi
  ;;
esac

if has_systemd; then
  $control daemon-reload || true
  [ -z "$old" ] || $control try-restart casement.service || true
fi
say "installed in $prefix"
case ":$PATH:" in
*":$prefix/bin:"*) ;;
*) say "$prefix/bin is not in PATH" ;;
esac
say "casement self-check says whether this machine has what it needs; then: $control enable --now casement"
