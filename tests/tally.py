#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Counts test cases: the last step of tests/run.sh, and its reader of meson's test log.

A results file has one line a case: STAGE <tab> passed|failed|skipped <tab> NAME <tab> REASON.
A case that ran in several stages (plain build, sanitizers) is one case; its worst outcome counts.
"""
import json
import re
import sys

WORST_FIRST = ("failed", "passed", "skipped")


def gtest_cases(stdout):
    """Yield (outcome, name, reason) for each case in the output of a GoogleTest program.

    The output rather than the XML report: a program that crashes writes no report, and the
    case that it was in must count as failed.
    """
    running, lines = None, []
    for line in stdout.splitlines():
        match = re.match(r"\[ +(RUN|OK|FAILED|SKIPPED) +\] ([^ ,]+)", line)
        if not match:
            lines.append(line)
        elif match[1] == "RUN":
            running, lines = match[2], []
        elif match[2] == running:
            outcome = {"OK": "passed", "FAILED": "failed", "SKIPPED": "skipped"}[match[1]]
            reason = " ".join(l.strip() for l in lines if l and not l.endswith(": Skipped"))
            yield outcome, running, "" if outcome == "passed" else reason[:300]
            running = None
    if running:
        yield "failed", running, "the program ended in the middle of this case"


def meson_cases(log):
    """Yield (outcome, name, reason) for each case in a meson testlog.json."""
    for line in log:
        test = json.loads(line)
        cases = list(gtest_cases(test.get("stdout") or ""))
        yield from cases
        ok = test["result"] in ("OK", "EXPECTEDFAIL", "SKIP")
        if ok and not cases:  # not a GoogleTest program: it is one case
            outcome = "skipped" if test["result"] == "SKIP" else "passed"
            yield outcome, test["name"], "meson says so" if outcome == "skipped" else ""
        elif not ok and all(outcome != "failed" for outcome, _, _ in cases):
            yield "failed", test["name"], f"{test['result']}, exit code {test['returncode']}"


def from_meson(stage, path):
    with open(path, encoding="utf-8") as log:
        for outcome, name, reason in meson_cases(log):
            print(stage, outcome, name, reason, sep="\t")


def total(path):
    """Print what failed and was skipped, then the count; true if nothing failed."""
    worst = {}
    with open(path, encoding="utf-8") as results:
        for line in results:
            stage, outcome, name, reason = line.rstrip("\n").split("\t", 3)
            known = worst.get(name)
            if not known or WORST_FIRST.index(outcome) < WORST_FIRST.index(known[0]):
                worst[name] = (outcome, stage, reason)
    count = {outcome: 0 for outcome in WORST_FIRST}
    for name, (outcome, stage, reason) in worst.items():
        count[outcome] += 1
        if outcome != "passed":
            print(f"{outcome}: {name} ({stage}): {reason}")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return count["failed"] == 0 and count["passed"] > 0


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "meson":
        from_meson(sys.argv[2], sys.argv[3])
    elif len(sys.argv) == 3 and sys.argv[1] == "total":
        sys.exit(0 if total(sys.argv[2]) else 1)
    else:
        sys.exit("usage: tally.py meson STAGE testlog.json | tally.py total RESULTS")
