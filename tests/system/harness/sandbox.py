# SPDX-License-Identifier: BSD-3-Clause
"""A place that vanishes: network, mounts and processes of the tests live in namespaces of their own.

The harness runs itself again inside new network, mount and process namespaces. When it ends, in
whatever way, the kernel takes down every process, interface and mount in them: nothing of a test
is ever left on the machine, and nothing of the machine's network can be reached from a test.
"""
import os
import signal
import subprocess
import sys

WORK = "/run/smxtest"  # on a tmpfs of ours: Postfix's fsync() costs nothing there
_INSIDE = "SMXTEST_SANDBOX"
_NAMESPACES = ["setpriv", "--pdeathsig", "KILL",
               "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
# The first process of a process namespace inherits orphans: a shell knows how to bury them.
_INIT = ["bash", "-c", '"$@"; exit $?', "init"]


def enter():
    """Return inside the sandbox; outside, run everything in one and exit with its code."""
    if os.environ.get(_INSIDE) == "1":
        _furnish()
        return
    if os.geteuid() != 0:
        sys.exit("system tests make network namespaces: run them as root")
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda received, _frame: sys.exit(128 + received))
    child = subprocess.Popen(_NAMESPACES + _INIT + [sys.executable, "-B"] + sys.argv,
                             env={**os.environ, _INSIDE: "1"}, start_new_session=True)
    try:
        sys.exit(child.wait())
    finally:
        child.kill()  # takes the first process of the namespace along, and that one all others


def _furnish():
    """Private mounts, and a loopback that works."""
    for command in ("mount -t tmpfs -o mode=755 smxtest /run", "mount -t sysfs sysfs /sys",
                    "ip link set lo up"):
        subprocess.run(command.split(), check=True)
    # Debian's libxdp keeps its program here; a kernel without it still has the simpler way.
    subprocess.run("mount -t bpf bpf /sys/fs/bpf".split(), check=False, stderr=subprocess.DEVNULL)
    os.mkdir(WORK, 0o755)
