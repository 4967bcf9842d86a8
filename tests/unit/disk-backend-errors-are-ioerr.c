/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever the backend fails with, the guest sees IOERR, and the next request is served. */
#include <errno.h>

#include "tests/fake/driver.h"

static struct drv d;

static void every_kind(void **state)
{
	static const struct {
		uint32_t type, out_len, in_len;
	} kinds[] = {
		{ VIRTIO_BLK_T_IN, 0, 512 },	      { VIRTIO_BLK_T_OUT, 512, 0 },
		{ VIRTIO_BLK_T_FLUSH, 0, 0 },	      { VIRTIO_BLK_T_DISCARD, 16, 0 },
		{ VIRTIO_BLK_T_WRITE_ZEROES, 16, 0 },
	};
	static const int errors[] = {
		EIO, ENOSPC, EINVAL, ENOMEM, EAGAIN, EFAULT, EOPNOTSUPP, 4095
	};
	uint8_t out[512] = { [8] = 1 };
	unsigned n = 0;

	(void)state;
	drv_boot(&d, NULL, 0);
	for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (unsigned e = 0; e < ARRAY_SIZE(errors); e++, n++) {
			d.backend.result = -errors[e];
			drv_check(drv_io(&d, kinds[k].type, 0, out, kinds[k].out_len,
					 kinds[k].in_len) == VIRTIO_BLK_S_IOERR,
				  "type %u, error %d", kinds[k].type, errors[e]);
		}
		d.backend.result = 0;
		assert_int_equal(
			drv_io(&d, kinds[k].type, 0, out, kinds[k].out_len, kinds[k].in_len),
			VIRTIO_BLK_S_OK);
	}
	assert_int_equal(d.st->counters.errors, n);
	assert_int_equal(d.st->virtio.faults, 0);
	drv_stop(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
