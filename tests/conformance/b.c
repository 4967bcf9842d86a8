/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of virtio-mmio (VIRTIO 1.3, 4.2). */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/conformance/conformance.h"

#define WINDOW 0x200

static void B1_magic_value(void)
{
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });

	sim_check(drv_read(d, R_MAGIC) == 0x74726976, "MagicValue is %#x", drv_read(d, R_MAGIC));
}

static void B2_version(void)
{
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });

	sim_check(drv_read(d, R_VERSION) == 2, "Version is %u", drv_read(d, R_VERSION));
}

static void B3_bits_stay_until_acknowledged(void)
{
	struct drv *d = running_device(0);

	read_sector(d, 0, 0);
	resize_image(2 << 20);
	wait_interrupt_status(d, INT_USED | INT_CONFIG);
	for (unsigned i = 0; i < 3; i++)
		sim_check(drv_read(d, R_INTERRUPT_STATUS) == (INT_USED | INT_CONFIG),
			  "reading has changed InterruptStatus");
	drv_write(d, R_INTERRUPT_ACK, 0);
	drv_write(d, R_INTERRUPT_ACK, INT_CONFIG);
	sim_check(drv_read(d, R_INTERRUPT_STATUS) == INT_USED, "only one bit was acknowledged");
	drv_write(d, R_INTERRUPT_ACK, ~(uint32_t)INT_USED);
	sim_check(drv_read(d, R_INTERRUPT_STATUS) == INT_USED, "the bit was not acknowledged");
	drv_write(d, R_INTERRUPT_ACK, INT_USED);
	sim_check(drv_read(d, R_INTERRUPT_STATUS) == 0, "both bits were acknowledged");
}

static void B4_no_bits_without_events(void)
{
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });

	sim_check(drv_read(d, R_INTERRUPT_STATUS) == 0, "bits of a fresh device");
	drv_boot(d, 0);
	sim_check(drv_read(d, R_INTERRUPT_STATUS) == 0, "bits after the driver's initialisation");
	read_sector(d, 0, 0);
	sim_check(drv_interrupt(d) == INT_USED, "bits after a request");
	sim_check(drv_read(d, R_INTERRUPT_STATUS) == 0, "bits after all was acknowledged");
	resize_image(2 << 20);
	wait_interrupt_status(d, INT_CONFIG);
	sim_check(drv_interrupt(d) == INT_CONFIG, "bits after a change of the configuration");
	sim_check(drv_read(d, R_INTERRUPT_STATUS) == 0, "bits after all was acknowledged");
}

static void B5_reset_clears_registers(void)
{
	struct drv *d = device_with_queues(4);

	boot_queues(d, 4);
	for (unsigned i = 0; i < 4; i++) {
		drv_write(d, R_QUEUE_SEL, i);
		sim_check(drv_read(d, R_QUEUE_READY) == 1, "queue %u is ready", i);
	}
	read_sector(d, 1, 0);
	resize_image(2 << 20);
	wait_interrupt_status(d, INT_USED | INT_CONFIG);

	drv_write(d, R_STATUS, 0);
	sim_check(drv_status(d) == 0, "nothing is in flight, so the reset is done at once");
	sim_check(drv_read(d, R_INTERRUPT_STATUS) == 0, "InterruptStatus after the reset");
	for (unsigned i = 0; i < 4; i++) {
		drv_write(d, R_QUEUE_SEL, i);
		sim_check(drv_read(d, R_QUEUE_READY) == 0, "QueueReady of queue %u", i);
	}
}

/* The image goes to and fro between two sizes, both halves of which differ. */
struct resizer {
	uint64_t sizes[2]; /* in sectors */
	bool stop;
};

static void *resize_all_the_time(void *arg)
{
	struct resizer *r = arg;

	for (unsigned i = 0; !__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE); i++) {
		resize_image(r->sizes[i % 2] * 512);
		usleep(100);
	}
	return NULL;
}

