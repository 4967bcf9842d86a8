/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A contender of the bench: the unmodified daemon under the simulator, a worker for each guest. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/rings.h"
#include "tests/sim/check.h"
#include "tests/sim/guest.h"

#define GUESTS_MAX 16
#define SLEEP_MS   1000

struct bench_guest {
	struct rings_port port;
	struct guest *g;
	struct drv d;
	unsigned seen[DRV_QUEUES_MAX]; /* interrupts */
	struct rings_queue queues[DRV_QUEUES_MAX];
};

static struct bench_guest guests[GUESTS_MAX];

static void kick(struct rings_port *p, unsigned queue)
{
	struct bench_guest *b = (struct bench_guest *)p;

	b->d.m->ops->write(b->d.m, queue, b->d.base + R_QUEUE_NOTIFY, 4, queue);
}

/* As vm_interrupt() of Linux' virtio_mmio.c, on the queue's own vCPU. */
static void sleep_for_interrupt(struct rings_port *p, unsigned queue)
{
	struct bench_guest *b = (struct bench_guest *)p;
	struct machine *m = b->d.m;
	unsigned now = m->ops->interrupt_wait(m, b->d.line, b->seen[queue], SLEEP_MS);
	uint64_t status;

	if (now == b->seen[queue])
		return;
	b->seen[queue] = now;
	status = m->ops->read(m, queue, b->d.base + R_INTERRUPT_STATUS, 4);
	m->ops->write(m, queue, b->d.base + R_INTERRUPT_ACK, 4, status);
}

static void start_daemon(const struct run_options *o)
{
	char config[256];

	snprintf(config, sizeof(config),
		 "defaults = { backend = \"%s\"; cache = \"%s\"; queues = %u; queue_size = 1024; "
		 "null_size = \"%llu\"; };\n",
		 o->file ? "file" : "null", o->direct ? "direct" : "buffered", o->queues,
		 (unsigned long long)o->span);
	sim_start(config);
}

static void boot(struct bench_guest *b, const struct run_options *o, const char *image)
{
	uint64_t bytes = o->queues * (rings_bytes(o) + (1 << 20)) + (4 << 20);
	struct guest_spec spec = { .vcpus = o->queues,
				   .nr_disks = 1,
				   .ram0 = (bytes + (2 << 20)) & ~((2ull << 20) - 1),
				   .disk = { toolstack_disk(0, image) } };

	b->port = (struct rings_port){ .kick = kick, .sleep = sleep_for_interrupt };
	b->g = guest_create(&spec);
	guest_driver(b->g, 0, 0, &b->d);
	b->d.queue_limit = rings_queue_size(o);
	drv_reset(&b->d);
	drv_ready(&b->d, drv_offered(&b->d), o->queues);
	for (unsigned i = 0; i < o->queues; i++) {
		struct drv_queue *from = &b->d.q[i];
		struct rings_queue *q = &b->queues[i];

		q->options = o;
		q->port = &b->port;
		q->index = i;
		q->size = from->size;
		q->desc = drv_ram(&b->d, from->desc, 16 * q->size);
		q->avail = drv_ram(&b->d, from->avail, 6 + 2 * q->size);
		q->used = drv_ram(&b->d, from->used, 6 + 8 * q->size);
		q->memory_gpa = b->d.m->ops->alloc(b->d.m, rings_bytes(o));
		q->memory = drv_ram(&b->d, q->memory_gpa, rings_bytes(o));
	}
}

static void count(void *arg, struct run_counters *ret)
{
	const struct run_options *o = arg;

	for (unsigned i = 0; i < o->guests; i++) {
		const struct virtio_state *v = &guest_disk_state(guests[i].g, 0)->virtio;

		ret->accesses += guest_state(guests[i].g)->accesses;
		ret->kicks += v->kicks;
		ret->interrupts += v->interrupts;
	}
}

int main(int argc, char **argv)
{
	struct run_options o = run_options(argc, argv);
	static struct meter_histogram all;
	struct run_result result;
	const char *image;

	sim_check(o.guests <= GUESTS_MAX && o.queues <= DRV_QUEUES_MAX, "too many");
	start_daemon(&o);
	image = o.file ? o.file : sim_image("unused", 4096, false);
	for (unsigned i = 0; i < o.guests; i++)
		boot(&guests[i], &o, image);
	for (unsigned i = 0; i < o.guests; i++)
		for (unsigned k = 0; k < o.queues; k++)
			rings_start(&guests[i].queues[k]);
	result = run_measure(&o, sim_worker(guests[0].g->domid), count, &o);
	for (unsigned i = 0; i < o.guests; i++) {
		for (unsigned k = 0; k < o.queues; k++) {
			rings_join(&guests[i].queues[k]);
			meter_merge(&all, &guests[i].queues[k].latency);
		}
		guest_destroy(guests[i].g);
	}
	sim_stop();
	run_report("xvirtiod", &result, &all);
	return 0;
}
