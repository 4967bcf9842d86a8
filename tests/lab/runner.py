#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the QEMU of one lab and pass on what its dom0 command prints.

usage: runner.py run|shell [OPTION]... -- QEMU-COMMAND...

The directory TEMPORARY/io is shared with dom0, whose init runs "command" from
it and writes "stdout", "stderr" and, last, "status" there: so the output is
byte for byte the command's own, and the console is only for the log.
TEMPORARY is removed at the end, however that comes.
"""
import argparse
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import time

TIMED_OUT, DIED = 124, 125
KEPT_LOGS = 40


class Interrupted(Exception):
    pass


def on_signal(number, _frame):
    raise Interrupted(number)


def die_with_parent():
    """In the child: QEMU must not outlive even a killed runner."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    os.setpgid(0, 0)    # the terminal's interrupt is for the runner only


class Console:
    """The serial console: each line with its time goes to the log."""

    def __init__(self, path, verbose):
        self.log = open(path, "w", errors="replace")
        self.verbose = verbose
        self.start = time.monotonic()
        self.rest = b""
        self.tail = []

    def feed(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.line(line)

    def line(self, line):
        text = line.decode("utf-8", "replace").rstrip("\r")
        text = f"[{time.monotonic() - self.start:7.2f}] {text}"
        self.log.write(text + "\n")
        self.log.flush()
        self.tail = self.tail[-39:] + [text]
        if self.verbose:
            print(text, file=sys.stderr, flush=True)

    def close(self):
        if self.rest:
            self.line(self.rest)
        self.log.close()


class Follower:
    """Copies what is appended to a file to one of our own descriptors."""

    def __init__(self, path, fd):
        self.path, self.fd, self.file = path, fd, None

    def copy(self):
        if self.file is None:
            try:
                self.file = open(self.path, "rb", buffering=0)
            except FileNotFoundError:
                return
        while data := self.file.read(1 << 16):
            while data:
                data = data[os.write(self.fd, data):]


def read_status(path):
    try:
        with open(path) as f:
            return int(f.read())
    except FileNotFoundError:
        return None


def follow(qemu, io, console, timeout):
    """Until the command has ended; its status, or TIMED_OUT or DIED."""
    followers = [Follower(f"{io}/stdout", 1), Follower(f"{io}/stderr", 2)]
    end = time.monotonic() + timeout
    pipe = qemu.stdout.fileno()
    while True:
        status = read_status(f"{io}/status")
        ended = status is not None or qemu.poll() is not None
        if select.select([pipe], [], [], 0 if ended else 0.05)[0]:
            data = os.read(pipe, 1 << 16)
            console.feed(data)
            if not data and not ended:
                time.sleep(0.05)    # closed its output, about to end
        for follower in followers:
            follower.copy()
        if status is not None:
            return status
        if ended:
            while data := os.read(pipe, 1 << 16):
                console.feed(data)
            status = read_status(f"{io}/status")
            return DIED if status is None else status
        if time.monotonic() > end:
            return TIMED_OUT


def stop(qemu):
    if qemu.poll() is None:
        qemu.kill()     # there is nothing that it would have to save
    qemu.wait()


def run(args, io):
    with open(f"{io}/command", "w") as f:
        f.write(args.command + "\n")
    stamp = time.strftime("%Y%m%d-%H%M%S")
    base = f"{args.logs}/run-{stamp}-{os.getpid()}"
    console = Console(f"{base}.log", args.verbose)
    qemu = subprocess.Popen(args.qemu, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            preexec_fn=die_with_parent)
    try:
        status = follow(qemu, io, console, args.timeout)
    finally:
        stop(qemu)
        console.close()
        if os.listdir(f"{io}/log"):
            shutil.copytree(f"{io}/log", f"{base}.d")
        prune(args.logs)
    if status in (TIMED_OUT, DIED) and read_status(f"{io}/status") is None:
        print("\n".join(console.tail), file=sys.stderr)
        what = {TIMED_OUT: f"no end after {args.timeout:g} s", DIED: "QEMU ended"}
        print(f"lab: {what[status]}", file=sys.stderr)
    if status:
        print(f"lab: status {status}; console: {base}.log", file=sys.stderr)
    return status


def prune(logs):
    names = sorted(n for n in os.listdir(logs) if n.startswith("run-"))
    for name in names[:-KEPT_LOGS]:
        path = os.path.join(logs, name)
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
        elif os.path.exists(path):
            os.unlink(path)


def shell(args):
    signal.signal(signal.SIGINT, signal.SIG_IGN)    # is for dom0
    print("lab: \"exit\" or Ctrl-A x ends it", file=sys.stderr)
    return subprocess.run(args.qemu + ["-serial", "mon:stdio"]).returncode


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("mode", choices=("run", "shell"))
    ap.add_argument("--temporary", required=True)
    ap.add_argument("--logs", required=True)
    ap.add_argument("--timeout", type=float, default=600)
    ap.add_argument("--command", default="")
    ap.add_argument("--verbose", action="store_true")
    ap.add_argument("qemu", nargs="+")
    args = ap.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    try:
        if args.mode == "shell":
            return shell(args)
        args.qemu += ["-serial", "stdio", "-monitor", "none"]
        return run(args, f"{args.temporary}/io")
    except Interrupted as e:
        return 128 + e.args[0]
    finally:
        shutil.rmtree(args.temporary, ignore_errors=True)


sys.exit(main())
