#!/usr/bin/env bash
# Builds the page into web/dist, if anything that it is made of has changed, and fetches what its tests need.
# Needs Node 18.19 or later with npm.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v npm >/dev/null || ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(+a > 18 || (+a === 18 && +b >= 19) ? 0 : 1)'; then
  echo "error: the page is built by Node 18.19 or later with npm; scripts/packages.sh build installs it on Debian" >&2
  exit 1
fi

digest() { sha256sum "$@" | sha256sum | cut -d' ' -f1; }

# What npm installed, and of which list.
list=$(digest web/package.json web/package-lock.json web/.npmrc)
if [ "$(cat web/node_modules/.made-of 2>/dev/null)" != "$list" ]; then
  echo "fetching what the page is built with"
  npm --prefix web ci --no-progress --loglevel=error
  echo "$list" > web/node_modules/.made-of
fi

mapfile -d '' -t sources < <(find web/src web/public web/scripts web/index.html web/vite.config.ts web/tsconfig.json web/package.json \
  web/package-lock.json docs/openapi.json -type f ! -path web/src/api/schema.ts -print0 | LC_ALL=C sort -z)
made_of=$(digest "${sources[@]}")
if [ "$(cat web/dist/.made-of 2>/dev/null)" != "$made_of" ]; then
  echo "building the page"
  npm --prefix web run --silent build
  echo "$made_of" > web/dist/.made-of
fi
