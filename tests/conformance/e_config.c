/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Features, configuration and queues of the block device (VIRTIO 1.3, 5.2.2 to 5.2.5). */
#include <errno.h>
#include <sys/stat.h>

#include "tests/conformance/conformance.h"
#include "tests/conformance/ops.h"

#define MIB (1u << 20)

static bool is_offered(struct drv *d, unsigned bit)
{
	return drv_offered(d) & BIT64(bit);
}

static void check_zero(struct drv *d, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		sim_check(drv_read_sized(d, R_CONFIG + i, 1) == 0, "byte %#x is %#llx", i,
			  (unsigned long long)drv_read_sized(d, R_CONFIG + i, 1));
}

static uint8_t read_one(struct drv *d, uint64_t sector)
{
	uint8_t data[512];

	return drv_io(d, T_IN, sector, NULL, 0, data, sizeof(data));
}

static void E1_flush_is_offered(void)
{
	struct drv d[VARIANTS];

	device_variants(d);
	for (unsigned i = 0; i < VARIANTS; i++) {
		sim_check(is_offered(&d[i], F_FLUSH), "disk %u", i);
		drv_boot(&d[i], 0);
		sim_check(drv_io(&d[i], T_FLUSH, 0, NULL, 0, NULL, 0) == BLK_OK, "disk %u", i);
	}
}

static void E2_flush_comes_with_config_wce(void)
{
	struct drv d[VARIANTS];

	device_variants(d);
	for (unsigned i = 0; i < VARIANTS; i++)
		sim_check(is_offered(&d[i], F_CONFIG_WCE) && is_offered(&d[i], F_FLUSH), "disk %u",
			  i);
}

static void E3_write_through_without_flush(void)
{
	struct drv d[VARIANTS];

	device_variants(d);
	for (unsigned i = 0; i < VARIANTS; i++) {
		uint64_t without = drv_offered(&d[i]) & ~BIT64(F_FLUSH);

		sim_check(drv_negotiate(&d[i], without), "disk %u", i);
		sim_check(drv_config(&d[i], C_WRITEBACK, 1) == 0, "disk %u begins as write-back",
			  i);
		drv_reset(&d[i]);
		drv_ready(&d[i], without, 1);
		sim_check(drv_config(&d[i], C_WRITEBACK, 1) == 0, "disk %u runs as write-back", i);
	}
}

static void E4_unused_bytes_are_zero(void)
{
	struct drv d[VARIANTS];

	device_variants(d);
	for (unsigned i = 0; i < VARIANTS; i++) {
		for (unsigned running = 0; running < 2; running++) {
			check_zero(&d[i], C_UNUSED0, C_UNUSED0 + 1);
			check_zero(&d[i], C_UNUSED1, C_UNUSED1 + 3);
			/* In one access with the fields beside them. */
			sim_check(drv_config(&d[i], C_WRITEBACK, 4) >> 8 ==
					  drv_config(&d[i], C_NUM_QUEUES, 2) << 8,
				  "unused0");
			sim_check(drv_config(&d[i], C_WRITE_ZEROES_MAY_UNMAP, 4) >> 8 == 0,
				  "unused1");
			drv_boot(&d[i], 0);
		}
	}
}

static void E5_no_zones_are_offered(void)
{
	struct drv d[VARIANTS];

	device_variants_without(F_ZONED, d);
}

static void E6_no_legacy_interface(void)
{
	struct drv d[VARIANTS];

	device_variants(d);
	for (unsigned i = 0; i < VARIANTS; i++) {
		/* What a legacy driver would look for and do. */
		uint32_t low = drv_offered(&d[i]);

		sim_check(drv_read(&d[i], R_VERSION) != 1, "disk %u has the legacy interface", i);
		sim_check(!(low & BIT64(F_ZONED)), "disk %u offers zones", i);
		sim_check(!drv_negotiate(&d[i], low), "disk %u", i);
		sim_check(!drv_negotiate(&d[i], low | BIT64(F_ZONED)), "disk %u", i);
	}
}

static void E7_device_without_zones_works(void)
{
	struct drv d[VARIANTS];

	device_variants(d);
	for (unsigned i = 0; i < VARIANTS; i++) {
		check_zero(&d[i], C_ZONED, C_END);
		drv_boot(&d[i], BIT64(F_ZONED));
		sim_check(read_one(&d[i], 7) == BLK_OK, "disk %u", i);
		check_zero(&d[i], C_ZONED, C_END);
	}
}

#define MODEL_NONE 0

static void E8_no_disk_needs_zones(void)
{
	struct drv d[VARIANTS];

	device_variants_without(F_ZONED, d);
	for (unsigned i = 0; i < VARIANTS; i++) {
		sim_check(drv_config(&d[i], C_ZONED + 20, 1) == MODEL_NONE, "the model of disk %u",
			  i);
		/* Not even if it is read with its neighbours. */
		sim_check(drv_config(&d[i], C_ZONED + 20, 4) == 0, "the model of disk %u", i);
	}
}

