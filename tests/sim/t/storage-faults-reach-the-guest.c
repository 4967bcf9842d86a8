/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rules do to the image of a worker in its sandbox, the guest sees: an error as IOERR, once; a
 * short transfer not at all; a disk that hangs as requests that do not come back while others do; a
 * flush as an fsync that began after the write had ended and ended before the guest knew.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/check.h"
#include "tests/sim/guest.h"

#define LEN 4096

static unsigned rule_for(struct guest *g, const char *image, struct fault_rule rule)
{
	rule.process = g->domid;
	rule.file = faults_file(image);
	return faults_add(&sim.faults, &rule);
}

static uint8_t write_at(struct drv *d, uint64_t sector, uint8_t fill)
{
	uint8_t data[LEN];

	memset(data, fill, sizeof(data));
	return drv_io(d, T_OUT, sector, data, sizeof(data), NULL, 0);
}

static void errors(struct guest *g, struct drv *d, const char *image)
{
	unsigned rule = rule_for(g, image,
				 (struct fault_rule){
					 .ops = FAULT_BIT(FAULT_WRITE) | FAULT_BIT(FAULT_FSYNC),
					 .skip = 1,
					 .count = 2,
					 .action = FAULT_FAIL,
					 .error = ENOSPC,
				 });
	uint8_t found[LEN];

	sim_check(write_at(d, 0, 1) == BLK_OK, "the first one");
	sim_check(write_at(d, 8, 1) == BLK_IOERR, "no error");
	sim_check(drv_io(d, T_FLUSH, 0, NULL, 0, NULL, 0) == BLK_IOERR, "no error");
	sim_check(write_at(d, 16, 1) == BLK_OK, "the error stays");
	sim_check(faults_hits(&sim.faults, rule) == 2, "hits");
	sim_image_read(image, 8 * 512, found, sizeof(found));
	sim_check(found[0] != 1 || found[LEN - 1] != 1, "it was written");
	faults_remove(&sim.faults, rule);
}

static void short_transfers(struct guest *g, struct drv *d, const char *image)
{
	unsigned rule = rule_for(g, image,
				 (struct fault_rule){
					 .ops = FAULT_BIT(FAULT_READ) | FAULT_BIT(FAULT_WRITE),
					 .action = FAULT_SHORT,
					 .amount = 1024,
				 });
	uint8_t wanted[LEN], found[LEN];

	for (unsigned i = 0; i < LEN; i += 512)
		sim_pattern(1000 + i / 512, wanted + i);
	sim_check(drv_io(d, T_OUT, 40, wanted, LEN, NULL, 0) == BLK_OK, "a write");
	sim_check(drv_io(d, T_IN, 40, NULL, 0, found, LEN) == BLK_OK, "a read");
	sim_check(!memcmp(wanted, found, LEN), "other data was read");
	sim_check(faults_hits(&sim.faults, rule) == 2 * LEN / 1024, "%ju operations",
		  (uintmax_t)faults_hits(&sim.faults, rule));
	faults_remove(&sim.faults, rule);
	sim_image_read(image, 40 * 512, found, LEN);
	sim_check(!memcmp(wanted, found, LEN), "other data was written");
}

static void a_hanging_disk(struct guest *g, struct drv *d, const char *image)
{
	unsigned rule = rule_for(g, image,
				 (struct fault_rule){
					 .ops = FAULT_BIT(FAULT_WRITE),
					 .action = FAULT_HOLD,
				 });
	struct drv_blk held, other = drv_blk_usual(T_IN, 3, NULL, 0, 512);
	uint32_t id, len;
	uint8_t data[512];

	sim_pattern(5, data);
	held = drv_blk_usual(T_OUT, 2, data, sizeof(data), 0);
	drv_blk_add(&d->q[0], &held);
	drv_kick(&d->q[0]);
	faults_wait_held(&sim.faults, rule, 1);
	sim_check(drv_blk_run(&d->q[0], &other) == BLK_OK, "a read");
	sim_check(drv_blk_status(d, &held) == BLK_PENDING, "what is held has ended");
	faults_release(&sim.faults, rule, 1);
	drv_wait_used(&d->q[0], &id, &len);
	sim_check(id == held.head && drv_blk_status(d, &held) == BLK_OK, "head %u", id);
	faults_remove(&sim.faults, rule);
}

static void a_flush(struct drv *d, const char *image)
{
	uint64_t written, flushed, write_end = 0, fsync_begin = 0, fsync_end = 0;
	struct fault_record *r;
	size_t n;

	faults_record_start(&sim.faults, faults_file(image));
	sim_check(write_at(d, 80, 7) == BLK_OK, "a write");
	written = faults_clock(&sim.faults);
	sim_check(drv_io(d, T_FLUSH, 0, NULL, 0, NULL, 0) == BLK_OK, "a flush");
	flushed = faults_clock(&sim.faults);
	faults_record_stop(&sim.faults, faults_file(image));
	r = faults_records(&sim.faults, &n);
	for (size_t i = 0; i < n; i++) {
		if (r[i].op == FAULT_WRITE && r[i].event == FAULT_COMPLETE)
			write_end = r[i].seq;
		if (r[i].op == FAULT_FSYNC && r[i].event == FAULT_SUBMIT)
			fsync_begin = r[i].seq;
		if (r[i].op == FAULT_FSYNC && r[i].event == FAULT_COMPLETE && !r[i].result)
			fsync_end = r[i].seq;
	}
	sim_check(n == 4 && write_end && write_end < written && written < fsync_begin &&
			  fsync_begin < fsync_end && fsync_end < flushed,
		  "%zu records; write until %ju, fsync %ju to %ju", n, (uintmax_t)write_end,
		  (uintmax_t)fsync_begin, (uintmax_t)fsync_end);
	free(r);
}

int main(void)
{
	const char *image;
	struct guest *g;
	struct drv d;

	sim_start(NULL);
	image = sim_image("disk", 1 << 20, true);
	g = guest_create_usual(image);
	guest_driver(g, 0, 0, &d);
	drv_boot(&d, 0);
	errors(g, &d, image);
	short_transfers(g, &d, image);
	a_hanging_disk(g, &d, image);
	a_flush(&d, image);
	guest_destroy(g);
	sim_stop();
	return 0;
}
