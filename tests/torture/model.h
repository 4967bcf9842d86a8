/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a disk must hold, sector by sector.  Contents are not stored but made from a stamp: the number of
 * the write that they came with.  A sector whose last write got no answer, or an error, has several stamps
 * that it may have, until a read shows which one it is.
 *
 * Requests in flight hold their sectors, as many readers or as one writer, so that each read has one right
 * answer.  All functions may be called from any thread.
 */
#ifndef TESTS_TORTURE_MODEL_H
#define TESTS_TORTURE_MODEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define MODEL_SECTOR 512

/* Stamps that are no write's. */
#define MODEL_ZEROES  0u
#define MODEL_PATTERN 1u /* of sim_pattern() */

/* So many stamps are told apart; a sector that may have more of them is not compared. */
#define MODEL_STAMPS 6

struct model_sector {
	uint64_t stamp[MODEL_STAMPS];
	uint8_t nr;	 /* 0: anything */
	int16_t holders; /* -1: a writer */
};

struct model {
	pthread_mutex_t lock;
	const char *name;
	uint64_t sectors; /* requests may hold */
	uint64_t room;	  /* that the disk can grow to */
	struct model_sector *sector;
};

struct extent {
	uint64_t first; /* sectors */
	uint32_t nr;
};

/* All sectors have the stamp; those from sectors to room are zeroes, should the disk grow. */
void model_init(struct model *m, const char *name, uint64_t sectors, uint64_t room, uint64_t stamp);
void model_fini(struct model *m);

/* That requests may hold now. */
uint64_t model_sectors(struct model *m);

/* Contents of a sector with a stamp: MODEL_SECTOR bytes. */
void model_fill(uint64_t stamp, uint64_t sector, void *ret);

/* Hold all of the extents, or none: somebody else has one of them, or it is outside the disk. */
bool model_hold(struct model *m, const struct extent *e, unsigned n, bool write);
void model_release(struct model *m, const struct extent *e, unsigned n);

/* What was held for writing has the stamp now; or it may have it. */
void model_write(struct model *m, const struct extent *e, unsigned n, uint64_t stamp);
void model_maybe(struct model *m, const struct extent *e, unsigned n, uint64_t stamp);

/* Is this what the sectors hold?  If not, the test fails; who is for its message. */
void model_check(struct model *m, uint64_t first, uint32_t nr, const void *data, const char *who);

/* Requests stay below sectors from now on; are none above in flight any more? */
void model_limit(struct model *m, uint64_t sectors);
bool model_is_limited(struct model *m);

/* What is above the limit was cut off; or the disk grows, by zeroes. */
void model_cut(struct model *m);
void model_grow(struct model *m, uint64_t sectors);

/* The image, of which nobody has requests in flight, is as long as it must be and holds what it must. */
void model_check_image(struct model *m, const char *path, uint64_t bytes);

#endif
