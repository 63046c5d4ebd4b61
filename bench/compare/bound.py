# SPDX-License-Identifier: BSD-3-Clause
"""The limit's runs, and what they mean for messages: io-forward's time for the same packets.

A packet costs io-forward a + b * bytes: a line through the best run of each size. A message's bound is the
time for the packets that came in and went out for it, each of which io-forward would receive and send once: so half of
their sum.
"""


def _best(runs):
    """{size: ns of the best run}."""
    best = {}
    for run in runs:
        cost = run.get("busy_ns_per_packet")
        if cost:
            best[run["size"]] = min(cost, best.get(run["size"], cost))
    return best


def line(runs):
    """(a, b) by least squares; None if there are not two sizes."""
    points = list(_best(runs).items())
    if len(points) < 2:
        return None
    count = len(points)
    x, y = (sum(values) / count for values in zip(*points))
    b = sum((px - x) * (py - y) for px, py in points) / sum((px - x) ** 2 for px, _ in points)
    return y - b * x, b


def packets(run):
    """Of a run of measure.Stage: (packets in, packets out, bytes both ways) of the router, per message."""
    wire, messages = run["smtpgen"]["wire"], run["smtpgen"]["counts"]["messages_accepted"] or 1
    return (wire["packets_out"] / messages, wire["packets_in"] / messages,
            (wire["bytes_out"] + wire["bytes_in"]) / messages)


def messages_per_second(run, fit):
    """How many such messages io-forward could pass in a second."""
    into, out, size = packets(run)
    a, b = fit
    return 1e9 / ((a * (into + out) + b * size) / 2)
