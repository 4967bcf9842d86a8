/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * P9: whatever is in flight, a guest does not make the kernel start threads without end for its
 * worker: all queues are full of flushes, discards, zeroes and buffered writes again and again.
 */
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/hostile/frame/hostile.h"

#define QUEUES 2
#define CHAINS 40 /* of three descriptors, in a queue of 128 */

static unsigned threads(pid_t pid)
{
	char path[64];
	struct dirent *e;
	unsigned n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	sim_check(dir, "%s", path);
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void add(struct drv_queue *q, unsigned i)
{
	static const uint8_t data[4096];
	const struct drv_range range = drv_range(0, 128, 0);
	struct drv_blk r;

	switch (i % 4) {
	case 0:
		r = drv_blk_usual(T_FLUSH, 0, NULL, 0, 0);
		break;
	case 1:
		r = drv_blk_usual(T_DISCARD, 0, &range, sizeof(range), 0);
		break;
	case 2:
		r = drv_blk_usual(T_WRITE_ZEROES, 0, &range, sizeof(range), 0);
		break;
	default:
		r = drv_blk_usual(T_OUT, i * 8 % 2000, data, sizeof(data), 0);
	}
	drv_blk_add(q, &r);
}

int main(void)
{
	struct hostile *h = hostile_start(
		&(struct hostile_spec){ .config = "defaults = { cache = \"buffered\"; };" });
	unsigned bound = 8 + 8 * sysconf(_SC_NPROCESSORS_ONLN), most = 0;
	uint32_t id, len;

	/* Without FLUSH each write waits for the storage. */
	drv_reset(&h->d);
	drv_ready(&h->d, drv_offered(&h->d) & ~(BIT64(F_FLUSH) | BIT64(F_CONFIG_WCE)), QUEUES);
	hostile_storm(h);
	for (unsigned n = 0; n < 5 || hostile_goes_on(h); n++) {
		drv_free_all(&h->d);
		for (unsigned i = 0; i < QUEUES * CHAINS; i++)
			add(&h->d.q[i % QUEUES], i);
		for (unsigned q = 0; q < QUEUES; q++)
			drv_kick(&h->d.q[q]);
		for (unsigned i = 0; i < QUEUES * CHAINS; i++) {
			unsigned now = threads(h->worker);

			most = now > most ? now : most;
			drv_wait_used(&h->d.q[i % QUEUES], &id, &len);
		}
	}
	printf("%u threads at most\n", most);
	sim_check(most <= bound, "the worker had %u threads", most);
	hostile_end(h);
	return 0;
}
