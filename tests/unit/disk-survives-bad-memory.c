/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Buffers that aren't in memory (D11): data give IOERR, in a status byte that is written; without a
 * place for the status byte it is a fault.  Either way the head comes back once and the backend
 * hears nothing.
 */
#include "tests/fake/machine.h"

#define END (FAKE_RAM0_BASE + FAKE_RAM_BYTES)

static struct drv d;
static uint64_t header, data, status;

static int set_up(void **state)
{
	vm_set_up(state);
	header = drv_alloc(&d, 16);
	data = drv_alloc(&d, 4096);
	status = drv_alloc(&d, 1);
	*(uint8_t *)fake_ram(status) = BLK_PENDING;
	return 0;
}

/*
 * The chain comes back once, claiming len bytes, without the backend's help; returns the status
 * byte that was written.
 */
static uint8_t run(const struct drv_seg *segs, unsigned n, uint32_t len)
{
	uint16_t head = drv_chain(&d.q[0], segs, n, n < 32 ? n : 1);
	uint32_t id, got;

	*(uint8_t *)fake_ram(status) = BLK_PENDING;
	drv_avail(&d.q[0], head);
	vm_go(&d.q[0]);
	assert_true(drv_used(&d.q[0], &id, &got));
	assert_int_equal(id, head);
	assert_int_equal(got, len);
	assert_false(drv_used(&d.q[0], &id, &got));
	assert_int_equal(vm.backend.calls, 0);
	assert_int_equal(disk_inflight(&vm.disk), 0);
	return *(uint8_t *)fake_ram(status);
}

static const struct {
	uint64_t gpa;
	uint32_t len;
} outside[] = {
	{ 0, 512 },
	{ FAKE_WINDOWS, 512 },
	{ FAKE_RAM0_BASE - 512, 512 },
	{ FAKE_RAM0_BASE - 1, 512 },
	{ END - 511, 512 },
	{ END, 512 },
	{ END - 512, 0xfffffe00 },
	{ FAKE_RAM0_BASE, 0xfffffe00 },
	{ GUEST_MEM_SIZE - 512, 512 },
	{ GUEST_MEM_SIZE, 512 },
	{ 1ull << 63 | FAKE_RAM0_BASE, 512 },
	{ UINT64_MAX - 511, 512 },
	{ UINT64_MAX - 510, 512 },
	{ UINT64_MAX, 512 },
};

static void data_outside(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(outside); i++) {
		for (unsigned write = 0; write < 2; write++) {
			struct drv_seg segs[] = { { header, 16, false },
						  { data, 512, write },
						  { outside[i].gpa, outside[i].len, write },
						  { data, 512, write },
						  { status, 1, true } };

			le32_store(fake_ram(header), write ? T_IN : T_OUT);
			/* The status alone is claimed if nothing comes before it. */
			assert_int_equal(run(segs, 5, !write), BLK_IOERR);
		}
	}
	assert_int_equal(vm.st->virtio.faults, 0);
	assert_int_equal(vm.st->counters.errors, 2 * ARRAY_SIZE(outside));
}

static void header_outside(void **state)
{
	const struct drv_seg segs[] = { { FAKE_WINDOWS, 16, false },
					{ data, 512, true },
					{ status, 1, true } };

	(void)state;
	assert_int_equal(run(segs, 3, 0), BLK_IOERR);
	assert_int_equal(vm.st->virtio.faults, 0);
}

static void status_outside(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(outside); i++) {
		const struct drv_seg segs[] = { { header, 16, false },
						{ data, 512, true },
						{ outside[i].gpa, outside[i].len, true } };
		uint64_t last = outside[i].gpa + outside[i].len - 1;

		/* A status byte in memory, at the end of a segment that begins outside. */
		if (last >= FAKE_RAM0_BASE && last < END)
			continue;
		assert_int_equal(run(segs, 3, 0), BLK_PENDING);
		assert_true(drv_status(&d) & S_NEEDS_RESET);
		drv_boot(&d, 0);
	}
	assert_true(vm.st->virtio.faults > 8);
}

static void no_writable_byte(void **state)
{
	const struct drv_seg segs[] = { { header, 16, false },
					{ data, 512, false },
					{ status, 0, true } };

	(void)state;
	for (unsigned n = 1; n <= 3; n++) {
		assert_int_equal(run(segs, n, 0), BLK_PENDING);
		assert_int_equal(vm.st->virtio.faults, n);
		assert_true(drv_status(&d) & S_NEEDS_RESET);
		drv_boot(&d, 0);
	}
}

/* A page that the guest gave away while the driver still names it. */
static void ballooned_page(void **state)
{
	uint64_t page = (drv_alloc(&d, 12288) + 4095) & ~4095ull;
	const struct drv_seg segs[] = { { header, 16, false },
					{ page - 512, 1024, true },
					{ status, 1, true } };

	(void)state;
	fake_set_present(page >> XEN_PAGE_SHIFT, false);
	guest_mem_invalidate(&vm.mem);
	assert_int_equal(run(segs, 3, 0), BLK_IOERR);
	assert_int_equal(vm.st->virtio.faults, 0);
	fake_set_present(page >> XEN_PAGE_SHIFT, true);
	assert_int_equal(run(segs, 2, 0), BLK_PENDING);
}

/* used.len has 32 bits: 4 GiB and 512 bytes don't wrap into a good request. */
static void more_than_32_bits(void **state)
{
	const unsigned banks = (1ull << 32) / FAKE_RAM_BYTES;
	struct drv_seg segs[1024] = { { .len = 0 } };

	(void)state;
	for (unsigned write = 0; write < 2; write++) {
		segs[0] = (struct drv_seg){ header, 16, false };
		for (unsigned i = 1; i <= banks; i++)
			segs[i] = (struct drv_seg){ FAKE_RAM0_BASE, FAKE_RAM_BYTES, write };
		segs[banks + 1] = (struct drv_seg){ data, 512, write };
		segs[banks + 2] = (struct drv_seg){ status, 1, true };
		memset(fake_ram(header), 0, 16);
		le32_store(fake_ram(header), write ? T_IN : T_OUT);
		assert_int_equal(run(segs, banks + 3, !write), BLK_IOERR);
	}
}

#define TEST(f, ...) VM_TEST_WITH(set_up, vm_tear_down, f, __VA_ARGS__)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(data_outside),
		TEST(header_outside),
		TEST(status_outside, .faulty = true),
		TEST(no_writable_byte, .faulty = true),
		TEST(ballooned_page, .faulty = true),
		/* A disk that has as much. */
		TEST(more_than_32_bits, .queue_size = 1024, .size = 8ull << 30),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
