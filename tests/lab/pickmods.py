#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Copy kernel modules, and those they depend on, out of a module tree.

usage: pickmods.py FROM TO MODULE...      (both are .../lib/modules/VERSION)

Compressed modules are unpacked, as busybox cannot load them.  A module that
is built into the kernel is left out; one that does not exist is an error.
"""
import lzma
import os
import re
import shutil
import sys


def name_of(path):
    return re.sub(r"\.ko(\.xz)?$", "", os.path.basename(path)).replace("-", "_")


def main(source, target, *modules):
    with open(f"{source}/modules.dep") as f:
        needs = dict(line.split(":", 1) for line in f)
    path = {name_of(p): p for p in needs}
    with open(f"{source}/modules.builtin") as f:
        builtin = {name_of(line.strip()) for line in f}

    wanted = set()
    for module in modules:
        name = module.replace("-", "_")
        if name in path:
            wanted |= {path[name], *needs[path[name]].split()}
        elif name not in builtin:
            sys.exit(f"pickmods.py: no module {module} in {source}")

    for p in wanted:
        to = os.path.join(target, p.removesuffix(".xz"))
        os.makedirs(os.path.dirname(to), exist_ok=True)
        opener = lzma.open if p.endswith(".xz") else open
        with opener(os.path.join(source, p), "rb") as i, open(to, "wb") as o:
            shutil.copyfileobj(i, o)
    for f in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(os.path.join(source, f), target)


main(*sys.argv[1:])
