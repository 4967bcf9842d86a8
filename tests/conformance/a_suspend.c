/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device suspend, which is new in VIRTIO 1.4 (2.1): not offered, so that no driver can ask for it.
 * What its clauses say about a suspended device is kept, since the device is never suspended; each
 * test looks at what would be wrong if it were so by half.
 */
#include "tests/conformance/conformance.h"

#define NOT_OFFERED " Kept by not offering SUSPEND."

/* A running device whose driver has asked for a suspend that was not negotiated. */
static struct drv *device_asked_to_suspend(void)
{
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });
	uint64_t offered = drv_offered(d);

	sim_check(!(offered & BIT64(F_SUSPEND)), "SUSPEND is offered");
	sim_check(!drv_negotiate(d, offered | BIT64(F_SUSPEND)), "SUSPEND is accepted");
	drv_boot(d, 0);
	drv_write(d, R_STATUS, drv_status(d) | S_SUSPEND);
	return d;
}

static void A24_suspend_bit_is_ignored(void)
{
	static const uint32_t statuses[] = { 0, S_ACKNOWLEDGE, S_ACKNOWLEDGE | S_DRIVER,
					     S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK };
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });

	drv_write_features(d, drv_offered(d));
	for (unsigned i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		drv_write(d, R_STATUS, statuses[i] | S_SUSPEND);
		sim_check(drv_status(d) == statuses[i], "status %#x, not %#x", drv_status(d),
			  statuses[i]);
	}
}

static void A25_configuration_stays_writable(void)
{
	struct drv *d = device_asked_to_suspend();

	sim_check(drv_config(d, C_WRITEBACK, 1) == 1, "writeback");
	drv_write_sized(d, R_CONFIG + C_WRITEBACK, 1, 0);
	sim_check(drv_config(d, C_WRITEBACK, 1) == 0, "the write was ignored");
}

static void A26_requests_are_served(void)
{
	struct drv *d = device_asked_to_suspend();
	unsigned before = interrupts(d);

	read_sector(d, 0, 0);
	wait_interrupt_status(d, INT_USED); /* used.idx is there before */
	sim_check(interrupts(d) > before, "no notification");
}

static void A27_changes_are_told_at_once(void)
{
	struct drv *d = device_asked_to_suspend();

	resize_image(2 << 20);
	wait_interrupt_status(d, INT_CONFIG);
	sim_check(drv_capacity(d) == 4096, "capacity");
}

static void A28_status_never_shows_suspend(void)
{
	struct drv *d = device_asked_to_suspend();
	uint32_t running = S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK;

	let_run(d);
	sim_check(drv_status(d) == running, "status %#x", drv_status(d));
	/* What 1.4 has a driver write to suspend, and to go on. */
	drv_write(d, R_STATUS, (running & ~(uint32_t)S_DRIVER_OK) | S_SUSPEND);
	sim_check(drv_status(d) == running, "status %#x", drv_status(d));
	drv_write(d, R_STATUS, running);
	sim_check(drv_status(d) == running, "status %#x", drv_status(d));
}

static void A29_requests_in_flight_go_on(void)
{
	struct drv *d = device_asked_to_suspend();
	unsigned rule = hold(FAULT_BIT(FAULT_READ));
	struct drv_blk slow;
	uint32_t id, len;

	start_slow_read(d, 0, rule, &slow);
	drv_write(d, R_STATUS, drv_status(d) | S_SUSPEND);
	let_run(d);
	sim_check(drv_status(d) & S_DRIVER_OK, "status %#x", drv_status(d));
	faults_remove(&sim.faults, rule);
	drv_wait_used(&d->q[0], &id, &len);
	sim_check(id == slow.head && drv_blk_status(d, &slow) == BLK_OK, "the read was served");
}

const struct clause clauses_a_suspend[] = {
	CLAUSE(A24, MUST, false, "1.4: 2.1", suspend_bit_is_ignored,
	       "SUSPEND in status is ignored before the driver is ready." NOT_OFFERED),
	CLAUSE(A25, SHOULD, false, "1.4: 2.1", configuration_stays_writable,
	       "A suspended device ignores writes to its configuration." NOT_OFFERED),
	CLAUSE(A26, MUST_NOT, false, "1.4: 2.1", requests_are_served,
	       "A suspended device does not touch its queues, nor notify." NOT_OFFERED),
	CLAUSE(A27, MUST, false, "1.4: 2.1", changes_are_told_at_once,
	       "A change of configuration while suspended is told afterwards." NOT_OFFERED),
	CLAUSE(A28, MUST, false, "1.4: 2.1", status_never_shows_suspend,
	       "A request to suspend or to resume succeeds, or the device needs a "
	       "reset." NOT_OFFERED),
	CLAUSE(A29, SHOULD, false, "1.4: 2.1", requests_in_flight_go_on,
	       "A device finishes its requests before it shows that it is suspended." NOT_OFFERED),
	{ .id = NULL },
};
