#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Installs, builds and tests SplitMX, from a fresh Debian 12 to one line with the count.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

usage() {
    cat <<TEXT
Usage: sudo bash tests/run.sh [OPTION...]

Without options: installs what is needed, builds, and runs every test:
  unit        GoogleTest programs                                     build/
  sanitizers  the same under AddressSanitizer and UBSan               build-asan/
  fuzz        every fuzz target for a few seconds                     build-fuzz/
  system      the program among real mail servers, in network namespaces of its own

  --unit            unit tests only (needs no root)
  --system [NAME…]  system tests only; of these, those whose class or name contains a NAME
  --fuzz SECONDS    fuzz targets only, each for so long
  --keep            leave the system tests' working files in build/test-logs/
  --help            this text

Logs are kept in build/test-logs/. The last line is the count of test cases; the exit code
is not zero if any failed.
TEXT
}

stages="unit sanitizers fuzz system"
fuzz_seconds=5
system_args=()
while [ $# -gt 0 ]; do
    case $1 in
    --unit) stages=unit ;;
    --system)
        stages=system
        while [ $# -gt 1 ] && [ "${2#-}" = "$2" ]; do
            system_args+=("$2")
            shift
        done
        ;;
    --fuzz)
        stages=fuzz
        fuzz_seconds=${2-}
        [[ $fuzz_seconds =~ ^[1-9][0-9]*$ ]] || { usage >&2 && exit 64; }
        shift
        ;;
    --keep) system_args+=(--keep) ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 64 ;;
    esac
    shift
done

logs=$PWD/build/test-logs
results=$logs/results.tsv

say() { printf '\n== %s\n' "$*"; }

# record STAGE OUTCOME NAME REASON
record() { printf '%s\t%s\t%s\t%s\n' "$@" >>"$results"; }

# configure DIRECTORY [MESON OPTION…]: where that was not done yet.
configure() {
    local dir=$1 log=$logs/$1.setup.log
    shift
    [ -f "$dir/build.ninja" ] || meson setup "$dir" "$@" >"$log" 2>&1 || { tail -n 30 "$log" && return 1; }
}

# compile DIRECTORY [TARGET…]
compile() {
    local log=$logs/$1.build.log
    ninja -C "$@" >"$log" 2>&1 || { grep -A 15 -m 3 -E 'FAILED|error' "$log" && return 1; }
}

# meson_tests STAGE DIRECTORY: runs the programs that meson knows, and records their cases.
meson_tests() {
    local stage=$1 dir=$2
    rm -f "$dir/meson-logs/testlog.json"
    # Time limits are for programs that hang, not for machines that are busy.
    meson test -C "$dir" --no-rebuild --timeout-multiplier 10 --print-errorlogs >"$logs/$stage.log" 2>&1 ||
        grep -vE '^ *[0-9]+/[0-9]+ .* OK ' "$logs/$stage.log" | tail -n 60
    python3 -B tests/tally.py meson "$stage" "$dir/meson-logs/testlog.json" >>"$results" ||
        record "$stage" failed "$stage tests" "no test log, see $logs/$stage.log"
}

unit() {
    say "unit tests"
    if configure build && compile build; then
        meson_tests unit build
    else
        record unit failed "build" "see $logs/build.build.log"
    fi
}

sanitizers() {
    say "unit tests under AddressSanitizer and UBSan"
    local -x ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
    local -x UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
    if configure build-asan -Doptimization=1 -Db_sanitize=address,undefined && compile build-asan; then
        meson_tests sanitizers build-asan
    else
        record sanitizers failed "build-asan" "see $logs/build-asan.build.log"
    fi
}

# The target of tests/fuzz/NAME_fuzz.c has its corpus in tests/fuzz/corpus/NAME.
fuzz() {
    local target name corpus scratch
    local targets=(tests/fuzz/*_fuzz.c)
    targets=("${targets[@]%.c}")
    say "fuzz targets, $fuzz_seconds s each"
    if ! CC=clang CXX=clang++ configure build-fuzz -Dfuzz=true \
        -Db_sanitize=address,undefined -Db_lundef=false || ! compile build-fuzz "${targets[@]}"; then
        record fuzz failed "build-fuzz" "see $logs/build-fuzz.build.log"
        return
    fi
    for target in "${targets[@]}"; do
        name=${target##*/}
        corpus=tests/fuzz/corpus/${name%_fuzz}
        scratch=$(mktemp -d)
        if "build-fuzz/$target" -max_total_time="$fuzz_seconds" -timeout=10 -artifact_prefix="$logs/$name." \
            "$scratch" $([ -d "$corpus" ] && echo "$corpus") >"$logs/$name.log" 2>&1; then
            record fuzz passed "$name" ""
        else
            record fuzz failed "$name" "see $logs/$name.log"
            tail -n 30 "$logs/$name.log"
        fi
        rm -rf "$scratch"
    done
}

system_tests() {
    say "system tests"
    if [ "$(id -u)" != 0 ]; then
        record system skipped "system tests" "they make network namespaces, which needs root"
    elif configure build && compile build; then
        bash bench/peers.sh --mail-servers build/peers || true # its cases say what is missing
        /usr/bin/python3 -B tests/system/run.py --build build --logs "$logs/system" \
            --results "$results" ${system_args[@]+"${system_args[@]}"}
        [ $? -le 1 ] || record system failed "system tests" "the harness itself broke down"
    else
        record system failed "build" "see $logs/build.build.log"
    fi
}

started=$SECONDS
bash tests/setup.sh || exit 1
mkdir -p "$logs"
: >"$results"
for stage in $stages; do
    case $stage in
    system) system_tests ;;
    *) "$stage" ;;
    esac
done

say "$((SECONDS - started)) s, logs in build/test-logs"
/usr/bin/python3 -B tests/tally.py total "$results"
