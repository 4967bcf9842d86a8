/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trouble with a disk's storage, while one guest runs: what nobody may notice, and errors. */
#ifndef TESTS_TORTURE_TROUBLE_H
#define TESTS_TORTURE_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>

#define TROUBLE_RULES 8

struct trouble {
	unsigned nr;
	unsigned rule[TROUBLE_RULES]; /* of faults.h */
	bool error[TROUBLE_RULES];    /* a request fails for each operation that it meets */
	bool errors;		      /* there are such rules */
};

/* Random rules for the image at path, in the worker of a domain. */
void trouble_start(struct trouble *t, const char *path, uint16_t domid, uint64_t *rng);

/* No more of it.  Returns how many operations were failed. */
uint64_t trouble_stop(struct trouble *t);

#endif
