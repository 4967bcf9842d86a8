/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a seed's world looks like: the guests, their disks, and the daemon's configuration for them.
 */
#ifndef TESTS_TORTURE_PLAN_H
#define TESTS_TORTURE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/* 6 MiB: more than any request and its rings are spread over, and less than all requests are. */
#define PLAN_MAPPING_LIMIT 1536
#define PLAN_GUESTS	   2
#define PLAN_DISKS	   3

struct disk_plan {
	char name[24];	/* of the image, and in messages: "g0-xvda" */
	uint64_t bytes; /* at first; whole sectors, even or odd */
	uint64_t room;	/* sectors that it never grows beyond */
	bool pattern;	/* of sim_image(); or zeroes, and the file is a hole */
	bool buffered;	/* cache = */
	bool direct_io_safe;
	bool read_only;
	bool discard;
	unsigned queues; /* 0: "auto" */
	unsigned queue_size;
	char serial[21]; /* "": not set */
	bool resized;	 /* now and then */
};

struct guest_plan {
	char name[16];
	unsigned vcpus;
	uint64_t ram0, ram1;
	uint64_t mapping_limit; /* pages that the daemon can map at a time; 0: all */
	unsigned nr_disks;
	struct disk_plan disk[PLAN_DISKS];
	unsigned boots; /* in each generation */
};

struct plan {
	uint64_t seed;
	unsigned generations; /* of guests; between them the daemon is restarted, or not */
	unsigned nr_guests;
	struct guest_plan guest[PLAN_GUESTS];
	char config[4096];
};

void plan_make(uint64_t seed, struct plan *ret);

/* How many queues a disk of the guest has. */
unsigned plan_queues(const struct guest_plan *g, const struct disk_plan *d);

/* On standard error, for the reader. */
void plan_print(const struct plan *p);

#endif
