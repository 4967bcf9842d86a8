# SPDX-License-Identifier: GPL-2.0-or-later
"""The plots of a bench: a PNG for each sweep."""

import os
from statistics import median

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # after use()

import report


def draw_sweep(sweep, name, path):
    figure, axes = pyplot.subplots(figsize=(8, 5))
    for contender, points in sweep["contenders"].items():
        values = [[report.FIGURES[name](run) for run in runs] for runs in points]
        middle = [median(v) for v in values]
        below = [m - min(v) for m, v in zip(middle, values)]
        above = [max(v) - m for m, v in zip(middle, values)]
        axes.errorbar(sweep["values"], middle, yerr=[below, above], marker="o", capsize=3,
                      label=contender)
    axes.set_xscale("log", base=2)
    axes.set_xticks(sweep["values"], [short(v) for v in sweep["values"]])
    if sweep["name"] == "block":
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.set_xlabel(sweep["axis"])
    axes.set_ylabel(report.WORDS[name])
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)


def short(n):
    for unit, letter in ((1 << 20, "M"), (1 << 10, "k")):
        if n >= unit:
            return f"{n // unit}{letter}"
    return str(n)


def draw(result, directory):
    for sweep in result["sweeps"]:
        for name in sweep["figures"]:
            path = os.path.join(directory, f"{sweep['name']}-{name}.png")
            draw_sweep(sweep, name, path)
