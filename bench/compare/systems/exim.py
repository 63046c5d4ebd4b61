# SPDX-License-Identifier: BSD-3-Clause
"""Exim with cutthrough_delivery: the destination has the message before the client is answered."""
import os
import shutil

from harness import etc

from .base import System

CONFIG = """\
exim_path = @EXIM@
exim_user = Debian-exim
exim_group = Debian-exim
spool_directory = @DIRECTORY@/spool
log_file_path = @DIRECTORY@/%slog
pid_file_path = @DIRECTORY@/exim.pid
primary_hostname = mx.test
qualify_domain = mx.test
disable_ipv6 = true
local_interfaces = @ADDRESS@
daemon_smtp_ports = 25
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 0
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
smtp_connect_backlog = 4096
tls_advertise_hosts =
chunking_advertise_hosts =
message_size_limit = 100M
keep_environment =
acl_smtp_rcpt = rcpt

begin acl
rcpt:
  accept control = cutthrough_delivery

begin routers
all:
  driver = manualroute
  route_list = * @SINK@
  transport = out

begin transports
out:
  driver = smtp
  hosts_avoid_tls = *
  hosts_try_chunking =

begin retry
* * F,1h,1m
"""


class Exim(System):
    title = "Exim, cutthrough_delivery"
    does = "cut-through"

    def start(self):
        etc.need_user("Debian-exim", "Debian-exim")
        os.mkdir(self.path("spool"))
        for path in (self.directory, self.path("spool")):
            shutil.chown(path, "Debian-exim", "Debian-exim")
        binary = self.unpacked("usr/sbin/exim4")
        self.launch(binary, "-C", self.write("exim.conf", CONFIG, exim=binary), "-bdf")

    def log_path(self):
        return self.path("mainlog")

    def is_record(self, line):
        return " => " in line or " >> " in line
