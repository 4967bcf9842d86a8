/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A disk that is used as it should be, all the time, by a thread that checks every byte. */
#ifndef TESTS_HOSTILE_FRAME_LOAD_H
#define TESTS_HOSTILE_FRAME_LOAD_H

#include "tests/hostile/frame/hostile.h"

/*
 * Blocks are filled and compared with the image's pattern until they were written: 256 KiB of it.
 */
#define LOAD_BYTES (LOAD_BLOCKS * 4096ull)

/* Start on disk n of the guest, whose image has sim_pattern(); on one of its vCPUs. */
void load_start(struct load *l, struct guest *g, unsigned n, unsigned vcpu, const char *image);

/* Wait until it has been served n more requests. */
void load_wait(struct load *l, uint64_t n, const char *whose);

/* End it; its disk is reset, and the image has what was written. */
void load_stop(struct load *l);

#endif
