# SPDX-License-Identifier: BSD-3-Clause
"""A real DNS server (dnsmasq) for the sandbox, whose answers a test may change."""
import os
import shutil
import signal

from . import etc, sandbox
from .process import Program, wait_until

ADDRESS = "127.0.0.53"


class Dns:
    """The machine's resolver asks it, and it alone, until close()."""

    def __init__(self, records=()):
        self.directory = os.path.join(sandbox.WORK, "dns")
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)
        self.hosts = os.path.join(self.directory, "records")
        self.resolv = etc.private("/etc/resolv.conf")
        with open(self.resolv, encoding="ascii") as file:
            self.before = file.read()
        with open(self.resolv, "w", encoding="ascii") as file:
            file.write(f"nameserver {ADDRESS}\noptions timeout:1 attempts:1\n")
        self.write(records)
        self.start()

    def write(self, records):
        with open(self.hosts, "w", encoding="ascii") as file:
            file.writelines(f"{address} {name}\n" for name, address in records)

    def start(self):
        self.program = Program(
            os.path.join(self.directory, "dns.log"), "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
            "--no-resolv", "--no-hosts", f"--addn-hosts={self.hosts}", f"--listen-address={ADDRESS}",
            "--bind-interfaces", "--user=root", "--pid-file=", "--log-facility=-", "--log-queries", "--local=/test/")
        wait_until(lambda: "started" in self.program.output(), 10, "dnsmasq has started")

    def say(self, *records):
        """From now on the answers are these, pairs of a name and an address, and NXDOMAIN for all other names."""
        self.write(records)
        self.program.process.send_signal(signal.SIGHUP)

    def fall_silent(self):
        """It takes questions, and answers none."""
        self.program.process.send_signal(signal.SIGSTOP)

    def stop(self):
        """Questions are refused."""
        if self.program:
            self.program.process.send_signal(signal.SIGCONT)
            self.program.stop()
            self.program = None

    def close(self):
        self.stop()
        with open(self.resolv, "w", encoding="ascii") as file:
            file.write(self.before)
