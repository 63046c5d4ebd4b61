# SPDX-License-Identifier: BSD-3-Clause
"""The last frames on an interface, for whoever has to find out why a case failed."""
import collections
import os
import socket
import struct
import threading
import time

FRAMES, OCTETS = 4000, 256
ETH_P_ALL = 3
MAGIC, LINKTYPE_ETHERNET = 0xA1B2C3D4, 1  # of a pcap file with microseconds
_running = []


class Capture:
    """Runs from construction to close()."""

    def __init__(self, interface):
        self.interface = interface
        self.frames = collections.deque(maxlen=FRAMES)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.bind((interface, 0))
        self.socket.settimeout(0.2)
        self.closing = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        _running.append(self)

    def _run(self):
        while not self.closing:
            try:
                frame = self.socket.recv(65536)
            except TimeoutError:
                continue
            except OSError:  # the interface goes down, and may come back
                time.sleep(0.2)
                continue
            self.frames.append((time.time_ns(), len(frame), frame[:OCTETS]))

    def close(self):
        self.closing = True
        self.thread.join()
        self.socket.close()
        _running.remove(self)

    def write(self, path):
        """As a pcap file."""
        with open(path, "wb") as file:
            file.write(struct.pack("=IHHiIII", MAGIC, 2, 4, 0, 0, OCTETS, LINKTYPE_ETHERNET))
            for when, length, frame in list(self.frames):
                file.write(struct.pack("=IIII", when // 10**9, when % 10**9 // 1000, len(frame), length) + frame)


def save(directory):
    """A file INTERFACE.pcap for each that runs."""
    for capture in _running:
        capture.write(os.path.join(directory, f"{capture.interface}.pcap"))
