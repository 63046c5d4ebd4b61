# SPDX-License-Identifier: BSD-3-Clause
"""A bad wire between the bridge and a port: wire.c between two veth pairs.

    br0 --- near | nearw === wire === farw | far --- (a DPDK port, or the kernel)
"""
import json
import os

from . import network, sandbox
from .process import Program, run


class Wire:
    """Makes both veth pairs and joins them. `far` is the interface for the other party."""

    def __init__(self, build, far="smx1", seed=1, drop=0, duplicate=0, reorder=0, delay=0):
        network.create()
        network.veth("near", "nearw")
        network.remove(far)
        run("ip", "link", "add", far, "type", "veth", "peer", "name", "farw")
        for end in (far, "farw"):
            network.finish_tcp_here(end)
            run("sysctl", "-qw", f"net.ipv6.conf.{end}.disable_ipv6=1")
            run("ip", "link", "set", end, "up")
        self.program = Program(os.path.join(sandbox.WORK, "wire.log"),
                               os.path.join(build, "tests/system/wire"), "--seed", seed,
                               "--drop", drop, "--duplicate", duplicate, "--reorder", reorder,
                               "--delay", delay, "nearw", "farw")

    def close(self):
        """Cut the wire; its counts."""
        if not self.program:
            return None
        self.program.stop()
        counts = json.loads(self.program.output().splitlines()[-1])
        self.program = None
        network.remove("near")
        network.remove("farw")
        return counts
