/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A contender of the bench: the unmodified daemon under the simulator, a worker for each guest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/rings.h"
#include "tests/sim/check.h"
#include "tests/sim/guest.h"

#define GUESTS_MAX 16
#define SLEEP_MS   1000

/* What a vCPU does: a queue of a disk each. */
struct bench_disk {
	struct rings_port port;
	struct drv d;
	unsigned first_vcpu;
	unsigned seen[DRV_QUEUES_MAX]; /* interrupts */
	struct rings_queue queues[DRV_QUEUES_MAX];
};

struct bench_guest {
	struct guest *g;
	struct bench_disk disks[TOOLSTACK_DISKS_MAX];
};

static struct bench_guest guests[GUESTS_MAX];

static void kick(struct rings_port *p, unsigned queue)
{
	struct bench_disk *b = (struct bench_disk *)p;

	b->d.m->ops->write(b->d.m, b->first_vcpu + queue, b->d.base + R_QUEUE_NOTIFY, 4, queue);
}

/* As vm_interrupt() of Linux' virtio_mmio.c, on the queue's own vCPU. */
static void sleep_for_interrupt(struct rings_port *p, unsigned queue)
{
	struct bench_disk *b = (struct bench_disk *)p;
	struct machine *m = b->d.m;
	unsigned now = m->ops->interrupt_wait(m, b->d.line, b->seen[queue], SLEEP_MS);
	unsigned vcpu = b->first_vcpu + queue;
	uint64_t status;

	if (now == b->seen[queue])
		return;
	b->seen[queue] = now;
	status = m->ops->read(m, vcpu, b->d.base + R_INTERRUPT_STATUS, 4);
	m->ops->write(m, vcpu, b->d.base + R_INTERRUPT_ACK, 4, status);
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

/* The driver of a guest's disk n. */
static void boot_disk(struct bench_guest *b, const struct run_options *o, unsigned n)
{
	struct bench_disk *disk = &b->disks[n];
	struct drv *d = &disk->d;

	disk->port = (struct rings_port){ .kick = kick, .sleep = sleep_for_interrupt };
	disk->first_vcpu = n * o->queues;
	guest_driver(b->g, n, 0, d);
	d->vcpu = disk->first_vcpu;
	d->queue_limit = rings_queue_size(o);
	drv_reset(d);
	drv_ready(d, drv_offered(d), o->queues);
	for (unsigned i = 0; i < o->queues; i++) {
		struct drv_queue *from = &d->q[i];
		struct rings_queue *q = &disk->queues[i];

		q->options = o;
		q->port = &disk->port;
		q->index = i;
		q->size = from->size;
		q->desc = drv_ram(d, from->desc, 16 * q->size);
		q->avail = drv_ram(d, from->avail, 6 + 2 * q->size);
		q->used = drv_ram(d, from->used, 6 + 8 * q->size);
		q->memory_gpa = d->m->ops->alloc(d->m, rings_bytes(o));
		q->memory = drv_ram(d, q->memory_gpa, rings_bytes(o));
		q->spread_gpa = HYP_RAM1_BASE;
	}
}

static void boot(struct bench_guest *b, const struct run_options *o, const char *image)
{
	uint64_t bytes = o->disks * (o->queues * (rings_bytes(o) + (1 << 20)) + (4 << 20));
	struct guest_spec spec = { .vcpus = o->queues * o->disks,
				   .nr_disks = o->disks,
				   .ram0 = (bytes + (2 << 20)) & ~((2ull << 20) - 1) };

	spec.ram1 = o->memory << 20;
	for (unsigned i = 0; i < o->disks; i++) {
		spec.disk[i] = toolstack_disk(i, image);
		spec.disk[i].read_only = o->guests * o->disks > 1;
	}
	b->g = guest_create(&spec);
	/* The guest has used its memory before: its first touch is not what is measured. */
	for (uint64_t at = 0; at < spec.ram1; at += RINGS_PIECE)
		memset(hyp_ram(b->g->dom, HYP_RAM1_BASE + at, o->block), 1, o->block);
	for (unsigned i = 0; i < o->disks; i++)
		boot_disk(b, o, i);
}

static void count(void *arg, struct run_counters *ret)
{
	const struct run_options *o = arg;

	for (unsigned i = 0; i < o->guests; i++) {
		ret->accesses += guest_state(guests[i].g)->accesses;
		for (unsigned k = 0; k < o->disks; k++) {
			const struct virtio_state *v = &guest_disk_state(guests[i].g, k)->virtio;

			ret->kicks += v->kicks;
			ret->interrupts += v->interrupts;
		}
	}
}

static void start_load(const struct run_options *o)
{
	for (unsigned i = 0; i < o->guests; i++)
		for (unsigned k = 0; k < o->disks * o->queues; k++)
			rings_start(&guests[i].disks[k / o->queues].queues[k % o->queues]);
	/* All mapped: what that took is no request's. */
	rings_wait_touched(&guests[0].disks[0].queues[0]);
}

/* Returns the requests of the guest that has the least. */
static uint64_t join_load(const struct run_options *o, struct meter_histogram *all)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < o->guests; i++) {
		uint64_t before = all->count;

		for (unsigned k = 0; k < o->disks * o->queues; k++) {
			struct rings_queue *q =
				&guests[i].disks[k / o->queues].queues[k % o->queues];

			rings_join(q);
			meter_merge(all, &q->latency);
		}
		least = all->count - before < least ? all->count - before : least;
	}
	return least;
}

int main(int argc, char **argv)
{
	struct run_options o = run_options(argc, argv);
	static struct meter_histogram all;
	struct run_result result;
	pid_t workers[GUESTS_MAX];
	uint64_t least = 0;
	const char *image;

	sim_check(o.guests <= GUESTS_MAX && o.disks <= TOOLSTACK_DISKS_MAX &&
			  o.queues <= DRV_QUEUES_MAX &&
			  ((o.guests * o.disks == 1 && !o.memory) || o.reads == 100),
		  "too many guests, disks or queues, or several that write");
	start_daemon(&o);
	image = o.file ? o.file : sim_image("unused", 4096, false);
	for (unsigned i = 0; i < o.guests; i++) {
		boot(&guests[i], &o, image);
		workers[i] = sim_worker(guests[i].g->domid);
	}
	if (!o.idle)
		start_load(&o);
	result = run_measure(&o, workers, o.guests, count, &o);
	if (!o.idle)
		least = join_load(&o, &all);
	for (unsigned i = 0; i < o.guests; i++)
		guest_destroy(guests[i].g);
	sim_stop();
	run_report("xvirtiod", &result, &all, least);
	return 0;
}
