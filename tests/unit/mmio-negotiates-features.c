/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FEATURES_OK sticks for every subset of what is offered that has VERSION_1 (A6, A9), and for
 * nothing else (A7, A11, B13); after it the choice is fixed (D14).
 */
#include "tests/fake/machine.h"

static struct drv d;

static void every_subset(void **state)
{
	uint64_t offered = drv_offered(&d), optional = offered & ~BIT64(F_VERSION_1), subset = 0;
	unsigned n = 0;

	(void)state;
	do {
		assert_true(drv_negotiate(&d, subset | BIT64(F_VERSION_1)));
		assert_int_equal(vm.disk.mmio.dev.features, subset | BIT64(F_VERSION_1));
		assert_false(drv_negotiate(&d, subset));
		subset = (subset - optional) & optional;
		n++;
	} while (subset);
	assert_int_equal(n, 1u << __builtin_popcountll(optional));
}

static void one_bit_too_many(void **state)
{
	uint64_t offered = drv_offered(&d);

	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		if (offered & 1ull << bit)
			continue;
		assert_false(drv_negotiate(&d, BIT64(F_VERSION_1) | 1ull << bit));
		assert_false(drv_negotiate(&d, offered | 1ull << bit));
		assert_int_equal(drv_status(&d), 3);
	}
	assert_true(drv_negotiate(&d, offered));
}

static void bits_above_63(void **state)
{
	static const uint32_t words[] = { 2, 3, 31, 32, 0xffffffff };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		drv_write(&d, R_STATUS, 0);
		drv_write(&d, R_STATUS, 3);
		drv_write(&d, R_DRIVER_FEATURES_SEL, words[i]);
		drv_write(&d, R_DRIVER_FEATURES, 1);
		drv_write_features(&d, BIT64(F_VERSION_1));
		drv_write(&d, R_STATUS, 0xb);
		assert_int_equal(drv_status(&d), 3);
	}
	/* None of them set is what a driver with more than 64 features in mind writes. */
	drv_write(&d, R_STATUS, 0);
	drv_write(&d, R_STATUS, 3);
	drv_write(&d, R_DRIVER_FEATURES_SEL, 2);
	drv_write(&d, R_DRIVER_FEATURES, 0);
	drv_write_features(&d, BIT64(F_VERSION_1));
	drv_write(&d, R_STATUS, 0xb);
	assert_int_equal(drv_status(&d), 0xb);
}

/* The words come in any order, and each as often as the driver likes; the last one counts. */
static void changed_before_features_ok(void **state)
{
	(void)state;
	drv_write(&d, R_STATUS, 3);
	drv_write_features(&d, UINT64_MAX);
	drv_write(&d, R_STATUS, 0xb);
	assert_int_equal(drv_status(&d), 3);
	drv_write(&d, R_DRIVER_FEATURES_SEL, 0);
	drv_write(&d, R_DRIVER_FEATURES, BIT64(F_EVENT_IDX));
	drv_write(&d, R_DRIVER_FEATURES_SEL, 1);
	drv_write(&d, R_DRIVER_FEATURES, 1);
	drv_write(&d, R_STATUS, 0xb);
	assert_int_equal(drv_status(&d), 0xb);
	assert_int_equal(vm.disk.mmio.dev.features, BIT64(F_EVENT_IDX) | BIT64(F_VERSION_1));
	assert_true(vm_virtq(0)->event_idx);
	assert_false(vm_virtq(0)->indirect);
}

static void fixed_after_features_ok(void **state)
{
	uint64_t features = BIT64(F_VERSION_1) | BIT64(F_FLUSH);

	(void)state;
	assert_true(drv_negotiate(&d, features));
	drv_write_features(&d, drv_offered(&d));
	drv_write(&d, R_STATUS, 0xb);
	assert_int_equal(vm.disk.mmio.dev.features, features);
	drv_write_features(&d, UINT64_MAX);
	drv_write(&d, R_DRIVER_FEATURES_SEL, 5);
	drv_write(&d, R_DRIVER_FEATURES, 1);
	drv_write(&d, R_STATUS, 0xf);
	assert_int_equal(drv_status(&d), 0xf);
	assert_int_equal(vm.disk.mmio.dev.features, features);
	/* Nor what a later worker would go by. */
	assert_int_equal(vm.st->virtio.driver_features, features);
	assert_int_equal(vm.st->virtio.driver_features_excess, 0);
	assert_false(vm_virtq(0)->event_idx || vm_virtq(0)->indirect);
}

/* A9: what was accepted once is accepted again, with I/O in between. */
static void thousand_times(void **state)
{
	uint64_t offered = drv_offered(&d);

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		drv_ready(&d, i % 2 ? offered : BIT64(F_VERSION_1), 1);
		assert_int_equal(drv_io(&d, T_IN, 0, NULL, 0, NULL, 512), BLK_OK);
	}
	assert_int_equal(vm.st->virtio.bad_access, 0);
}

#define TEST(f) VM_TEST(f, .untouched = true)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_subset),
		TEST(one_bit_too_many),
		TEST(bits_above_63),
		TEST(changed_before_features_ok),
		TEST(fixed_after_features_ok),
		TEST(thousand_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
