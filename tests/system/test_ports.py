# SPDX-License-Identifier: BSD-3-Clause
"""Ports and IP alone (build/tests/drivers/port/port_answer) against the kernel on each driver."""
import os
import socket
import struct
import subprocess
import time

from harness import network, sandbox
from harness.case import Case
from harness.process import Program, run, wait_until
from harness.splitmx import DEVICES


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ping(address, size=56, count=3):
    """How many of `count` echo requests with `size` bytes were answered with the same bytes."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as icmp:
        icmp.settimeout(1)
        answered = 0
        for number in range(count):
            body = struct.pack("!HH", os.getpid() & 0xFFFF, number) + os.urandom(size)
            request = struct.pack("!BBH", 8, 0, 0) + body
            icmp.sendto(struct.pack("!BBH", 8, 0, checksum(request)) + body, (address, 0))
            end = time.monotonic() + 1
            while time.monotonic() < end:
                try:
                    packet = icmp.recv(65536)
                except socket.timeout:
                    break
                if packet[20] == 0 and packet[24:] == body:
                    answered += 1
                    break
        return answered


class Ports(Case):
    seconds = 40

    @classmethod
    def need_program(cls):
        cls.binary = os.path.join(cls.build, "tests/drivers/port/port_answer")

    def begin(self, device, address):
        log = os.path.join(sandbox.WORK, f"{self.id()}.{time.monotonic_ns()}.log")
        answerer = Program(log, self.binary, device, f"{address}/{network.PREFIX}")
        self.addCleanup(answerer.stop)
        wait_until(lambda: "link up" in answerer.output() or not answerer.running(), 20, "the port")
        self.assertTrue(answerer.running(), answerer.output())
        return answerer

    def start(self, driver):
        """The host on that driver, its kernel end on the bridge."""
        device, interface, kernel_end = DEVICES[driver]
        if kernel_end:
            network.veth(kernel_end, interface)
        answerer = self.begin(device, network.ROUTER)
        if not kernel_end:
            network.attach(interface)
        return answerer

    def answers_pings(self, driver):
        answerer = self.start(driver)
        wait_until(lambda: ping(network.ROUTER, count=1), 5, "the first answer")
        for size in (4, 56, 1400, 1472):
            self.assertEqual(ping(network.ROUTER, size), 3, f"{size} bytes")
        return answerer

    def test_the_kernel_pings_us_over_net_tap(self):
        answerer = self.answers_pings("net_tap")
        self.assertEqual(answerer.stop(), 0)
        self.assertFalse(network.exists("smx0"), "its interface goes with it")

    def test_the_kernel_pings_us_over_net_af_packet(self):
        self.answers_pings("net_af_packet")

    def test_the_kernel_pings_us_over_net_af_xdp(self):
        answerer = self.answers_pings("net_af_xdp")
        self.assertIn("xdp", run("ip", "link", "show", "smx2").stdout)
        self.assertEqual(answerer.stop(), 0)
        self.assertNotIn("xdp", run("ip", "link", "show", "smx2").stdout)

    def test_what_a_killed_af_xdp_port_left_behind_does_not_stop_the_next_one(self):
        answerer = self.answers_pings("net_af_xdp")
        answerer.kill()
        self.assertIn("xdp", run("ip", "link", "show", "smx2").stdout)
        self.begin(DEVICES["net_af_xdp"][0], network.ROUTER)
        wait_until(lambda: ping(network.ROUTER, count=1), 5, "an answer")

    def test_a_link_that_goes_down_and_up_again_carries_frames_again(self):
        answerer = self.answers_pings("net_af_packet")
        run("ip", "link", "set", "peer1", "down")
        wait_until(lambda: "link down" in answerer.output(), 5, "down")
        run("ip", "link", "set", "peer1", "up")
        wait_until(lambda: ping(network.ROUTER, count=1), 10, "an answer")

    def test_two_processes_run_side_by_side(self):
        self.start("net_tap")
        self.begin("net_tap0,iface=smx9", "10.99.0.9")
        network.attach("smx9")
        for address in (network.ROUTER, "10.99.0.9"):
            wait_until(lambda: ping(address, count=1), 5, f"an answer of {address}")

    def test_a_failure_is_one_sentence(self):
        def said(device, *wrapper):
            done = subprocess.run([*wrapper, self.binary, device, "10.99.0.2/24"], text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=20, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            return done.stderr

        self.assertIn("there is no interface nope", said("net_af_packet0,iface=nope"))
        self.assertIn("there is no interface nope", said("net_af_xdp0,iface=nope"))
        run("ip", "tuntap", "add", "taken", "mode", "tap")
        self.assertIn("there is an interface taken already", said("net_tap0,iface=taken"))
        self.assertIn("no such PCI device", said("0000:ff:1f.7"))
        self.assertIn("is neither a PCI address", said("eth0"))
        self.assertIn("run as root, or with CAP_NET_ADMIN",
                      said("net_tap0,iface=smx0", "setpriv", "--bounding-set=-all", "--inh-caps=-all"))
