#!/usr/bin/env bash
# Tries Casement on real Home Assistants, in both forms of discovery: target/homeassistant. Takes some minutes, most of them for their
# first starts. Each runs on the newest Python that it can: python3.13, 3.12 and 3.11 on PATH are looked at, or what PYTHON names:
#
#   PYTHON="/opt/python3.13/bin/python3 /opt/python3.11/bin/python3" scripts/check-homeassistant.sh
#
# 2024.3.3 is the newest on Python 3.11, and knows messages for each entity alone. On 3.12 the newest is 2025.1.4, on 3.13.0 2025.4.4;
# both know messages for a whole device, and are tried with either form, and with the change from one to the other.
set -euo pipefail
cd "$(dirname "$0")/.."
tests=crates/mqtt/tests/homeassistant

# The first Python among those to be looked at that is one of these versions.
python_of() { # version...
  local python version
  for python in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
    version=$("$python" -c 'import sys, venv; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    case " $* " in *" $version "*) echo "$python $version"; return ;; esac
  done
  return 1
}

# An environment with that Home Assistant, its MQTT client among it: it would install that itself, later.
environment() { # python, version of Home Assistant
  local env=target/homeassistant/$2/python
  [ "$(cat "$env/stamp" 2>/dev/null)" = "$2 on $("$1" --version)" ] && return
  echo "Home Assistant $2 on $("$1" --version)"
  rm -rf "$env"
  "$1" -m venv "$env"
  # What signs in at its makers' cloud is not of this check, and does not start with a newer josepy.
  "$env/bin/pip" install --quiet --disable-pip-version-check "homeassistant==$2" 'josepy<2'
  local needed='import json, pathlib, homeassistant as home
print(*json.loads((pathlib.Path(home.__file__).parent / "components/mqtt/manifest.json").read_text())["requirements"])'
  # shellcheck disable=SC2046 # a list of words
  "$env/bin/pip" install --quiet --disable-pip-version-check $("$env/bin/python" -c "$needed")
  echo "$2 on $("$1" --version)" > "$env/stamp"
}

# Its schema is the one that the tests hold messages against, where that is of this version.
compare_schema() { # version
  local kept
  for kept in "$tests"/schema*.json; do
    if grep -q "\"source\": \"homeassistant $1 " "$kept"; then
      "target/homeassistant/$1/python/bin/python" "$tests/schema.py" | diff - "$kept"
    fi
  done
}

tried=0
try() { # python, version of Home Assistant, form...
  local python=$1 version=$2 form
  shift 2
  environment "$python" "$version"
  compare_schema "$version"
  for form; do
    echo "Home Assistant $version, discovery: $form"
    "target/homeassistant/$version/python/bin/python" crates/casement/tests/home_assistant/real.py \
      target/debug/casement "target/homeassistant/$version/python/bin/hass" target/homeassistant/run "$form"
  done
  tried=$((tried + 1))
}

if found=$(python_of 3.11 3.12); then
  try "${found% *}" 2024.3.3 component
else
  echo "no Python 3.11 or 3.12: a Home Assistant that knows messages for each entity alone is not tried" >&2
fi
if found=$(python_of 3.13); then
  try "${found% *}" 2025.4.4 component device
elif found=$(python_of 3.12); then
  try "${found% *}" 2025.1.4 component device
else
  echo "no Python 3.12 or 3.13: a Home Assistant that knows messages for a device is not tried" >&2
fi
[ "$tried" -gt 0 ] || { echo "error: PYTHON names no Python 3.11, 3.12 or 3.13, and none is on PATH" >&2; exit 1; }
