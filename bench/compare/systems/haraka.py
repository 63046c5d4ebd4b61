# SPDX-License-Identifier: BSD-3-Clause
"""Haraka with smtp_forward: it keeps the whole message in memory, then sends it on while the client waits."""
import shutil

from .base import System, Unavailable

FILES = {
    "me": "mx.test\n",
    "host_list": "example.com\n",
    "plugins": "rcpt_to.in_host_list\nqueue/smtp_forward\n",
    "smtp.ini": "listen=@ADDRESS@:25\nnodes=0\n",
    "smtp_forward.ini": "host=@SINK@\nport=25\n",
    "log.ini": "[main]\nlevel=notice\ntimestamps=true\n",
}


class Haraka(System):
    title = "Haraka, smtp_forward"
    does = "store, then forward, the client waiting"

    def start(self):
        node = shutil.which("node")
        if not node:
            raise Unavailable("node is not installed")
        binary = self.unpacked("node_modules/Haraka/bin/haraka")
        shutil.copytree(self.unpacked("node_modules/Haraka/config"), self.path("config"))
        for name, text in FILES.items():
            self.write(f"config/{name}", text)
        self.launch(node, binary, "-c", self.directory, output="mail.log")

    def is_record(self, line):
        return " [core] queue code=OK " in line
