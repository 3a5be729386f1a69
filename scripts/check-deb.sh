#!/usr/bin/env bash
# Two packages in a root made by debootstrap: the older one is installed and runs as its units say, a device joins by TLS and its
# window moves; the newer one goes over it and over ROWS (1000000) readings, and over data of an older schema; purged, it leaves
# nothing but what it says. lintian has read both.
#   scripts/check-deb.sh OLD.deb NEW.deb [ROWS]        ten million: make check-deb ROWS=10000000
# Needs root, debootstrap, mosquitto-clients, lintian and the engine (make engine). make check-deb makes two versions.
set -euo pipefail
cd "$(dirname "$0")/.."
work=target/image
root=$PWD/$work/deb-root
# shellcheck disable=SC1091
. scripts/root.sh
[ $# -ge 2 ] || fail "usage: $0 OLD.deb NEW.deb [ROWS]"
packages=("$1" "$2")
rows=${3:-1000000}
version() { dpkg-deb --field "$1" Version; }
from=$(version "${packages[0]}")
to=$(version "${packages[1]}")
dpkg --compare-versions "$from" lt "$to" || fail "$from is not older than $to"
command -v lintian >/dev/null || fail "lintian is missing: apt-get install lintian"
lintian --fail-on error,warning --allow-root "${packages[@]}" || fail "lintian objects"
echo "ok: lintian has nothing to say"

make_root
# The package's other need comes from this machine's archive, as the base did.
[ -e "$root/usr/sbin/adduser" ] || {
  (cd "$work" && apt-get download --quiet adduser >/dev/null)
  cp "$work"/adduser_*.deb "$root/tmp/"
  in_root sh -c 'dpkg --install /tmp/adduser_*.deb' >/dev/null
  rm "$root"/tmp/adduser_*.deb
}
cp "${packages[0]}" "$root/tmp/old.deb"
cp "${packages[1]}" "$root/tmp/new.deb"
listing >"$work/before"

in_root dpkg --install /tmp/old.deb >"$work/install.log" 2>&1 || { cat "$work/install.log" >&2; fail "it cannot be installed"; }
[ "$(in_root stat -c %U:%a /var/lib/casement)" = casement:700 ] || fail "/var/lib/casement is not its user's"
for file in /usr/bin/casement /lib/systemd/system/casement.service /usr/share/man/man1/casement-up.1.gz \
  /usr/share/bash-completion/completions/casement /usr/share/zsh/vendor-completions/_casement \
  /usr/share/fish/vendor_completions.d/casement.fish /etc/casement/casement.yaml /usr/share/doc/casement/casement.cdx.json \
  /usr/share/doc/casement/changelog.gz \
  /usr/share/doc/casement/changelog.Debian.gz /usr/share/doc/casement/copyright; do
  [ -e "$root$file" ] || fail "$file is missing"
done
# Each shell's completions are in that shell's manner, and know the commands.
for file in "bash-completion/completions/casement:complete -F" "zsh/vendor-completions/_casement:#compdef casement" \
  "fish/vendor_completions.d/casement.fish:complete -c casement"; do
  grep -qe "${file#*:}" "$root/usr/share/${file%%:*}" || fail "${file%%:*} completes nothing"
  grep -q backup "$root/usr/share/${file%%:*}" || fail "${file%%:*} does not know the commands"
done
echo "ok: $from is installed"

# What a unit runs, with ports of this check's own.
mqtts=$((20000 + RANDOM % 5000))
host=127.91.$((RANDOM % 250)).$((RANDOM % 250 + 1))
unit() { sed -n 's/^ExecStart=//p' "$root/lib/systemd/system/$1.service"; }
extra=() # Variables of the next starts.
start() { # UNIT LOG
  : >"$2"
  exec_as_casement env "${extra[@]}" CASEMENT__HTTP__ADDR="$host:8080" CASEMENT__MQTT__BROKER="tcp://$host:1883" CASEMENT__CLICKHOUSE__ADDR="$host:8123" \
    CASEMENT__ENGINE__ADDR="$host:8123" CASEMENT__ML__ADDR="$host:8081" \
    CASEMENT__BROKER__LISTENERS="[{addr: \"$host:1883\"}, {addr: \"127.0.0.1:$mqtts\", tls: true}]" \
    sh -c "exec $(unit "$1")" >"$2" 2>&1 &
  started=($!)
}
stop() {
  kill "${started[0]}"
  wait "${started[0]}" 2>/dev/null || fail "it did not end in order"
  started=()
}
as_casement casement provision tls --host localhost --data /var/lib/casement/data >"$work/deb-tls.log" 2>&1 || { cat "$work/deb-tls.log" >&2; fail "no certificate can be made"; }
start casement-backend "$work/deb-backend.log"
wait_line "$work/deb-backend.log" "casement backend is running"
stop
# Without a broker it waits for one.
start casement-ml "$work/deb-ml.log"
wait_line "$work/deb-ml.log" "the model is loaded"
stop
echo "ok: the commands of casement-backend and casement-ml run"

give_engine "/var/cache/casement/chdb/$(sed -n 's/^version=//p' scripts/fetch-engine.sh)/libchdb.so"
in_root chown -R casement:casement /var/cache/casement/chdb
as_casement casement self-check --config /etc/casement/casement.yaml >"$work/self-check.log" 2>&1 || { cat "$work/self-check.log" >&2; fail "its self-check fails"; }
start casement "$work/deb-up.log"
wait_line "$work/deb-up.log" "Casement is ready"
as_casement casement devices add sensor-001 --json --config /etc/casement/casement.yaml >"$work/deb-device.json" 2>"$work/deb-device.log" || { cat "$work/deb-device.log" >&2; fail "no device can be added"; }
password=$(sed -n 's/.*"password": *"\([^"]*\)".*/\1/p' "$work/deb-device.json" | head -1)
[ -n "$password" ] || fail "the device has no password"
device=(-h localhost -p "$mqtts" --cafile "$root/var/lib/casement/data/tls/ca.pem" -u sensor-001 -P "$password" -V 5 -q 1)
if mosquitto_pub "${device[@]:0:8}" -P wrong -V 5 -q 1 -t sensor/sensor-001/temperature -m 21 2>/dev/null; then fail "a guessed password comes in"; fi
mosquitto_sub "${device[@]}" -t window/sensor-001/control -C 1 -W 120 >"$work/deb-window.log" 2>&1 &
window=$!
started+=("$window")
# Values that change are decided on.
says() { # QUANTITY VALUE
  mosquitto_pub "${device[@]}" -t "sensor/sensor-001/$1" -m "{\"value\": $2, \"timestamp\": \"$(date -u +%FT%TZ)\"}"
}
for value in $(seq 20 79); do
  kill -0 "$window" 2>/dev/null || break
  says temperature "$((20 + value % 10))" || fail "the device cannot publish by TLS"
  says humidity "$((40 + value % 20))"
  sleep 1
done
wait "$window" || { cat "$work/deb-up.log" >&2; fail "its window does not move"; }
grep -q '"position"' "$work/deb-window.log" || fail "the window hears $(cat "$work/deb-window.log")"
started=("${started[0]}")
echo "ok: a device joins by TLS, and its window moves"

sql() { as_casement casement sql --clickhouse "http://$host:8123" "$1" </dev/null; }
sql "INSERT INTO iot.sensor_temperature (device_id, timestamp, value) SELECT concat('sensor-', toString(number % 100)), now() - number % 864000, 20 + number % 10 FROM numbers($rows)" || fail "no rows can be made"
count="SELECT count(), sum(cityHash64(device_id, timestamp, value)) FROM iot.sensor_temperature"
stored=$(sql "$count")
stop

# Data of an older schema lie there as well when the new version comes. Everything in them is old, and stays.
fixture=crates/casement/tests/fixtures/data-schema-26
data=$root/var/lib/casement/data
mv "$data" "$data.present"
tar -C "$root/var/lib/casement" -xJf "$fixture.tar.xz"
# A listener with TLS was added to the configuration since.
cp -a "$data.present/tls" "$data/"
in_root chown -R casement:casement /var/lib/casement/data

# Over the data, to another version. A change of the configuration outlives it.
echo "# mine" >>"$root/etc/casement/casement.yaml"
in_root dpkg --install /tmp/new.deb >"$work/upgrade.log" 2>&1 || { cat "$work/upgrade.log" >&2; fail "it cannot be upgraded"; }
# shellcheck disable=SC2016
[ "$(in_root dpkg-query --show --showformat='${Version}' casement)" = "$to" ] || fail "$to is not installed"
grep -q "^# mine" "$root/etc/casement/casement.yaml" || fail "the configuration was replaced"
extra=(CASEMENT__RETENTION__MIN_FREE_BYTES=0 CASEMENT__MODEL__PATH=/var/lib/casement/data/models/window_regressor.pth)
for name in ERRORS SYSTEM_METRICS AUDIT; do extra+=("CASEMENT__RETENTION__${name}_DAYS=20000"); done
start casement "$work/deb-up.log"
wait_line "$work/deb-up.log" "Casement is ready"
extra=()
for _ in $(seq 600); do
  schema=$(sql "SELECT max(version) FROM iot.schema_migrations" || echo 0)
  [ "$schema" -le 26 ] || break
  sleep 0.1
done
was() { python3 -c 'import json, sys
account = json.load(open(sys.argv[1]))
print("schema", account["schema"], sep="\t")
for name, table in account["tables"].items():
    print(name, table["rows"], table["checksum"], table["sum"], table["final"] or "-", sep="\t")' "$fixture.json"; }
tables=0
while IFS=$'\t' read -r table rows_were sum_was sum final; do
  if [ "$table" = schema ]; then
    [ "$schema" -gt "$rows_were" ] || fail "the schema is $schema after the upgrade from $rows_were"
    continue
  fi
  is=$(sql "SELECT count(), $sum FROM iot.$table ${final%-}")
  case "$table" in
  # Nothing that waited in the journal goes there.
  sensor_co2 | sensor_pressure | sensor_illuminance | window_states)
    [ "$is" = "$rows_were"$'\t'"$sum_was" ] || fail "$table was $rows_were $sum_was, and is $is" ;;
  *) [ "${is%%$'\t'*}" -ge "$rows_were" ] || fail "$table had $rows_were rows, and has $is" ;;
  esac
  tables=$((tables + 1))
