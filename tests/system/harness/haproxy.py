# SPDX-License-Identifier: BSD-3-Clause
"""A real HAProxy in front of the router: it says who its clients are by the PROXY protocol."""
import os
import shutil

from . import network, sandbox
from .process import Program, wait_until

CONFIGURATION = """\
global
    maxconn 1000
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
{listens}
"""

LISTEN = """\
listen port{port}
    bind {address}:{port}
    source {address}
    server router {router} {options}
"""


class HAProxy:
    """One HAProxy at `address`; `ports` is {port: options of its server line, e.g. "send-proxy"}."""

    def __init__(self, address, ports, router=network.ROUTER + ":25"):
        self.address, self.ports = address, ports
        self.directory = os.path.join(sandbox.WORK, "haproxy")
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)
        self.configuration = os.path.join(self.directory, "haproxy.cfg")
        with open(self.configuration, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(listens="".join(
                LISTEN.format(address=address, port=port, router=router, options=options)
                for port, options in ports.items())))
        self.program = None

    def start(self):
        self.program = Program(os.path.join(self.directory, "haproxy.log"), "haproxy", "-db", "-f",
                               self.configuration)
        wait_until(self._listens, 10, "HAProxy listens")
        return self

    def _listens(self):
        if not self.program.running():
            raise AssertionError(f"HAProxy ended: {self.program.output()[-2000:]}")
        with open("/proc/net/tcp", encoding="ascii") as table:
            octets = bytes(int(part) for part in reversed(self.address.split("."))).hex().upper()
            known = table.read()
            return all(f"{octets}:{port:04X} 00000000:0000 0A" in known for port in self.ports)

    def stop(self):
        if self.program:
            self.program.stop()
