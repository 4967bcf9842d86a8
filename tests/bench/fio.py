# SPDX-License-Identifier: GPL-2.0-or-later
"""fio as a contender: the options of the other ones, and their JSON, for what users measure with."""

import argparse
import json
import subprocess


def parse(options):
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", required=True)
    parser.add_argument("--span", type=int)
    parser.add_argument("--block", type=int, default=4096)
    parser.add_argument("--depth", type=int, default=32)
    parser.add_argument("--reads", type=int, default=100)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--sequential", action="store_true")
    parser.add_argument("--direct", action="store_true")
    return parser.parse_args(options)


def kind(o):
    if o.reads in (0, 100):
        what = "read" if o.reads else "write"
    else:
        what = "rw"
    return what if o.sequential else f"rand{what}"


def command(o):
    # fio measures whole seconds.
    return ["fio", "--name=bench", "--ioengine=io_uring", "--thread", "--output-format=json",
            f"--filename={o.file}", f"--size={o.span}", f"--bs={o.block}", f"--iodepth={o.depth}",
            f"--rw={kind(o)}", f"--rwmixread={o.reads}", f"--direct={int(o.direct)}",
            "--norandommap", "--time_based", f"--runtime={max(1, round(o.seconds))}"]


def run(options):
    o = parse(options)
    out = subprocess.run(command(o), stdout=subprocess.PIPE, text=True, check=True).stdout
    job = json.loads(out[out.index("{"):])["jobs"][0]
    # Of a mix, the percentiles are those of the reads.
    first = job["read"] if o.reads else job["write"]
    seconds = max(job["read"]["runtime"], job["write"]["runtime"]) / 1000
    at = first["clat_ns"].get("percentile", {})
    return {
        "contender": "fio",
        "requests": job["read"]["total_ios"] + job["write"]["total_ios"],
        "seconds": seconds,
        "mean_ns": first["clat_ns"]["mean"],
        "p50_ns": at.get("50.000000", 0),
        "p99_ns": at.get("99.000000", 0),
        "p999_ns": at.get("99.900000", 0),
        "cpu_ns": (job["usr_cpu"] + job["sys_cpu"]) / 100 * seconds * 1e9,
        "sleeps": job["ctx"],
    }
