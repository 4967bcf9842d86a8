/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the link harness knows about each worker: what the watcher has asked of it, what it has said
 * that the watcher has yet to hear, and so, what hearing it may lead to.
 */
#ifndef TESTS_FUZZ_LINK_MODEL_H
#define TESTS_FUZZ_LINK_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/link.h"
#include "daemon/state.h"
#include "tests/fuzz/watcher_env.h"

#define IMAGES	 2
#define SAID_MAX 32

/* What a worker said. */
struct said {
	bool broken; /* it is no message */
	enum link_type type;
	uint32_t slot;
	int32_t result;
};

struct model {
	struct {
		enum { MODEL_FREE, MODEL_ASKED, MODEL_SERVED, MODEL_LEAVING } is;
		uint32_t devid;
		uint64_t wanted_ms; /* when the toolstack wanted it back; 0: it has not */
	} slots[STATE_DISKS_MAX];
	struct said said[SAID_MAX];
	unsigned nr_said;
	unsigned asked; /* messages from the watcher */
	bool hung_up;	/* either side has closed the link */
	bool lost;	/* it has ended while it served, as far as the watcher knows */
	bool removed;	/* a directory of its guest was removed: it may be forgotten */
	int kept[2 * STATE_DISKS_MAX]; /* descriptors that came with them */
	unsigned nr_kept;
};

/* All calls work, and the watcher is not about to end: what it has to do, it does. */
extern bool model_tidy;

/* By the worker's number. */
extern struct model models[WENV_WORKERS_MAX];

/* The images' inodes: disk number n lies on image n % 4; 2 needs none, 3 does not exist. */
extern ino_t model_inodes[IMAGES];

/* The numbers of disks: xvda, xvdb ... */
static inline uint32_t model_devid(unsigned disk)
{
	return 51712 + 16 * disk;
}

/* Before the first worker. */
void model_reset(void);

/* Read and check what the watcher has sent to its workers by now. */
void model_read_all(void);

/* All that the worker holds is closed. */
void model_close_kept(unsigned worker);

/*
 * What may be written to xenstore from now on: in the directories of a domain (0: of all), of one
 * disk (devid 0: of all); may_serve: a state 2.  Or nothing at all.
 */
void model_allow(uint16_t domid, uint32_t devid, bool may_serve);
void model_allow_nothing(void);

/* The watcher hears the next thing that this worker said, or its end of file. */
void model_hear(unsigned worker);

/* The worker has ended, and the watcher sees that; it hears all that is left. */
void model_see_exit(unsigned worker);

/*
 * The toolstack wants a disk back (devid 0: all of the guest), and the watcher has seen that.
 * removed: that was by removing its directory.
 */
void model_want(uint16_t domid, uint32_t devid, bool removed);

/* Has the watcher told the worker that serves it? */
void model_check_closing(uint16_t domid, uint32_t devid);

/*
 * Time has passed, and workers that were killed meanwhile are not reaped yet: each was given its
 * time, and no more than that.
 */
void model_check_deadlines(void);

/* A question that has no answer yet: its slot, or -1. */
int model_open_question(unsigned worker);

#endif
