/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Typed access to xenstore, for the watcher.  Paths may be relative: they start at our own domain's
 * directory then, /local/domain/<domid>, wherever the daemon runs.
 *
 * One thread.  libxenstore makes a thread of its own for watches, so signals that a signalfd is to
 * get must be blocked before xenstore_open().
 */
#ifndef TRANSPORT_XENSTORE_H
#define TRANSPORT_XENSTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"

#define XENSTORE_PATH_MAX 256

struct xenstore {
	struct xs_handle *xs;
	int fd; /* readable when xenstore_next_event() has something; owned by xs */
};

#define XENSTORE_NULL ((struct xenstore){ .xs = NULL, .fd = -1 })

/* Connect.  0 or -errno, logged. */
int xenstore_open(struct xenstore *x);

/* Disconnect; all watches end.  Works on XENSTORE_NULL and twice. */
void xenstore_close(struct xenstore *x);

/*
 * Paths that do not begin with a slash are relative to our own domain's directory; a dir of "" is
 * that.
 */

/*
 * The value at dir/key, freshly allocated, for the caller to free.  NULL with errno ENOENT if there
 * is none, EILSEQ if it has control characters (somebody wrote garbage), or another errno.
 */
char *xenstore_read(struct xenstore *x, const char *dir, const char *key);

/*
 * The number at dir/key, decimal or hexadecimal with 0x (libxl writes both).  0, or: -ENOENT no
 * such node, -EINVAL not a number, -ERANGE not within [min, max].
 */
int xenstore_read_u64(struct xenstore *x, const char *dir, const char *key, uint64_t min,
		      uint64_t max, uint64_t *ret);

/*
 * Change dir/key from the value expected to another one, in one transaction.  0; -ESTALE: it has
 * another value; -ENOENT: it isn't there (a plain write would make a directory anew that libxl has
 * just removed, and leave it behind for ever); or another -errno.  Not logged.
 */
int xenstore_update(struct xenstore *x, const char *dir, const char *key, const char *expected,
		    const char *value);

/* Write dir/key.  0 or -errno, not logged. */
int xenstore_write(struct xenstore *x, const char *dir, const char *key, const char *value);

/* Remove dir/key, if it is there. */
void xenstore_remove(struct xenstore *x, const char *dir, const char *key);

/*
 * Remove the directory and all below, if dir/key has the value expected, in one transaction.
 * Returns as xenstore_update() does.
 */
int xenstore_remove_dir(struct xenstore *x, const char *dir, const char *key, const char *expected);

/* Does the path exist? */
bool xenstore_exists(struct xenstore *x, const char *path);

/*
 * The names in a directory: *ret is one allocation, for the caller to free.  Returns how many, 0
 * for a directory that doesn't exist.
 */
unsigned xenstore_list(struct xenstore *x, const char *path, char ***ret);

/* Tell us of changes at and below path.  The first event comes at once.  0 or -errno, logged. */
int xenstore_watch(struct xenstore *x, const char *path);

/* The path of the next event, for the caller to free; NULL if there is none now. */
char *xenstore_next_event(struct xenstore *x);

/* Is there such a domain, as xenstored sees it?  True if it does not answer. */
bool xenstore_domain_exists(struct xenstore *x, uint16_t domid);

#endif
