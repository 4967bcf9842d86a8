#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write an uncompressed initramfs (cpio, newc), all owned by root.

Programs are taken from an arm64 sysroot together with the libraries that they
need, found by their NEEDED entries.  Written here rather than with cpio(1) to
need neither a copy of the files nor root.
"""
import argparse
import os
import re
import stat
import subprocess
import sys

LIBDIRS = ("usr/lib/aarch64-linux-gnu", "usr/lib")
LOADER = "usr/lib/ld-linux-aarch64.so.1"
DIRS = ("dev proc sys run tmp mnt root etc var usr/bin usr/sbin usr/lib").split()


class Archive:
    def __init__(self, sysroot):
        self.sysroot = sysroot
        self.entries = {}       # path -> (mode, source file or link target)
        self.libdirs = list(LIBDIRS)
        if sysroot is None:
            return
        for name in sorted(os.listdir(f"{sysroot}/usr/lib")):
            if name.startswith("xen-"):
                self.libdirs.append(f"usr/lib/{name}/lib/aarch64-linux-gnu")

    def directory(self, path):
        if path and path not in self.entries:
            self.directory(os.path.dirname(path))
            self.entries[path] = (stat.S_IFDIR | 0o755, None)

    def link(self, path, target):
        self.directory(os.path.dirname(path))
        self.entries[path] = (stat.S_IFLNK | 0o777, target)

    def file(self, path, source):
        self.directory(os.path.dirname(path))
        mode = 0o755 if os.access(source, os.X_OK) else 0o644
        self.entries[path] = (stat.S_IFREG | mode, os.path.realpath(source))

    def skeleton(self):
        for path in ("bin", "sbin", "lib"):
            self.link(path, f"usr/{path}")
        for path in DIRS:
            self.directory(path)

    def tree(self, root):
        for base, dirs, files in os.walk(root):
            rel = os.path.relpath(base, root)
            for name in files + [d for d in dirs if os.path.islink(f"{base}/{d}")]:
                path = merged(os.path.normpath(f"{rel}/{name}"))
                if os.path.islink(f"{base}/{name}"):
                    self.link(path, os.readlink(f"{base}/{name}"))
                else:
                    self.file(path, f"{base}/{name}")
                    self.libraries_of(f"{base}/{name}")
            for name in dirs:
                if not os.path.islink(f"{base}/{name}"):
                    self.directory(merged(os.path.normpath(f"{rel}/{name}")))

    def program(self, path):
        source = os.path.join(self.sysroot, path)
        self.file(merged(path), source)
        self.libraries_of(source)

    def library(self, name):
        for libdir in self.libdirs:
            source = os.path.join(self.sysroot, libdir, name)
            if os.path.exists(source):
                path = f"{libdir}/{name}"
                if path not in self.entries:
                    self.file(path, source)
                    self.libraries_of(source)
                return
        sys.exit(f"mkcpio.py: no library {name} in {self.sysroot}")

    def libraries_of(self, source):
        for name in needed(source):
            self.library(name)
            if LOADER not in self.entries:
                self.file(LOADER, os.path.join(self.sysroot, LOADER))

    def write(self, out):
        for ino, (path, (mode, what)) in enumerate(self.entries.items(), 1):
            data = b""
            if stat.S_ISREG(mode):
                with open(what, "rb") as f:
                    data = f.read()
            elif stat.S_ISLNK(mode):
                data = what.encode()
            record(out, ino, path, mode, data)
        record(out, 0, "TRAILER!!!", 0, b"")
        # The next archive after this one begins at a multiple of 4.
        out.write(b"\0" * (-out.tell() % 512))


def merged(path):
    """/bin, /sbin and /lib are links to those below /usr."""
    return re.sub(r"^(bin|sbin|lib)/", r"usr/\1/", path)


def needed(source):
    with open(source, "rb") as f:
        if f.read(4) != b"\x7fELF" or source.endswith(".ko"):
            return []
    dynamic = subprocess.run(["readelf", "-dW", source], check=True,
                             capture_output=True, text=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)


def record(out, ino, path, mode, data):
    name = path.encode() + b"\0"
    nlink = 2 if stat.S_ISDIR(mode) else 1
    fields = (ino, mode, 0, 0, nlink, 0, len(data), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name
    out.write(head + b"\0" * (-len(head) % 4))
    out.write(data + b"\0" * (-len(data) % 4))


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("out")
    ap.add_argument("--sysroot", help="needed for programs")
    ap.add_argument("--skeleton", action="store_true", help="usual directories")
    ap.add_argument("--program", action="append", default=[], metavar="PATH")
    ap.add_argument("--library", action="append", default=[], metavar="NAME",
                    help="one that is loaded at run time only")
    ap.add_argument("--tree", action="append", default=[], metavar="DIR")
    ap.add_argument("--file", action="append", default=[], metavar="PATH=SOURCE")
    ap.add_argument("--link", action="append", default=[], metavar="PATH=TARGET")
    args = ap.parse_args()

    archive = Archive(args.sysroot)
    if args.skeleton:
        archive.skeleton()
    for path in args.program:
        archive.program(path)
    for name in args.library:
        archive.library(name)
    for root in args.tree:
        archive.tree(root)
    for item in args.file:
        path, source = item.split("=", 1)
        archive.file(path, source)
    for item in args.link:
        archive.link(*item.split("=", 1))
    with open(args.out, "wb") as out:
        archive.write(out)


main()
