#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Fetches the mail systems that bench/run.sh compares with, and that tests/run.sh has as destinations. They are unpacked, not installed: Debian's
# packages of mail servers exclude each other, and none of them is to become a service of this machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<TEXT
Usage: sudo bash bench/peers.sh [--help] [--mail-servers] [DIRECTORY]

Unpacks HAProxy, Exim, OpenSMTPD and nginx (Debian packages) and Haraka (npm) into DIRECTORY,
build-bench/peers by default, and says what of them runs. What is there already is not fetched again.
With --mail-servers, Exim and OpenSMTPD only.
Postfix is installed by tests/setup.sh.
TEXT
}

HARAKA=3.3.4
packages=(haproxy exim4-daemon-light opensmtpd nginx-light libnginx-mod-mail)

case ${1-} in
-h | --help) usage && exit 0 ;;
--mail-servers)
    packages=(exim4-daemon-light opensmtpd)
    HARAKA=
    shift
    ;;
-*) usage >&2 && exit 64 ;;
esac
root=${1-build-bench/peers}
mkdir -p "$root/debs"
root=$(cd "$root" && pwd)

# unpack PACKAGE: it, and what it needs that this machine has not.
unpack() {
    local needed
    [ ! -e "$root/debs/$1.done" ] || return 0
    needed=$(apt-get install -s --no-install-recommends "$1" 2>/dev/null | awk '$1 == "Inst" { print $2 }')
    # shellcheck disable=SC2086  # a list of names
    (cd "$root/debs" && apt-get download -q $1 $needed >/dev/null) || return 1
    for deb in "$root"/debs/*.deb; do
        dpkg-deb -x "$deb" "$root"
    done
    rm -f "$root"/debs/*.deb
    touch "$root/debs/$1.done"
}

haraka() {
    [ ! -e "$root/node_modules/Haraka/package.json" ] || return 0
    command -v npm >/dev/null || DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends -o Dpkg::Use-Pty=0 npm >/dev/null || return 1
    npm install --silent --no-audit --no-fund --omit=dev --omit=optional --prefix "$root" "Haraka@$HARAKA" \
        >"$root/npm.log" 2>&1
}

lists=(/var/lib/apt/lists/*_Packages*)
[ -e "${lists[0]}" ] || apt-get update -q
for package in "${packages[@]}"; do
    unpack "$package" && echo "peers: $package" || echo "peers: no $package"
done
[ -z "$HARAKA" ] || { haraka && echo "peers: haraka" || echo "peers: no haraka (see $root/npm.log)"; }
