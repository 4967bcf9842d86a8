/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An access reaches the device in whose window it lies altogether, though eight of them share a
 * page; nobody's gives all ones, of the width that was asked for.  Each vCPU is answered.
 */
#include "tests/unit/ioreq-test.h"

static const uint32_t widths[] = { 1, 2, 4, 8 };

static uint64_t ones(uint32_t size)
{
	return size < 8 ? (1ull << 8 * size) - 1 : UINT64_MAX;
}

static void every_byte_of_the_page(void **state)
{
	(void)state;
	for (unsigned at = 0; at < 4096; at++) {
		unsigned i = at / VIRTIO_MMIO_WINDOW, off = at % VIRTIO_MMIO_WINDOW;

		for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
			uint64_t v = ask(0, XEN_IOREQ_READ, FAKE_WINDOWS + at, widths[w], 0);

			if (off + widths[w] > VIRTIO_MMIO_WINDOW)
				assert_int_equal(v, ones(widths[w]));
			else if (off >= 0x100)
				assert_int_equal(v, ones(widths[w]) / 255 * (i + 1));
			else if (off == 0 && widths[w] == 4)
				assert_int_equal(v, 0x74726976);
		}
	}
}

static void writes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NR_WINDOWS; i++) {
		ask(0, XEN_IOREQ_WRITE, window_base(i) + 0x180, 4, 0x1000 + i);
		for (unsigned k = 0; k < NR_WINDOWS; k++) {
			assert_int_equal(windows[k].writes, k <= i);
			assert_int_equal(windows[k].written, k <= i ? 0x1000 + k : 0);
		}
	}
	/* Registers are the window's own, too. */
	ask(0, XEN_IOREQ_WRITE, window_base(3) + R_STATUS, 4, 1);
	for (unsigned k = 0; k < NR_WINDOWS; k++)
		assert_int_equal(ask(0, XEN_IOREQ_READ, window_base(k) + R_STATUS, 4, 0), k == 3);
}

static void nobodys(void **state)
{
	static const uint64_t addrs[] = { 0,
					  FAKE_WINDOWS - 1,
					  FAKE_WINDOWS - 4,
					  FAKE_WINDOWS + 4096,
					  FAKE_WINDOWS + (1ull << 32),
					  UINT64_MAX - 7,
					  UINT64_MAX };
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(addrs); i++)
		for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
			assert_int_equal(ask(1, XEN_IOREQ_READ, addrs[i], widths[w], 0),
					 ones(widths[w]));
			ask(1, XEN_IOREQ_WRITE, addrs[i], widths[w], 0x1234);
			n += 2;
		}
	assert_int_equal(server.unclaimed, n);
	assert_int_equal(server.accesses, 0);
	for (unsigned i = 0; i < NR_WINDOWS; i++)
		assert_int_equal(windows[i].writes, 0);
}

static void strange_kind(void **state)
{
	(void)state;
	assert_int_equal(ask(0, XEN_IOREQ_OTHER, FAKE_WINDOWS, 4, 0), 0xffffffff);
	assert_int_equal(server.unclaimed, 1);
}

static void strange_widths(void **state)
{
	static const uint32_t strange[] = { 0, 3, 5, 7, 9, 16, 4096, 0x80000000, 0xffffffff };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(strange); i++) {
		ask(0, XEN_IOREQ_READ, FAKE_WINDOWS, strange[i], 0);
		ask(0, XEN_IOREQ_READ, FAKE_WINDOWS + 0x1fc, strange[i], 0);
		ask(0, XEN_IOREQ_WRITE, FAKE_WINDOWS + 0x100, strange[i], 0);
	}
	assert_int_equal(windows[0].writes, 0);
}

static void all_vcpus_at_once(void **state)
{
	uint64_t answer;

	(void)state;
	for (unsigned v = 0; v < FAKE_VCPUS; v++) {
		struct xen_ioreq req = { XEN_IOREQ_READ, window_base(v) + 0x100, 0, 2 };

		fake_ioreq(v, &req);
	}
	ioreq_pump(&server);
	for (unsigned v = 0; v < FAKE_VCPUS; v++) {
		assert_true(fake_answered(v, &answer));
		assert_int_equal(answer, 0x0101 * (v + 1));
	}
	assert_int_equal(server.accesses, FAKE_VCPUS);
	/* Nobody asks: nobody is answered. */
	ioreq_pump(&server);
	assert_int_equal(server.accesses, FAKE_VCPUS);
}

static void removed_window_is_nobodys(void **state)
{
	(void)state;
	ioreq_remove_window(&server, &windows[2].mmio);
	ioreq_remove_window(&server, &windows[2].mmio);
	assert_int_equal(server.nr_windows, NR_WINDOWS - 1);
	for (unsigned i = 0; i < NR_WINDOWS; i++)
		assert_int_equal(ask(0, XEN_IOREQ_READ, window_base(i) + 0x100, 1, 0),
				 i == 2 ? 0xff : i + 1);
	assert_int_equal(ioreq_add_window(&server, &windows[2].mmio), 0);
	assert_int_equal(ask(0, XEN_IOREQ_READ, window_base(2) + 0x100, 1, 0), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_byte_of_the_page),
		TEST(writes),
		TEST(nobodys),
		TEST(strange_kind),
		TEST(strange_widths),
		TEST(all_vcpus_at_once),
		TEST(removed_window_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
