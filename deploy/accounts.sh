#!/bin/sh
# Runs in our image as the service `accounts`: the services' accounts, the authority with its certificate, and Mosquitto's files.
# After a change of accounts:
#   docker compose exec backend casement devices add sensor-001 --location Kitchen
#   docker compose run --rm accounts && docker compose kill -s HUP mosquitto
set -eu
umask 077
data=${DATA:-/var/lib/casement}
broker=${BROKER_ACCOUNTS:-/var/lib/broker-accounts}
services=${SERVICE_ACCOUNTS:-/var/lib/service-accounts}

# Word splitting is meant: names with spaces between them.
hosts="--host mosquitto --host backend --host localhost"
for host in ${CASEMENT_HOSTS:-}; do hosts="$hosts --host $host"; done
# shellcheck disable=SC2086
casement provision tls --data "$data" $hosts

# The demo's devices share an account. It hears everything as a monitor does, and what it may say is added below.
if [ ! -s "$broker/demo.password" ]; then
  casement accounts forget demo --data "$data" >/dev/null 2>&1 || true
  casement accounts add demo --role monitor --label "simulated rooms" --data "$data" --json |
    sed -n 's/.*"password": *"\([^"]*\)".*/\1/p' >"$broker/demo.password"
  [ -s "$broker/demo.password" ] || { echo "error: the account demo has no password" >&2; exit 1; }
fi

# Its configuration file is not used: Mosquitto's paths in the container are others.
casement provision mosquitto --data "$data" --out "$broker" >/dev/null
rm "$broker/mosquitto.conf"
cat >>"$broker/acl" <<'ACL'

user demo
topic write sensor/#
topic write window/+/state
topic write device/+/status
ACL
cp "$data/tls/server.pem" "$data/tls/server.key" "$broker/"
for name in casement-backend casement-ml demo; do
  cp "$broker/$name.password" "$services/"
done
echo "accounts and certificates are ready"
