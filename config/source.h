/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of a configuration file, looked at before libconfig reads it, for what libconfig 1.5
 * does not refuse itself: a number of more than 32 bits, which it cuts without a word; an @include
 * of something that it can open but not read, for which it ends the process; a comment or text that
 * has no end, whose rest it leaves out.
 */
#ifndef CONFIG_SOURCE_H
#define CONFIG_SOURCE_H

#include <stddef.h>
#include <stdio.h>

/* All that f holds, to be freed by the caller.  0 or -errno, not logged. */
int source_read(FILE *f, char **ret, size_t *ret_len);

/*
 * Look at a text and at what it includes; path is its name in log lines, and dir the directory that
 * its includes are in.  Logs each mistake, and returns how many there are.  What is no sound
 * configuration for other reasons is left to libconfig.
 */
unsigned source_check(const char *path, const char *dir, const char *text, size_t len);

#endif
