#!/usr/bin/env bash
# Fetches the ClickHouse engine (libchdb) once into the user's cache, verified against a pinned hash.
# Works offline afterwards. CASEMENT_LIBCHDB names another copy and makes this unnecessary.
set -euo pipefail

version=26.7.3-stable.1

if [ -n "${CASEMENT_LIBCHDB:-}" ]; then
  [ -f "$CASEMENT_LIBCHDB" ] && exit 0
  echo "error: CASEMENT_LIBCHDB names $CASEMENT_LIBCHDB, which is not there" >&2
  exit 1
fi

# Casement builds and runs without the engine, beside a ClickHouse of the user's own.
without_engine() {
  echo "note: $1" >&2
  echo "  Run Casement beside a ClickHouse of your own: casement up --clickhouse http://HOST:8123" >&2
  echo "  or set CASEMENT_LIBCHDB to a libchdb.so $version$2." >&2
  exit 0
}

case "$(uname -s)-$(uname -m)" in
Linux-x86_64)
  package=@chdb/lib-linux-x64-gnu
  integrity=XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw==
  size=178000000
  ;;
Linux-aarch64)
  # Its hash could not be recorded when this was written, so nothing is fetched unverified.
  without_engine "no verified ClickHouse engine is known for arm64" " (npm package @chdb/lib-linux-arm64-gnu)"
  ;;
*)
  without_engine "there is no ClickHouse engine for $(uname -s) on $(uname -m)" ""
  ;;
esac

cache=${XDG_CACHE_HOME:-$HOME/.cache}/casement/chdb
target=$cache/$version/libchdb.so
[ -f "$target" ] && exit 0

mkdir -p "$cache/$version"
exec 9> "$cache/lock"
flock 9
[ -f "$target" ] && exit 0

command -v npm >/dev/null || {
  echo "error: npm fetches the ClickHouse engine and is missing; install Node.js with npm, or set CASEMENT_LIBCHDB" >&2
  exit 1
}
free=$(df --output=avail -k "$cache" | tail -1)
[ "$free" -gt 900000 ] || { echo "error: fetching the ClickHouse engine needs 900 MB free below $cache" >&2; exit 1; }

work=$(mktemp -d "$cache/fetching.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "fetching the ClickHouse engine $version (178 MB, once) into $cache"
# npm says nothing while it fetches: its own cache, kept in the work folder, shows how far it is.
(cd "$work" && npm pack --silent --cache "$work/npm" "$package@$version" > "$work/name" 2> "$work/errors") &
npm=$!
while kill -0 "$npm" 2>/dev/null; do
  sleep 1
  have=$(du -sb "$work" 2>/dev/null | cut -f1)
  [ ! -t 1 ] || printf '\r  %3d %%' $(( ${have:-0} * 100 / size > 99 ? 99 : ${have:-0} * 100 / size ))
done
[ ! -t 1 ] || printf '\r         \r'
wait "$npm" || { echo "error: npm could not fetch $package@$version:" >&2; grep -v '^npm warn' "$work/errors" >&2 || true; exit 1; }
archive=$work/$(tail -1 "$work/name")

echo "verifying"
found=$(openssl dgst -sha512 -binary "$archive" 2>/dev/null | base64 -w0) || true
[ -n "$found" ] || found=$(sha512sum "$archive" | cut -d' ' -f1 | xxd -r -p | base64 -w0)
[ "$found" = "$integrity" ] || { echo "error: $package@$version is not what was pinned; nothing was installed" >&2; exit 1; }

echo "unpacking"
tar -xzf "$archive" -C "$work" package/libchdb.so
# Whoever looks sees the whole library or none.
mv "$work/package/libchdb.so" "$target"
echo "the ClickHouse engine is at $target"
