/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cache mode (E2, E3, E28, E37): a write is stable before it is answered if the driver took no
 * FLUSH, or set `writeback` to 0; and no other request pays for that.  `writeback` tells which mode
 * it is at any time, and is writable with CONFIG_WCE only.
 */
#include "tests/fake/machine.h"

#define WRITEBACK (R_CONFIG + C_WRITEBACK)

#define FLUSH	  BIT64(F_FLUSH)
#define WCE	  BIT64(F_CONFIG_WCE)

static struct drv d;
static uint8_t out[512];

static unsigned writeback(void)
{
	return drv_read_sized(&d, WRITEBACK, 1);
}

static void write_writeback(unsigned value)
{
	drv_write_sized(&d, WRITEBACK, 1, value);
}

static void expect_flags(unsigned fua)
{
	static const struct {
		uint32_t type, out_len, in_len;
		bool writes;
	} kinds[] = {
		{ T_OUT, 512, 0, true },  { T_WRITE_ZEROES, 32, 0, true }, { T_IN, 0, 512, false },
		{ T_FLUSH, 0, 0, false }, { T_DISCARD, 32, 0, false },
	};

	out[8] = out[24] = 1; /* two ranges of a sector, too */
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		assert_int_equal(
			drv_io(&d, kinds[i].type, 0, out, kinds[i].out_len, NULL, kinds[i].in_len),
			BLK_OK);
		assert_int_equal(vm.backend.last.flags, kinds[i].writes ? fua : 0);
	}
}

static void by_what_was_negotiated(void **state)
{
	uint64_t offered = drv_offered(&d), others = offered & ~(FLUSH | WCE);

	(void)state;
	assert_int_equal(offered & (FLUSH | WCE), FLUSH | WCE);
	assert_int_equal(writeback(), 1);
	drv_ready(&d, others | FLUSH | WCE, 1);
	assert_int_equal(writeback(), 1);
	expect_flags(0);
	drv_ready(&d, others | FLUSH, 1);
	assert_int_equal(writeback(), 1);
	expect_flags(0);
	drv_ready(&d, others | WCE, 1);
	assert_int_equal(writeback(), 0);
	expect_flags(BLK_FUA);
	drv_ready(&d, others, 1);
	assert_int_equal(writeback(), 0);
	expect_flags(BLK_FUA);
	drv_write(&d, R_STATUS, 0);
	assert_int_equal(writeback(), 1);
	assert_int_equal(vm.st->virtio.bad_access, 0);
}

static void by_what_was_written(void **state)
{
	(void)state;
	drv_boot(&d, 0);
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
	assert_int_equal(drv_read(&d, R_INTERRUPT_STATUS) & INT_CONFIG, 0);
	assert_int_equal(vm.st->virtio.bad_access, 0);
	drv_boot(&d, 0);
	assert_int_equal(writeback(), 1);
}

/*
 * There is nothing that would make such a write stable later; so `writeback` doesn't tell
 * otherwise.
 */
static void without_flush_always(void **state)
{
	(void)state;
	drv_boot(&d, FLUSH);
	write_writeback(1);
	assert_int_equal(writeback(), 0);
	expect_flags(BLK_FUA);
	assert_int_equal(vm.st->virtio.bad_access, 1);
	write_writeback(0);
	assert_int_equal(writeback(), 0);
	assert_int_equal(vm.st->virtio.bad_access, 1);
}

/* The second range of WRITE_ZEROES begins in the mode of that moment. */
static void changed_in_between(void **state)
{
	struct drv_blk r = { .type = T_WRITE_ZEROES, .out_len = 32 };

	(void)state;
	out[8] = out[24] = 1;
	r.out = out;
	drv_boot(&d, 0);
	vm.backend.hold = true;
	drv_blk_add(&d.q[0], &r);
	vm_go(&d.q[0]);
	assert_int_equal(vm.backend.last.flags, 0);
	write_writeback(0);
	fake_backend_complete(&vm.backend, 0, 0);
	assert_int_equal(vm.backend.calls, 2);
	assert_int_equal(vm.backend.last.flags, BLK_FUA);
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
	drv_ready(&d, without, 1);
	write_writeback(0);
	assert_int_equal(writeback(), 1);
	assert_int_equal(vm.st->virtio.bad_access, 3);

	drv_ready(&d, without | WCE, 1);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		drv_write_sized(&d, R_CONFIG + bad[i].off, bad[i].size, bad[i].value);
		sim_check(writeback() == 1, "%u bytes at %u", bad[i].size, bad[i].off);
	}
	assert_int_equal(vm.st->virtio.bad_access, 3 + ARRAY_SIZE(bad));
}

#define TEST(f) VM_TEST(f, .untouched = true)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(by_what_was_negotiated), TEST(by_what_was_written), TEST(without_flush_always),
		TEST(changed_in_between),     TEST(cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
