# SPDX-License-Identifier: BSD-3-Clause
"""What all system tests have in common."""
import os
import unittest

from . import network


class Case(unittest.TestCase):
    """A subject. Fixtures that a class starts in setUpClass go through `keep`, which ends them."""

    build = "build"  # set by the runner
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        network.create()
        cls.need_program()

    @classmethod
    def need_program(cls):
        """Skip the class where the program is not built."""
        if not os.path.exists(os.path.join(cls.build, "app/splitmx")):
            raise unittest.SkipTest(f"there is no {cls.build}/app/splitmx yet")

    @classmethod
    def keep(cls, fixture):
        """Start-once fixtures: stopped when the class is done."""
        cls.addClassCleanup(getattr(fixture, "close", None) or fixture.stop)
        return fixture

    def assertReply(self, reply, expected):
        """The reply begins with the expected code and text, e.g. '550 5.1.1'."""
        if not reply.startswith(expected):
            self.fail(f"expected a reply {expected!r}, got {reply!r}")
