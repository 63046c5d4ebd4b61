# SPDX-License-Identifier: BSD-3-Clause
"""The router under test: its configuration files, its process, its counters."""
import json
import os
import shutil
import signal
import subprocess
import weakref

from . import network, sandbox
from .client import Client, answers
from .process import Program, run, wait_until

INI = """\
[appliance]
hostname   = mx.test
postmaster = postmaster@{domain}
workers    = 1
idle       = sleep
control    = {directory}/control
state_directory = {directory}
{appliance}
[memory]
hugepages = no
{memory}
[log]
file = {directory}/mail.log

[port wan]
device  = {device}
address = {addresses}

[listener smtp]
port     = wan
tcp_port = 25
{listener}
[timeouts]
{timeouts}
[domain {domain}]
mailboxes            = {domain}.mailboxes
mailbox_server       = {ours}:25
split_domain_routing = yes
external_mail_server = {external}:25
verification_address = {verify}@{domain}
{domain_keys}
{more}
"""

# name: (DPDK device, interface, kernel end of a veth or None where the device makes the interface)
DEVICES = {
    "net_tap": ("net_tap0,iface=smx0", "smx0", None),
    "net_af_packet": ("net_af_packet0,iface=smx1", "smx1", "peer1"),
    "net_af_xdp": ("net_af_xdp0,iface=smx2", "smx2", "peer2"),
}

_routers = weakref.WeakSet()


def say_states():
    """Each router that runs leaves what it does now beside its log, for whoever has to find out why a case failed."""
    for router in list(_routers):
        if router.program and router.program.running():
            router.say_state()


class SplitMX:
    """One router at network.ROUTER (with ipv6, at network.ROUTER6 too) on a device of DEVICES.

    mailboxes: lines of the domain's mailbox file (our side). The keyword arguments that end the
    list are lines for the INI; `more` is whole sections.
    """

    def __init__(self, build, device="net_tap", mailboxes=("alice", "bob"), domain="example.com",
                 verify="carol", ours=network.OURS, external=network.EXTERNAL, ipv6=False, attach=True,
                 appliance="", memory="", listener="", timeouts="", domain_keys="", more=""):
        self.binary = os.path.join(build, "app/splitmx")
        self.ctl = os.path.join(build, "app/splitmxctl/splitmxctl")
        self.vdev, self.interface, self.kernel_end = DEVICES[device]
        self.attach, self.domain, self.verify = attach, domain, verify
        self.directory = os.path.join(sandbox.WORK, "splitmx")
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)
        self.write_mailboxes(mailboxes)
        addresses = f"{network.ROUTER}/{network.PREFIX}"
        if ipv6:
            addresses += f", {network.ROUTER6}/{network.PREFIX6}"
        self.ini = self.write("splitmx.ini", INI.format(
            directory=self.directory, device=self.vdev, addresses=addresses,
            domain=domain, verify=verify, ours=ours, external=external,
            appliance=appliance, memory=memory, listener=listener, timeouts=timeouts,
            domain_keys=domain_keys, more=more))
        self.program = None
        _routers.add(self)
        network.create()
        if attach and self.kernel_end and not network.exists(self.interface):
            network.veth(self.kernel_end, self.interface)

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def write_mailboxes(self, lines):
        return self.write(f"{self.domain}.mailboxes", "".join(f"{line}\n" for line in lines))

    def start(self, external_up=True, seconds=30):
        """Start it and wait until it answers, and until it has verified the external server."""
        self.output = os.path.join(self.directory, "splitmx.log")
        self.program = Program(self.output, self.binary, "-c", self.ini, cwd=self.directory)
        if self.kernel_end is None and self.attach:
            wait_until(lambda: self._alive() and network.exists(self.interface), seconds, "the TAP")
            network.attach(self.interface)
        wait_until(lambda: self._alive() and answers(network.ROUTER), seconds, "SplitMX answers")
        if external_up:
            wait_until(self.external_up, 15, "the external server is verified", step=0.1)
        return self

    def _alive(self):
        if not self.program.running():
            raise AssertionError(f"SplitMX ended with {self.program.process.returncode}: "
                                 f"{self.program.output()[-4000:]}")
        return True

    def external_up(self):
        with Client(network.ROUTER) as client:
            client.hello()
            return client.envelope("probe@client.test", f"{self.verify}@{self.domain}")[1][:3] == "250"

    def counters(self):
        """What SIGUSR1 makes it print, as a dict."""
        before = len(self._objects())
        self.program.process.send_signal(signal.SIGUSR1)
        return wait_until(lambda: self._objects()[before:], 5, "counters")[-1]

    def say_state(self):
        """Its counters in splitmx.log, and what `splitmxctl status` says in status.log."""
        try:
            self.counters()
            said = run(self.ctl, "--socket", os.path.join(self.directory, "control"), "status", check=False, seconds=5).stdout
        except (AssertionError, OSError, subprocess.TimeoutExpired) as reason:
            said = f"{reason}\n"
        self.write("status.log", said)

    def relay_counters(self):
        """Of these, the relay's own."""
        return self.counters()["workers"]["0"]["relay"]

    def _objects(self):
        """All JSON objects in its output: each is a line, and the last may be half written."""
        return [json.loads(line) for line in self.program.output().splitlines(keepends=True)
                if line.startswith("{") and line.endswith("}\n")]

    def mail_log(self):
        """The mail log's lines."""
        try:
            with open(os.path.join(self.directory, "mail.log"), encoding="utf-8") as log:
                return log.read().splitlines()
        except FileNotFoundError:
            return []

    def notices(self):
        """The mail log's notices."""
        return [line for line in self.mail_log() if " status=notice " in line]

    def reload(self, seconds=20):
        """SIGHUP; what the log says of the reload, once it has ended."""
        before = len(self.notices())
        self.program.process.send_signal(signal.SIGHUP)

        def said():
            lines = self.notices()[before:]
            return lines if any('notice="reload: ' in line for line in lines) else None
        wait_until(said, seconds, "the end of the reload")
        return "\n".join(self.notices()[before:])

    def stop(self, seconds=20):
        """SIGTERM; the exit code (0 is what it must be)."""
        code = self.program.stop(seconds, last_words=self.say_state) if self.program else 0
        self.program = None
        return code

    def close(self):
        """The end of a test: it must have lived until now, and go without complaint."""
        if self.program:
            self._alive()
            program = self.program
            code = self.stop()
            if code != 0:
                raise AssertionError(f"exit code {code} after SIGTERM; it said {program.output()[-8000:]}; "
                                     f"its log ends with {self.mail_log()[-5:]}")

    def kill(self):
        """kill -9."""
        self.program.kill()
        self.program = None

    def check(self, *arguments):
        """A run that ends by itself, such as --check or --route: exit code and output."""
        return run(self.binary, "-c", self.ini, *arguments, check=False, cwd=self.directory,
                   seconds=20)