static void B6_generation_shows_a_torn_read(void)
{
	struct drv *d = running_device(0);
	/* Half of capacity; a file system without files of terabytes gets along with 16 bits. */
	unsigned half = truncate(the_image, 0x200000010ull * 512) == 0 ? 4 : 2, changes = 0;
	struct resizer r = { .sizes = { (1ull << 8 * half) + 8, (2ull << 8 * half) + 16 } };
	uint64_t last = 0;
	pthread_t thread;

	resize_image(r.sizes[1] * 512);
	wait_interrupt_status(d, INT_CONFIG);
	thread = guest_run(resize_all_the_time, &r);
	for (unsigned reads = 0; reads < 3000 || changes < 100; reads++) {
		uint32_t generation = drv_read(d, R_CONFIG_GENERATION);
		uint64_t value = drv_read_sized(d, R_CONFIG, half);

		value |= drv_read_sized(d, R_CONFIG + half, half) << 8 * half;
		if (drv_read(d, R_CONFIG_GENERATION) != generation)
			continue;
		sim_check(value == r.sizes[0] || value == r.sizes[1],
			  "the capacity is mixed: %#llx", (unsigned long long)value);
		changes += value != last;
		last = value;
	}
	__atomic_store_n(&r.stop, true, __ATOMIC_RELEASE);
	guest_join(thread);
}

/* The three parts of queue 0, a page each. */
#define PARTS (3 * 4096)

/* In flight, made available, notified: a queue that is not ready is not looked at. */
static void check_not_ready(struct drv *d, uint64_t without)
{
	unsigned rule = hold(FAULT_BIT(FAULT_READ));
	struct drv_blk slow, more = drv_blk_usual(T_IN, 1, NULL, 0, 512);
	struct drv_queue *q = &d->q[0];
	uint8_t before[PARTS];

	drv_boot(d, without);
	start_slow_read(d, 0, rule, &slow);
	drv_write(d, R_QUEUE_SEL, 0);
	drv_write(d, R_QUEUE_READY, 0);
	drv_blk_add(q, &more);
	memcpy(before, drv_ram(d, q->desc, PARTS), PARTS);
	drv_kick(q);
	let_run(d);
	faults_remove(&sim.faults, rule);
	drv_reset(d); /* waits for the slow read */
	sim_check(!memcmp(before, drv_ram(d, q->desc, PARTS), PARTS), "the queue was written");
	sim_check(drv_blk_status(d, &slow) == BLK_PENDING, "the read was answered");
	sim_check(drv_blk_status(d, &more) == BLK_PENDING, "the other read was begun");

	/* Not even read: there is no memory behind the ring. */
	drv_boot(d, without);
	drv_write(d, R_QUEUE_SEL, 0);
	drv_write(d, R_QUEUE_READY, 0);
	sim_check(hyp_balloon_out(the_guest->dom, 0, q->avail >> 12) == HYP_OK, "balloon");
	q->bytes_for = 0; /* the next one has memory of its own */
	drv_kick(q);
	let_run(d);
	sim_check(!(drv_status(d) & S_NEEDS_RESET), "the device has looked for the ring");
}

static void B7_queue_that_is_not_ready_is_left_alone(void)
{
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });

	check_not_ready(d, 0);
	check_not_ready(d, BIT64(F_EVENT_IDX));
}

static void B8_queue_reset_is_0_after_device_reset(void)
{
	struct drv *d = running_device(0);
	unsigned rule = hold(FAULT_BIT(FAULT_READ));
	struct drv_blk slow;

	drv_write(d, R_QUEUE_SEL, 0);
	sim_check(drv_read(d, R_QUEUE_RESET) == 0, "QueueReset of a queue that runs");
	start_slow_read(d, 0, rule, &slow);
	drv_write(d, R_QUEUE_RESET, 1);
	sim_check(drv_read(d, R_QUEUE_RESET) == 1, "QueueReset, while a read is in flight");
	drv_write(d, R_STATUS, 0);
	faults_remove(&sim.faults, rule);
	drv_reset(d);
	sim_check(drv_negotiate(d, drv_offered(d)), "features after the reset");
	drv_write(d, R_QUEUE_SEL, 0);
	sim_check(drv_read(d, R_QUEUE_RESET) == 0, "QueueReset after the reset");
}

static void B9_queue_reset_is_0_after_reenabling(void)
{
	struct drv *d = running_device(0);

	drv_write(d, R_QUEUE_SEL, 0);
	drv_write(d, R_QUEUE_RESET, 1);
	wait_queue_reset(d);
	sim_check(drv_setup_queue(d, 0, 64), "the queue can be set up again");
	sim_check(drv_read(d, R_QUEUE_RESET) == 0, "QueueReset after that");
	read_sector(d, 0, 3);
}

