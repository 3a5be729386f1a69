# A root made by debootstrap, for the checks of packages: sourced, from the repository's root. In: `work`, a directory, and `root`,
# where the root is to be.
# shellcheck shell=bash
: "${work:?}" "${root:?}"
# Where processes of the check run, by pid; they are ended with it.
started=()
mkdir -p "$work"

fail() { echo "error: $1" >&2; exit 1; }
in_root() { chroot "$root" /usr/bin/env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
# As the user of the service, in its directory: in place of this shell, so that in the background its pid is the one known here.
exec_as_casement() {
  exec chroot "$root" /usr/bin/env -i --chdir=/var/lib/casement PATH=/usr/local/bin:/usr/bin:/bin HOME=/var/lib/casement XDG_CACHE_HOME=/var/cache \
    setpriv --reuid=casement --regid=casement --clear-groups "$@"
}
as_casement() { (exec_as_casement "$@"); }

end_root() {
  local pid
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
  started=()
  umount "$root/proc" 2>/dev/null || true
  # Never into what is still mounted.
  rm -rf --one-file-system "$root"
}

# make_root: a fresh one, of minbase.
make_root() {
  trap end_root EXIT
  umount "$root/proc" 2>/dev/null || true
  rm -rf --one-file-system "$root"
  # What an earlier check has said is no answer.
  rm -f "$work"/*.log
  if [ ! -e "$work/base.tar" ]; then
    echo "making the base by debootstrap"
    debootstrap --variant=minbase --include=ca-certificates bookworm "$root" >"$work/debootstrap.log"
    tar -C "$root" --exclude './var/cache/apt/archives/*.deb' --exclude './dev/*' -cf "$work/base.tar.new" .
    mv "$work/base.tar.new" "$work/base.tar"
    rm -rf "$root"
  fi
  mkdir -p "$root"
  tar -C "$root" -xf "$work/base.tar"
  mkdir -p "$root/dev" "$root/proc"
  [ -e "$root/dev/null" ] || mknod -m 666 "$root/dev/null" c 1 3
  [ -e "$root/dev/urandom" ] || mknod -m 666 "$root/dev/urandom" c 1 9
  [ -e "$root/dev/random" ] || mknod -m 666 "$root/dev/random" c 1 8
  # The engine's process is this program again, which /proc knows.
  mount -t proc proc "$root/proc"
}

# The engine that this user has, for a root: at FILE in it. A link, where the file system allows.
give_engine() { # FILE
  local library=${CASEMENT_LIBCHDB:-}
  [ -n "$library" ] || library=$(find "${XDG_CACHE_HOME:-$HOME/.cache}/casement/chdb" -name libchdb.so 2>/dev/null | head -1)
  [ -n "$library" ] || fail "the embedded ClickHouse is not here: make engine"
  mkdir -p "$(dirname "$root$1")"
  ln -f "$library" "$root$1" 2>/dev/null || cp "$library" "$root$1"
}

# wait_line FILE TEXT: until the log of what was started has a line, for two minutes.
wait_line() {
  local _
  for _ in $(seq 1200); do
    ! grep -qsF "$2" "$1" || return 0
    kill -0 "${started[0]}" 2>/dev/null || break
    sleep 0.1
  done
  cat "$1" >&2
  fail "'$2' was not said"
}

# Every file but those of the kernel, of dpkg and of the caches.
listing() {
  (cd "$root" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./tmp -o -path ./run -o -path ./var/lib/dpkg \
    -o -path ./var/log -o -path ./var/cache/ldconfig \) -prune -o -print | sort)
}
# left_after BEFORE AFTER: what is new, but for the books of users.
left_after() { comm -13 "$1" "$2" | grep -vE '^\./etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$' || true; }
