#!/usr/bin/env bash
# Installs the newest archive of target/tarball in a root made by debootstrap, for the system and for one person: runs it, asks its
# self-check, installs it over itself, and removes it. A damaged archive is refused.
#   scripts/check-tarball.sh
# Needs root, debootstrap, the engine (make engine), and target/tarball (make tarball PROFILE=debug).
set -euo pipefail
cd "$(dirname "$0")/.."
work=target/image
root=$PWD/$work/tarball-root
# shellcheck disable=SC1091
. scripts/root.sh
archive=$(find target/tarball -name 'casement-*-linux.tar.gz' -printf '%T@ %p\n' 2>/dev/null | sort -rn | head -1 | cut -d' ' -f2-)
[ -n "$archive" ] || fail "target/tarball has no archive: make tarball"
make_root
name=$(basename "$archive" .tar.gz)
mkdir "$root/opt/unpacked"
tar -C "$root/opt/unpacked" -xzf "$archive"
unpacked=/opt/unpacked/$name
give_engine /opt/libchdb.so
listing >"$work/before"

# The damaged one first: nothing of it may be left.
echo "x" >>"$root$unpacked/casement.yaml"
if in_root "$unpacked/install.sh" --engine none >"$work/damaged.log" 2>&1; then fail "a damaged archive is installed"; fi
grep -q "damaged" "$work/damaged.log" || { cat "$work/damaged.log" >&2; fail "it does not say that it is damaged"; }
listing >"$work/after"
cmp -s "$work/before" "$work/after" || fail "a damaged archive left something"
tar -C "$root/opt/unpacked" -xzf "$archive"
if in_root "$unpacked/install.sh" --prefix relative >/dev/null 2>&1; then fail "a relative prefix is taken"; fi
if in_root "$unpacked/install.sh" --purge >/dev/null 2>&1; then fail "an unknown flag is taken"; fi
if in_root "$unpacked/install.sh" --uninstall >/dev/null 2>&1; then fail "it removes what was not installed"; fi
echo "ok: damage and wrong flags are refused, and nothing is left of them"

in_root "$unpacked/install.sh" --engine /opt/libchdb.so >"$work/tarball.log" 2>&1 || { cat "$work/tarball.log" >&2; fail "it cannot be installed"; }
for file in /usr/local/bin/casement /etc/systemd/system/casement.service /usr/local/share/man/man1/casement-up.1 \
  /usr/local/share/bash-completion/completions/casement /etc/casement/casement.yaml /usr/local/share/casement/LICENSE \
  /usr/local/share/casement/casement.cdx.json; do
  [ -e "$root$file" ] || fail "$file is missing"
done
[ "$(in_root stat -c %U:%a /var/lib/casement)" = casement:700 ] || fail "/var/lib/casement is not its user's"
line=$(sed -n 's/^ExecStart=//p' "$root/etc/systemd/system/casement.service")
[ "${line%% *}" = /usr/local/bin/casement ] || fail "the unit starts ${line%% *}"
echo "ok: installed for the system"

as_casement casement self-check --config /etc/casement/casement.yaml >"$work/self-check.log" 2>&1 || { cat "$work/self-check.log" >&2; fail "its self-check fails"; }
grep -q "starts and computes" "$work/self-check.log" || { cat "$work/self-check.log" >&2; fail "the engine was not tried"; }
if as_casement casement self-check --data /usr/casement-data >/dev/null 2>&1; then fail "a directory that cannot be written passes the self-check"; fi
echo "ok: the self-check passes, and fails where it should"

host=127.92.$((RANDOM % 250)).$((RANDOM % 250 + 1))
exec_as_casement env CASEMENT__HTTP__ADDR="$host:8080" CASEMENT__BROKER__ADDR="$host:1883" CASEMENT__ENGINE__ADDR="$host:8123" \
  sh -c "exec $line --simulate 1" >"$work/tarball-up.log" 2>&1 &
started+=($!)
wait_line "$work/tarball-up.log" "Casement is ready"
kill "${started[0]}"
wait "${started[0]}" 2>/dev/null || fail "it did not end in order"
started=()
echo "ok: the unit's command runs everything"

echo "# mine" >>"$root/etc/casement/casement.yaml"
echo /usr/local/share/casement/of-an-older-version >>"$root/usr/local/share/casement/installed"
touch "$root/usr/local/share/casement/of-an-older-version"
in_root "$unpacked/install.sh" --engine none >"$work/tarball.log" 2>&1 || { cat "$work/tarball.log" >&2; fail "it cannot be installed over itself"; }
grep -q "^# mine" "$root/etc/casement/casement.yaml" || fail "the configuration was replaced"
[ ! -e "$root/usr/local/share/casement/of-an-older-version" ] || fail "a file of an older version stays"
[ -d "$root/var/lib/casement/data/accounts" ] || fail "accounts are gone"
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../casement.service "$root/etc/systemd/system/multi-user.target.wants/"
in_root /usr/local/share/casement/install.sh --uninstall >"$work/tarball.log" 2>&1 || { cat "$work/tarball.log" >&2; fail "it cannot be removed"; }
grep -q "stay in /var/lib/casement" "$work/tarball.log" || fail "removal does not say what stays"
listing | grep -vE '^\./var/lib/casement|^\./etc/casement' >"$work/after"
left=$(left_after "$work/before" "$work/after" | grep -vE '^\./(usr/local/share/(man/man1|bash-completion(/completions)?|zsh(/site-functions)?|fish(/vendor_completions.d)?)|etc/systemd/system/multi-user.target.wants)$' || true)
[ -z "$left" ] || fail "left after the removal: $left"
echo "ok: installed over itself, and removed; readings, accounts and configuration stay, and it says so"

# One person, without root.
in_root useradd --create-home ada
person() { in_root setpriv --reuid=ada --regid=ada --clear-groups env --chdir=/home/ada HOME=/home/ada "$@"; }
if person "$unpacked/install.sh" --system >/dev/null 2>&1; then fail "it installs for the system without root"; fi
listing >"$work/before"
person "$unpacked/install.sh" --engine /opt/libchdb.so >"$work/tarball.log" 2>&1 || { cat "$work/tarball.log" >&2; fail "a person cannot install it"; }
grep -q "^ExecStart=/home/ada/.local/bin/casement up" "$root/home/ada/.config/systemd/user/casement.service" || fail "the person's unit is wrong"
person .local/bin/casement self-check >"$work/self-check.log" 2>&1 || { cat "$work/self-check.log" >&2; fail "the person's self-check fails"; }
person .local/share/casement/install.sh --uninstall >"$work/tarball.log" 2>&1 || { cat "$work/tarball.log" >&2; fail "a person cannot remove it"; }
[ -z "$(in_root find /home/ada -type f ! -name '.*' -not -path '*/.cache/*')" ] || fail "files of it stay: $(in_root find /home/ada -type f ! -name '.*')"
listing >"$work/after"
[ -z "$(left_after "$work/before" "$work/after" | grep -v '^./home/ada/' || true)" ] || fail "it wrote elsewhere"
echo "ok: installed and removed by one person, who writes nowhere else"
