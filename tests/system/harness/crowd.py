# SPDX-License-Identifier: BSD-3-Clause
"""A crowd: connections that never say a word. Run as a program, in the namespace of its host:

    crowd.py SOURCE ADDRESS PORT COUNT    says {"ready": true} when all are open; until SIGTERM
"""
import resource
import select
import signal
import socket
import sys

IP_BIND_ADDRESS_NO_PORT = 24  # of linux/in.h: the port is chosen by connect(), quickly
AT_ONCE = 256  # that may be opening
PATIENCE = 30  # seconds without a connection that opens


def gather(source, address, port, count):
    """So many connections from one address."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    connections, opening, poll = [], 0, select.epoll()
    while len(connections) < count or opening:
        while len(connections) < count and opening < AT_ONCE:
            connection = socket.socket()
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            connection.bind((source, 0))
            connection.connect_ex((address, port))
            poll.register(connection, select.EPOLLOUT | select.EPOLLONESHOT)
            connections.append(connection)
            opening += 1
        opened = poll.poll(PATIENCE)
        if not opened:
            sys.exit(f"{opening} of {len(connections)} connections do not open")
        opening -= len(opened)
    return connections


if __name__ == "__main__":
    crowd = gather(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    print('{"ready": true}', flush=True)
    signal.sigwait([signal.SIGTERM])
