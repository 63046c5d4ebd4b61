# SPDX-License-Identifier: BSD-3-Clause
"""What the compared systems have in common."""
import os
import resource
import shutil

from harness import sandbox
from harness.process import Program, run, wait_until

import segment

FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]   # open files that a server may have


class Unavailable(Exception):
    """Why a system cannot take part here."""


class System:
    """One system under test: start() until it listens, stop().

    title: for tables; does: what it does with a message, in a few words; log_of: what it logs.
    """

    title = does = ""
    log_of = "message"     # or "connection"
    queues = False         # it accepts messages before they are delivered, and logs each that is
    kernel = True          # the kernel's TCP serves it, and its core is idle when it is
    veth = True            # it is reached over a segment.Segment
    port = "veth"
    generators_device = f"net_af_packet0,iface={segment.OWN_END}"

    def __init__(self, peers, machine):
        self.peers, self.machine = peers, machine
        self.directory = os.path.join(sandbox.WORK, "system")
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)
        self.program = None

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def unpacked(self, *parts):
        """A file that bench/peers.sh unpacked."""
        path = os.path.join(self.peers, *parts)
        if not os.path.exists(path):
            raise Unavailable(f"{parts[-1]} is not there (bench/peers.sh)")
        return path

    def write(self, name, text, **values):
        """A configuration file, its @WORDS@ replaced."""
        values = {"directory": self.directory, "address": segment.SYSTEM, "sink": segment.MAILBOXES,
                  "files": FILES, "connections": FILES // 2 - 100} | values
        for word, value in values.items():
            text = text.replace(f"@{word.upper()}@", str(value))
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def environment(self):
        return {**os.environ, "LD_LIBRARY_PATH": os.path.join(self.peers, "usr/lib/x86_64-linux-gnu")}

    def there(self, *command):
        """The command as it runs on the tested core, in the system's namespace."""
        return segment.inside(*self.machine.on_tested(), "prlimit", f"--nofile={FILES}:{FILES}", *command)

    def launch(self, *command, output="output.log"):
        """Its main process, in the foreground; what it prints goes to a file of that name."""
        self.program = Program(self.path(output), *self.there(*command), env=self.environment(), cwd=self.directory)
        self.await_listener()

    def await_listener(self):
        wait_until(self._listens, 20, f"{self.title} listens", step=0.1)

    def _listens(self):
        if self.program and not self.program.running():
            raise Unavailable(f"{self.title} ended: {self.program.output()[-1000:]}")
        return f"{segment.SYSTEM}:25" in run(*segment.inside("ss", "-Hltn")).stdout

    def stop(self):
        if self.program:
            self.program.stop()
            self.program = None

    def log_path(self):
        return self.path("mail.log")

    def is_record(self, line):
        """Whether a line of the log is the record of a message (of a connection: log_of)."""
        raise NotImplementedError

    def logged(self):
        """How many such records there are."""
        with open(self.log_path(), encoding="utf-8", errors="replace") as log:
            return sum(map(self.is_record, log))

    def mark(self):
        """The load begins: a system that counts by itself does so from here."""

    def facts(self):
        """What it counted since mark(), for the JSON."""
        return {}

    def cost(self, core, facts):
        """Seconds of its core that the load took: `core` is what that did meanwhile (machine.Reading.since)."""
        return core["busy"]
