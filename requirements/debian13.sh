#!/bin/sh
# Runs a command on stack B: in a Debian 13 root of its own, on a copy of this tree.
#
#   requirements/debian13.sh COMMAND...      such as: make test
#
# TFX 1.21 needs glibc 2.39, and a container engine is not everywhere: debootstrap and chroot
# are enough, and root. The root is made once and kept outside of the repository, in
# DEBIAN13_ROOT; with it go .venv and var of the copy, so that a second run installs nothing.
set -eu
cd "$(dirname "$0")/.."

root=${DEBIAN13_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/tens-insight/debian13}
packages="ca-certificates chromium curl fonts-dejavu-core g++ gcc git libc6-dev make prometheus prometheus-alertmanager
 prometheus-node-exporter prometheus-pushgateway python3 python3-dev python3-venv redis-server"
place=/srv/tens-insight

if [ "$(id -u)" != 0 ] || ! command -v debootstrap >/dev/null; then
    echo "This needs root and debootstrap (Debian's package debootstrap): both make the Debian 13" \
        "root that TFX 1.21 runs in where the system's own glibc is older than 2.39." >&2
    exit 1
fi

# A second command would replace the tree under the first one. The lock ends with what it starts.
mkdir -p "$(dirname "$root")"
exec 9>"$root.lock"
if ! flock --nonblock 9; then
    echo "Another command is at work in $root: wait until it has ended, or name another folder in" \
        "DEBIAN13_ROOT." >&2
    exit 1
fi

if [ "$(cat "$root/.complete" 2>/dev/null)" != "$packages" ]; then
    echo "Making a Debian 13 root in $root (some minutes; over 1 GB)."
    # debootstrap itself cannot resolve a browser's dependencies: apt does, in the root.
    {
        if [ ! -e "$root/.complete" ]; then
            rm -rf "$root" && mkdir -p "$root" &&
                debootstrap --variant=minbase trixie "$root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"}
        fi &&
            cp /etc/resolv.conf /etc/hosts "$root/etc/" &&
            chroot "$root" apt-get update &&
            # shellcheck disable=SC2086 # a list of words
            DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install --yes --no-install-recommends $packages
    } >"$root.log" 2>&1 || {
        tail -n 20 "$root.log" >&2
        echo "Making the Debian 13 root failed: see $root.log." >&2
        exit 1
    }
    echo "$packages" >"$root/.complete"
fi

cp /etc/resolv.conf /etc/hosts "$root/etc/"
# Whoever's network answers with certificates of its own has them in the system's bundle.
cp "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$root/etc/ssl/certs/ca-certificates.crt"
mkdir -p "$root$place"
# What was deleted here must go there too; what was installed and run there stays.
find "$root$place" -mindepth 1 -maxdepth 1 ! -name .venv ! -name var -exec rm -rf {} +
git ls-files -z --cached --others --exclude-standard |
    tar --create --null --files-from=- --ignore-failed-read 2>/dev/null |
    tar --extract --directory "$root$place"
# Some tests ask git which files belong to the tree.
git -C "$root$place" init --quiet
git -C "$root$place" add --all

# In a mount namespace of its own, nothing stays mounted, however this ends.
exec unshare --mount --fork --pid --kill-child sh -eu -c '
    root=$1 place=$2
    shift 2
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --rbind /sys "$root/sys"
    exec chroot "$root" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/bin:/usr/bin:/bin \
        SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
        ${REQUIRE_BROWSER:+REQUIRE_BROWSER=$REQUIRE_BROWSER} \
        sh -c "cd $place && exec \"\$@\"" sh "$@"
' sh "$root" "$place" "$@"
