# SPDX-License-Identifier: BSD-3-Clause
"""OpenSMTPD as a relay: it answers the client once the message is in its queue, and delivers it from there."""
import os

from harness.process import run

from . import users
from .base import System

CONFIG = """\
smtp max-message-size 100M
smtp limit max-mails 1000000000
listen on @ADDRESS@
action "out" relay host "smtp://@SINK@" helo mx.test
match from any for any action "out"
"""
PLACES = ("/var/spool/smtpd", "/var/lib/opensmtpd")   # built into it


class OpenSMTPD(System):
    title = "OpenSMTPD, relay"
    does = "through its queue (on a RAM disk)"
    queues = True

    def start(self):
        users.need("opensmtpd", "opensmtpd")
        users.need("opensmtpq", "opensmtpq")
        for place in PLACES:  # in the sandbox's mounts only
            run("mount", "-t", "tmpfs", "-o", "mode=755", "opensmtpd", os.path.dirname(place))
            os.makedirs(place, mode=0o711)
        os.mkdir(os.path.join(PLACES[1], "empty"), mode=0o755)
        self.launch(self.unpacked("usr/sbin/smtpd"), "-d", "-f", self.write("smtpd.conf", CONFIG),
                    output="mail.log")

    def stop(self):
        super().stop()
        for place in PLACES:
            run("umount", "-l", os.path.dirname(place), check=False)

    def is_record(self, line):
        return " mta delivery " in line and 'result="Ok"' in line
