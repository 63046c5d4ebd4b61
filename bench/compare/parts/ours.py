# SPDX-License-Identifier: BSD-3-Clause
"""Part 3: ours alone. One thing varies at a time: port, size, side, sessions, mailboxes, rate."""
import dataclasses

from generator import Failed, Load
from measure import Stage
from systems.base import Unavailable
from systems.splitmx import PORTS, SplitMX

SIZES = (1 << 10, 10 << 10, 100 << 10, 1 << 20)
LOCAL, EXTERNAL = "user%@example.com:1-1000", "other%@example.com:1-1000"
SIDES = {"local": Load(to=(LOCAL,)), "external": Load(to=(EXTERNAL,)),
         "half of them external": Load(to=(LOCAL, EXTERNAL)),
         "mixed in each message": Load(to=(LOCAL, EXTERNAL), recipients=2)}
ACTIVE = (1, 10, 100, 1_000, 10_000, 100_000)
IDLE = (0, 1_000, 10_000, 100_000)
MAILBOXES = (1_000, 10_000, 100_000, 1_000_000)
RATES = (10_000, 20_000, 40_000, 80_000, 120_000)   # messages a second
WITHOUT_FULL = 10_000   # of sessions and mailboxes


@dataclasses.dataclass(frozen=True)
class Cell:
    """One row of a table: `group` is the table, `x` the place in a plot."""

    group: str
    title: str
    load: Load
    port: str = "memif"
    mailboxes: int = 1_000
    x: object = None

    def __str__(self):
        return f"{self.group}: {self.title}"

    def system(self, bench):
        sessions = self.load.sessions + self.load.idle
        return SplitMX(bench.build, bench.machine, self.port, self.mailboxes, max(2_000, sessions + sessions // 10))


def cells(bench):
    most = 1 << 30 if bench.full else WITHOUT_FULL
    found = []
    for keep in (True, False):
        found += [Cell(str(Load(keep=keep, size=size)), port, Load(keep=keep, size=size), port, x=size)
                  for size in SIZES for port in PORTS if keep or bench.full or size == SIZES[0]]
    found += [Cell("sides", title, load) for title, load in SIDES.items()]
    found += [Cell("active sessions", f"{count:,}", Load(sessions=count), x=count) for count in ACTIVE if count <= most]
    found += [Cell("idle sessions beside 100", f"{count:,}", Load(sessions=100, idle=count), x=count)
              for count in IDLE if count <= most]
    found += [Cell("mailboxes", f"{count:,}", Load(to=(f"user%@example.com:1-{count}",)), mailboxes=count, x=count)
              for count in MAILBOXES if count <= most]
    found += [Cell("open loop", f"{rate:,} messages/s", Load(sessions=1_000, rate=rate), x=rate) for rate in RATES]
    if bench.quick:
        found = [cell for cell in found
                 if cell.load.rate == RATES[0] or not cell.load.rate and (cell.x or 0) <= SIZES[0]]
    return [cell for cell in found if bench.wanted(str(cell))]


def run(bench):
    """All rounds: the cells in turn, each with a router started for it."""
    for number in range(1, bench.rounds + 1):
        for cell in cells(bench):
            try:
                with Stage(bench.build, bench.machine, lambda cell=cell: cell.system(bench)) as stage:
                    stage.warm_up(cell.load)
                    result = stage.run(cell.load, bench.seconds)
            except (Unavailable, Failed, AssertionError) as reason:
                bench.fail("ours", number, str(cell), reason)
                continue
            result["load"]["name"], result["system"], result["x"] = cell.group, cell.title, cell.x
            bench.add("ours", number, result)
