/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A read-only disk answers every kind of write with IOERR and its backend never hears of it (E21),
 * whether the driver took VIRTIO_BLK_F_RO or not; reading works.
 */
#include "tests/fake/machine.h"

static struct drv d;

static void refuses_writes(void **state)
{
	static const uint32_t types[] = { T_OUT, T_DISCARD, T_WRITE_ZEROES };
	static const uint32_t lens[] = { 0, 16, 512, 1024 };
	static const uint8_t out[1024] = { [8] = 1 };

	(void)state;
	for (unsigned t = 0; t < ARRAY_SIZE(types); t++)
		for (unsigned i = 0; i < ARRAY_SIZE(lens); i++)
			sim_check(drv_io(&d, types[t], 0, out, lens[i], NULL, 0) == BLK_IOERR,
				  "type %u, %u bytes", types[t], lens[i]);
	assert_int_equal(vm.backend.calls, 0);
	assert_int_equal(vm.st->counters.writes, 0);
	assert_int_equal(drv_io(&d, T_IN, 0, NULL, 0, NULL, 512), BLK_OK);
	assert_int_equal(drv_io(&d, T_FLUSH, 0, NULL, 0, NULL, 0), BLK_OK);
	assert_int_equal(vm.backend.calls, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_TEST(refuses_writes, .caps = IMAGE_READ_ONLY | IMAGE_DISCARD),
		VM_TEST(refuses_writes, .caps = IMAGE_READ_ONLY | IMAGE_DISCARD,
			.without = BIT64(F_RO)),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
