#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Installs, builds a release, and measures SplitMX beside other mail systems: bench/README.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PAGES=3072 # of 2 MiB, for the router and the generator, each with a crowd of 100,000 sessions

usage() {
    cat <<TEXT
Usage: sudo bash bench/run.sh [OPTION...]

Installs what is needed, builds a release in build-bench/, fetches the other mail systems into
build-bench/peers/, and measures. Needs two CPUs that nothing else uses. Results: bench/results/compare.json,
compare.md and plots.

  --quick              a few minutes in all: 1 kB messages, one round
  --full               every size for every system, up to 100,000 sessions and 1,000,000 mailboxes
  --part peers|limit|ours|steady|stages  only this part; may be repeated
  --only NAME          only systems, bounds or cells whose name contains NAME; may be repeated
  --rounds N           rounds, in which the systems take turns (default: 5; 1 with --quick)
  --seconds S          length of a run (default: 10; 3 with --quick)
  --results DIRECTORY  default: bench/results
  --help               this text
TEXT
}

for word in "$@"; do
    case $word in
    -h | --help) usage && exit 0 ;;
    esac
done
[ "$(id -u)" = 0 ] || { echo "run.sh: network namespaces and hugepages need root" >&2 && exit 77; }

say() { echo "bench: $*"; }

say "installing"
bash tests/setup.sh
bash bench/peers.sh
command -v valgrind >/dev/null || apt-get install -y -q --no-install-recommends valgrind >/dev/null
say "building"
[ -f build-bench/build.ninja ] || meson setup -Db_ndebug=true -Db_lto=true build-bench >/dev/null
ninja -C build-bench app/splitmx bench/smtpgen/smtpgen bench/bounds bench/heap_watch.so >build-bench/build.log 2>&1 ||
    { grep -A 15 -m 3 -E 'FAILED|error' build-bench/build.log && exit 70; }

pages=/proc/sys/vm/nr_hugepages
before=$(cat $pages)
if [ "$before" -lt $PAGES ]; then
    trap 'echo "$before" >$pages' EXIT
    echo $PAGES >$pages
fi
/usr/bin/python3 -B bench/compare/run.py "$@"
