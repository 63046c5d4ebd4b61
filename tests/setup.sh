#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Installs what SplitMX is built, run and tested with, on Debian 12. Used by tests/run.sh and
# config/quickstart.sh; does nothing, and needs no root, where everything is there already.
set -euo pipefail

usage() {
    cat <<TEXT
Usage: sudo bash tests/setup.sh [--help]

Installs the Debian 12 packages with which SplitMX is built, run and tested.
No mail system is configured or started.
TEXT
}

packages=(
    # building
    gcc g++ libc6-dev meson ninja-build pkg-config ccache python3
    libdpdk-dev libssl-dev libhyperscan-dev libinih-dev libidn2-dev libunistring-dev
    libjansson-dev libcap-dev libseccomp-dev
    # running: DPDK's drivers and the tools of its operators
    dpdk dpdk-dev iproute2 ethtool procps
    # testing
    libgtest-dev libgmock-dev clang libclang-rt-14-dev haproxy postfix strace swaks tcpdump
    python3-aiosmtpd msmtp node-nodemailer dnsmasq-base
)

fail() {
    echo "setup.sh: $*" >&2
    exit 1
}

missing_packages() {
    local installed package
    installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${packages[@]}" 2>/dev/null || true)
    for package in "${packages[@]}"; do
        grep -qxF "$package installed" <<<"$installed" || echo "$package"
    done
}

case ${1-} in
'') ;;
-h | --help)
    usage
    exit 0
    ;;
*)
    usage >&2
    exit 64
    ;;
esac

[ -r /etc/debian_version ] && command -v dpkg-query >/dev/null ||
    fail "this is not Debian; install by hand what this file lists under 'packages'"

mapfile -t missing < <(missing_packages)
[ ${#missing[@]} -gt 0 ] || exit 0

case $(cat /etc/debian_version) in
12 | 12.*) ;;
*) fail "this is Debian $(cat /etc/debian_version); SplitMX is built and tested on Debian 12 (missing: ${missing[*]})" ;;
esac
[ "$(id -u)" = 0 ] || fail "not root, and packages are missing (${missing[*]}); run: sudo bash $0"

echo "installing ${#missing[@]} packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# Postfix's programs are wanted, a mail system on this machine is not.
debconf-set-selections <<<'postfix postfix/main_mailer_type select No configuration'
apt-get update -q
apt-get install -q -y --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}"
