# SPDX-License-Identifier: BSD-3-Clause
"""What a server insists on in /etc, in the sandbox only: its files there are copies of the machine's."""
import grp
import os
import pwd

from . import sandbox
from .process import run

FIRST = 64_000


def private(path):
    """The name of a copy that stands in front of the machine's file from now on."""
    copy = os.path.join(sandbox.WORK, os.path.basename(path))
    if not os.path.exists(copy):
        with open(path, encoding="utf-8") as original, open(copy, "w", encoding="utf-8") as file:
            file.write(original.read())
        run("mount", "--bind", copy, path)
    return copy


def need_user(user, group):
    """Both exist from now on."""
    try:
        grp.getgrnam(group)
    except KeyError:
        number = FIRST + len(grp.getgrall())
        with open(private("/etc/group"), "a", encoding="utf-8") as file:
            file.write(f"{group}:x:{number}:\n")
    try:
        pwd.getpwnam(user)
    except KeyError:
        number = FIRST + len(pwd.getpwall())
        with open(private("/etc/passwd"), "a", encoding="utf-8") as file:
            file.write(f"{user}:x:{number}:{grp.getgrnam(group).gr_gid}:{user}:/nonexistent:/usr/sbin/nologin\n")
