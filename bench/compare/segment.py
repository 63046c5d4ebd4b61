# SPDX-License-Identifier: BSD-3-Clause
"""The wire between the generator and the system under test.

    namespace of the benchmark            namespace sut
    gen0: smtpgen (DPDK, no address) ==== sut0: 10.97.0.2
      10.97.0.1 clients                     the kernel's TCP, or our port
      10.97.0.10 the mailbox server's sink
      10.97.0.20 the external server's sink

Each side pays for its own packets. What gen0 sends is received on the tested core: by a NAPI thread there
(steering.py), as a NIC's interrupts would have it, with GRO; where our port is at the far end without XDP, by receive
packet steering, for which the sender interrupts that core for nearly every packet. What the system sends reaches the
generator's packet socket in the sender's own context: copying it there is the price of "transmit". No other offloads:
every frame is one that could travel on a wire, with its checksum.
"""
from harness import network
from harness.process import run

SYSTEM, PREFIX = "10.97.0.2", 24
CLIENTS = "10.97.0.1"
MAILBOXES, EXTERNAL = "10.97.0.10", "10.97.0.20"
NAMESPACE, OWN_END, FAR_END = "sut", "gen0", "sut0"
TUNING = ("net.ipv4.ip_local_port_range=10000 60999", "net.ipv4.tcp_max_syn_backlog=4096",
          "net.core.somaxconn=4096", "net.ipv4.tcp_tw_reuse=1")


def inside(*command):
    """The command, run in the system's namespace."""
    return ["ip", "netns", "exec", NAMESPACE, *command]


def client_addresses(count=1):
    """For more connections than one address has ports: 10.97.0.1, and 10.97.0.101 on."""
    return [CLIENTS] + [f"10.97.0.{100 + number}" for number in range(1, count)]


class Segment:
    """The pair. `kernel`: the kernel's TCP has the far end; else nothing has an address there."""

    def __init__(self, machine, kernel=True):
        self.machine = machine
        run("ip", "netns", "add", NAMESPACE)
        run("ip", "link", "add", OWN_END, "type", "veth", "peer", "name", FAR_END, "netns", NAMESPACE)
        for end, prefix in ((OWN_END, []), (FAR_END, inside())):
            run(*prefix, "sysctl", "-qw", f"net.ipv6.conf.{end}.disable_ipv6=1")
            run(*prefix, "ethtool", "-K", end, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
        if kernel:
            run(*inside(), "ethtool", "-K", FAR_END, "gro", "on")  # without GRO or XDP a veth has no NAPI
        for end, prefix in ((OWN_END, []), (FAR_END, inside())):
            run(*prefix, "ip", "link", "set", end, "up")
        run(*inside(), "ip", "link", "set", "lo", "up")
        run(*inside(), "sysctl", "-qw", *TUNING)
        if kernel:
            run(*inside(), "ip", "address", "add", f"{SYSTEM}/{PREFIX}", "dev", FAR_END)

    def steer(self):
        """The system is there: from now on its packets are received on its core."""
        far = f"/sys/class/net/{FAR_END}"
        if run(*inside(), "sh", "-c", f"echo 1 > {far}/threaded", check=False).returncode != 0:
            mask = self.machine.mask(self.machine.tested)
            run(*inside(), "sh", "-c", f"echo {mask} > {far}/queues/rx-0/rps_cpus")

    @staticmethod
    def remove():
        """All of it, as far as it was made."""
        network.remove(OWN_END)
        run("ip", "netns", "delete", NAMESPACE, check=False)
