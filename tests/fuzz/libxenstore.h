/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libxenstore in this process, for harnesses that run the real transport/xenstore.c: a small store,
 * by whole paths.  Any call can be made to fail.
 */
#ifndef TESTS_FUZZ_LIBXENSTORE_H
#define TESTS_FUZZ_LIBXENSTORE_H

#include <stdbool.h>
#include <stdint.h>

/* The longest value; a longer one is cut. */
#define LIBXENSTORE_VALUE_MAX 1100

/* The descriptor of xs_fileno(): no real one. */
#define LIBXENSTORE_FD 0x7e5

/* Begin anew: an empty store, no events, no domains, nothing fails. */
void libxenstore_reset(void);

/* Somebody else writes a node; bytes of any kind.  What does not fit into the store is dropped. */
void libxenstore_set(const char *path, const void *value, unsigned len);

/* ... text. */
void libxenstore_set_text(const char *path, const char *text);

/* ... removes a node and all below it. */
void libxenstore_remove(const char *path);

/* The value of a node, with a NUL behind it; NULL if there is none. */
const char *libxenstore_get(const char *path);

/* A watch fires. */
void libxenstore_event(const char *path);

/* Is there such a domain? */
void libxenstore_set_domain(uint16_t domid, bool there);

/* Let call number n from now on (0: the next one, UINT_MAX: none) fail with an errno. */
void libxenstore_fail(unsigned n, int error);

/* Called before the product changes a node: from old (NULL: none) to new (NULL: removed). */
extern void (*libxenstore_written)(const char *path, const char *old, const char *new);

#endif
