#!/usr/bin/env bash
# Makes target/tarball/casement-VERSION-ARCH-linux.tar.gz, of a binary that is built already, and its symbols beside it.
#   scripts/tarball.sh [release|debug]
# The binary needs glibc alone: nothing else is linked at run time, which is checked here. It is not linked against a libc of its
# own (musl), since it loads libchdb, which needs glibc. libchdb is not in it: 560 MB that change more rarely than the program,
# fetched once by install.sh against a pinned hash, or given by --engine FILE where there is no network.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${1:-release}
case "$profile" in
release | debug) ;;
*) echo "usage: $0 [release|debug]" >&2; exit 2 ;;
esac
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)
name=casement-$version-$(uname -m)-linux
out=target/tarball
root=$out/$name
rm -rf "$root" "$out/$name".*
mkdir -p "$root/bin" "$root/etc" "$root/systemd" "$root/systemd-user" "$root/completions" "$root/docs"

scripts/strip.sh "$profile" "$out/stripped"
needed=$(objdump -p "$out/stripped/casement" | sed -n 's/^ *NEEDED *//p' | sort | tr '\n' ' ')
for library in $needed; do
  case "$library" in
  libc.so.6 | libm.so.6 | libgcc_s.so.1 | ld-linux-*.so.*) ;;
  *) echo "error: the binary needs $library, which not every machine has" >&2; exit 1 ;;
  esac
done
glibc=$(objdump -T "$out/stripped/casement" | grep -o 'GLIBC_2\.[0-9]*' | sort -uV | tail -1)
echo "it needs $needed($glibc)"

cp "$out/stripped/casement" "$root/bin/casement"
scripts/documents.sh "target/$profile/casement" "$out/documents"
mkdir "$root/man"
cp "$out"/documents/man/*.1 "$root/man/"
cp "$out/documents/casement.bash" "$out/documents/_casement" "$out/documents/casement.fish" "$root/completions/"
cp docs/*.md "$root/docs/"
cp LICENSE README.md CHANGELOG.md "$root/"
cp config/casement.yaml "$root/casement.yaml"
cp deploy/debian/casement.yaml "$root/etc/casement.yaml"
cp deploy/systemd/*.service "$root/systemd/"
cp deploy/tarball/casement.service "$root/systemd-user/"
cp deploy/tarball/install.sh scripts/fetch-engine.sh "$root/"
scripts/sbom.sh "$root/casement.cdx.json"
sums=$(cd "$root" && find . -type f -printf '%P\n' | LC_ALL=C sort | xargs sha256sum)
echo "$sums" >"$root/SHA256SUMS"
# The same files give the same bytes.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
tar -C "$out" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" -cf - "$name" | gzip -9n >"$out/$name.tar.gz"
gzip -9nc "$out/stripped/casement.debug" >"$out/$name.debug.gz"
rm -rf "$root" "$out/documents" "$out/stripped"
(cd "$out" && sha256sum "$name.tar.gz" "$name.debug.gz" >"$name.sha256")
echo "$out/$name.tar.gz has $(stat -c %s "$out/$name.tar.gz") bytes"
