#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The man page of smtpgen against its --help: man_test.py PROGRAM PAGE."""
import re
import subprocess
import sys
import unittest

PROGRAM, PAGE = sys.argv[1:]
SUBCOMMANDS = ("source", "sink", "both", "verify")


def helped(subcommand):
    """The options that begin a line of --help, or follow there: {"-s", "--sessions", ...}."""
    done = subprocess.run([PROGRAM, subcommand, "--help"], stdout=subprocess.PIPE, text=True, check=True)
    heads = re.findall(r"^ +(-.*?)(?: {2,}|$)", done.stdout, re.MULTILINE)
    return set(re.findall(r"(?<!\S)--?[A-Za-z0-9][a-z0-9-]*", " ".join(heads)))


def explained():
    """The options that begin a paragraph of the page's lists."""
    with open(PAGE, encoding="ascii") as page:
        items = [line for line in page if line.startswith(".It Fl ")]
    names = re.findall(r"(?:Fl|,) (?!Fl )(\\?-?[\w-]+)", " ".join(items))
    return {"-" + name.replace("\\-", "-") for name in names if name[0] == "\\" or len(name) == 1}


class Man(unittest.TestCase):
    def test_explains_every_option_that_help_names(self):
        for subcommand in SUBCOMMANDS:
            with self.subTest(subcommand):
                named = helped(subcommand) - {"-h", "--help"}
                self.assertTrue(named)
                self.assertEqual(named - explained(), set())

    def test_explains_no_option_that_is_none(self):
        named = set().union(*(helped(subcommand) for subcommand in SUBCOMMANDS)) | {"-V", "--version"}
        self.assertEqual(explained() - named, set())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