static void E9_no_zone_has_limits(void)
{
	struct drv d[VARIANTS];

	device_variants_without(F_ZONED, d);
	for (unsigned i = 0; i < VARIANTS; i++)
		for (unsigned off = C_ZONED; off < C_END; off += 4)
			sim_check(drv_config(&d[i], off, 4) == 0, "disk %u: %#x", i, off);
}

/* What a field has if its feature is offered, or else 0. */
static void check_field(struct drv *d, unsigned bit, unsigned off, unsigned size, uint64_t value)
{
	uint64_t expected = is_offered(d, bit) ? value : 0;

	sim_check(drv_config(d, off, size) == expected, "field %#x is %llu, not %llu", off,
		  (unsigned long long)drv_config(d, off, size), (unsigned long long)expected);
}

static void check_fields(struct drv *d, const struct stat *image)
{
	sim_check(drv_capacity(d) == MIB / DRV_SECTOR, "capacity");
	check_field(d, F_SIZE_MAX, C_SIZE_MAX, 4, MIB);
	check_field(d, F_SEG_MAX, C_SEG_MAX, 4, drv_queue_size_max(d, 0) - 2);
	check_field(d, F_GEOMETRY, C_GEOMETRY, 4, ~0u);
	check_field(d, F_BLK_SIZE, C_BLK_SIZE, 4, 512);
	/* Blocks of 4 KiB below those of 512 bytes, and the first one is aligned. */
	check_field(d, F_TOPOLOGY, C_PHYSICAL_BLOCK_EXP, 1, 3);
	check_field(d, F_TOPOLOGY, C_ALIGNMENT_OFFSET, 1, 0);
	check_field(d, F_TOPOLOGY, C_MIN_IO_SIZE, 2, 8);
	check_field(d, F_TOPOLOGY, C_OPT_IO_SIZE, 4, 0);
	check_field(d, F_MQ, C_NUM_QUEUES, 2, 2);
	check_field(d, F_DISCARD, C_MAX_DISCARD_SECTORS, 4, 1u << 21);
	check_field(d, F_DISCARD, C_MAX_DISCARD_SEG, 4, 32);
	check_field(d, F_DISCARD, C_DISCARD_SECTOR_ALIGNMENT, 4, image->st_blksize / DRV_SECTOR);
	check_field(d, F_WRITE_ZEROES, C_MAX_WRITE_ZEROES_SECTORS, 4, 1u << 21);
	check_field(d, F_WRITE_ZEROES, C_MAX_WRITE_ZEROES_SEG, 4, 32);
	check_field(d, F_SECURE_ERASE, C_MAX_SECURE_ERASE_SECTORS, 4, ~0u);
	check_field(d, F_SECURE_ERASE, C_MAX_SECURE_ERASE_SEG, 4, ~0u);
	check_field(d, F_SECURE_ERASE, C_SECURE_ERASE_SECTOR_ALIGNMENT, 4, ~0u);
}

static void E10_fields_are_true(void)
{
	static const uint64_t usual = BIT64(F_SIZE_MAX) | BIT64(F_SEG_MAX) | BIT64(F_BLK_SIZE) |
				      BIT64(F_TOPOLOGY) | BIT64(F_MQ);
	static const uint64_t ranges = BIT64(F_DISCARD) | BIT64(F_WRITE_ZEROES);
	static const uint64_t offered[VARIANTS] = {
		[DISCARDS] = ranges,	   [KEEPS] = BIT64(F_WRITE_ZEROES),    [BUFFERED] = ranges,
		[READ_ONLY] = BIT64(F_RO), [NO_IMAGE] = BIT64(F_WRITE_ZEROES),
	};
	static uint8_t data[MIB];
	struct drv d[VARIANTS];

	device_variants(d);
	for (unsigned i = 0; i < VARIANTS; i++) {
		uint64_t some = drv_offered(&d[i]) & (usual | ranges | BIT64(F_RO));
		struct stat st;

		sim_check(some == (usual | offered[i]), "disk %u offers %#llx", i,
			  (unsigned long long)some);
		sim_check(stat(the_guest->disk[i].path, &st) == 0, "stat: %s", strerror(errno));
		check_fields(&d[i], &st);
		drv_boot(&d[i], 0);
		check_fields(&d[i], &st);
		/* One segment of size_max bytes. */
		sim_check(drv_io(&d[i], T_IN, 0, NULL, 0, data, MIB) == BLK_OK, "disk %u", i);
	}
}

static void E11_one_queue_without_mq(void)
{
	struct drv *d = device_with_queues(4);

	sim_check(drv_config(d, C_NUM_QUEUES, 2) == 4, "num_queues");
	for (unsigned i = 0; i < 6; i++)
		sim_check(!drv_queue_size_max(d, i) == (i >= 4), "queue %u", i);
	boot_queues(d, 4);
	for (unsigned i = 0; i < 4; i++)
		read_sector(d, i, i);

	/* A driver that knows of one queue only, and the others were never set up. */
	drv_boot(d, BIT64(F_MQ));
	for (unsigned i = 1; i < 4; i++)
		drv_write(d, R_QUEUE_NOTIFY, i);
	for (unsigned i = 0; i < 200; i++)
		read_sector(d, 0, i);
	sim_check(!(drv_status(d) & S_NEEDS_RESET), "status %#x", drv_status(d));
}

