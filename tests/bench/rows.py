# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of the bench: what is asked of whom, and the goals."""

from dataclasses import dataclass, field

XVIRTIOD, URING, QSD, FIO = "xvirtiod", "io_uring", "qemu-storage-daemon", "fio"


@dataclass
class Goal:
    """
    A figure of xvirtiod; or its ratio to that of another contender or another row in the same repetition,
    or how much more it is.
    """
    figure: str  # a key of report.FIGURES
    limit: float
    against: str = None  # a contender
    row: str = None  # one that comes before
    at_most: bool = False
    more: bool = False  # a difference, not a ratio

    def holds(self, value):
        return value <= self.limit if self.at_most else value >= self.limit


@dataclass
class Row:
    name: str
    options: list  # of the contenders' programs
    contenders: list
    file: bool = True
    program: str = None  # not the contender's usual one
    quick: bool = True  # in make bench-quick, too
    goals: list = field(default_factory=list)


@dataclass
class Sweep:
    """Figures against the values of an option: a plot of each."""
    name: str  # of the files
    axis: str
    option: str
    values: list
    options: list
    contenders: list
    file: bool = True
    figures: list = field(default_factory=lambda: ["rate"])
    program = None


def _at_depth_32():
    return [
        Goal("ioreqs", 0.05, at_most=True),
        Goal("interrupts", 0.1, at_most=True),
        Goal("syscalls", 0.1, at_most=True),
    ]


def _rate(ratio, against):
    return Goal("rate", ratio, against)


def _shared():
    """Of several guests: together as much as one, and each gets its part."""
    return [Goal("rate", 0.9, row="1 guest, cached 4k QD32, sleeping"), Goal("fairness", 0.8)]


DEVICES = [XVIRTIOD, QSD]
ALL = [XVIRTIOD, URING, QSD]
DIRECT = [XVIRTIOD, FIO, QSD]

ROWS = [
    Row("null 4k QD32", ["--depth", "32"], DEVICES, file=False,
        goals=[_rate(1.0, QSD)] + _at_depth_32()),
    Row("null 4k QD32, sleeping", ["--depth", "32", "--sleeping"], DEVICES, file=False,
        goals=_at_depth_32()),
    Row("cached 4k random read QD32", ["--depth", "32"], ALL,
        goals=[_rate(0.8, URING), _rate(4, QSD)] + _at_depth_32()),
    Row("cached 4k random write QD32", ["--depth", "32", "--reads", "0"], ALL,
        goals=[_rate(0.8, URING)]),
    Row("cached 4k 70/30 QD32", ["--depth", "32", "--reads", "70"], ALL, quick=False),
    Row("cached 64k random read QD32", ["--depth", "32", "--block", "65536"], ALL,
        goals=[_rate(0.8, URING)]),
    Row("cached 1M random read QD32", ["--depth", "32", "--block", "1048576"], ALL,
        goals=[_rate(0.8, URING)]),
    Row("cached 4k random read QD1", ["--depth", "1"], ALL,
        goals=[Goal("p50", 5, URING, at_most=True, more=True)]),
    Row("cached 4k random read QD1, sleeping", ["--depth", "1", "--sleeping"], DEVICES,
        goals=[_rate(1.3, QSD), Goal("p99", 1, QSD, at_most=True),
               Goal("sleeps", 2, at_most=True)]),
    Row("O_DIRECT 4k random read QD32", ["--depth", "32", "--direct"], DIRECT,
        goals=[_rate(0.95, FIO)]),
    Row("O_DIRECT 4k random write QD32", ["--depth", "32", "--direct", "--reads", "0"], DIRECT,
        quick=False, goals=[_rate(0.95, FIO)]),
    Row("O_DIRECT 128k sequential read QD32",
        ["--depth", "32", "--direct", "--block", "131072", "--sequential"], DIRECT,
        goals=[_rate(0.95, FIO)]),
    Row("1 guest, cached 4k QD32, sleeping", ["--sleeping"], [XVIRTIOD]),
    Row("2 guests", ["--guests", "2", "--sleeping"], [XVIRTIOD], goals=_shared()),
    Row("8 guests", ["--guests", "8", "--sleeping"], [XVIRTIOD], goals=_shared()),
    Row("8 guests x 4 disks", ["--guests", "8", "--disks", "4", "--sleeping"], [XVIRTIOD],
        quick=False, goals=_shared()),
    Row("attach a guest's disk", ["--guests", "1"], [XVIRTIOD], file=False, program="attach",
        goals=[Goal("p50", 20000, at_most=True)]),
    Row("attach beside 200 disks", ["--guests", "20", "--disks", "10"], [XVIRTIOD], file=False,
        program="attach", quick=False, goals=[Goal("p50", 20000, at_most=True)]),
    Row("start with 100 waiting guests", ["--guests", "100", "--waiting"], [XVIRTIOD], file=False,
        program="attach", quick=False),
    Row("8 idle guests", ["--guests", "8", "--idle"], [XVIRTIOD],
        goals=[Goal("wakeups", 0, at_most=True), Goal("rss", 5120, at_most=True)]),
]

DEPTHS = [1, 2, 4, 8, 16, 32, 64, 128, 256]
BLOCKS = [512 << i for i in range(14)]

SWEEPS = [
    Sweep("depth", "requests in flight, cached 4k random read", "--depth", DEPTHS, [], ALL),
    Sweep("depth-null", "requests in flight, null backend", "--depth", DEPTHS, [], DEVICES,
          file=False),
    Sweep("block", "bytes of a request, cached random read, 8 in flight", "--block", BLOCKS,
          ["--depth", "8"], ALL),
    Sweep("queues", "queues, null backend, 4k QD32", "--queues", [1, 2, 4, 8],
          ["--sleeping"], DEVICES, file=False),
    Sweep("memory", "MiB of guest memory that reads go to, any 2 MiB of it, cached 4k QD32",
          "--memory", [64 << i for i in range(11)], [], [XVIRTIOD], figures=["rate", "rss"]),
    Sweep("disks", "idle disks of a guest", "--disks", [1, 2, 4, 8], ["--idle"], [XVIRTIOD],
          file=False, figures=["rss"]),
    Sweep("guests", "guests, cached 4k random read QD32, sleeping", "--guests", [1, 2, 4, 8, 16],
          ["--sleeping"], [XVIRTIOD]),
]
