/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a disk must hold, sector by sector.  Contents are not stored but made from a stamp: the
 * number of the write that they came with.
 *
 * Theory: a sector has a list of writes whose data it may hold.  A write is in the list from when
 * it begins.  One that is answered well takes all those off the list that had ended before it
 * began; one that got an error, or no answer, takes none off, since it may have happened or not.  A
 * read must find what has been in the list at any time since the read began; and if nothing was
 * written meanwhile, that is what the sector holds from then on.  Where writes meet each other, or
 * a read, the storage may mix them, byte by byte.
 *
 * All functions may be called from any thread.
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

/* What a sector may hold, at most: it takes no more writes until a read shows what it is. */
#define MODEL_WRITES  5

#define MODEL_EXTENTS 32

/* Times count the accesses that began or ended. */
struct model_write {
	uint64_t stamp;
	uint32_t begin;
	uint32_t end;  /* 0: in flight */
	uint32_t gone; /* when it left the list, and is kept for those who read; 0: it is in it */
};

struct model_sector {
	struct model_write write[MODEL_WRITES];
	uint16_t readers; /* in flight */
	uint8_t nr;
	bool mixed; /* writes have met */
};

struct model {
	pthread_mutex_t lock;
	const char *name;
	uint64_t sectors; /* that may be accessed */
	uint64_t room;	  /* that the disk can grow to */
	uint32_t time;
	struct model_sector *sector;
};

struct extent {
	uint64_t first; /* sectors */
	uint32_t nr;
};

/* A request's way of reading or writing the disk. */
struct access {
	struct extent extent[MODEL_EXTENTS];
	unsigned nr;
	bool writes;
	uint64_t stamp; /* of what is written */
	uint32_t begin;
};

/* All sectors have the stamp; those from sectors to room are zeroes, should the disk grow. */
void model_init(struct model *m, const char *name, uint64_t sectors, uint64_t room, uint64_t stamp);
void model_fini(struct model *m);

/* That may be accessed now. */
uint64_t model_sectors(struct model *m);

/* Contents of a sector with a stamp: MODEL_SECTOR bytes. */
void model_fill(uint64_t stamp, uint64_t sector, void *ret);

/*
 * Before the device can know of it.  False, and nothing has happened, if it is outside the disk, or
 * a sector has no room for it, or it would meet others, of which one writes, and may not (meets).
 */
bool model_begin(struct model *m, struct access *a, bool meets);

/*
 * What was read, one extent, is what the disk may hold; if not, the test fails; who is for its
 * message.
 */
void model_check(struct model *m, const struct access *a, const void *data, const char *who);

enum model_result {
	MODEL_NOT_WRITTEN, /* of a read, too */
	MODEL_MAYBE_WRITTEN,
	MODEL_WRITTEN,
};

/* After the device has done with it. */
void model_end(struct model *m, const struct access *a, enum model_result result);

/* No access begins from sectors on; are none in flight there any more? */
void model_limit(struct model *m, uint64_t sectors);
bool model_is_limited(struct model *m);

/* What is above the limit was cut off; or the disk grows, by zeroes. */
void model_cut(struct model *m);
void model_grow(struct model *m, uint64_t sectors);

/* The image, which nobody accesses, is as long as it must be and holds what it must. */
void model_check_image(struct model *m, const char *path, uint64_t bytes);

#endif
