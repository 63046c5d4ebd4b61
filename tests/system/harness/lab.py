# SPDX-License-Identifier: BSD-3-Clause
"""Our TCP and the kernel's, side by side, each before the same peer over the same wire.

    namespace lab0p            |  root namespace                |
    p: the peer  ...1/24 ------|-- pw0 === wire === ow0 -- o0 --| tcp_peer (ours) ...3
                               |            or                  |
                               |       pw0 === wire === lw0 ----|-- namespace lab0l, l: the kernel ...2

Hosts of the kernel have its defaults: CUBIC, and what TUNING says. A lane is such a lab with names and
addresses of its own: several can be busy at once.
"""
import contextlib
import ctypes
import json
import os
import signal
import socket
import sys

from . import network, sandbox
from .process import Program, run, wait_until

BENCH = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))), "bench")
KERNEL = os.path.join(BENCH, "tcp_kernel.py")
CROWD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "crowd.py")
PORT = 7000
OURS, LINUX = "ours", "linux"

# The kernel's defaults, whatever this machine says; and no memory of former connections' losses.
TUNING = ("net.ipv4.tcp_rmem=4096 131072 6291456", "net.ipv4.tcp_wmem=4096 16384 4194304",
          "net.ipv4.tcp_no_metrics_save=1")


def _be_urgent():
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


