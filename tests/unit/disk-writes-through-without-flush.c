/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver that didn't take FLUSH gets write-through (E28): its writes go to the backend with FUA,
 * and nobody else's do.
 */
#include "tests/fake/driver.h"

static struct drv d;

static void expect_flags(uint64_t without, unsigned fua)
{
	static const struct {
		uint32_t type, out_len, in_len;
		bool writes;
	} kinds[] = {
		{ VIRTIO_BLK_T_OUT, 512, 0, true },	{ VIRTIO_BLK_T_WRITE_ZEROES, 32, 0, true },
		{ VIRTIO_BLK_T_IN, 0, 512, false },	{ VIRTIO_BLK_T_FLUSH, 0, 0, false },
		{ VIRTIO_BLK_T_DISCARD, 32, 0, false },
	};
	uint8_t out[512] = { 0 };

	out[8] = out[24] = 1; /* two ranges of a sector, too */
	drv_boot(&d, NULL, without);
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		assert_int_equal(
			drv_io(&d, kinds[i].type, 0, out, kinds[i].out_len, kinds[i].in_len),
			VIRTIO_BLK_S_OK);
		assert_int_equal(d.backend.last.flags, kinds[i].writes ? fua : 0);
	}
	drv_stop(&d);
}

static void with_flush(void **state)
{
	(void)state;
	expect_flags(0, 0);
}

static void without_flush(void **state)
{
	(void)state;
	expect_flags(VIRTIO_BLK_F_FLUSH, BLK_FUA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_flush),
		cmocka_unit_test(without_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