static void B10_queue_reset_is_1_while_it_lasts(void)
{
	struct drv *d = device_with_queues(2);
	unsigned rule = hold(FAULT_BIT(FAULT_READ));
	struct drv_blk slow, other = drv_blk_usual(T_FLUSH, 0, NULL, 0, 0);

	boot_queues(d, 2);
	start_slow_read(d, 0, rule, &slow);
	drv_write(d, R_QUEUE_SEL, 0);
	drv_write(d, R_QUEUE_RESET, 1);
	sim_check(drv_blk_run(&d->q[1], &other) == BLK_OK, "the other queue works");
	let_run(d);
	sim_check(drv_read(d, R_QUEUE_RESET) == 1, "a read is in flight");
	drv_write(d, R_QUEUE_SEL, 1);
	sim_check(drv_read(d, R_QUEUE_RESET) == 0 && drv_read(d, R_QUEUE_READY) == 1,
		  "the other queue is not reset");
	drv_write(d, R_QUEUE_SEL, 0);
	faults_remove(&sim.faults, rule);
	wait_queue_reset(d);
	sim_check(drv_used_idx(&d->q[0]) == 0 && drv_blk_status(d, &slow) == BLK_PENDING,
		  "the read was answered, although its queue was reset");
}

static void B11_queue_reset_completes(void)
{
	struct drv *d = running_device(0);
	struct drv_blk slow;
	unsigned rule;

	drv_write(d, R_QUEUE_SEL, 0);
	drv_write(d, R_QUEUE_RESET, 1);
	wait_queue_reset(d);
	sim_check(drv_read(d, R_QUEUE_READY) == 0, "QueueReady after the reset of an idle queue");

	sim_check(drv_setup_queue(d, 0, 64), "set it up again");
	rule = hold(FAULT_BIT(FAULT_READ));
	start_slow_read(d, 0, rule, &slow);
	drv_write(d, R_QUEUE_RESET, 1);
	faults_remove(&sim.faults, rule);
	wait_queue_reset(d);
	sim_check(drv_read(d, R_QUEUE_READY) == 0, "QueueReady after the reset of a busy queue");
	sim_check(drv_setup_queue(d, 0, 64), "set it up again");
	read_sector(d, 0, 5);
}

const struct clause clauses_b[] = {
	CLAUSE(B1, MUST, true, "4.2.2.1", magic_value, "MagicValue reads 0x74726976."),
	CLAUSE(B2, MUST, true, "4.2.2.1", version, "Version reads 2: no legacy interface."),
	CLAUSE(B3, MUST, true, "4.2.2.1", bits_stay_until_acknowledged,
	       "A bit of InterruptStatus stays until that bit is written to InterruptACK."),
	CLAUSE(B4, MUST, true, "4.2.2.1", no_bits_without_events,
	       "InterruptStatus has no bit for what did not happen."),
	CLAUSE(B5, MUST, true, "4.2.2.1", reset_clears_registers,
	       "A reset clears InterruptStatus, and QueueReady of every queue."),
	CLAUSE(B6, MUST, true, "4.2.2.1", generation_shows_a_torn_read,
	       "ConfigGeneration is another one when a driver may have read one half of a field "
	       "before a change and one after it."),
	CLAUSE(B7, MUST_NOT, true, "4.2.2.1", queue_that_is_not_ready_is_left_alone,
	       "A queue's memory is neither read nor written while its QueueReady is 0."),
	CLAUSE(B8, MUST, true, "4.2.2.1", queue_reset_is_0_after_device_reset,
	       "QueueReset reads 0 after a reset of the device."),
	CLAUSE(B9, MUST, true, "4.2.2.1", queue_reset_is_0_after_reenabling,
	       "QueueReset reads 0 after the queue was enabled again."),
	CLAUSE(B10, MUST, true, "4.2.2.1", queue_reset_is_1_while_it_lasts,
	       "1 in QueueReset resets that queue and no other; it reads 1 as long as that takes."),
	CLAUSE(B11, MUST, true, "4.2.2.1", queue_reset_completes,
	       "When a queue's reset is complete, QueueReset and QueueReady read 0."),
	{ .id = NULL },
};
