/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an open image is and can do: private to backends/image.c. */
#ifndef BACKENDS_IMAGE_PROBE_H
#define BACKENDS_IMAGE_PROBE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "backends/image.h"

/*
 * The alignment in bytes that O_DIRECT on fd asks of offset and length: a power of two, 512 ...
 * IMAGE_DIRECT_ALIGN_MAX.  0: O_DIRECT does not work here, or asks for more.  *st is what fstat(2)
 * says about fd.  May read the first block.
 */
unsigned image_probe_direct_align(int fd, const struct stat *st);

/*
 * Fill in everything but size and direct_align, which are there already.  fd is the buffered
 * descriptor; nothing is changed by looking.
 */
void image_probe(int fd, const struct stat *st, bool read_only, bool discard,
		 struct image_info *info);

#endif
