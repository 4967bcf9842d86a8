/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Status, reset, configuration space (VIRTIO 1.3, 2.1, 2.4, 2.5). */
#include <stdlib.h>
#include <unistd.h>

#include "tests/conformance/conformance.h"

#define S_INITIAL (S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK)

static void A1_nothing_happens_before_driver_ok(void)
{
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });
	struct drv_blk r = drv_blk_usual(T_IN, 0, NULL, 0, 512);
	uint32_t id, len;
	uint8_t *before;

	sim_check(drv_negotiate(d, drv_offered(d)), "features");
	sim_check(drv_setup_queue(d, 0, 64), "the queue");
	drv_blk_add(&d->q[0], &r);
	before = ram_copy();
	drv_kick(&d->q[0]);
	let_run(d);
	sim_check(ram_is(before), "the device has written to memory");
	sim_check(interrupts(d) == 0 && drv_read(d, R_INTERRUPT_STATUS) == 0, "an interrupt");
	free(before);

	/* It was all in order, so the device begins with what it finds. */
	drv_write(d, R_STATUS, S_INITIAL | S_DRIVER_OK);
	drv_wait_used(&d->q[0], &id, &len);
	sim_check(id == r.head && drv_blk_status(d, &r) == BLK_OK, "the request is served then");
}

/* A head that is outside the table: the ring makes no sense any more. */
static void break_ring(struct drv *d)
{
	drv_avail(&d->q[0], d->q[0].size);
	drv_kick(&d->q[0]);
}

static void A2_broken_ring_needs_reset(void)
{
	struct drv *d = running_device(0);
	unsigned n = 0;

	sim_check(!(drv_status(d) & S_NEEDS_RESET), "nothing is wrong yet");
	break_ring(d);
	while (!(drv_status(d) & S_NEEDS_RESET))
		sim_step(&n, "DEVICE_NEEDS_RESET");
	drv_boot(d, 0);
	read_sector(d, 0, 1);
}

static void A3_needs_reset_is_told(void)
{
	struct drv *d = running_device(0);
	unsigned before = interrupts(d), n = 0;

	break_ring(d);
	while (!(drv_status(d) & S_NEEDS_RESET))
		sim_step(&n, "DEVICE_NEEDS_RESET");
	wait_interrupt_status(d, INT_CONFIG);
	sim_check(interrupts(d) == before + 1, "%u interrupts", interrupts(d) - before);
}

static void A4_status_shows_progress(void)
{
	static const uint32_t steps[] = { S_ACKNOWLEDGE, S_DRIVER, S_FEATURES_OK, S_DRIVER_OK };
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });
	uint32_t status = 0;

	for (unsigned round = 0; round < 2; round++) {
		sim_check(drv_status(d) == 0, "status %#x", drv_status(d));
		drv_write_features(d, drv_offered(d));
		for (unsigned i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
			status |= steps[i];
			drv_write(d, R_STATUS, status);
			sim_check(drv_status(d) == status, "status %#x", drv_status(d));
		}
		drv_write(d, R_STATUS, status = 0);
	}
}

static void A17_reset_ends_with_status_0(void)
{
	static const uint32_t statuses[] = { S_ACKNOWLEDGE, S_ACKNOWLEDGE | S_DRIVER, S_INITIAL,
					     S_INITIAL | S_DRIVER_OK,
					     S_ACKNOWLEDGE | S_DRIVER | S_FAILED };
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });

	for (unsigned i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		drv_write_features(d, drv_offered(d));
		drv_write(d, R_STATUS, statuses[i]);
		sim_check(drv_status(d) == statuses[i], "status %#x", drv_status(d));
		drv_reset(d);
	}
	drv_boot(d, 0);
	break_ring(d);
	wait_interrupt_status(d, INT_CONFIG);
	drv_reset(d);
	drv_boot(d, 0);
	read_sector(d, 0, 0);
}

