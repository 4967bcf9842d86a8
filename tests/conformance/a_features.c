/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Feature bits (VIRTIO 1.3, 2.2, 6). */
#include "tests/conformance/conformance.h"

static void A5_prerequisites_are_offered(void)
{
	static const unsigned needs[][2] = {
		{ F_CONFIG_WCE, F_FLUSH },
		{ F_RING_RESET, F_VERSION_1 },
	};
	struct drv d[VARIANTS];
	unsigned checked = 0;

	device_variants(d);
	for (unsigned i = 0; i < VARIANTS; i++)
		for (unsigned k = 0; k < sizeof(needs) / sizeof(*needs); k++) {
			uint64_t offered = drv_offered(&d[i]);

			if (!(offered & BIT64(needs[k][0])))
				continue;
			checked++;
			sim_check(offered & BIT64(needs[k][1]), "bit %u without bit %u",
				  needs[k][0], needs[k][1]);
		}
	sim_check(checked, "there was something to check");
}

static void A6_every_subset_is_accepted(void)
{
	struct drv *d = device_with_queues(2);
	uint64_t offered = drv_offered(d), optional = offered & ~BIT64(F_VERSION_1), subset = 0;
	unsigned tried = 0;

	/* From none to all: the usual way to the next subset. */
	do {
		sim_check(drv_negotiate(d, subset | BIT64(F_VERSION_1)), "%#llx is refused",
			  (unsigned long long)subset);
		subset = (subset - optional) & optional;
		tried++;
	} while (subset);
	sim_check(tried == 1u << __builtin_popcountll(optional), "%u subsets", tried);
}

static void A7_other_sets_are_refused(void)
{
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });
	uint64_t offered = drv_offered(d);

	for (unsigned bit = 0; bit < 64; bit++)
		if (!(offered & BIT64(bit)))
			sim_check(!drv_negotiate(d, offered | BIT64(bit)), "bit %u", bit);
	sim_check(!drv_negotiate(d, ~0ull), "all bits");
	sim_check(!drv_negotiate(d, 0), "no bits");
	sim_check(!drv_negotiate(d, offered & ~BIT64(F_VERSION_1)), "without VERSION_1");
	drv_write(d, R_STATUS, drv_status(d) | S_DRIVER_OK);
	sim_check(drv_status(d) == (S_ACKNOWLEDGE | S_DRIVER), "status %#x", drv_status(d));
	/* A driver can think again. */
	drv_write_features(d, offered);
	drv_write(d, R_STATUS, drv_status(d) | S_FEATURES_OK);
	sim_check(drv_status(d) & S_FEATURES_OK, "features that are right");
}

/* Each of them has its tests in this table. */
static const unsigned supported[] = {
	F_SIZE_MAX,	 F_SEG_MAX,    F_RO,	    F_BLK_SIZE,	  F_FLUSH,
	F_TOPOLOGY,	 F_CONFIG_WCE, F_MQ,	    F_DISCARD,	  F_WRITE_ZEROES,
	F_INDIRECT_DESC, F_EVENT_IDX,  F_VERSION_1, F_RING_RESET,
};

static void A8_nothing_is_offered_that_does_not_work(void)
{
	struct drv d[VARIANTS];
	uint64_t allowed = 0;

	for (unsigned k = 0; k < sizeof(supported) / sizeof(*supported); k++)
		allowed |= BIT64(supported[k]);
	device_variants(d);
	if (d[0].grants)
		allowed |= BIT64(F_ACCESS_PLATFORM);
	for (unsigned i = 0; i < VARIANTS; i++) {
		uint64_t offered = drv_offered(&d[i]);
		uint8_t data[512];

		sim_check(!(offered & ~allowed), "offered: %#llx", (unsigned long long)offered);
		for (unsigned word = 2; word < 5; word++) {
			drv_write(&d[i], R_DEVICE_FEATURES_SEL, word);
			sim_check(drv_read(&d[i], R_DEVICE_FEATURES) == 0, "word %u", word);
		}
		drv_boot(&d[i], 0);
		sim_check(drv_io(&d[i], T_IN, 0, NULL, 0, data, 512) == BLK_OK,
			  "a read with all that is offered");
	}
}

static void A9_same_features_again_and_again(void)
{
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });
	uint64_t offered = drv_offered(d);

	for (unsigned i = 0; i < 1000; i++)
		sim_check(drv_negotiate(d, offered), "refused at the time %u", i);
}

static void A10_version_1_is_offered(void)
{
	struct drv d[VARIANTS];

	device_variants(d);
	for (unsigned i = 0; i < VARIANTS; i++)
		sim_check(drv_offered(&d[i]) & BIT64(F_VERSION_1), "disk %u", i);
}

static void A11_drivers_without_version_1_are_refused(void)
{
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });
	uint64_t offered = drv_offered(d);

	sim_check(!drv_negotiate(d, offered & ~BIT64(F_VERSION_1)), "FEATURES_OK sticks");
	sim_check(drv_negotiate(d, offered), "with VERSION_1");
}

