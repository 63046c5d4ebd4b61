# SPDX-License-Identifier: BSD-3-Clause
"""System users that a server insists on, in the sandbox only: /etc/passwd there is a copy of the machine's."""
import grp
import os
import pwd

from harness import sandbox
from harness.process import run

FIRST = 64_000


def _private(path):
    """A copy in front of the machine's file, once."""
    copy = os.path.join(sandbox.WORK, os.path.basename(path))
    if not os.path.exists(copy):
        with open(path, encoding="utf-8") as original, open(copy, "w", encoding="utf-8") as file:
            file.write(original.read())
        run("mount", "--bind", copy, path)
    return copy


def need(user, group):
    """Both exist from now on."""
    try:
        grp.getgrnam(group)
    except KeyError:
        number = FIRST + len(grp.getgrall())
        with open(_private("/etc/group"), "a", encoding="utf-8") as file:
            file.write(f"{group}:x:{number}:\n")
    try:
        pwd.getpwnam(user)
    except KeyError:
        number = FIRST + len(pwd.getpwall())
        with open(_private("/etc/passwd"), "a", encoding="utf-8") as file:
            file.write(f"{user}:x:{number}:{grp.getgrnam(group).gr_gid}:{user}:/nonexistent:/usr/sbin/nologin\n")
