/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * used.len counts bytes that were really written, from the first device-writable one on (C15):
 * each byte that it claims differs from what was there before.
 */
#include <errno.h>

#include "tests/fake/machine.h"

static struct drv d;
static uint8_t out[1024];

/* Bytes from the first writable one on that were written.  Poison is never an answer. */
static uint32_t really_written(const struct drv_blk *r)
{
	uint32_t n = 0;

	for (unsigned k = 0; k < r->nr; k++)
		for (uint32_t i = 0; r->seg[k].write && i < r->seg[k].len; i++, n++)
			if (((uint8_t *)fake_ram(r->seg[k].gpa))[i] == BLK_PENDING)
				return n;
	return n;
}

static void run(uint32_t type, uint64_t sector, uint32_t out_len, uint32_t in_len, int result)
{
	struct drv_blk r = drv_blk_usual(type, sector, out, out_len, in_len);
	uint8_t status;

	r.direct = 2;
	r.nr_cuts_out = 0;
	r.nr_cuts_in = 2;
	r.cuts_in[0] = in_len / 2;
	r.cuts_in[1] = in_len;
	vm.backend.result = result;
	drv_free_all(&d);
	status = drv_blk_run(&d.q[0], &r);
	sim_check(r.used_len <= really_written(&r),
		  "type %u sector %llu, %u/%u: claims %u, wrote %u", type,
		  (unsigned long long)sector, out_len, in_len, r.used_len, really_written(&r));
	/* All of a good answer to a well-formed request is claimed. */
	if (status == BLK_OK && (type == T_IN || !in_len))
		assert_int_equal(r.used_len, in_len + 1);
}

static void every_answer(void **state)
{
	static const uint32_t types[] = { T_IN,	     T_OUT,	     T_FLUSH, T_GET_ID,
					  T_DISCARD, T_WRITE_ZEROES, 2,	      77 };
	static const uint32_t lens[] = { 0, 1, 16, 20, 511, 512, 513, 1024 };
	static const uint64_t sectors[] = { 0, 127, 128, UINT64_MAX };
	static const int results[] = { 0, -EIO, -ENOSPC };

	(void)state;
	out[8] = out[24] = 1;
	/* Nothing on the disk looks as if it had not been read. */
	memset(vm.backend.image, 0x42, 65536);
	for (unsigned t = 0; t < ARRAY_SIZE(types); t++)
		for (unsigned i = 0; i < ARRAY_SIZE(lens); i++)
			for (unsigned k = 0; k < ARRAY_SIZE(lens); k++)
				for (unsigned s = 0; s < ARRAY_SIZE(sectors); s++)
					for (unsigned e = 0; e < ARRAY_SIZE(results); e++)
						run(types[t], sectors[s], lens[i], lens[k],
						    results[e]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VM_TEST(every_answer, .serial = "01234567890123456789"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
