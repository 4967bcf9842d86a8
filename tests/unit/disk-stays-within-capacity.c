/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request that isn't whole sectors within the capacity is answered IOERR, whatever wraps in its
 * arithmetic, and never reaches the backend (E34).
 */
#include "tests/fake/machine.h"

#define SECTORS 128

static struct drv d;
static uint8_t data[SECTORS * 512 + 512];

static void expect_both(uint64_t sector, uint32_t bytes, bool good)
{
	uint8_t status = good ? BLK_OK : BLK_IOERR;
	unsigned calls = vm.backend.calls;

	sim_check(drv_io(&d, T_IN, sector, NULL, 0, NULL, bytes) == status, "read %#llx + %u",
		  (unsigned long long)sector, bytes);
	sim_check(drv_io(&d, T_OUT, sector, data, bytes, NULL, 0) == status, "write %#llx + %u",
		  (unsigned long long)sector, bytes);
	assert_int_equal(vm.backend.calls, good && bytes ? calls + 2 : calls);
}

static void at_the_edge(void **state)
{
	(void)state;
	expect_both(0, SECTORS * 512, true);
	expect_both(0, SECTORS * 512 + 512, false);
	expect_both(SECTORS - 1, 512, true);
	expect_both(SECTORS - 1, 1024, false);
	expect_both(SECTORS, 512, false);
	expect_both(SECTORS + 1, 512, false);
}

static void wrapping(void **state)
{
	(void)state;
	for (unsigned bit = 8; bit < 64; bit++) {
		expect_both(1ull << bit, 512, false);
		expect_both(1ull << bit, 1024, false);
		expect_both(-(1ull << bit), 512, false);
	}
	for (uint64_t back = 1; back <= 4; back++) {
		expect_both(0 - back, 512 * back, false);
		expect_both(0 - back, 512 * back + 512, false);
		/* 2^64 bytes, as sectors. */
		expect_both((1ull << 55) - back, 512 * back, false);
		expect_both((1ull << 55) - back, 512 * back + 512, false);
		expect_both((1ull << 55) + back, 512, false);
	}
}

static void odd_lengths(void **state)
{
	static const uint32_t odd[] = { 1, 2, 15, 16, 511, 513, 1023, 1025, 4095, 4097 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(odd); i++)
		expect_both(0, odd[i], false);
}

/* Nothing to do, and that within the disk. */
static void no_data(void **state)
{
	(void)state;
	expect_both(0, 0, true);
	expect_both(SECTORS, 0, true);
	expect_both(SECTORS + 1, 0, false);
	expect_both(UINT64_MAX, 0, false);
}

static void short_header(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 16; n++) {
		struct drv_queue *q = &d.q[0];
		uint64_t header, status;
		uint32_t id, len;

		drv_free_all(&d);
		header = drv_alloc(&d, 16);
		status = drv_alloc(&d, 1);
		*(uint8_t *)fake_ram(status) = BLK_PENDING;
		drv_desc(q, 0, header, n, DESC_NEXT, 1);
		drv_desc(q, 1, status, 1, DESC_WRITE, 0);
		drv_avail(q, 0);
		vm_go(&d.q[0]);
		assert_true(drv_used(q, &id, &len));
		assert_int_equal(*(uint8_t *)fake_ram(status), BLK_IOERR);
	}
	assert_int_equal(vm.backend.calls, 0);
}

#define TEST(f) VM_TEST(f, .size = SECTORS * 512)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(at_the_edge), TEST(wrapping),     TEST(odd_lengths),
		TEST(no_data),	   TEST(short_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
