/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * D21: QueueNotify is read, written to in other widths, at addresses around it, with numbers of
 * other queues and of queues that do not exist: each access is answered, and no queue is looked at
 * but the one whose number was written as it should be.
 */
#include "tests/hostile/frame/hostile.h"

#define ROUNDS 60

static const struct {
	int off; /* from QueueNotify */
	unsigned size;
} strange[] = { { 0, 1 }, { 0, 2 }, { 0, 8 },  { 1, 1 },  { 1, 2 },
		{ 2, 2 }, { 3, 1 }, { -2, 4 }, { -4, 8 }, { 2, 4 } };

#define NR_STRANGE (sizeof(strange) / sizeof(*strange))

/* The disk has three queues. */
static const uint32_t others[] = { 1, 2, 3, 4, 7, 0xffff, 0x10003, 0x7fffffff, 0xffffffff };

static void attack(struct hostile *h, unsigned round)
{
	struct machine *m = &h->g->machine;
	uint64_t notify = h->d.base + R_QUEUE_NOTIFY;

	for (unsigned i = 0; i < NR_STRANGE; i++)
		m->ops->write(m, i % 2, notify + strange[i].off, strange[i].size, 0);
	hostile_expect_mistakes(h, NR_STRANGE, "other widths");
	for (unsigned i = 0; i < NR_STRANGE; i++)
		m->ops->read(m, i % 2, notify + strange[i].off, strange[i].size);
	m->ops->read(m, round % 2, notify, 4);
	hostile_expect_mistakes(h, NR_STRANGE + 1, "reads");
	for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++)
		m->ops->write(m, round % 2, notify, 4, others[i]);
}

int main(void)
{
	struct hostile *h = hostile_start(&(struct hostile_spec){ .vcpus = 2 });
	struct drv_blk r = drv_blk_usual(T_GET_ID, 0, NULL, 0, 20);
	struct drv_queue *q = &h->d.q[0];
	uint32_t id, len;

	hostile_boot(h, 0);
	/* From here on avail_event says whether it looks without kicks. */
	sim_check(drv_blk_run(q, &r) == BLK_OK, "a request");
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t heap = h->d.heap;

		/* Before that it looks at the queue without kicks. */
		for (unsigned n = 0; !drv_kick_will_be_wanted(q);)
			sim_step(&n, "the device to want kicks");
		/* And has looked once more then, before it answers this. */
		drv_status(&h->d);
		drv_blk_add(q, &r);
		attack(h, round);
		/* A queue would have been looked at before the second of two accesses. */
		drv_status(&h->d);
		drv_status(&h->d);
		sim_check(drv_used_idx(q) == q->used_seen, "the queue was looked at");
		drv_kick(q);
		drv_wait_used(q, &id, &len);
		sim_check(id == r.head, "another head came back");
		h->d.heap = heap;
	}
	hostile_end(h);
	return 0;
}
