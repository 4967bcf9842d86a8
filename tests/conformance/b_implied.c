/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of virtio-mmio: what the register table of 4.2.2 says beyond the normative clauses. */
#include "tests/conformance/conformance.h"

#define WINDOW 0x200

static void B12_device_features_by_word(void)
{
	static const uint32_t beyond[] = { 2, 3, 0x7fffffff, 0x80000000, 0xffffffff };
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });
	uint64_t offered = drv_offered(d);

	sim_check(offered & BIT64(F_VERSION_1) && offered & BIT64(F_FLUSH), "offered: %#llx",
		  (unsigned long long)offered);
	for (unsigned i = 0; i < sizeof(beyond) / sizeof(*beyond); i++) {
		drv_write(d, R_DEVICE_FEATURES_SEL, beyond[i]);
		sim_check(drv_read(d, R_DEVICE_FEATURES) == 0, "features of word %#x", beyond[i]);
	}
	drv_write(d, R_DRIVER_FEATURES_SEL, 1);
	drv_write(d, R_DEVICE_FEATURES_SEL, 0);
	sim_check(drv_read(d, R_DEVICE_FEATURES) == (uint32_t)offered, "the low word");
	drv_write(d, R_DEVICE_FEATURES_SEL, 1);
	sim_check(drv_read(d, R_DEVICE_FEATURES) == offered >> 32, "the high word");
}

/* Negotiate with words written in this order; did FEATURES_OK stick? */
static bool negotiate_words(struct drv *d, unsigned n, const uint32_t (*words)[2])
{
	drv_reset(d);
	drv_write(d, R_STATUS, S_ACKNOWLEDGE);
	drv_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER);
	for (unsigned i = 0; i < n; i++) {
		drv_write(d, R_DRIVER_FEATURES_SEL, words[i][0]);
		drv_write(d, R_DRIVER_FEATURES, words[i][1]);
	}
	drv_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK);
	return drv_status(d) & S_FEATURES_OK;
}

static void B13_driver_features_by_word(void)
{
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });
	/* In word 1, with ACCESS_PLATFORM if that is needed. */
	uint32_t low = drv_offered(d), version_1 = d->grants ? 3 : 1;

	sim_check(negotiate_words(d, 2, (uint32_t[][2]){ { 0, low }, { 1, version_1 } }),
		  "low word first");
	sim_check(negotiate_words(d, 2, (uint32_t[][2]){ { 1, version_1 }, { 0, low } }),
		  "high word first");
	sim_check(negotiate_words(d, 3, (uint32_t[][2]){ { 0, ~0u }, { 0, 0 }, { 1, version_1 } }),
		  "a word is replaced, not added to");
	sim_check(negotiate_words(d, 2, (uint32_t[][2]){ { 2, 0 }, { 1, version_1 } }),
		  "a word of no bits");
	sim_check(!negotiate_words(d, 1, (uint32_t[][2]){ { 0, 1 } }), "bit 0 of the other word");
	sim_check(!negotiate_words(d, 2, (uint32_t[][2]){ { 1, version_1 }, { 2, 1 } }), "bit 64");
	sim_check(!negotiate_words(d, 2, (uint32_t[][2]){ { 1, version_1 }, { ~0u, 1u << 31 } }),
		  "the bit that is furthest away");
}

static void B14_no_such_queue(void)
{
	static const uint32_t none[] = { 2, 3, 8, 0xff, 0xffff, 0x10000, 0x80000000, 0xffffffff };
	struct drv *d = device_with_queues(2);

	drv_reset(d);
	sim_check(drv_negotiate(d, drv_offered(d)), "features");
	for (unsigned i = 0; i < sizeof(none) / sizeof(*none); i++) {
		sim_check(drv_queue_size_max(d, none[i]) == 0, "QueueSizeMax of queue %#x",
			  none[i]);
		drv_write(d, R_QUEUE_SIZE, 8);
		drv_write(d, R_QUEUE_READY, 1);
		sim_check(drv_read(d, R_QUEUE_READY) == 0, "QueueReady of queue %#x", none[i]);
		drv_write(d, R_QUEUE_RESET, 1);
		sim_check(drv_read(d, R_QUEUE_RESET) == 0, "QueueReset of queue %#x", none[i]);
	}
	sim_check(drv_queue_size_max(d, 0) && drv_queue_size_max(d, 1), "queues that exist");
}

