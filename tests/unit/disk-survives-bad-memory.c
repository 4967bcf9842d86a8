/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Buffers that aren't in memory (D11): data give IOERR, in a status byte that is written; without a
 * place for the status byte it is a fault.  Either way the head comes back once and the backend
 * hears nothing.
 */
#include "tests/fake/driver.h"

#define END (FAKE_RAM0_BASE + FAKE_RAM_BYTES)

static struct drv d;
static uint64_t header, data, status;

static int set_up(void **state)
{
	(void)state;
	drv_boot(&d, NULL, 0);
	header = drv_alloc(&d, 16);
	data = drv_alloc(&d, 4096);
	status = drv_alloc(&d, 1);
	*(uint8_t *)fake_ram(status) = DRV_PENDING;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(d.backend.calls, 0);
	assert_int_equal(disk_inflight(&d.disk), 0);
	drv_stop(&d);
	return 0;
}

/* The chain comes back once, claiming len bytes; returns the status byte that was written. */
static uint8_t run(const struct drv_seg *segs, unsigned n, uint32_t len)
{
	uint16_t head = drv_chain(&d, &d.q[0], segs, n, n < 32 ? n : 1);
	uint32_t id, got;

	*(uint8_t *)fake_ram(status) = DRV_PENDING;
	drv_avail(&d.q[0], head);
	drv_go(&d, 0);
	assert_true(drv_used(&d.q[0], &id, &got));
	assert_int_equal(id, head);
	assert_int_equal(got, len);
	assert_false(drv_used(&d.q[0], &id, &got));
	return *(uint8_t *)fake_ram(status);
}

static const struct {
	uint64_t gpa;
	uint32_t len;
} outside[] = {
	{ 0, 512 },
	{ DRV_BASE, 512 },
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

			le32_store(fake_ram(header), write ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT);
			/* The status alone is claimed if nothing comes before it. */
			assert_int_equal(run(segs, 5, !write), VIRTIO_BLK_S_IOERR);
		}
	}
	assert_int_equal(d.st->virtio.faults, 0);
	assert_int_equal(d.st->counters.errors, 2 * ARRAY_SIZE(outside));
}

static void header_outside(void **state)
{
	const struct drv_seg segs[] = { { DRV_BASE, 16, false },
					{ data, 512, true },
					{ status, 1, true } };

	(void)state;
	assert_int_equal(run(segs, 3, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(d.st->virtio.faults, 0);
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
		assert_int_equal(run(segs, 3, 0), DRV_PENDING);
		assert_true(drv_status(&d) & VIRTIO_STATUS_NEEDS_RESET);
		drv_ready(&d, drv_offered(&d));
	}
	assert_true(d.st->virtio.faults > 8);
}

static void no_writable_byte(void **state)
{
	const struct drv_seg segs[] = { { header, 16, false },
					{ data, 512, false },
					{ status, 0, true } };

	(void)state;
	for (unsigned n = 1; n <= 3; n++) {
		assert_int_equal(run(segs, n, 0), DRV_PENDING);
		assert_int_equal(d.st->virtio.faults, n);
		assert_true(drv_status(&d) & VIRTIO_STATUS_NEEDS_RESET);
		drv_ready(&d, drv_offered(&d));
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
	guest_mem_invalidate(&d.mem);
	assert_int_equal(run(segs, 3, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(d.st->virtio.faults, 0);
	fake_set_present(page >> XEN_PAGE_SHIFT, true);
	assert_int_equal(run(segs, 2, 0), DRV_PENDING);
}

/* used.len has 32 bits: 4 GiB and 512 bytes don't wrap into a good request. */
static void more_than_32_bits(void **state)
{
	/* A disk that has as much. */
	const struct drv_options o = { .queue_size = 1024, .size = 8ull << 30 };
	const unsigned banks = (1ull << 32) / FAKE_RAM_BYTES;
	struct drv_seg segs[1024] = { { .len = 0 } };

	for (unsigned write = 0; write < 2; write++) {
		drv_stop(&d);
		drv_start(&d, &o);
		drv_ready(&d, drv_offered(&d));
		segs[0] = (struct drv_seg){ header, 16, false };
		for (unsigned i = 1; i <= banks; i++)
			segs[i] = (struct drv_seg){ FAKE_RAM0_BASE, FAKE_RAM_BYTES, write };
		segs[banks + 1] = (struct drv_seg){ data, 512, write };
		segs[banks + 2] = (struct drv_seg){ status, 1, true };
		d.heap = status + 64;
		memset(fake_ram(header), 0, 16);
		le32_store(fake_ram(header), write ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT);
		assert_int_equal(run(segs, banks + 3, !write), VIRTIO_BLK_S_IOERR);
		assert_int_equal(d.st->virtio.faults, 0);
	}
	(void)state;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(data_outside),	TEST(header_outside), TEST(status_outside),
		TEST(no_writable_byte), TEST(ballooned_page), TEST(more_than_32_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
