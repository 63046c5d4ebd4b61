# SPDX-License-Identifier: BSD-3-Clause
"""Part 1: mail systems, and ours, before the very same load."""
import generator
from measure import Stage
from systems.base import Unavailable
from systems.exim import Exim
from systems.haproxy import HAProxy
from systems.haraka import Haraka
from systems.nginx import Nginx
from systems.opensmtpd import OpenSMTPD
from systems.postfix_proxy import PostfixProxy
from systems.splitmx import SplitMX

PEERS = {"haproxy": HAProxy, "nginx": Nginx, "postfix": PostfixProxy, "exim": Exim, "haraka": Haraka,
         "opensmtpd": OpenSMTPD}
OURS = ("memif", "af_xdp", "af_packet")
SIZES, ALL_SIZES = (1 << 10,), (1 << 10, 10 << 10, 100 << 10, 1 << 20)


def makers(bench):
    """{name: what makes the system} of those that were asked for."""
    found = {name: lambda kind=kind: kind(bench.peers, bench.machine) for name, kind in PEERS.items()}
    found |= {f"splitmx-{port}": lambda port=port: SplitMX(bench.build, bench.machine, port) for port in OURS}
    return {name: make for name, make in found.items() if bench.wanted(name)}


def loads(bench):
    return [generator.Load(keep=keep, size=size) for size in (ALL_SIZES if bench.full else SIZES)
            for keep in (True, False)]


def run(bench):
    """All rounds: the systems in turn, each under every load."""
    for number in range(1, bench.rounds + 1):
        for name, make in makers(bench).items():
            try:
                with Stage(bench.build, bench.machine, make) as stage:
                    for load in loads(bench):
                        stage.warm_up(load)
                        bench.add("peers", number, stage.run(load, bench.seconds))
            except (Unavailable, generator.Failed, AssertionError) as reason:
                bench.fail("peers", number, name, reason)