/* Two disks of one guest: one with its memory by foreign mapping, one with grants. */
static void device_memories(struct drv *foreign, struct drv *grants)
{
	struct guest_spec g = { .name = "both", .nr_disks = 2 };

	/*
	 * The worker is started for the first disk, before it can be seen how the second one will
	 * be.
	 */
	sim_start("guests = ( { name = \"both\";\n"
		  "disks = ( { vdev = \"xvdb\"; guest_memory = \"grants\"; } ); } );\n");
	g.disk[0] = toolstack_disk(0, sim_image("foreign", 1 << 20, true));
	g.disk[0].grants = TOOLSTACK_GRANTS_NO;
	g.disk[1] = toolstack_disk(1, sim_image("grants", 1 << 20, true));
	g.disk[1].grants = TOOLSTACK_GRANTS_YES;
	the_guest = guest_create(&g);
	guest_driver(the_guest, 0, 0, foreign);
	guest_driver(the_guest, 1, 0, grants);
}

static void A12_access_platform_is_offered_where_needed(void)
{
	struct drv foreign, grants;

	device_memories(&foreign, &grants);
	sim_check(!(drv_offered(&foreign) & BIT64(F_ACCESS_PLATFORM)), "it is offered");
	sim_check(!drv_negotiate(&foreign, drv_offered(&foreign) | BIT64(F_ACCESS_PLATFORM)),
		  "it is accepted");
	drv_boot(&foreign, 0);
	read_sector(&foreign, 0, 9);
	sim_check(drv_offered(&grants) & BIT64(F_ACCESS_PLATFORM), "it is not offered");
	drv_boot(&grants, 0);
	read_sector(&grants, 0, 9);
}

static void A13_drivers_without_access_platform_are_refused(void)
{
	struct drv foreign, grants;
	uint64_t offered;

	device_memories(&foreign, &grants);
	offered = drv_offered(&grants);
	/* Such a driver makes no grants. */
	grants.grants = false;
	sim_check(!drv_negotiate(&grants, offered & ~BIT64(F_ACCESS_PLATFORM)),
		  "FEATURES_OK sticks");
	sim_check(!drv_setup_queue(&grants, 0, 8), "a queue gets ready");
	grants.grants = true;
	drv_boot(&grants, 0);
	read_sector(&grants, 0, 9);
}

static void A14_in_order_is_not_offered(void)
{
	struct drv d[VARIANTS];

	device_variants_without(F_IN_ORDER, d);
}

static void A15_order_platform_is_not_offered(void)
{
	struct drv d[VARIANTS];

	device_variants_without(F_ORDER_PLATFORM, d);
}

static void A16_sr_iov_is_not_offered(void)
{
	struct drv d[VARIANTS];

	device_variants_without(F_SR_IOV, d);
}

const struct clause clauses_a_features[] = {
	CLAUSE(A5, MUST_NOT, true, "2.2.2", prerequisites_are_offered,
	       "No feature is offered without the ones that it needs."),
	CLAUSE(A6, SHOULD, false, "2.2.2", every_subset_is_accepted,
	       "A driver may choose any of the offered features that go with VERSION_1."),
	CLAUSE(A7, MUST, true, "2.2.2", other_sets_are_refused,
	       "FEATURES_OK does not stick if the driver's choice can't work."),
	CLAUSE(A8, MUST_NOT, true, "2.2.2", nothing_is_offered_that_does_not_work,
	       "No feature is offered that would not work: unknown, reserved, of another transport "
	       "or "
	       "another type of device."),
	CLAUSE(A9, SHOULD_NOT, false, "2.2.2", same_features_again_and_again,
	       "Features that were accepted once are accepted again after a reset."),
	CLAUSE(A10, MUST, true, "6.2", version_1_is_offered, "VERSION_1 is offered."),
	CLAUSE(A11, MAY, false, "6.2", drivers_without_version_1_are_refused,
	       "A driver that does not accept VERSION_1 may be refused, and is."),
	CLAUSE(A12, SHOULD, false, "6.2", access_platform_is_offered_where_needed,
	       "ACCESS_PLATFORM is offered if and only if access to memory is limited or "
	       "translated: "
	       "with grants."),
	CLAUSE(A13, MAY, false, "6.2", drivers_without_access_platform_are_refused,
	       "A driver that does not accept ACCESS_PLATFORM may be refused, and is."),
	CLAUSE(A14, MUST, true, "6.2", in_order_is_not_offered,
	       "With IN_ORDER buffers would be used in the order in which they were made "
	       "available; "
	       "kept by not offering it."),
	CLAUSE(A15, MAY, false, "6.2", order_platform_is_not_offered,
	       "A driver without ORDER_PLATFORM may be refused or slowed down; kept by not "
	       "offering "
	       "it."),
	CLAUSE(A16, MUST_NOT, true, "6.2", sr_iov_is_not_offered,
	       "SR_IOV is for PCI and not offered."),
	{ .id = NULL },
};
