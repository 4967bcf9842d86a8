/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * V1: the configuration space at each offset and width: what is behind it reads 0, and
 * nothing is written.
 */
#include "tests/hostile/frame/hostile.h"

#define SPACE 0x100 /* bytes of the window */

static void snapshot(struct hostile *h, uint8_t ret[SPACE])
{
	for (unsigned off = 0; off < SPACE; off++)
		ret[off] = drv_config(&h->d, off, 1);
}

int main(void)
{
	struct hostile *h = hostile_start(NULL);
	uint8_t before[SPACE], after[SPACE];
	uint64_t writes = 0;

	hostile_boot(h, 0);
	snapshot(h, before);
	for (unsigned off = C_END; off < SPACE; off++)
		sim_check(before[off] == 0, "byte %#x is %#x", off, before[off]);
	for (unsigned size = 1; size <= 8; size *= 2) {
		for (unsigned off = 0; off <= SPACE - size; off++) {
			uint64_t value = drv_read_sized(&h->d, R_CONFIG + off, size);

			sim_check(!memcmp(&value, &before[off], size), "%u bytes at %#x", size,
				  off);
		}
	}
	for (unsigned size = 1; size <= 8; size *= 2)
		for (unsigned off = 0; off <= SPACE - size; off++, writes++)
			drv_write_sized(&h->d, R_CONFIG + off, size, ~0ull);
	hostile_expect_mistakes(h, writes, "writes of the configuration space");
	snapshot(h, after);
	sim_check(!memcmp(before, after, SPACE), "the configuration space has changed");
	hostile_expect_works(h, "after all that");
	hostile_end(h);
	return 0;
}
