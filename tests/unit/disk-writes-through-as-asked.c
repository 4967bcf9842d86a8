/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cache mode (E2, E3, E28, E37): a write is stable before it is answered if the driver took no
 * FLUSH, or set `writeback` to 0; and no other request pays for that.  `writeback` tells which mode
 * it is at any time, and is writable with CONFIG_WCE only.
 */
#include "tests/fake/driver.h"

#define WRITEBACK (R_CONFIG + 32)

#define FLUSH	  VIRTIO_BLK_F_FLUSH
#define WCE	  VIRTIO_BLK_F_CONFIG_WCE

static struct drv d;
static uint8_t out[512];

static unsigned writeback(void)
{
	return virtio_mmio_read(&d.disk.mmio, WRITEBACK, 1);
}

static void write_writeback(unsigned value)
{
	virtio_mmio_write(&d.disk.mmio, WRITEBACK, 1, value);
}

static void expect_flags(unsigned fua)
{
	static const struct {
		uint32_t type, out_len, in_len;
		bool writes;
	} kinds[] = {
		{ VIRTIO_BLK_T_OUT, 512, 0, true },	{ VIRTIO_BLK_T_WRITE_ZEROES, 32, 0, true },
		{ VIRTIO_BLK_T_IN, 0, 512, false },	{ VIRTIO_BLK_T_FLUSH, 0, 0, false },
		{ VIRTIO_BLK_T_DISCARD, 32, 0, false },
	};

	out[8] = out[24] = 1; /* two ranges of a sector, too */
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		assert_int_equal(
			drv_io(&d, kinds[i].type, 0, out, kinds[i].out_len, kinds[i].in_len),
			VIRTIO_BLK_S_OK);
		assert_int_equal(d.backend.last.flags, kinds[i].writes ? fua : 0);
	}
}

static void by_what_was_negotiated(void **state)
{
	uint64_t offered = drv_offered(&d), others = offered & ~(FLUSH | WCE);

	(void)state;
	assert_int_equal(offered & (FLUSH | WCE), FLUSH | WCE);
	assert_int_equal(writeback(), 1);
	drv_ready(&d, others | FLUSH | WCE);
	assert_int_equal(writeback(), 1);
	expect_flags(0);
	drv_ready(&d, others | FLUSH);
	assert_int_equal(writeback(), 1);
	expect_flags(0);
	drv_ready(&d, others | WCE);
	assert_int_equal(writeback(), 0);
	expect_flags(BLK_FUA);
	drv_ready(&d, others);
	assert_int_equal(writeback(), 0);
	expect_flags(BLK_FUA);
	drv_write(&d, R_STATUS, 0);
	assert_int_equal(writeback(), 1);
	assert_int_equal(d.st->virtio.bad_access, 0);
}

static void by_what_was_written(void **state)
{
	(void)state;
	drv_ready(&d, drv_offered(&d));
	for (unsigned i = 0; i < 3; i++) {
		write_writeback(0);
		assert_int_equal(writeback(), 0);
		expect_flags(BLK_FUA);
		write_writeback(1);
		assert_int_equal(writeback(), 1);
		expect_flags(0);
	}
	/* Neither a configuration change nor forgotten but by a reset. */
	write_writeback(0);
	assert_int_equal(drv_read(&d, R_CONFIG_GENERATION), 0);
	assert_int_equal(drv_read(&d, R_INTERRUPT_STATUS) & VIRTIO_INTERRUPT_CONFIG, 0);
	assert_int_equal(d.st->virtio.bad_access, 0);
	drv_ready(&d, drv_offered(&d));
	assert_int_equal(writeback(), 1);
}

/* There is nothing that would make such a write stable later. */
static void without_flush_always(void **state)
{
	(void)state;
	drv_ready(&d, drv_offered(&d) & ~FLUSH);
	write_writeback(1);
	assert_int_equal(writeback(), 1);
	expect_flags(BLK_FUA);
}

/* The second range of WRITE_ZEROES begins in the mode of that moment. */
static void changed_in_between(void **state)
{
	struct drv_blk r = { .type = VIRTIO_BLK_T_WRITE_ZEROES, .out_len = 32 };

	(void)state;
	out[8] = out[24] = 1;
	r.out = out;
	drv_ready(&d, drv_offered(&d));
	d.backend.hold = true;
	drv_blk_add(&d, 0, &r);
	drv_go(&d, 0);
	assert_int_equal(d.backend.last.flags, 0);
	write_writeback(0);
	fake_backend_complete(&d.backend, 0, 0);
	assert_int_equal(d.backend.calls, 2);
	assert_int_equal(d.backend.last.flags, BLK_FUA);
}

static void cannot_be_written(void **state)
{
	static const struct {
		unsigned off, size;
		uint64_t value;
	} bad[] = {
		{ 32, 1, 2 }, { 32, 1, 0xff }, { 32, 2, 0 }, { 32, 4, 0 }, { 32, 8, 0 },
		{ 31, 1, 0 }, { 31, 2, 0 },    { 28, 8, 0 }, { 33, 1, 0 }, { 24, 8, 0 },
	};
	uint64_t without = drv_offered(&d) & ~WCE;

	(void)state;
	/* Not negotiated, or not yet. */
	write_writeback(0);
	drv_write(&d, R_STATUS, 3);
	write_writeback(0);
	drv_ready(&d, without);
	write_writeback(0);
	assert_int_equal(writeback(), 1);
	assert_int_equal(d.st->virtio.bad_access, 3);

	drv_ready(&d, without | WCE);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		virtio_mmio_write(&d.disk.mmio, R_CONFIG + bad[i].off, bad[i].size, bad[i].value);
		drv_check(writeback() == 1, "%u bytes at %u", bad[i].size, bad[i].off);
	}
	assert_int_equal(d.st->virtio.bad_access, 3 + ARRAY_SIZE(bad));
}

#define TEST(f) DRV_TEST(f, drv_set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(by_what_was_negotiated), TEST(by_what_was_written), TEST(without_flush_always),
		TEST(changed_in_between),     TEST(cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
