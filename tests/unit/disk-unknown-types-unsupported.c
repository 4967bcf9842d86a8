/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A type that we don't know, or didn't offer, is answered UNSUPP (E32, E31), with the head given
 * back, and never reaches the backend.
 */
#include "tests/fake/machine.h"

static struct drv d;

static void expect_unsupported(uint32_t type, uint32_t out_len, uint32_t in_len)
{
	static const uint8_t out[512];

	sim_check(drv_io(&d, type, 0, out, out_len, NULL, in_len) == BLK_UNSUPP, "type %#x", type);
	assert_int_equal(vm.backend.calls, 0);
}

static bool is_known(uint32_t type)
{
	return type == 0 || type == 1 || type == 4 || type == 8 || type == 11 || type == 13;
}

static void all_types(void **state)
{
	unsigned n = 0;

	(void)state;
	for (uint32_t type = 0; type < 0x10000; type++) {
		if (is_known(type))
			continue;
		expect_unsupported(type, 0, 0);
		n++;
	}
	assert_int_equal(n, 0x10000 - 6);
	/* Bits above, which legacy drivers used for barriers and the like. */
	for (unsigned bit = 16; bit < 32; bit++)
		for (uint32_t type = 0; type < 16; type++) {
			expect_unsupported(1u << bit | type, 0, 512);
			n++;
		}
	assert_int_equal(vm.st->counters.unsupported, n);
	assert_int_equal(vm.st->counters.errors, 0);
}

/* Data that came along are left alone. */
static void with_data(void **state)
{
	static const uint32_t types[] = { 2,  3,  7,  9,  10, 12, 14,	     15,
					  16, 18, 20, 22, 24, 26, 0xffffffff };
	uint8_t in[512], untouched[512];

	(void)state;
	memset(untouched, BLK_PENDING, sizeof(untouched));
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		struct drv_blk r = { .type = types[i], .in_len = 512, .direct = DRV_SEGS };

		drv_free_all(&d);
		assert_int_equal(drv_blk_run(&d.q[0], &r), BLK_UNSUPP);
		assert_int_equal(r.used_len, 0);
		drv_blk_data(&d, &r, in);
		assert_memory_equal(in, untouched, sizeof(in));
		expect_unsupported(types[i], 512, 0);
	}
}

/* Known, but the driver didn't take the feature, or it wasn't offered. */
static void discard(void **state)
{
	(void)state;
	expect_unsupported(T_DISCARD, 16, 0);
}

static void write_zeroes(void **state)
{
	(void)state;
	expect_unsupported(T_WRITE_ZEROES, 16, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_TEST(all_types),
		VM_TEST(with_data),
		VM_TEST(discard, .without = BIT64(F_DISCARD)),
		VM_TEST(write_zeroes, .without = BIT64(F_WRITE_ZEROES)),
		VM_TEST(discard, .no_caps = true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
