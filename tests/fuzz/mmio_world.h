/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens around the guest of tests/fuzz/mmio.c: the watcher, the storage and the hypervisor,
 * with steps that take their arguments from the input.
 */
#ifndef TESTS_FUZZ_MMIO_WORLD_H
#define TESTS_FUZZ_MMIO_WORLD_H

#include <stdint.h>

#include "tests/fuzz/common.h"

/* Rounds that the worker may have more to do in a row, when nobody gives it more. */
#define ROUNDS_MAX 200

/* Lines of the log that are for what happened here, and not for the guest. */
extern uint64_t world_lines;

/* Attach a disk; shape has its queues, their size, and what the image can do. */
void world_attach(unsigned slot, unsigned shape);

/* A message of the watcher's; the end of the link. */
void world_message(struct fuzz_input *in);

/* A request of some disk is done.  How requests are answered from now on.  libxen will fail. */
void world_complete(struct fuzz_input *in);
void world_hold(struct fuzz_input *in);
void world_fail(struct fuzz_input *in);

/* All requests end, all disks are detached, and the worker ends. */
void world_finish(void);

#endif
