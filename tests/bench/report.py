# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures out of the runs of a bench, and the Markdown of them."""

from statistics import median

# Of one run: a number, or None if the contender has no such thing.
FIGURES = {
    "rate": lambda r: r["requests"] / r["seconds"],
    "p50": lambda r: latency(r, "p50_ns"),
    "p99": lambda r: latency(r, "p99_ns"),
    "p999": lambda r: latency(r, "p999_ns"),
    "cpu": lambda r: per_request(r, "cpu_ns", 1000),
    "sleeps": lambda r: per_request(r, "sleeps"),
    "syscalls": lambda r: per_request(r, "syscalls"),
    "kicks": lambda r: per_request(r, "kicks"),
    "ioreqs": lambda r: per_request(r, "ioreqs"),
    "interrupts": lambda r: per_request(r, "interrupts"),
    "wakeups": lambda r: r["sleeps"] / r["seconds"],
    "rss": lambda r: r["rss_kib"] / r["processes"] if "rss_kib" in r else None,
    "fairness": lambda r: least_of_mean(r),
}
# A column each.
COLUMNS = ["p50", "p99", "p999", "cpu", "sleeps", "syscalls", "kicks", "ioreqs", "interrupts", "rss"]
WORDS = {
    "rate": "requests/s",
    "p50": "p50 us",
    "p99": "p99 us",
    "cpu": "CPU us/request",
    "sleeps": "sleeps/request",
    "syscalls": "system calls/request",
    "kicks": "kicks/request",
    "ioreqs": "ioreqs/request",
    "interrupts": "interrupts/request",
    "wakeups": "sleeps/s",
    "rss": "RSS KiB/guest",
    "fairness": "slowest guest of mean",
}


def latency(run, key):
    return run[key] / 1000 if run["requests"] else None


def per_request(run, key, divisor=1):
    return run[key] / divisor / run["requests"] if key in run and run["requests"] else None


def least_of_mean(run):
    """The requests of the slowest guest, as a part of the mean."""
    return run["least"] / run["requests"] * run["processes"] if run.get("requests") else None


def values(row, contender, figure):
    """A figure of each run; of system calls, which are counted apart, of the counting one."""
    runs = row["contenders"].get(contender, {})
    runs = runs.get("counting", []) if figure == "syscalls" else runs.get("runs", [])
    return [FIGURES[figure](r) for r in runs if FIGURES[figure](r) is not None]


def middle(numbers):
    return median(numbers) if numbers else None


def spread(numbers):
    """Half of the distance from the least to the greatest, as a part of the median."""
    return (max(numbers) - min(numbers)) / 2 / median(numbers) if median(numbers) else 0


def compared(row, goal, rows):
    """The runs of the same repetition, since a machine's noise comes and goes."""
    other = next((r for r in rows if r["name"] == goal.row), None) if goal.row else row
    if not other:
        return []
    pairs = zip(values(row, "xvirtiod", goal.figure),
                values(other, goal.against or "xvirtiod", goal.figure))
    return [a - b if goal.more else a / b for a, b in pairs if b]


def number(n):
    if n is None:
        return "-"
    if n == 0:
        return "0"
    if n >= 1e6:
        return f"{n / 1e6:.2f} M"
    if n >= 1e4:
        return f"{n / 1e3:.0f} k"
    return f"{n:.0f}" if n >= 100 else f"{n:.3g}"


def table(head, lines):
    text = "| " + " | ".join(head) + " |\n|" + "---|" * len(head) + "\n"
    return text + "".join("| " + " | ".join(line) + " |\n" for line in lines)


def figures_table(rows):
    lines = []
    for row in rows:
        for contender in row["contenders"]:
            rate = values(row, contender, "rate")
            cells = [number(middle(values(row, contender, f))) for f in COLUMNS]
            lines.append([row["name"], contender,
                          f"{number(middle(rate))} ± {spread(rate) * 100:.0f} %"] + cells)
    head = ["row", "contender", "requests/s", "p50 us", "p99 us", "p99.9 us", "CPU us"]
    return table(head + ["sleeps", "system calls", "kicks", "ioreqs", "interrupts", "RSS KiB"], lines)


def growth_tables(sweeps):
    text = ""
    for s in sweeps:
        for figure in s["figures"]:
            lines = [[str(value)] + [number(middle([FIGURES[figure](run) for run in points[i]]))
                                     for points in s["contenders"].values()]
                     for i, value in enumerate(s["values"])]
            text += f"\n### {s['name']}: {WORDS[figure]}\n\n"
            text += table([s["axis"], *s["contenders"]], lines)
    return text


def goal_line(row, goal, rows):
    """What is wanted, what was measured, and what of that."""
    other = goal.against or goal.row
    if other:
        numbers = compared(row, goal, rows)
        unit = f" more than {other}" if goal.more else f" x {other}"
    else:
        numbers = values(row, "xvirtiod", goal.figure)
        unit = ""
    wanted = f"{'<=' if goal.at_most else '>='} {goal.limit:g}{unit}"
    if not numbers:
        return [row["name"], WORDS[goal.figure], wanted, "-", "not measured"]
    got = middle(numbers)
    between = f" ({min(numbers):.3g} to {max(numbers):.3g})" if len(numbers) > 1 else ""
    verdict = "met" if goal.holds(got) else "**missed**"
    return [row["name"], WORDS[goal.figure], wanted, f"{got:.3g}{between}", verdict]


def markdown(result, goals):
    """goals: of a row's name, its list."""
    machine = result["machine"]
    head = (f"# A run of the bench\n\n{machine['date']}, {machine['commit']}, "
            f"{machine['cpus']} x {machine['cpu']}, Linux {machine['kernel']}; load before and "
            f"after: {machine['load_before']:.1f}, {machine['load_after']:.1f}\n\n"
            f"Medians of {machine['repetitions']} repetitions of {machine['seconds']:g} s; "
            "± is half of the distance from the least to the greatest. From \"CPU us\" on: "
            "for each request, of the contender's process; RSS is its own memory.\n\n")
    lines = [goal_line(row, g, result["rows"]) for row in result["rows"] for g in goals.get(row["name"], [])]
    return (head + figures_table(result["rows"]) + "\n## Goals\n\n" +
            table(["row", "figure", "goal", "measured", ""], lines) +
            ("\n## Growth\n" + growth_tables(result["sweeps"]) if result["sweeps"] else ""))
