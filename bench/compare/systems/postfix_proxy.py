# SPDX-License-Identifier: BSD-3-Clause
"""Postfix with a before-queue proxy: smtpd reads the mail and speaks to the destination while the client waits."""
import os
import shutil

from harness.process import run

from .base import System, Unavailable

MASTER = """\
@ADDRESS@:25 inet n - n - 1000 smtpd -o smtpd_proxy_filter=@SINK@:25
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
proxymap  unix  - - n - - proxymap
anvil     unix  - - n - 1 anvil
error     unix  - - n - - error
postlog   unix-dgram n - n - 1 postlogd
"""

MAIN = """\
compatibility_level = 3.6
myhostname = mx.test
mydestination =
relay_domains = example.com
relay_recipient_maps =
mynetworks = 10.97.0.0/24
inet_interfaces = @ADDRESS@
inet_protocols = ipv4
queue_directory = @DIRECTORY@/queue
data_directory = @DIRECTORY@/data
maillog_file = @DIRECTORY@/mail.log
maillog_file_prefixes = /run
alias_maps =
alias_database =
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_tls_security_level = none
message_size_limit = 104857600
default_process_limit = 1000
smtp_dns_support_level = disabled
smtp_host_lookup = native
"""


class PostfixProxy(System):
    title = "Postfix, before-queue proxy"
    does = "cut-through"

    def start(self):
        if not shutil.which("postfix"):
            raise Unavailable("postfix is not installed (tests/setup.sh)")
        for part in ("config", "queue", "data"):
            os.makedirs(self.path(part))
        shutil.chown(self.path("data"), "postfix")
        self.write("config/main.cf", MAIN)
        self.write("config/master.cf", MASTER)
        self._postfix("start")
        self.await_listener()

    def _postfix(self, action):
        run(*self.there("postfix", "-c", self.path("config"), action))

    def stop(self):
        self._postfix("stop")

    def is_record(self, line):
        return " proxy-accept: END-OF-MESSAGE: 250 " in line
