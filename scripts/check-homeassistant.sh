#!/usr/bin/env bash
# Tries Casement on a real Home Assistant: target/homeassistant. Takes some minutes, most of them for its first start.
# 2024.3.3 is the newest that runs on Python 3.11, and knows messages for each entity alone.
set -euo pipefail
cd "$(dirname "$0")/.."
version=2024.3.3
# What the script of the check speaks MQTT with, in Home Assistant's own version: it installs that itself, later.
paho='paho-mqtt==1.6.1'
env=target/homeassistant/python
if [ "$(cat "$env/stamp" 2>/dev/null)" != "$version $paho" ]; then
  rm -rf "$env"
  python3 -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' || {
    echo "error: Home Assistant $version needs Python 3.11 or 3.12" >&2
    exit 1
  }
  python3 -m venv "$env"
  "$env/bin/pip" install --quiet --disable-pip-version-check "homeassistant==$version" 'josepy<2' "$paho"
  echo "$version $paho" > "$env/stamp"
fi
"$env/bin/python" crates/mqtt/tests/homeassistant/schema.py | diff - crates/mqtt/tests/homeassistant/schema.json
exec "$env/bin/python" crates/casement/tests/home_assistant/real.py \
  target/debug/casement "$env/bin/hass" target/homeassistant/run
