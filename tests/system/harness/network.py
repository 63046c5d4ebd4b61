# SPDX-License-Identifier: BSD-3-Clause
"""The test network: a bridge that holds the addresses of all kernel-side parties.

                      br0  10.99.0.1  clients
                       |   10.99.0.10 mailbox server ("ours")
                       |   10.99.0.20 external server
      attach(interface)|
                       |
                   TAP or veth --- SplitMX 10.99.0.2

With add_ipv6() each party has 2001:db8:99::/64 too, with the same number at its end. The addresses
belong to the bridge, so they stay when SplitMX's TAP goes away and comes back.
"""
import os

from .process import run

CLIENT = "10.99.0.1"
ROUTER = "10.99.0.2"
OTHER_CLIENT = "10.99.0.3"
OURS = "10.99.0.10"
EXTERNAL = "10.99.0.20"
PREFIX = 24
CLIENT6 = "2001:db8:99::1"
ROUTER6 = "2001:db8:99::2"
OURS6 = "2001:db8:99::10"
EXTERNAL6 = "2001:db8:99::20"
PREFIX6 = 64
BRIDGE = "br0"


def exists(interface):
    return os.path.exists(f"/sys/class/net/{interface}")


def create():
    """Make the bridge, where it is not there yet."""
    if exists(BRIDGE):
        return
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("sysctl", "-qw", f"net.ipv6.conf.{BRIDGE}.disable_ipv6=1", "net.ipv4.ip_local_port_range=10000 60999",
        "net.ipv4.tcp_max_syn_backlog=4096", "net.core.somaxconn=4096")
    for address in (CLIENT, OTHER_CLIENT, OURS, EXTERNAL):
        run("ip", "address", "add", f"{address}/{PREFIX}", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")


def add_ipv6():
    """Let the bridge speak IPv6, too. Other tests count frames that are theirs: remove it again."""
    run("sysctl", "-qw", f"net.ipv6.conf.{BRIDGE}.disable_ipv6=0")
    run("ip", "address", "add", f"{CLIENT6}/{PREFIX6}", "dev", BRIDGE, "nodad")
    for address in (OURS6, EXTERNAL6):  # deprecated: not what the kernel's clients connect from
        run("ip", "address", "add", f"{address}/{PREFIX6}", "dev", BRIDGE, "nodad",
            "preferred_lft", 0)


def remove_ipv6():
    run("sysctl", "-qw", f"net.ipv6.conf.{BRIDGE}.disable_ipv6=1")


def attach(interface):
    """Put an interface's kernel end on the bridge."""
    run("sysctl", "-qw", f"net.ipv6.conf.{interface}.disable_ipv6=1")
    run("ip", "link", "set", interface, "master", BRIDGE, "up")


def finish_tcp_here(interface):
    """Make the kernel complete checksums and segments itself: a veth hands over unfinished ones."""
    run("ethtool", "-K", interface, "tx", "off", "tso", "off", "gso", "off", "gro", "off")


def veth(kernel_end, other_end):
    """A pair whose kernel end is on the bridge, and whose other end is for a DPDK port or the wire."""
    remove(other_end)
    run("ip", "link", "add", kernel_end, "type", "veth", "peer", "name", other_end)
    for end in (kernel_end, other_end):
        finish_tcp_here(end)
    run("sysctl", "-qw", f"net.ipv6.conf.{other_end}.disable_ipv6=1")
    attach(kernel_end)
    run("ip", "link", "set", other_end, "up")


def remove(interface):
    if exists(interface):
        run("ip", "link", "delete", interface)
