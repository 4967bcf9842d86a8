#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Coverage in lcov's format, from standard input, as gcovr's JSON.

What "llvm-cov export" knows of lines, branches and functions; see geninfo(1).
"""
import json
import os
import sys


class File:
    def __init__(self, path):
        self.path = path
        self.lines = {}
        self.branches = {}
        self.functions = {}

    def json(self):
        return {
            "file": os.path.relpath(self.path),
            "lines": [{
                "line_number": line,
                "count": count,
                "branches": [{"count": n, "fallthrough": False, "throw": False}
                             for n in self.branches.get(line, [])],
                "gcovr/noncode": False,
                "gcovr/excluded": False,
            } for line, count in sorted(self.lines.items())],
            "functions": [{"name": name, "lineno": line, "execution_count": count}
                          for name, (line, count) in self.functions.items()],
        }


def local(name):
    """Names of static functions have their file in front."""
    return name.rsplit(":", 1)[-1]


def read(lines):
    for text in lines:
        key, _, value = text.strip().partition(":")
        if key == "SF":
            f = File(value)
        elif key == "DA":
            line, count = map(int, value.split(","))
            f.lines[line] = count
        elif key == "BRDA":
            line, _, _, count = value.split(",")
            f.branches.setdefault(int(line), []).append(0 if count == "-" else int(count))
        elif key == "FN":
            line, name = value.split(",", 1)
            f.functions.setdefault(local(name), (int(line), 0))
        elif key == "FNDA":
            count, name = value.split(",", 1)
            line, sum_of = f.functions[local(name)]
            f.functions[local(name)] = (line, sum_of + int(count))
        elif text.startswith("end_of_record"):
            yield f.json()


json.dump({"gcovr/format_version": "0.3", "files": list(read(sys.stdin))}, sys.stdout)
