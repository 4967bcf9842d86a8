/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GET_ID gives the serial in up to 20 bytes, padded with NUL (E33); what the driver has room for
 * beyond that is left alone, and not claimed.
 */
#include "tests/fake/machine.h"

static struct drv d;

static void expect_id(const char *serial, const char padded[20])
{
	const struct vm_options o = { .serial = serial };
	uint8_t in[64];

	vm_start(&d, &o);
	for (uint32_t room = 0; room <= sizeof(in); room++) {
		struct drv_blk r = { .type = T_GET_ID, .in_len = room, .direct = DRV_SEGS };

		drv_free_all(&d);
		assert_int_equal(drv_blk_run(&d.q[0], &r), BLK_OK);
		/* Up to the status, if there is no gap before it. */
		assert_int_equal(r.used_len, room <= 20 ? room + 1 : 20);
		drv_blk_data(&d, &r, in);
		assert_memory_equal(in, padded, MIN(room, 20u));
		for (uint32_t i = 20; i < room; i++)
			assert_int_equal(in[i], BLK_PENDING);
	}
	assert_int_equal(vm.backend.calls, 0);
	vm_stop();
}

static void padded_with_nul(void **state)
{
	(void)state;
	expect_id("xvda", "xvda\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
	expect_id("", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
}

static void twenty_without_nul(void **state)
{
	(void)state;
	expect_id("0123456789abcdefghij", "0123456789abcdefghij");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(padded_with_nul),
		cmocka_unit_test(twenty_without_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
