# SPDX-License-Identifier: BSD-3-Clause
"""Ours, one worker on the tested core, on any kind of port.

A polling worker takes its whole core: its cost is the time of the rounds that found work, by its own clock. On a veth
the kernel works for it on the same core, so there it sleeps when it has nothing to do (idle = sleep), and its cost is
counted as everyone's: all time that the core is not idle.
"""
import json
import os
import signal

from harness import sandbox
from harness.process import Program, run, wait_until

import segment

from .base import System, Unavailable

INI = """\
[appliance]
hostname = mx.test
postmaster = postmaster@example.com
workers = @CORE@
idle = @IDLE@
control = @DIRECTORY@/control
[memory]
hugepages = @HUGEPAGES@
budget = @BUDGET@M
max_sessions = @SESSIONS@
max_transactions = @SESSIONS@
max_connections = @CONNECTIONS@
max_recipients = @RECIPIENTS@
[log]
file = @DIRECTORY@/mail.log
[port wire]
device = @DEVICE@
address = @ADDRESS@/24
[listener smtp]
port = wire
[destinations]
connections = 1000
[domain example.com]
mailboxes = example.com.mailboxes
mailbox_server = @SINK@:25
split_domain_routing = yes
external_mail_server = @EXTERNAL@:25
verification_address = other1@example.com
"""

WINDOW = 12_000    # bytes of buffers that an idle connection's window promises
RECORDS = 20_000   # of the log, while its thread waits for its turn on the generator's core

SOCKET = os.path.join(sandbox.WORK, "memif.sock")
MEMIF = f"net_memif0,role={{}},socket={SOCKET},socket-abstract=no,bsize=2048,rsize=11"


def forget_socket():
    """An end of a memif that was killed leaves its socket, and the next one could not make it."""
    if os.path.exists(SOCKET):
        os.remove(SOCKET)


# port: (device of the router, device of the generator, whether there is a veth between them)
PORTS = {
    "memif": (MEMIF.format("server"), MEMIF.format("client"), False),
    "af_packet": (f"net_af_packet0,iface={segment.FAR_END}", None, True),
    "af_xdp": (f"net_af_xdp0,iface={segment.FAR_END}", None, True),
    # The generator is a packet socket on the interface that the router makes.
    "tap": ("net_tap0,iface=tap0", "net_af_packet0,iface=tap0", False),
}


class SplitMX(System):
    """On one of PORTS; `mailboxes` of them on our side: user1@example.com and on."""

    does = "cut-through, by recipient"
    kernel = False
    hugepages = "yes"

    def __init__(self, build, machine, port="memif", mailboxes=1000, sessions=2000):
        super().__init__(None, machine)
        self.binary = os.path.join(build, "app/splitmx")
        self.port, self.mailboxes, self.sessions = port, mailboxes, sessions
        self.title = f"SplitMX, {port}"
        device, self.veth = PORTS[port][1:]
        self.generators_device = device or self.generators_device

    def start(self):
        with open(self.path("example.com.mailboxes"), "w", encoding="ascii") as file:
            file.writelines(f"user{number}\n" for number in range(1, self.mailboxes + 1))
        config = self.write("splitmx.ini", INI, idle="sleep" if self.veth else "poll", core=self.machine.tested,
                            device=PORTS[self.port][0], hugepages=self.hugepages, external=segment.EXTERNAL, sessions=self.sessions,
                            budget=max(512, self.sessions * WINDOW >> 20),
                            connections=2 * self.sessions + 2000, recipients=self.sessions + RECORDS)
        forget_socket()
        # Its worker takes the tested core, its control thread the other.
        command = ["taskset", "-c", f"{self.machine.own},{self.machine.tested}", self.binary, "-c", config]
        if self.veth:
            command = segment.inside(*command)
        self.program = Program(self.path("output.log"), *command, cwd=self.directory)
        wait_until(self._lives, 60, f"{self.title} starts", step=0.1)

    def _lives(self):
        """Whether it is ready: before, SIGUSR1 would end it."""
        if not self.program.running():
            raise Unavailable(f"{self.title} ended: {self.program.output()[-1000:]}")
        return ": ready:" in self.program.output()

    def is_record(self, line):
        return " status=delivered " in line

    def cost(self, core, facts):
        return core["busy"] if self.veth else facts["worker"]["nsec_busy"] / 1e9

    def mark(self):
        self.before = self.counters()

    def facts(self):
        now, before = self.counters()["workers"]["0"], self.before["workers"]["0"]
        return {name: {key: now[name][key] - before[name].get(key, 0) for key in now[name]
                       if isinstance(now[name][key], (int, float))} for name in now if isinstance(now[name], dict)}

    def open_sessions(self):
        """That are open."""
        return self.counters()["workers"]["0"]["usage"]["sessions"]

    def counters(self):
        """What SIGUSR1 makes it print."""
        before = len(self._objects())
        self.program.process.send_signal(signal.SIGUSR1)
        return wait_until(lambda: self._objects()[before:], 30, "counters")[-1]

    def _objects(self):
        return [json.loads(line) for line in self.program.output().splitlines(keepends=True)
                if line.startswith("{") and line.endswith("}\n")]
