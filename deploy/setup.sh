#!/bin/sh
# Makes what compose.yaml needs before its first start: passwords in secrets/, and .env. What is there already stays, so
# that it can be run again. Accounts of devices and services are made by the service `accounts`.
set -eu
cd "$(dirname "$0")"
umask 077

# Letters and digits alone: 32 of them have 190 bits.
password() { LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c 32; }

# The containers' users are in the group of these files, and only root and we can enter the directory.
mkdir -p secrets
chmod 700 secrets
for name in clickhouse-admin clickhouse-writer clickhouse-reader grafana-admin; do
  if [ ! -s "secrets/$name" ]; then
    password >"secrets/$name.new"
    mv "secrets/$name.new" "secrets/$name"
    echo "made secrets/$name"
  fi
  chmod 640 "secrets/$name"
done

digest() { printf '%s' "$(cat "secrets/clickhouse-$1")" | sha256sum | cut -d' ' -f1; }
cat >secrets/clickhouse-passwords.xml.new <<XML
<!-- Written by setup.sh: digests of the passwords beside it. -->
<clickhouse>
    <users>
        <admin><password_sha256_hex>$(digest admin)</password_sha256_hex></admin>
        <writer><password_sha256_hex>$(digest writer)</password_sha256_hex></writer>
        <reader><password_sha256_hex>$(digest reader)</password_sha256_hex></reader>
    </users>
</clickhouse>
XML
chmod 640 secrets/clickhouse-passwords.xml.new
# In place: a running container sees the file that it was started with.
cat secrets/clickhouse-passwords.xml.new >secrets/clickhouse-passwords.xml
rm secrets/clickhouse-passwords.xml.new
chmod 640 secrets/clickhouse-passwords.xml

if [ ! -e .env ]; then
  cp .env.example .env
  echo "made .env"
fi
gid=$(id -g)
if grep -q '^SECRETS_GID=$' .env; then
  sed "s/^SECRETS_GID=\$/SECRETS_GID=$gid/" .env >.env.new
  mv .env.new .env
fi
chmod 600 .env
echo "ready: docker compose -f deploy/compose.yaml up -d --build"