/* The registers of each queue are written in turn, one register at a time. */
static void B15_queue_sel_selects(void)
{
	struct drv *d = device_with_queues(4);

	boot_queues(d, 4); /* gives each queue its memory */
	sim_check(drv_negotiate(d, drv_offered(d)), "features");
	for (unsigned step = 0; step < 5; step++)
		for (unsigned k = 0; k < 4; k++) {
			unsigned i = step % 2 ? 3 - k : k;
			struct drv_queue *q = &d->q[i];

			drv_write(d, R_QUEUE_SEL, i);
			if (step == 0)
				drv_write(d, R_QUEUE_SIZE, q->size = 16 << i);
			if (step == 1)
				drv_write64(d, R_QUEUE_DESC, q->desc);
			if (step == 2)
				drv_write64(d, R_QUEUE_DRIVER, q->avail);
			if (step == 3)
				drv_write64(d, R_QUEUE_DEVICE, q->used);
			if (step == 4)
				drv_write(d, R_QUEUE_READY, i != 2);
		}
	drv_write(d, R_STATUS, drv_status(d) | S_DRIVER_OK);
	for (unsigned i = 0; i < 4; i++) {
		drv_write(d, R_QUEUE_SEL, i);
		sim_check(drv_read(d, R_QUEUE_READY) == (i != 2), "QueueReady of queue %u", i);
		for (unsigned n = 0; i != 2 && n < 100; n++)
			read_sector(d, i, n);
	}
	drv_write(d, R_QUEUE_SEL, 3);
	drv_write(d, R_QUEUE_RESET, 1);
	wait_queue_reset(d);
	for (unsigned i = 0; i < 4; i++) {
		drv_write(d, R_QUEUE_SEL, i);
		sim_check(drv_read(d, R_QUEUE_READY) == (i < 2), "QueueReady of queue %u", i);
	}
}

static void B16_queue_ready_reads_back(void)
{
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });

	drv_boot(d, 0);
	drv_write(d, R_QUEUE_SEL, 0);
	sim_check(drv_read(d, R_QUEUE_READY) == 1, "QueueReady of a queue that works");
	drv_write(d, R_QUEUE_READY, 0);
	sim_check(drv_read(d, R_QUEUE_READY) == 0, "QueueReady of a queue that was stopped");
	sim_check(drv_negotiate(d, drv_offered(d)), "features");
	sim_check(!drv_setup_queue(d, 0, 3), "QueueReady of a queue whose size can't be");
	drv_write(d, R_QUEUE_SEL, 1);
	drv_write(d, R_QUEUE_READY, 1);
	sim_check(drv_read(d, R_QUEUE_READY) == 0, "QueueReady of no queue");
}

static void B17_queue_notify_names_the_queue(void)
{
	static const uint32_t none[] = { 2, 8, 31, 32, 0xffff, 0x10000, 0x10001, 0xffffffff };
	struct drv *d = device_with_queues(2);
	uint32_t status;

	boot_queues(d, 2);
	sim_check(!(d->features & BIT64(F_NOTIFICATION_DATA)), "the value would be another one");
	status = drv_status(d);
	for (unsigned i = 0; i < sizeof(none) / sizeof(*none); i++)
		drv_write(d, R_QUEUE_NOTIFY, none[i]);
	let_run(d);
	sim_check(drv_status(d) == status, "a queue that does not exist was notified");
	read_sector(d, 1, 1);
	read_sector(d, 0, 0);
	read_sector(d, 1, 2);
}

static void B18_interrupt_for_each_event(void)
{
	struct drv *d = running_device(BIT64(F_EVENT_IDX));
	unsigned n = interrupts(d);

	read_sector(d, 0, 0);
	sim_check(drv_read(d, R_INTERRUPT_STATUS) == INT_USED, "a used buffer");
	sim_check(interrupts(d) == n + 1, "the line was raised %u times", interrupts(d) - n);
	read_sector(d, 0, 1);
	sim_check(drv_read(d, R_INTERRUPT_STATUS) == INT_USED, "a used buffer");
	sim_check(interrupts(d) == n + 2, "raised again for the next, acknowledged or not");
	resize_image(2 << 20);
	wait_interrupt_status(d, INT_CONFIG);
	sim_check(interrupts(d) == n + 3, "raised for the configuration");
	drv_write(d, R_INTERRUPT_ACK, INT_USED);
	sim_check(drv_read(d, R_INTERRUPT_STATUS) == INT_CONFIG, "the other reason is left");
	drv_write(d, R_INTERRUPT_ACK, INT_CONFIG);
	let_run(d);
	sim_check(interrupts(d) == n + 3, "no more events, no more interrupts");
}

static void B19_status_0_is_reset(void)
{
	struct drv *d = running_device(0);

	drv_write(d, R_STATUS, 0);
	sim_check(drv_status(d) == 0, "the reset has ended");
	drv_write(d, R_STATUS, S_ACKNOWLEDGE);
	sim_check(drv_status(d) == S_ACKNOWLEDGE, "status %#x", drv_status(d));
	drv_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER);
	sim_check(drv_status(d) == (S_ACKNOWLEDGE | S_DRIVER), "status %#x", drv_status(d));
	drv_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK);
	sim_check(!(drv_status(d) & S_FEATURES_OK), "the features were forgotten");
	drv_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER | S_FAILED);
	sim_check(drv_status(d) & S_FAILED, "status %#x", drv_status(d));
	drv_boot(d, 0);
	read_sector(d, 0, 0);
}

