/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who keeps us from an image: private to backends/image.c. */
#ifndef BACKENDS_IMAGE_HOLDER_H
#define BACKENDS_IMAGE_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/*
 * Put into ret (size bytes, always terminated) who uses the file or block device *st: "in use by
 * NAME (pid N)", "mounted on DIR", "in use by dm-0", or "in use by another process" if it can't be
 * told.  With locked, only processes that hold a lock on it count.  own_fd is a descriptor of ours
 * that does not count; -1: none.  Reads /proc and /sys, and takes as long as there are processes.
 */
void image_holder_find(const struct stat *st, bool locked, int own_fd, char *ret, size_t size);

#endif
