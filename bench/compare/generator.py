# SPDX-License-Identifier: BSD-3-Clause
"""smtpgen around the system under test: clients on one side, destinations on the other, one core for both."""
import dataclasses
import json
import os
import subprocess

from harness import sandbox
from harness.process import run

import segment

PORTS = 20_000    # of a client's address, in use at once
BUFFERS = 65_536  # for a few sessions
WINDOW = 6        # buffers that the window of an idle connection promises
PATIENCE = 120    # seconds beside those of the load: connecting, and waiting for the last answers
HEADROOM = 0.2    # a run in which the generator had less says nothing about the system


class Failed(Exception):
    """The generator gave up."""


@dataclasses.dataclass(frozen=True)
class Load:
    """What the clients do. `to`: patterns of recipients, used in turn; `recipients`: of one message.

    rate: messages that begin in a second whatever the answers do (0: each session begins its next when the last is
    done); idle: further sessions that say EHLO and no more.
    """

    keep: bool = True
    size: int = 1024
    sessions: int = 50
    recipients: int = 1
    rate: int = 0
    idle: int = 0
    to: tuple = ("user%@example.com:1-1000",)

    def __str__(self):
        unit = f"{self.size >> 20} MB" if self.size >= 1 << 20 else f"{self.size >> 10} kB"
        return f"{unit}, {'kept sessions' if self.keep else 'a connection each'}"

    def words(self):
        return (["-d"] if self.keep else []) + [word for to in self.to for word in ("-t", to)] + [
            "-s", self.sessions, "-l", self.size, "-r", self.recipients,
            "--buffers", max(BUFFERS, WINDOW * (self.sessions + self.idle)),
            *(["--rate", self.rate] if self.rate else []), *(["--idle-sessions", self.idle] if self.idle else [])]

    def addresses(self):
        """Of the clients: as many as it takes ports."""
        return segment.client_addresses(1 + (self.sessions + self.idle) // PORTS)


class Generator:
    """smtpgen on a DPDK device."""

    def __init__(self, build, machine, device):
        self.binary = os.path.join(build, "bench/smtpgen/smtpgen")
        self.machine, self.device = machine, device
        self.json = os.path.join(sandbox.WORK, "smtpgen.json")

    def command(self, load, seconds):
        clients = load.addresses()
        addresses = [*clients, segment.MAILBOXES, segment.EXTERNAL]
        return [self.binary, "both", "--port", self.device, "--cpu", self.machine.own,
                *(word for address in addresses for word in ("--address", f"{address}/{segment.PREFIX}")),
                *(word for sink in addresses[-2:] for word in ("--listen", f"{sink}:25")),
                *(word for client in clients for word in ("--source", client)), *load.words(),
                "--duration", seconds, "--json", self.json, f"{segment.SYSTEM}:25"]

    def drive(self, load, seconds):
        """One run; what smtpgen's JSON says."""
        if os.path.exists(self.json):
            os.remove(self.json)
        try:
            done = run(*self.command(load, seconds), check=False, seconds=seconds + PATIENCE)
        except subprocess.TimeoutExpired as late:
            raise Failed(f"smtpgen did not end {PATIENCE} s after its time: {(late.stdout or b'')[-1500:]!r}") from late
        if done.returncode != 0 or not os.path.exists(self.json):
            raise Failed(f"smtpgen ended with {done.returncode}: {done.stdout[-1500:]}")
        with open(self.json, encoding="utf-8") as file:
            return json.load(file) | {"said": done.stdout}
