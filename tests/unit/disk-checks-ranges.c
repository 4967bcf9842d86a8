/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DISCARD and WRITE_ZEROES: unknown flags are UNSUPP (E22), and so is unmap with DISCARD (E23); 1
 * to 32 ranges of 16 bytes each and within limits, anything else is IOERR (E35).  All are checked
 * before the first is touched.
 */
#include <errno.h>

#include "tests/fake/machine.h"

#define MAX_RANGES  32
#define MAX_SECTORS (1u << 21)

static struct drv d;
static struct drv_range ranges[MAX_RANGES + 2];
static const uint32_t both[] = { T_DISCARD, T_WRITE_ZEROES };

static void set(unsigned i, uint64_t sector, uint32_t n, uint32_t flags)
{
	ranges[i] = drv_range(sector, n, flags);
}

/* All is well but what the test puts in its way. */
static void good_ranges(void)
{
	for (unsigned i = 0; i < MAX_RANGES + 2; i++)
		set(i, i, 1, 0);
}

/* Answered so, and with IOERR and UNSUPP the backend wasn't asked. */
static void expect(uint32_t type, uint32_t bytes, uint8_t status)
{
	unsigned calls = vm.backend.calls;

	sim_check(drv_io(&d, type, 0, ranges, bytes, NULL, 0) == status,
		  "type %u, %u bytes: not %u", type, bytes, status);
	assert_int_equal(vm.backend.calls, status ? calls : calls + bytes / 16);
}

static void flags(void **state)
{
	(void)state;
	good_ranges();
	for (unsigned bit = 0; bit < 32; bit++) {
		set(0, 0, 1, 1u << bit);
		expect(T_DISCARD, 16, BLK_UNSUPP);
		expect(T_WRITE_ZEROES, 16, bit ? BLK_UNSUPP : BLK_OK);
		set(0, 0, 1, 1u << bit | 1);
		expect(T_WRITE_ZEROES, 16, bit ? BLK_UNSUPP : BLK_OK);
	}
	set(0, 0, 1, 0xffffffff);
	expect(T_DISCARD, 16, BLK_UNSUPP);
	expect(T_WRITE_ZEROES, 16, BLK_UNSUPP);
}

/* Also in the last of many, and where another one is out of range. */
static void flags_anywhere(void **state)
{
	(void)state;
	for (unsigned t = 0; t < 2; t++) {
		good_ranges();
		set(MAX_RANGES - 1, 0, 1, 4);
		expect(both[t], 16 * MAX_RANGES, BLK_UNSUPP);
		set(3, UINT64_MAX, 1, 0);
		expect(both[t], 16 * MAX_RANGES, BLK_UNSUPP);
	}
}

static void unmap_is_passed_on(void **state)
{
	(void)state;
	good_ranges();
	expect(T_WRITE_ZEROES, 16, BLK_OK);
	assert_int_equal(vm.backend.last.flags & BLK_UNMAP, 0);
	set(0, 7, 2, 1);
	expect(T_WRITE_ZEROES, 16, BLK_OK);
	assert_int_equal(vm.backend.last.flags & BLK_UNMAP, BLK_UNMAP);
	assert_int_equal(vm.backend.last.offset, 7 * 512);
	assert_int_equal(vm.backend.last.len, 1024);
}

static void number_of_ranges(void **state)
{
	(void)state;
	good_ranges();
	for (unsigned t = 0; t < 2; t++) {
		for (unsigned k = 0; k <= MAX_RANGES + 2; k++)
			expect(both[t], 16 * k, k && k <= MAX_RANGES ? BLK_OK : BLK_IOERR);
		for (uint32_t bytes = 1; bytes < 16 * 4; bytes++)
			if (bytes % 16)
				expect(both[t], bytes, BLK_IOERR);
		expect(both[t], 16 * MAX_RANGES + 1, BLK_IOERR);
		expect(both[t], 16 * MAX_RANGES - 1, BLK_IOERR);
	}
}

static void range_outside(void **state)
{
	static const struct {
		uint64_t sector;
		uint32_t n;
		uint8_t status;
	} cases[] = {
		{ 0, 128, BLK_OK },
		{ 127, 1, BLK_OK },
		{ 0, 0, BLK_IOERR },
		{ 0, 129, BLK_IOERR },
		{ 128, 1, BLK_IOERR },
		{ 127, 2, BLK_IOERR },
		{ 0, 0xffffffff, BLK_IOERR },
		{ 0, 0x80000000, BLK_IOERR },
		{ UINT64_MAX, 1, BLK_IOERR },
		{ UINT64_MAX, 2, BLK_IOERR },
		{ UINT64_MAX - 7, 16, BLK_IOERR },
		{ 1ull << 55, 1, BLK_IOERR },
		{ (1ull << 55) - 1, 2, BLK_IOERR },
	};

	(void)state;
	for (unsigned t = 0; t < 2; t++)
		for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
			good_ranges();
			set(0, cases[i].sector, cases[i].n, 0);
			expect(both[t], 16, cases[i].status);
			/* The last of many: the others aren't touched, either. */
			good_ranges();
			set(MAX_RANGES - 1, cases[i].sector, cases[i].n, 0);
			expect(both[t], 16 * MAX_RANGES, cases[i].status);
		}
}

/* A range is at most as long as the configuration space says. */
static void longest_range(void **state)
{
	uint32_t max;

	(void)state;
	max = drv_read(&d, R_CONFIG + C_MAX_DISCARD_SECTORS);
	assert_int_equal(max, MAX_SECTORS);
	vm.backend.hold = true;
	for (unsigned t = 0; t < 2; t++) {
		struct drv_blk r = {
			.type = both[t], .out = ranges, .out_len = 16, .direct = DRV_SEGS
		};

		set(0, 1, max + 1, 0);
		assert_int_equal(drv_blk_run(&d.q[0], &r), BLK_IOERR);
		set(0, 1, max, 0);
		drv_blk_add(&d.q[0], &r);
		vm_go(&d.q[0]);
		assert_int_equal(vm.backend.last.len, (uint64_t)max * 512);
		fake_backend_complete_all(&vm.backend, -EIO);
		vm_round();
		d.q[0].used_seen = drv_used_idx(&d.q[0]);
	}
}

/* One range at a time; the first failure ends it. */
static void failure_in_between(void **state)
{
	struct drv_blk r = { .type = T_DISCARD, .out = ranges, .out_len = 16 * 4 };
	uint32_t id;

	(void)state;
	good_ranges();
	vm.backend.hold = true;
	drv_blk_add(&d.q[0], &r);
	vm_go(&d.q[0]);
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(vm.backend.calls, i);
		assert_int_equal(vm.backend.last.offset, (i - 1) * 512);
		assert_false(drv_used(&d.q[0], &id, &r.used_len));
		fake_backend_complete(&vm.backend, 0, i == 2 ? -EIO : 0);
		vm_round();
	}
	assert_int_equal(vm.backend.nr_held, 0);
	assert_true(drv_used(&d.q[0], &id, &r.used_len));
	assert_int_equal(drv_blk_status(&d, &r), BLK_IOERR);
	assert_int_equal(drv_used_idx(&d.q[0]), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_TEST(flags),
		VM_TEST(flags_anywhere),
		VM_TEST(unmap_is_passed_on),
		VM_TEST(number_of_ranges),
		VM_TEST(range_outside),
		VM_TEST(longest_range, .size = 1ull << 32),
		VM_TEST(failure_in_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
