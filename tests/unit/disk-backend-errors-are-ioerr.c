/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever the backend fails with, the guest sees IOERR, and the next request is served. */
#include <errno.h>

#include "tests/fake/machine.h"

static struct drv d;

static void every_kind(void **state)
{
	static const struct {
		uint32_t type, out_len, in_len;
	} kinds[] = {
		{ T_IN, 0, 512 },     { T_OUT, 512, 0 },	 { T_FLUSH, 0, 0 },
		{ T_DISCARD, 16, 0 }, { T_WRITE_ZEROES, 16, 0 },
	};
	static const int errors[] = {
		EIO, ENOSPC, EINVAL, ENOMEM, EAGAIN, EFAULT, EOPNOTSUPP, 4095
	};
	uint8_t out[512] = { [8] = 1 };
	unsigned n = 0;

	(void)state;
	for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (unsigned e = 0; e < ARRAY_SIZE(errors); e++, n++) {
			vm.backend.result = -errors[e];
			sim_check(drv_io(&d, kinds[k].type, 0, out, kinds[k].out_len, NULL,
					 kinds[k].in_len) == BLK_IOERR,
				  "type %u, error %d", kinds[k].type, errors[e]);
		}
		vm.backend.result = 0;
		assert_int_equal(
			drv_io(&d, kinds[k].type, 0, out, kinds[k].out_len, NULL, kinds[k].in_len),
			BLK_OK);
	}
	assert_int_equal(vm.st->counters.errors, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_TEST(every_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