class Lab:
    """One lane: three hosts. Runs inside the sandbox (sandbox.enter())."""

    def __init__(self, build, lane=0, urgent=False, families=(4, 6), options=()):
        self.build, self.lane, self.families = build, lane, families
        # The wire and tcp_peer do in a process what interrupts do for the kernel's TCP: to be compared
        # with that, they must not wait for a CPU.
        self.urgent = _be_urgent if urgent else None
        self.peer_ns, self.linux_ns = f"lab{lane}p", f"lab{lane}l"
        self.ends = {OURS: f"ow{lane}", LINUX: f"lw{lane}"}
        self.programs = []
        self.wire = self.ours = None
        self._host(self.peer_ns, "p", f"pw{lane}", 1)
        self._host(self.linux_ns, "l", self.ends[LINUX], 2)
        self._pair(f"o{lane}", self.ends[OURS])
        self._introduce()
        for family in families:
            self._start(f"linux{family}", *self.inside(self.linux_ns), sys.executable, "-B", KERNEL,
                        "serve", self.address(2, family), PORT)
        self.start_ours(*options)

    def start_ours(self, *options):
        """tcp_peer, afresh."""
        addresses = [word for family in self.families
                     for word in ("--address", f"{self.address(3, family)}/{self.length(family)}")]
        self.ours = self._start("ours", os.path.join(self.build, "bench/tcp_peer"), "--device",
                                f"net_af_packet0,iface=o{self.lane}", *addresses, *options)

    def address(self, host, family=4):
        return f"10.98.{self.lane}.{host}" if family == 4 else f"fd98:{self.lane}::{host}"

    @staticmethod
    def length(family):
        return 24 if family == 4 else 64

    @staticmethod
    def inside(namespace):
        return ["ip", "netns", "exec", namespace]

    def _pair(self, one, other):
        run("ip", "link", "add", one, "type", "veth", "peer", "name", other)
        for end in (one, other):
            network.finish_tcp_here(end)
            run("sysctl", "-qw", f"net.ipv6.conf.{end}.disable_ipv6=1")
            run("ip", "link", "set", end, "up")

    def _host(self, namespace, interface, wire_end, number):
        """A host of the kernel with one interface, whose other end is for the wire."""
        outer = f"{interface}{self.lane}"
        run("ip", "netns", "add", namespace)
        self._pair(outer, wire_end)
        run("ip", "link", "set", outer, "netns", namespace, "name", interface)
        inside = self.inside(namespace)
        run(*inside, "sysctl", "-qw", *TUNING, f"net.ipv6.conf.{interface}.disable_ipv6=0",
            f"net.ipv6.conf.{interface}.accept_dad=0", "net.core.somaxconn=4096")
        for family in (4, 6):
            run(*inside, "ip", "address", "add",
                f"{self.address(number, family)}/{self.length(family)}", "dev", interface)
        run(*inside, "ip", "link", "set", "dev", interface, "up")
        run(*inside, "ip", "link", "set", "lo", "up")

    def _introduce(self):
        """The kernel's hosts know everybody's MAC: no lost ARP packet delays a connection."""
        macs = {}
        for number, where, interface in ((1, self.peer_ns, "p"), (2, self.linux_ns, "l"),
                                         (3, None, f"o{self.lane}")):
            command = self.inside(where) if where else []
            link = json.loads(run(*command, "ip", "-j", "link", "show", "dev", interface).stdout)
            macs[number] = link[0]["address"]
        for where, interface, others in ((self.peer_ns, "p", (2, 3)), (self.linux_ns, "l", (1,))):
            for number in others:
                for family in (4, 6):
                    run(*self.inside(where), "ip", "neighbour", "replace",
                        self.address(number, family), "lladdr", macs[number], "dev", interface,
                        "nud", "permanent")

    def _start(self, name, *command, seconds=30):
        """A program that says {"ready": true}, and a line of JSON for what it does."""
        log = os.path.join(sandbox.WORK, f"lab{self.lane}-{name}.log")
        if os.path.exists(log):
            os.remove(log)
        program = Program(log, *command, preexec_fn=self.urgent)
        program.said = lambda: [json.loads(line) for line in program.output().splitlines(True)
                                if line.startswith("{") and line.endswith("}\n")]
        wait_until(lambda: program.said() or not program.running(), seconds,
                   f"{name} is ready")
        if not program.running():
            raise AssertionError(f"{name}: {program.output()[-2000:]}")
        self.programs.append(program)
        return program

    def connect(self, side, from_side=False, **faults):
        """A wire between the peer and that side; `faults` are the options of tests/system/wire, whose
        first interface is the peer's, or (from_side) the side's."""
        options = [word for name, value in faults.items() for word in (f"--{name}", value)]
        ends = [f"pw{self.lane}", self.ends[side]]
        self.wire = self._start("wire", os.path.join(self.build, "tests/system/wire"), *options,
                                *(reversed(ends) if from_side else ends))

    def bridge(self, side):
        """No wire but a bridge, which takes no time: for floods."""
        name = f"lab{self.lane}br"
        run("ip", "link", "add", name, "type", "bridge")
        for end in (f"pw{self.lane}", self.ends[side], name):
            run("sysctl", "-qw", f"net.ipv6.conf.{end}.disable_ipv6=1")
            run("ip", "link", "set", "dev", end, *(() if end == name else ("master", name)), "up")

    def cut(self):
        """The wire's counts."""
        wire, self.wire = self.wire, None
        self.programs.remove(wire)
        code = wire.stop()
        if code != 0:
            raise AssertionError(f"the wire ended with {code}: {wire.output()}")
        return wire.said()[-1]

    def transfer(self, side, sends, size, family=4, seconds=120):
        """The peer has that side send or receive so many bytes; what both ends say of it.

        AssertionError unless every byte arrived as it was sent.
        """
        host = 3 if side == OURS else 2
        before = len(self.ours.said())
        done = run(*self.inside(self.peer_ns), sys.executable, "-B", KERNEL,
                   "receive" if sends else "send", size, self.address(host, family), PORT,
                   check=False, seconds=seconds, preexec_fn=self.urgent)
        try:
            client = json.loads(done.stdout)
        except ValueError:
            client = {"error": done.stdout[-500:]}
        server = None
        if side == OURS and "error" not in client:
            server = wait_until(lambda: self.ours.said()[before:], 10, "tcp_peer's report")[0]
        if "error" in client or (server and not server["intact"]):
            raise AssertionError(f"{side} {'sends' if sends else 'receives'} {size} bytes: "
                                 f"{client}, {server}, {self.ours.said()[before:]}")
        return {"client": client, "server": server}

    def ours_connects(self, sends, size, family=4):
        """The other way round: tcp_peer, started anew, opens the connection to the peer."""
        self.stop_ours()
        server = self._start(f"peer{family}", *self.inside(self.peer_ns), sys.executable, "-B",
                             KERNEL, "serve", self.address(1, family), PORT)
        remote = self.address(1, family) if family == 4 else f"[{self.address(1, family)}]"
        self.start_ours("--connect", f"{remote}:{PORT}", "send" if sends else "receive", str(size))
        code = self.ours.process.wait(60)
        said = self.ours.said()
        self.programs.remove(self.ours)
        self.programs.remove(server)
        server.stop()
        self.start_ours()
        if code != 0:
            raise AssertionError(f"tcp_peer ended with {code}: {said}")
        return said[1]

    @contextlib.contextmanager
    def peer(self):
        """Sockets that this thread makes meanwhile are the peer's."""
        libc = ctypes.CDLL(None, use_errno=True)

        def enter(namespace):
            if libc.setns(namespace.fileno(), 0x40000000) != 0:  # CLONE_NEWNET, of this thread alone
                raise OSError(ctypes.get_errno(), "setns")

        with (open("/proc/thread-self/ns/net", "rb") as here,
              open(f"/run/netns/{self.peer_ns}", "rb") as there):
            enter(there)
            try:
                yield
            finally:
                enter(here)

    def dial(self, side, family=4, seconds=30):
        """A connection from the peer to that side."""
        with self.peer():
            connection = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6)
        connection.settimeout(seconds)
        connection.connect((self.address(3 if side == OURS else 2, family), PORT))
        return connection

    def crowd(self, count):
        """So many connections from the peer to ours that never say a word; the programs that hold them."""
        programs, each = [], 15_000  # an address has 28,000 ports, a process perhaps 20,000 files
        for number in range(-(-count // each)):
            address = self.address(100 + number)
            run(*self.inside(self.peer_ns), "ip", "address", "replace",
                f"{address}/{self.length(4)}", "dev", "p")
            programs.append(self._start(
                f"crowd{number}", *self.inside(self.peer_ns), sys.executable, "-B", CROWD, address,
                self.address(3), PORT, min(each, count - number * each), seconds=120))
        return programs

    def disperse(self, crowd):
        """Close all of its connections."""
        for program in crowd:
            self.programs.remove(program)
            program.stop()

    def state(self):
        """What SIGUSR1 makes tcp_peer say."""
        before = len(self.ours.said())
        self.ours.process.send_signal(signal.SIGUSR1)

        def states():
            return [line for line in self.ours.said()[before:] if "state" in line]
        return wait_until(states, 10, "tcp_peer's state")[-1]

    def stop_ours(self):
        self.programs.remove(self.ours)
        code = self.ours.stop()
        if code != 0:
            raise AssertionError(f"tcp_peer ended with {code}: {self.ours.output()[-2000:]}")

    def close(self):
        if self.wire:
            self.cut()
        self.stop_ours()
        for program in self.programs:
            program.stop()
        for end in (f"pw{self.lane}", *self.ends.values()):
            network.remove(end)
        for namespace in (self.peer_ns, self.linux_ns):
            run("ip", "netns", "delete", namespace)
