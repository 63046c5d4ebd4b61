#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the system tests: the program among real mail servers. See tests/README.md."""
import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import report, sandbox  # noqa: E402  (the path comes first)


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="only cases whose class or name contains it")
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--logs", help="where logs of failed cases go (default: BUILD/test-logs/system)")
    parser.add_argument("--results", help="append results to this file, for tests/tally.py")
    parser.add_argument("--keep", action="store_true", help="keep logs of passed cases too")
    parser.add_argument("--list", action="store_true", help="list the cases, run none")
    return parser.parse_args()


def main():
    options = parse()
    options.build = os.path.abspath(options.build)
    options.logs = os.path.abspath(options.logs or os.path.join(options.build, "test-logs/system"))
    if options.results:
        options.results = os.path.abspath(options.results)
    if not options.list:
        sandbox.enter()
    return report.run(options)


if __name__ == "__main__":
    sys.exit(main())
