/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/hostile/frame/load.h"

#define BLOCK	 4096
#define SECTORS	 (BLOCK / DRV_SECTOR)
#define HEAP	 (1 << 16)
#define FLUSHING 16 /* a flush after so many writes */

/* What a block holds that the n-th request wrote; n 0: what the image had. */
static void fill(uint8_t *ret, unsigned block, uint64_t n)
{
	for (unsigned i = 0; !n && i < SECTORS; i++)
		sim_pattern(block * SECTORS + i, ret + i * DRV_SECTOR);
	for (unsigned i = 0; n && i < BLOCK; i += sizeof(uint64_t)) {
		uint64_t word = n << 20 | block << 12 | i;

		memcpy(ret + i, &word, sizeof(word));
	}
}

static void write_block(struct load *l, unsigned block, uint64_t n)
{
	uint8_t data[BLOCK];

	fill(data, block, n);
	sim_check(drv_io(&l->d, T_OUT, block * SECTORS, data, BLOCK, NULL, 0) == BLK_OK,
		  "a write of block %u of %s", block, l->image);
	l->written[block] = n;
}

static void read_block(struct load *l, unsigned block)
{
	uint8_t data[BLOCK], expected[BLOCK];

	sim_check(drv_io(&l->d, T_IN, block * SECTORS, NULL, 0, data, BLOCK) == BLK_OK,
		  "a read of block %u of %s", block, l->image);
	fill(expected, block, l->written[block]);
	sim_check(!memcmp(data, expected, BLOCK), "%s: block %u is not what request %llu wrote",
		  l->image, block, (unsigned long long)l->written[block]);
}

static void *run(void *arg)
{
	struct load *l = arg;

	drv_boot(&l->d, 0);
	for (uint64_t n = 1; !l->stop; n++) {
		if (n % 2)
			write_block(l, n * 29 % LOAD_BLOCKS, n);
		else
			read_block(l, n * 11 % LOAD_BLOCKS);
		if (n % FLUSHING == 0)
			sim_check(drv_io(&l->d, T_FLUSH, 0, NULL, 0, NULL, 0) == BLK_OK,
				  "a flush of %s", l->image);
		atomic_fetch_add(&l->served, 1);
	}
	drv_reset(&l->d);
	return NULL;
}

void load_start(struct load *l, struct guest *g, unsigned n, unsigned vcpu, const char *image)
{
	guest_driver(g, n, HEAP, &l->d);
	l->d.vcpu = vcpu;
	l->image = image;
	l->stop = false;
	l->running = true;
	l->thread = guest_run(run, l);
}

void load_wait(struct load *l, uint64_t n, const char *whose)
{
	uint64_t from = l->served;
	unsigned steps = 0;

	while (l->running && l->served < from + n)
		sim_step(&steps, whose);
}

void load_stop(struct load *l)
{
	uint8_t data[BLOCK], expected[BLOCK];

	if (!l->running)
		return;
	l->stop = true;
	guest_join(l->thread);
	l->running = false;
	for (unsigned b = 0; b < LOAD_BLOCKS; b++) {
		sim_image_read(l->image, b * BLOCK, data, BLOCK);
		fill(expected, b, l->written[b]);
		sim_check(!memcmp(data, expected, BLOCK), "block %u of %s outside the guest", b,
			  l->image);
	}
}
