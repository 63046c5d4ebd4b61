# SPDX-License-Identifier: BSD-3-Clause
"""HAProxy in TCP mode: bytes from one socket to the other, with no idea of mail."""
from .base import System

CONFIG = """\
global
    nbthread 1
    maxconn @CONNECTIONS@
    log stdout format raw daemon
defaults
    mode tcp
    log global
    option tcplog
    timeout connect 5s
    timeout client 1m
    timeout server 1m
listen smtp
    bind @ADDRESS@:25
    server sink @SINK@:25
"""


class HAProxy(System):
    title = "HAProxy, TCP mode"
    does = "passes bytes on"
    log_of = "connection"

    def start(self):
        config = self.write("haproxy.cfg", CONFIG)
        self.launch(self.unpacked("usr/sbin/haproxy"), "-db", "-f", config, output="mail.log")

    def is_record(self, line):
        return " smtp smtp/sink " in line
