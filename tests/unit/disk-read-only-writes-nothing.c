/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A read-only disk answers every kind of write with IOERR and its backend never hears of it (E21),
 * whether the driver took VIRTIO_BLK_F_RO or not; reading works.
 */
#include "tests/fake/driver.h"

static struct drv d;

static void refuses_writes(uint64_t without)
{
	const struct drv_options o = { .caps = IMAGE_READ_ONLY | IMAGE_DISCARD };
	static const uint32_t types[] = { VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_DISCARD,
					  VIRTIO_BLK_T_WRITE_ZEROES };
	static const uint32_t lens[] = { 0, 16, 512, 1024 };
	static const uint8_t out[1024] = { [8] = 1 };

	drv_boot(&d, &o, without);
	for (unsigned t = 0; t < ARRAY_SIZE(types); t++)
		for (unsigned i = 0; i < ARRAY_SIZE(lens); i++)
			drv_check(drv_io(&d, types[t], 0, out, lens[i], 0) == VIRTIO_BLK_S_IOERR,
				  "type %u, %u bytes", types[t], lens[i]);
	assert_int_equal(d.backend.calls, 0);
	assert_int_equal(d.st->counters.writes, 0);
	assert_int_equal(drv_io(&d, VIRTIO_BLK_T_IN, 0, NULL, 0, 512), VIRTIO_BLK_S_OK);
	assert_int_equal(drv_io(&d, VIRTIO_BLK_T_FLUSH, 0, NULL, 0, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(d.backend.calls, 2);
	drv_stop(&d);
}

static void driver_knows(void **state)
{
	(void)state;
	refuses_writes(0);
}

static void driver_does_not_know(void **state)
{
	(void)state;
	refuses_writes(VIRTIO_BLK_F_RO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(driver_knows),
		cmocka_unit_test(driver_does_not_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