static void B20_no_shared_memory(void)
{
	static const uint32_t ids[] = { 0, 1, 255, 256, 0xffffffff };
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });

	for (unsigned i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		drv_write(d, R_SHM_SEL, ids[i]);
		for (unsigned half = 0; half < 8; half += 4)
			sim_check(drv_read(d, R_SHM_LEN + half) == ~0u &&
					  drv_read(d, R_SHM_BASE + half) == ~0u,
				  "region %#x", ids[i]);
	}
}

static void B21_device_id(void)
{
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });

	sim_check(drv_read(d, R_DEVICE_ID) == 2, "DeviceID is %u", drv_read(d, R_DEVICE_ID));
	drv_boot(d, 0);
	sim_check(drv_read(d, R_DEVICE_ID) == 2, "DeviceID is %u", drv_read(d, R_DEVICE_ID));
}

static void B22_configuration_at_any_width(void)
{
	struct drv *d = device(&(struct device_spec){ .vcpus = 2 });
	uint8_t bytes[WINDOW - R_CONFIG];
	uint64_t all = 0;

	for (unsigned off = 0; off < sizeof(bytes); off++)
		all |= bytes[off] = drv_read_sized(d, R_CONFIG + off, 1);
	sim_check(all, "there is a configuration");
	for (unsigned size = 2; size <= 8; size *= 2)
		for (unsigned off = 0; off + size <= sizeof(bytes); off++) {
			uint64_t value = drv_read_sized(d, R_CONFIG + off, size);

			sim_check(!memcmp(&value, bytes + off, size), "%u bytes at %u: %#llx", size,
				  off, (unsigned long long)value);
		}
}

static void B23_any_access_is_survived(void)
{
	static const uint32_t values[] = { 0, 1, ~0u, 0x40000041, 0x80808080 };
	struct drv *d = running_device(0);
	const struct virtio_state *s = &guest_disk_state(the_guest, 0)->virtio;
	uint64_t counted = s->bad_access;

	for (unsigned size = 1; size <= 8; size *= 2)
		for (unsigned off = 0; off + size <= WINDOW; off++) {
			drv_write_sized(d, off, size, ~0ull);
			drv_read_sized(d, off, size);
		}
	for (unsigned k = 0; k < sizeof(values) / sizeof(*values); k++)
		for (unsigned reg = 0; reg < WINDOW; reg += 4)
			drv_write(d, reg, values[k]);
	sim_check(s->bad_access > counted, "nothing was counted");
	drv_boot(d, 0);
	read_sector(d, 0, 7);
}

const struct clause clauses_b_implied[] = {
	CLAUSE(B12, IMPLIED, false, "4.2.2", device_features_by_word,
	       "DeviceFeatures shows the 32 bits that DeviceFeaturesSel names; words above the "
	       "second "
	       "are 0."),
	CLAUSE(B13, IMPLIED, false, "4.2.2", driver_features_by_word,
	       "DriverFeatures sets the 32 bits that DriverFeaturesSel names; bits of higher words "
	       "are "
	       "bits that were not offered."),
	CLAUSE(B14, IMPLIED, false, "4.2.2", no_such_queue,
	       "QueueSizeMax, QueueReady and QueueReset are 0 for a queue that does not exist, "
	       "whatever "
	       "its number."),
	CLAUSE(B15, IMPLIED, false, "4.2.2", queue_sel_selects,
	       "All registers of queues are those of the queue that QueueSel names."),
	CLAUSE(B16, IMPLIED, false, "4.2.2", queue_ready_reads_back,
	       "QueueReady reads what was written, unless the queue can't work or does not exist."),
	CLAUSE(B17, IMPLIED, false, "4.2.3.3", queue_notify_names_the_queue,
	       "QueueNotify takes the number of the queue; other numbers do nothing."),
	CLAUSE(B18, IMPLIED, false, "4.2.3.4", interrupt_for_each_event,
	       "Bit 0 of InterruptStatus is a used buffer, bit 1 the configuration; the line is "
	       "raised "
	       "for each event (Xen's lines are edges: it is never lowered)."),
	CLAUSE(B19, IMPLIED, false, "4.2.2", status_0_is_reset,
	       "0 in Status resets the device; anything else sets the bits of progress."),
	CLAUSE(B20, IMPLIED, false, "4.2.2", no_shared_memory,
	       "Length and base of a shared memory region that does not exist read as all ones."),
	CLAUSE(B21, IMPLIED, false, "4.2.2", device_id,
	       "A window with a disk has the DeviceID of a block device, never that of a "
	       "placeholder."),
	CLAUSE(B22, IMPLIED, false, "4.2.2", configuration_at_any_width,
	       "The configuration space gives the same bytes at any offset and width."),
	CLAUSE(B23, MAY, false, "4.2.2.2", any_access_is_survived,
	       "What a driver must not do with registers is ignored and counted, and the device "
	       "works "
	       "on."),
	{ .id = NULL },
};