/* Resize, and see what the driver does: the notification, the capacity. */
static void resize_and_look(struct drv *d, uint64_t sectors)
{
	resize_image(sectors * DRV_SECTOR);
	wait_interrupt_status(d, INT_CONFIG);
	drv_interrupt(d);
	sim_check(drv_capacity(d) == sectors, "%llu sectors, not %llu",
		  (unsigned long long)drv_capacity(d), (unsigned long long)sectors);
	sim_check(read_one(d, sectors - 1) == BLK_OK, "the last sector");
	sim_check(read_one(d, sectors) == BLK_IOERR, "the sector behind it");
	drv_interrupt(d);
}

static void E20_capacity_follows_the_image(void)
{
	struct drv *d = running_device(0);
	uint8_t data[512];

	sim_check(drv_capacity(d) == 2048, "capacity");
	resize_and_look(d, 4096);
	resize_and_look(d, 8 * 4096);
	memset(data, 0x77, sizeof(data));
	sim_check(drv_io(d, T_OUT, 4096, data, 512, NULL, 0) == BLK_OK, "a write to the new part");
	sim_check(image_is(the_image, 4096, data, 512), "the write is not there");
	read_sector(d, 0, 2047);
	drv_interrupt(d);
	resize_and_look(d, 1000);
	sim_check(drv_io(d, T_OUT, 1000, data, 512, NULL, 0) == BLK_IOERR, "a write behind");
	drv_interrupt(d);
	resize_and_look(d, 2048);
}

static void E30_no_lifetime_is_offered(void)
{
	struct drv d[VARIANTS];

	device_variants_without(F_LIFETIME, d);
	for (unsigned i = 0; i < VARIANTS; i++) {
		struct drv_blk r = drv_blk_usual(T_GET_LIFETIME, 0, NULL, 0, 8);
		uint8_t data[8], untouched[8];

		drv_boot(&d[i], 0);
		sim_check(drv_blk_run(&d[i].q[0], &r) == BLK_UNSUPP, "disk %u: status %u", i,
			  drv_blk_status(&d[i], &r));
		drv_blk_data(&d[i], &r, data);
		memset(untouched, BLK_PENDING, sizeof(untouched));
		sim_check(!memcmp(data, untouched, sizeof(data)), "disk %u has a life", i);
	}
}

const struct clause clauses_e_config[] = {
	CLAUSE(E1, SHOULD, false, "5.2.5.2", flush_is_offered, "FLUSH is offered for every disk."),
	CLAUSE(E2, MUST, true, "5.2.5.2", flush_comes_with_config_wce,
	       "FLUSH is offered wherever CONFIG_WCE is."),
	CLAUSE(E3, MUST, true, "5.2.5.2", write_through_without_flush,
	       "A driver that takes CONFIG_WCE without FLUSH finds writeback = 0."),
	CLAUSE(E4, MUST, true, "5.2.5.2", unused_bytes_are_zero,
	       "The unused bytes of the configuration are 0."),
	CLAUSE(E5, SHOULD_NOT, false, "5.2.5.2", no_zones_are_offered,
	       "A disk without zones does not offer ZONED; a driver can't have it."),
	CLAUSE(E6, MUST_NOT, false, "5.2.5.3", no_legacy_interface,
	       "The legacy interface does not offer ZONED: there is no such interface."),
	CLAUSE(E7, SHOULD, false, "5.2.5.2", device_without_zones_works,
	       "A driver without ZONED is served; all fields of zones are 0."),
	CLAUSE(E8, MUST, true, "5.2.5.2", no_disk_needs_zones,
	       "A disk that can't be used without ZONED would refuse a driver without it; kept by "
	       "having none: the model is \"none\", and ZONED is refused."),
	CLAUSE(E9, MUST, false, "5.2.5.2", no_zone_has_limits,
	       "With ZONED the limits of zones would be true; kept by not offering it."),
	CLAUSE(E10, IMPLIED, false, "5.2.4", fields_are_true,
	       "Capacity is in sectors of 512 bytes; a field whose feature is offered is true, the "
	       "others are 0."),
	CLAUSE(E11, IMPLIED, false, "5.2.2", one_queue_without_mq,
	       "There are num_queues queues; a driver without MQ uses the first, and leaves the "
	       "others alone."),
	CLAUSE(E20, SHOULD, false, "5.2.6.2", capacity_follows_the_image,
	       "The capacity may change at any time, both ways; the driver is notified then."),
	CLAUSE(E30, MUST_NOT, true, "5.2.6.2", no_lifetime_is_offered,
	       "LIFETIME is for storage that knows its age; kept by not offering it: GET_LIFETIME "
	       "is unsupported."),
	{ .id = NULL },
};
