# SPDX-License-Identifier: BSD-3-Clause
"""Finds the cases, runs each within its time, says how it went, keeps the logs of failures."""
import os
import re
import shutil
import signal
import sys
import time
import traceback
import unittest

from . import capture, sandbox, server, splitmx
from .case import Case

DEFAULT_SECONDS = 60


class OutOfTime(Exception):
    """A case took longer than its class allows (`seconds`)."""


def sentence(test):
    """test_a_message_arrives_once in class RoutingOverTap -> 'RoutingOverTap: a message arrives once'."""
    method = getattr(test, "_testMethodName", None)
    if method is None:  # a class fixture, which calls itself "setUpClass (test_x.Class)"
        fixture, name = re.match(r"(\w+) \((?:\w+\.)*(\w+)\)$", str(test)).groups()
        return f"{name}: " + {"setUpClass": "all cases"}.get(fixture, fixture)
    return f"{type(test).__name__}: {method.removeprefix('test_').replace('_', ' ')}"


class Report(unittest.TestResult):
    """One line a case on standard output, and one in the results file."""

    def __init__(self, options):
        super().__init__()
        self.options = options
        self.results = open(options.results or os.devnull, "a", encoding="utf-8")

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()
        seconds = getattr(test, "seconds", DEFAULT_SECONDS)

        def expire(_signum, _frame):
            raise OutOfTime(f"not done after {seconds} s")

        signal.signal(signal.SIGALRM, expire)
        signal.alarm(seconds)

    def stopTest(self, test):
        signal.alarm(0)
        super().stopTest(test)

    def note(self, test, outcome, reason="", details=""):
        took = time.monotonic() - self.started if hasattr(test, "_testMethodName") else 0
        name = sentence(test)
        reason = " ".join(reason.split())[:300]
        print(f"{outcome:7} {name} ({took:.1f} s)" + (f": {reason}" if reason else ""))
        if details:
            print("        " + details.rstrip().replace("\n", "\n        "))
        sys.stdout.flush()
        print("system", outcome, name, reason, sep="\t", file=self.results, flush=True)
        if outcome == "failed" or self.options.keep:
            left = signal.alarm(0)  # the case has its time, and this its own
            keep_logs(os.path.join(self.options.logs, re.sub(r"\W+", "-", name)))
            signal.alarm(left)

    def addSuccess(self, test):
        self.note(test, "passed")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note(test, "skipped", reason)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test, "failed", str(err[1]), "".join(traceback.format_exception(*err)))

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.note(test, "failed", f"{subtest._subDescription()}: {err[1]}",
                      "".join(traceback.format_exception(*err)))


def keep_logs(directory):
    """Copy what is a log in the work directory, or was kept to be one: what a person reads after a failure."""
    for name, text in server.journals().items():
        with open(os.path.join(sandbox.WORK, f"server-{name}.log"), "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
    capture.save(sandbox.WORK)
    splitmx.say_states()
    for root, _dirs, files in os.walk(sandbox.WORK):
        for file in files:
            if file.endswith((".log", ".ini", ".json", ".mailboxes", ".cf", ".pcap")):
                target = os.path.join(directory, os.path.relpath(root, sandbox.WORK))
                os.makedirs(target, exist_ok=True)
                shutil.copy(os.path.join(root, file), target)


def cases(suite):
    for entry in suite:
        if isinstance(entry, unittest.TestSuite):
            yield from cases(entry)
        else:
            yield entry


def run(options):
    """Run the cases that were asked for; 0 if all passed, 1 if not."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    found = unittest.TestLoader().discover(here, pattern="test_*.py", top_level_dir=here)
    wanted = [case for case in cases(found)
              if not options.names or any(name in sentence(case) for name in options.names)]
    if options.list:
        print("\n".join(sentence(case) for case in wanted))
        return 0
    if not wanted:
        sys.exit("no case has such a name")
    shutil.rmtree(options.logs, ignore_errors=True)
    Case.build = options.build
    report = Report(options)
    unittest.TestSuite(wanted).run(report)
    return 0 if report.wasSuccessful() else 1
