#!/usr/bin/env bash
# Runs an ML service in Python as it is beside Casement, which it knows nothing of, while a person holds a window: target/python-service.
#
#   SERVICE=/path/to/service.py scripts/check-python-service.sh [CASEMENT]
#
# The service runs in its own directory on the broker that its config.yaml names (mqtt.broker), which has to be on this machine and is
# Casement's: that port has to be free. requirements.txt beside the service is installed, if there is one, and otherwise what a service
# needs that is written by the specification: PyTorch is large. PYTHON names the Python, ARGS are the service's.
set -euo pipefail
cd "$(dirname "$0")/.."
tests=crates/casement/tests/windows

fail() { echo "error: $1" >&2; exit 1; }
[ -n "${SERVICE:-}" ] || fail "no ML service is named: SERVICE=/path/to/service.py"
[ -f "$SERVICE" ] || fail "$SERVICE is no file: SERVICE names the ML service's program in Python"
service=$(realpath "$SERVICE")
casement=$(realpath "${1:-target/debug/casement}")
[ -x "$casement" ] || fail "$casement is missing: make check-python-service builds it"
python=${PYTHON:-python3}
command -v "$python" >/dev/null || fail "$python is missing; install it, or name another one by PYTHON"

requirements=$(dirname "$service")/requirements.txt
[ -f "$requirements" ] || requirements=$tests/service.txt
env=target/python-service/python
stamp="$("$python" --version) $(sha256sum < "$requirements" | cut -d' ' -f1)"
if [ "$(cat "$env/stamp" 2>/dev/null)" != "$stamp" ]; then
  echo "preparing the Python environment of the ML service in $env"
  rm -rf "$env"
  mkdir -p "$(dirname "$env")"
  "$python" -m venv "$env" || fail "$python cannot make a virtual environment; install python3-venv and run this again"
  # The check itself speaks MQTT and reads the service's configuration.
  nice "$env/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" paho-mqtt pyyaml
  echo "$stamp" > "$env/stamp"
fi
# shellcheck disable=SC2086 # a list of words
exec "$env/bin/python" "$tests/service.py" "$casement" "$service" target/python-service/run ${ARGS:-}
