# SPDX-License-Identifier: BSD-3-Clause
"""A real Exim with mailboxes: its own spool, its own address."""
import os
import shutil

from . import etc
from .client import answers
from .mailserver import Unpacked
from .process import Program, wait_until

USER = "Debian-exim"

CONFIG = """\
exim_path = {binary}
exim_user = {user}
exim_group = {user}
deliver_drop_privilege = true
spool_directory = {directory}/spool
log_file_path = {directory}/%slog
pid_file_path = {directory}/exim.pid
primary_hostname = {name}.test
qualify_domain = {name}.test
domainlist split = {domains}
disable_ipv6 = true
local_interfaces = {address}
daemon_smtp_ports = 25
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 200
smtp_accept_queue = 0
smtp_accept_queue_per_connection = 0
tls_advertise_hosts =
message_size_limit = 100M
keep_environment =
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
acl_smtp_rcpt = rcpt
acl_smtp_data = data
{settings}

begin acl
rcpt:
  require domains = +split
          message = relay not permitted
  require verify = recipient
  {rcpt}
  accept
data:
  deny senders = {refuses}
       message = no such content
  accept

begin routers
aliases:
  driver = redirect
  data = ${{lookup{{$local_part@$domain}}lsearch{{{directory}/aliases}}}}
mailboxes:
  driver = accept
  domains = +split
  local_parts = {users}
  transport = mailbox
{routers}

begin transports
mailbox:
  driver = appendfile
  maildir_format = true
  create_directory = true
  directory = {mail}/$local_part_data@$domain_data
  user = {user}
out:
  driver = smtp
  hosts_avoid_tls = *
  interface = {address}
  allow_localhost = true

begin retry
* * F,1h,1m
"""


class Exim(Unpacked):
    """`users` are local parts, with a mailbox in each of `domains`. `settings` are for the main section.

    relay_unknown: where other recipients of the domains go, host:port, instead of a 550;
    callout: their verification asks that host, and defers what it defers;
    cutthrough: it passes their mail on while its client waits;
    aliases: pairs of an address and where its mail goes instead;
    refuses: a sender whose messages are refused at their end.
    """

    PROGRAM = "usr/sbin/exim4"

    def __init__(self, name, address, users, domains=("example.com",), peers="", settings="", relay_unknown=None,
                 callout=False, cutthrough=False, refuses=None, aliases=()):
        super().__init__("exim", name, address, peers)
        etc.need_user(USER, USER)
        os.mkdir(os.path.join(self.directory, "spool"))
        for path in (self.directory, self.mail, os.path.join(self.directory, "spool")):
            shutil.chown(path, USER, USER)
        # Its user can execute it here, wherever the build is.
        self.binary = shutil.copy(self.unpacked(self.PROGRAM), self.directory)
        routers = ""
        if relay_unknown:
            host, port = relay_unknown.rsplit(":", 1)
            routers = (f"others:\n  driver = manualroute\n  domains = +split\n"
                       f"  route_list = * {host}::{port}\n  self = send\n  transport = out\n")
        self.write("aliases", "".join(f"{alias}: {target}\n" for alias, target in aliases))
        text = CONFIG.format(binary=self.binary, user=USER, directory=self.directory, name=name,
                             address=address, mail=self.mail, domains=" : ".join(domains), users=" : ".join(users),
                             settings=settings, routers=routers, refuses=refuses or "!*",
                             rcpt="warn control = cutthrough_delivery/defer=pass" if cutthrough else "")
        if callout:
            text = text.replace("verify = recipient\n", "verify = recipient/callout=60s,no_cache\n")
        self.config = self.write("exim.conf", text)

    def start(self):
        self.program = Program(os.path.join(self.directory, "output.log"), self.binary, "-C", self.config, "-bdf",
                               env=self.environment())
        wait_until(lambda: answers(self.address), 20, f"Exim {self.name} answers: {self.program.output()}")
        return self

    def queued(self):
        """Each message has a -H file from its acceptance until it is delivered."""
        return sum(name.endswith("-H") for _, _, names in os.walk(os.path.join(self.directory, "spool", "input"))
                   for name in names)