static void A18_nothing_happens_after_reset(void)
{
	struct drv *d = device_with_queues(2);
	unsigned rule = 0, before;
	uint8_t *ram;

	boot_queues(d, 2);
	rule = faults_add(&sim.faults, &(struct fault_rule){ .ops = FAULT_BIT(FAULT_READ),
							     .file = faults_file(the_image),
							     .action = FAULT_DELAY,
							     .amount = 20 });
	for (unsigned i = 0; i < 8; i++) {
		struct drv_blk r = drv_blk_usual(T_IN, i, NULL, 0, 4096);

		drv_blk_add(&d->q[i % 2], &r);
		drv_kick(&d->q[i % 2]);
	}
	drv_reset(d);
	ram = ram_copy();
	before = interrupts(d);
	drv_kick(&d->q[0]);
	usleep(50000); /* the reads would have ended by now, and do no harm if not */
	let_run(d);
	sim_check(faults_hits(&sim.faults, rule) > 0, "reads were in flight");
	sim_check(ram_is(ram), "memory was written after the end of the reset");
	sim_check(interrupts(d) == before && drv_read(d, R_INTERRUPT_STATUS) == 0,
		  "an interrupt after the end of the reset");
	free(ram);
}

static void A19_reset_waits_for_requests(void)
{
	struct drv *d = running_device(0);
	unsigned rule = hold(FAULT_BIT(FAULT_READ));
	struct drv_blk slow;

	start_slow_read(d, 0, rule, &slow);
	drv_write(d, R_STATUS, 0);
	let_run(d);
	sim_check(drv_status(d) != 0, "a read is still in flight");
	faults_remove(&sim.faults, rule);
	drv_reset(d);
	drv_boot(d, 0);
	read_sector(d, 0, 0);
}

/* Every byte of the configuration space. */
static void read_config(struct drv *d, uint8_t ret[C_END])
{
	for (unsigned i = 0; i < C_END; i++)
		ret[i] = drv_read_sized(d, R_CONFIG + i, 1);
}

static void A20_configuration_is_there_before_features_ok(void)
{
	struct drv *d = device_with_queues(2);
	uint8_t before[C_END], now[C_END];

	read_config(d, before);
	for (uint32_t status = 1; status <= 3; status += 2) {
		drv_write(d, R_STATUS, status);
		sim_check(drv_capacity(d) == 2048, "capacity");
		sim_check(drv_config(d, C_SIZE_MAX, 4) && drv_config(d, C_SEG_MAX, 4),
			  "limits of segments");
		sim_check(drv_config(d, C_BLK_SIZE, 4) == 512, "blk_size");
		sim_check(drv_config(d, C_WRITEBACK, 1) == 1, "writeback");
		sim_check(drv_config(d, C_NUM_QUEUES, 2) == 2, "num_queues");
		sim_check(drv_config(d, C_MAX_DISCARD_SECTORS, 4) &&
				  drv_config(d, C_MAX_DISCARD_SEG, 4) &&
				  drv_config(d, C_DISCARD_SECTOR_ALIGNMENT, 4),
			  "limits of DISCARD");
		sim_check(drv_config(d, C_MAX_WRITE_ZEROES_SECTORS, 4) &&
				  drv_config(d, C_MAX_WRITE_ZEROES_SEG, 4),
			  "limits of WRITE_ZEROES");
		read_config(d, now);
		sim_check(!memcmp(before, now, C_END), "the same at status %#x", status);
	}
	boot_queues(d, 2);
	read_config(d, now);
	sim_check(!memcmp(before, now, C_END), "the same when the driver runs");
}

static void A21_little_endian_and_generation(void)
{
	struct drv *d = running_device(0);
	uint32_t generation = drv_read(d, R_CONFIG_GENERATION);

	sim_check(drv_capacity(d) == 2048, "capacity");
	sim_check(drv_read(d, R_CONFIG_GENERATION) == generation, "nothing has changed");
	resize_image(0x01020304ull * 512);
	wait_interrupt_status(d, INT_CONFIG);
	sim_check(drv_read(d, R_CONFIG_GENERATION) != generation, "the capacity has changed");
	for (unsigned i = 0; i < 8; i++)
		sim_check(drv_read_sized(d, R_CONFIG + C_CAPACITY + i, 1) == (i < 4 ? 4 - i : 0),
			  "byte %u of capacity", i);
}

