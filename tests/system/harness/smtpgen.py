# SPDX-License-Identifier: BSD-3-Clause
"""The traffic generator on a wire of its own to the bridge."""
import json
import os
import shutil
import subprocess

from . import network, sandbox
from .case import Case
from .process import Program, run

SOURCE, OTHER_SOURCE = "10.99.0.30", "10.99.0.31"
LOCAL, EXTERNAL = "10.99.0.40", "10.99.0.41"
EXPECT = f"local={LOCAL}:25,external={EXTERNAL}:25"


class Generator:
    """smtpgen on a veth of its own, whose other end is on the bridge."""

    def __init__(self, build, number, *addresses):
        self.binary = os.path.join(build, "bench/smtpgen/smtpgen")
        self.interface = f"gen{number}"
        self.directory = os.path.join(sandbox.WORK, f"smtpgen{number}")
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)
        self.records = os.path.join(self.directory, "records")
        self.json = os.path.join(self.directory, "result.json")
        self.log = os.path.join(self.directory, "smtpgen.log")
        network.veth(f"bridge{number}", self.interface)
        self.port = ["--port", f"net_af_packet0,iface={self.interface}", "--no-huge", "--nap",
                     "--buffers", "8192", "--json", self.json]
        for address in addresses:
            self.port += ["--address", f"{address}/{network.PREFIX}"]
        self.program = None

    def start(self, role, *options):
        """`run` beside the test, until finish()."""
        self.program = Program(self.log, self.binary, role, *self.port, *options)
        return self

    def run(self, role, *options, seconds=60):
        """To its end: exit code, output, and what its JSON says."""
        done = run(self.binary, role, *self.port, *options, check=False, seconds=seconds)
        return done.returncode, done.stdout, self.result()

    def result(self):
        try:
            with open(self.json, encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return None

    def finish(self):
        """SIGTERM, and what its JSON says then."""
        program, self.program = self.program, None
        code = program.stop(20)
        if code != 0:
            raise AssertionError(f"smtpgen ended with {code}: {program.output()[-4000:]}")
        return self.result()

    def close(self):
        if self.program:
            self.program.stop()
        network.remove(self.interface)


class SmtpgenCase(Case):
    def generator(self, number, *addresses):
        generator = Generator(self.build, number, *addresses)
        self.addCleanup(generator.close)
        return generator

    def verify(self, sent, received, expect=EXPECT):
        """What `smtpgen verify` says of two records: its exit code, and its JSON. Without `expect` any side
        is right."""
        where = ["--expect", expect] if expect else []
        done = subprocess.run([os.path.join(self.build, "bench/smtpgen/smtpgen"), "verify", "--sent", sent,
                               "--received", received, *where, "--json", "-"],
                              capture_output=True, text=True, check=False)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return done.returncode, json.loads(done.stdout)
