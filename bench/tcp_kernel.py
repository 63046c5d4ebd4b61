#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The kernel's TCP as a bulk source and sink: the counterpart of tcp_peer.c, whose protocol it speaks.

    tcp_kernel.py serve ADDRESS PORT               until SIGTERM; any number of connections
    tcp_kernel.py send|receive BYTES ADDRESS PORT  one transfer; the verb says what this side does

Each transfer ends with a line of JSON. The client's `seconds` are from connect() to the last byte
received, or to the server's word that it has all.
"""
import json
import socket
import struct
import sys
import threading
import time

PATTERN = 65521  # bytes until it repeats


def _pattern():
    out, x = bytearray(PATTERN), 1
    for i in range(PATTERN):
        x = (x * 1664525 + 1013904223) & 0xffffffff
        out[i] = x >> 24
    return bytes(out)


_TWICE = _pattern() * 8
_ROUND = 4 * PATTERN


def send_pattern(connection, size):
    """`size` bytes of the pattern."""
    view, done = memoryview(_TWICE), 0
    while done < size:
        at = done % PATTERN
        done += connection.send(view[at:at + min(_ROUND, size - done)])


def receive_pattern(connection, size):
    """Read and compare `size` bytes; ValueError if one differs, ConnectionError if they end early."""
    view, buffer, done = memoryview(_TWICE), memoryview(bytearray(_ROUND)), 0
    while done < size:
        got = connection.recv_into(buffer, min(_ROUND, size - done))
        if got == 0:
            raise ConnectionError(f"the end after {done} of {size} bytes")
        at = done % PATTERN
        if buffer[:got] != view[at:at + got]:
            raise ValueError(f"bytes differ, between {done} and {done + got}")
        done += got


def read_line(connection):
    """A line of at most 64 bytes, without its end."""
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte or len(line) == 64:
            raise ConnectionError(f"no line: {line!r}")
        line += byte
    return line[:-1].decode()


def tcp_info(connection):
    """What the kernel says about a connection (struct tcp_info of linux/tcp.h)."""
    raw = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    words = struct.unpack_from("24I", raw, 8)
    return {"rtt_ms": words[15] / 1000, "cwnd": words[18], "retransmits": words[23]}


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def choose_cubic(connection):
    """The kernel's default, which a machine's administrator may have changed."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")


def converse(connection, sends, size):
    """The client's part: what `sends` says this side does."""
    connection.sendall(f"{'receive' if sends else 'send'} {size}\n".encode())
    if not sends:
        receive_pattern(connection, size)
        return
    send_pattern(connection, size)
    answer = read_line(connection)
    if answer != f"intact {size}":
        raise ValueError(f"the server says {answer!r}")


def transfer(sends, size, address, port, seconds=600):
    """One transfer, as its JSON says it."""
    started = time.monotonic()
    with socket.socket(family_of(address)) as connection:
        connection.settimeout(seconds)
        choose_cubic(connection)
        connection.connect((address, port))
        converse(connection, sends, size)
        took = time.monotonic() - started
        return {"verb": "send" if sends else "receive", "bytes": size, "seconds": round(took, 6),
                **tcp_info(connection)}


def serve_one(connection):
    """The server's part of one connection; idle ones end without a word."""
    with connection:
        try:
            verb, size = read_line(connection).split()
            started = time.monotonic()
            if verb == "send":
                send_pattern(connection, int(size))
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1)  # the client closes when it has all
            else:
                receive_pattern(connection, int(size))
                connection.sendall(f"intact {size}\n".encode())
            said = {"verb": verb, "bytes": int(size), "intact": True,
                    "seconds": round(time.monotonic() - started, 6), **tcp_info(connection)}
        except (OSError, ValueError) as reason:
            said = {"intact": False, "error": str(reason)}
    print(json.dumps(said), flush=True)


def serve(address, port):
    with socket.create_server((address, port), family=family_of(address), backlog=1024) as server:
        choose_cubic(server)  # what is accepted inherits it
        print(json.dumps({"ready": True}), flush=True)
        while True:
            connection, _ = server.accept()
            threading.Thread(target=serve_one, args=(connection,), daemon=True).start()


def main(words):
    if len(words) == 3 and words[0] == "serve":
        serve(words[1], int(words[2]))
    elif len(words) == 4 and words[0] in ("send", "receive"):
        try:
            said = transfer(words[0] == "send", int(words[1]), words[2], int(words[3]))
        except (OSError, ValueError) as reason:
            said = {"error": str(reason)}
        print(json.dumps(said))
        return 1 if "error" in said else 0
    else:
        sys.exit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
