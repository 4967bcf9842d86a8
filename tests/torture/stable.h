/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a disk has promised to be stable: all that was answered before a FLUSH that succeeded, and
 * each write in write-through mode.  No read shows whether that is so; but the storage must have
 * been told, between the request and its answer.
 */
#ifndef TESTS_TORTURE_STABLE_H
#define TESTS_TORTURE_STABLE_H

#include <pthread.h>
#include <stdint.h>

#include "tests/sim/faults.h"
#include "tests/torture/model.h"

struct promise {
	uint64_t asked, answered;
	struct extent extent; /* of a FLUSH: nr 0 */
};

struct stable {
	pthread_mutex_t lock;
	struct fault_file image;
	struct promise *promise;
	unsigned nr, room;
};

/* Before the guest uses the disk. */
void stable_init(struct stable *s, const char *image);

/* A time; between those of what happens to the image. */
uint64_t stable_time(void);

/* Now it is answered.  From any thread. */
void stable_flush(struct stable *s, uint64_t asked);
void stable_write(struct stable *s, uint64_t asked, const struct access *a);

/* When the guest uses it no more: was the storage told?  If not, the test fails. */
void stable_fini(struct stable *s, const char *name);

#endif