static void A22_change_is_told(void)
{
	struct drv *d = running_device(0);
	unsigned before = interrupts(d), n = 0;

	for (unsigned i = 1; i <= 3; i++) {
		resize_image((1 + i) << 20);
		wait_interrupt_status(d, INT_CONFIG);
		/* The register may change before the kernel has raised the line. */
		for (n = 0; interrupts(d) < before + i;)
			sim_step(&n, "an interrupt");
		sim_check(interrupts(d) == before + i, "%u interrupts", interrupts(d) - before);
		sim_check(drv_capacity(d) == (1 + i) * 2048, "capacity");
		drv_interrupt(d);
	}
	/* A driver that is not running yet is told when it is. */
	sim_check(drv_negotiate(d, drv_offered(d)) && drv_setup_queue(d, 0, 64), "set-up");
	before = interrupts(d);
	resize_image(1 << 20);
	while (drv_capacity(d) != 2048)
		sim_step(&n, "the capacity");
	sim_check(interrupts(d) == before, "an interrupt before DRIVER_OK");
	drv_write(d, R_STATUS, S_INITIAL | S_DRIVER_OK);
	wait_interrupt_status(d, INT_CONFIG);
}

static void A23_no_shared_memory(void)
{
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });

	for (unsigned id = 0; id < 256; id++) {
		drv_write(d, R_SHM_SEL, id);
		sim_check(drv_read(d, R_SHM_LEN) == ~0u && drv_read(d, R_SHM_LEN + 4) == ~0u,
			  "there is a region %u", id);
	}
}

const struct clause clauses_a[] = {
	CLAUSE(A1, MUST_NOT, true, "2.1.2", nothing_happens_before_driver_ok,
	       "Before DRIVER_OK no buffer is taken and no used buffer notified."),
	CLAUSE(A2, SHOULD, false, "2.1.2", broken_ring_needs_reset,
	       "A ring that makes no sense sets DEVICE_NEEDS_RESET; a reset repairs it."),
	CLAUSE(A3, MUST, true, "2.1.2", needs_reset_is_told,
	       "DEVICE_NEEDS_RESET of a running device comes with a notification of changed "
	       "configuration."),
	CLAUSE(A4, IMPLIED, false, "2.1", status_shows_progress,
	       "Status begins with 0, is 0 after a reset, and shows each bit that the driver has "
	       "set."),
	CLAUSE(A17, MUST, true, "2.4.1", reset_ends_with_status_0,
	       "A reset ends with status 0, whatever the status was."),
	CLAUSE(A18, MUST_NOT, true, "2.4.1", nothing_happens_after_reset,
	       "Once status reads 0 after a reset, no memory is written and nothing notified, even "
	       "if "
	       "requests were in flight."),
	CLAUSE(A19, IMPLIED, false, "2.4", reset_waits_for_requests,
	       "Status stays non-zero as long as requests of before the reset are in flight."),
	CLAUSE(A20, MUST, true, "2.5.2", configuration_is_there_before_features_ok,
	       "All fields of the configuration whose feature is offered can be read before "
	       "FEATURES_OK."),
	CLAUSE(A21, IMPLIED, false, "2.5", little_endian_and_generation,
	       "The configuration is little-endian, and its generation another one after a "
	       "change."),
	CLAUSE(A22, IMPLIED, false, "2.3", change_is_told,
	       "A change of the configuration is notified; to a driver that is not running yet, as "
	       "soon as it is."),
	CLAUSE(A23, MUST_NOT, true, "2.10.2", no_shared_memory,
	       "No shared memory controls the device or carries data: there is none."),
	{ .id = NULL },
};