done < <(was)
[ "$tables" -ge 27 ] || fail "$fixture has $tables tables"
stop
rm -rf "$data"
mv "$data.present" "$data"
echo "ok: $to goes over data of ${fixture##*-schema-}, an older schema, to $schema: every row of $tables tables is there"

start casement "$work/deb-up.log"
wait_line "$work/deb-up.log" "Casement is ready"
says co2 800 || fail "the device is not known any more"
[ "$(sql "$count")" = "$stored" ] || fail "readings are not as they were: '$(sql "$count")', '$stored'"
stop
echo "ok: upgraded from $from to $to over ${stored%%[^0-9]*} readings; configuration, accounts and readings are as they were"

# Enabled, as docs/install.md says: the links go with the package, whether a systemd is there to take them away or not.
wants=etc/systemd/system/multi-user.target.wants
made_wants=
[ -d "$root/$wants" ] || made_wants=$wants
mkdir -p "$root/$wants"
for name in casement casement-backend; do ln -s "/lib/systemd/system/$name.service" "$root/$wants/"; done
in_root dpkg --purge casement >"$work/purge.log" 2>&1 || { cat "$work/purge.log" >&2; fail "it cannot be purged"; }
grep -q "stay in /var/lib/casement" "$work/purge.log" || { cat "$work/purge.log" >&2; fail "the purge does not say what stays"; }
for name in casement casement-backend; do
  if [ -L "$root/$wants/$name.service" ]; then fail "the purge leaves the link of $name.service"; fi
done
[ -z "$made_wants" ] || rmdir "$root/$made_wants"
listing | grep -v '^./var/lib/casement' >"$work/after"
left=$(left_after "$work/before" "$work/after")
[ -z "$left" ] || fail "left after the purge: $left"
[ -d "$root/var/lib/casement/data/engine" ] || fail "readings are gone"
echo "ok: purged; readings and accounts stay, and it says so"
