# SPDX-License-Identifier: BSD-3-Clause
"""OpenSMTPD as a relay: it answers the client once the message is in its queue, and delivers it from there.

It goes on when the generator has ended: so its destination is Postfix's smtp-sink, on the generator's core.
"""
import os
import shutil

from harness import etc
from harness.process import Program, run

import segment

from .base import System, Unavailable

CONFIG = """\
smtp max-message-size 100M
smtp limit max-mails 1000000000
mta limit session-mail-max 1000000000
listen on @ADDRESS@
action "out" relay host "smtp://@LASTING_SINK@" helo mx.test
match from any for any action "out"
"""
LASTING_SINK = "10.97.0.30"
HOSTS = {segment.CLIENTS: "client", segment.SYSTEM: "mx", LASTING_SINK: "sink"}
PLACES = ("/var/spool/smtpd", "/var/lib/opensmtpd")   # built into it


class OpenSMTPD(System):
    title = "OpenSMTPD, relay"
    does = "through its queue (on a RAM disk)"
    queues = True
    sink = None

    def start(self):
        self._start_sink()
        etc.need_user("opensmtpd", "opensmtpd")
        etc.need_user("opensmtpq", "opensmtpq")
        with open(etc.private("/etc/resolv.conf"), "w", encoding="ascii") as file:
            file.write("lookup file\n")  # it looks up every client, and there is no name server
        with open(etc.private("/etc/hosts"), "a", encoding="ascii") as file:
            file.writelines(f"{address} {name}.test\n" for address, name in HOSTS.items())
        for place in PLACES:  # in the sandbox's mounts only
            run("mount", "-t", "tmpfs", "-o", "mode=755", "opensmtpd", os.path.dirname(place))
            os.makedirs(place, mode=0o711)
        os.mkdir(os.path.join(PLACES[1], "empty"), mode=0o755)
        self.launch(self.unpacked("usr/sbin/smtpd"), "-d", "-f",
                    self.write("smtpd.conf", CONFIG, lasting_sink=LASTING_SINK), output="mail.log")

    def _start_sink(self):
        if not shutil.which("smtp-sink"):
            raise Unavailable("smtp-sink is not installed (tests/setup.sh)")
        run("ip", "address", "add", f"{LASTING_SINK}/{segment.PREFIX}", "dev", segment.OWN_END)
        with open(f"/sys/class/net/{segment.OWN_END}/queues/rx-0/rps_cpus", "w", encoding="ascii") as file:
            file.write(self.machine.mask(self.machine.own))  # its TCP is not to be paid for by the sender
        self.sink = Program(self.path("sink.log"), "smtp-sink", "-u", "nobody", f"{LASTING_SINK}:25", "1000")

    def stop(self):
        super().stop()
        if self.sink:
            self.sink.stop()
        for place in PLACES:
            run("umount", "-l", os.path.dirname(place), check=False)

    def is_record(self, line):
        return " mta delivery " in line and 'result="Ok"' in line
