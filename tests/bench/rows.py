# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of the bench: what is asked of whom, and the goals."""

from dataclasses import dataclass, field

XVIRTIOD, URING = "xvirtiod", "io_uring"


@dataclass
class Goal:
    """A figure of xvirtiod, or its ratio to another contender's in the same repetition."""
    figure: str  # a key of report.FIGURES
    limit: float
    against: str = None  # a contender
    at_most: bool = False

    def holds(self, value):
        return value <= self.limit if self.at_most else value >= self.limit


@dataclass
class Row:
    name: str
    options: list  # of the contenders' programs
    contenders: list
    file: bool = True
    quick: bool = True  # in make bench-quick, too
    goals: list = field(default_factory=list)


def _at_depth_32():
    return [
        Goal("ioreqs", 0.05, at_most=True),
        Goal("interrupts", 0.1, at_most=True),
        Goal("syscalls", 0.1, at_most=True),
    ]


def _of_uring(ratio):
    return [Goal("rate", ratio, against=URING)]


BOTH = [XVIRTIOD, URING]

ROWS = [
    Row("null 4k QD32", ["--depth", "32"], [XVIRTIOD], file=False, goals=_at_depth_32()),
    Row("null 4k QD32, sleeping", ["--depth", "32", "--sleeping"], [XVIRTIOD], file=False,
        goals=_at_depth_32()),
    Row("cached 4k random read QD32", ["--depth", "32"], BOTH,
        goals=_of_uring(0.8) + _at_depth_32()),
    Row("cached 4k random write QD32", ["--depth", "32", "--reads", "0"], BOTH,
        goals=_of_uring(0.8)),
    Row("cached 4k 70/30 QD32", ["--depth", "32", "--reads", "70"], BOTH, quick=False),
    Row("cached 64k random read QD32", ["--depth", "32", "--block", "65536"], BOTH,
        goals=_of_uring(0.8)),
    Row("cached 1M random read QD32", ["--depth", "32", "--block", "1048576"], BOTH,
        goals=_of_uring(0.8)),
    Row("cached 4k random read QD1", ["--depth", "1"], BOTH),
    Row("cached 4k random read QD1, sleeping", ["--depth", "1", "--sleeping"], [XVIRTIOD]),
]
