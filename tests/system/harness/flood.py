# SPDX-License-Identifier: BSD-3-Clause
"""Segments that no TCP would send: for floods."""
import random
import socket
import struct
import threading

from . import network


def _checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


SYN, RST, PSH, ACK = 0x02, 0x04, 0x08, 0x10
MSS = b"\x02\x04\x05\xb4"
TCP, ICMP = 6, 1


def segment(source, destination, source_port, flags, sequence=0, options=b"", port=25,
            acknowledgment=0, payload=b""):
    """An IPv4 packet with a TCP segment."""
    src, dst = socket.inet_aton(source), socket.inet_aton(destination)
    offset = (5 + len(options) // 4) << 4
    tcp = struct.pack("!HHIIBBHHH", source_port, port, sequence, acknowledgment, offset, flags,
                      65535, 0, 0) + options + payload
    check = _checksum(src + dst + struct.pack("!BBH", 0, TCP, len(tcp)) + tcp)
    return packet(source, destination, TCP, tcp[:16] + struct.pack("!H", check) + tcp[18:])


def packet(source, destination, protocol, payload):
    """An IPv4 packet."""
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0,
                         socket.inet_aton(source), socket.inet_aton(destination))
    return header[:10] + struct.pack("!H", _checksum(header)) + header[12:] + payload


def unreachable(source, destination, code, port, peer, peer_port, sequence, mtu=0):
    """ICMP from source: a segment of destination's, from `port` to the peer's, did not arrive."""
    quoted = packet(destination, peer, TCP, struct.pack("!HHI", port, peer_port, sequence))
    icmp = struct.pack("!BBHHH", 3, code, 0, 0, mtu) + quoted
    return packet(source, destination, ICMP, icmp[:2] + struct.pack("!H", _checksum(icmp)) + icmp[4:])


def syn_flood(count, seed=1):
    """So many SYNs from the unused addresses of the network: nobody answers the router's SYN-ACKs."""
    rng = random.Random(seed)
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    with raw:
        for _ in range(count):
            source = f"10.99.0.{rng.randrange(100, 250)}"
            raw.sendto(segment(source, network.ROUTER, rng.randrange(1024, 65536), SYN,
                               rng.getrandbits(32), MSS), (network.ROUTER, 0))


def spoofed_syns(destination, port, count, seed=1):
    """SYNs from addresses all over the world."""
    rng = random.Random(seed)
    return [segment(f"198.{rng.randrange(18, 20)}.{rng.randrange(256)}.{rng.randrange(1, 255)}",
                    destination, rng.randrange(1024, 65536), SYN, rng.getrandbits(32), MSS, port)
            for _ in range(count)]


def blind_injections(peer, peer_port, destination, port, count, seed=1):
    """What somebody sends who knows a connection's addresses and ports, but no sequence number."""
    rng = random.Random(seed)

    def one():
        kind, sequence, other = rng.randrange(6), rng.getrandbits(32), rng.getrandbits(32)
        if kind == 5:
            return unreachable(peer, destination, rng.choice((1, 2, 3, 4)), port, peer, peer_port,
                               sequence, 68)
        flags = (RST, RST | ACK, SYN, ACK, PSH | ACK)[kind]
        payload = b"injected" if kind == 4 else b""
        return segment(peer, destination, peer_port, flags, sequence, b"", port, other, payload)
    return [one() for _ in range(count)]


class Flood:
    """A thread that sends such packets over and over again, from the peer of a lab, until stop()."""

    def __init__(self, lab, packets):
        self.sent, self.stopping = 0, threading.Event()
        with lab.peer():
            self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.thread = threading.Thread(target=self._send, args=(packets,), daemon=True)
        self.thread.start()

    def _send(self, packets):
        while not self.stopping.is_set():
            for data in packets:
                self.raw.sendto(data, (socket.inet_ntoa(data[16:20]), 0))
            self.sent += len(packets)

    def stop(self):
        """How many were sent."""
        self.stopping.set()
        self.thread.join()
        self.raw.close()
        return self.sent
