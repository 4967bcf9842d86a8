/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DISCARD and WRITE_ZEROES (VIRTIO 1.3, 5.2.6). */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/conformance/conformance.h"
#include "tests/conformance/ops.h"

#define MIB	    (1u << 20)
#define RANGE_LIMIT (1u << 21) /* sectors of one range */

/* The last of n ranges, all of which are good, but for the flags of one. */
static uint8_t with_flags(struct drv *d, uint32_t type, unsigned n, unsigned at, uint32_t flags)
{
	struct blk_range r[RANGES_MAX];

	for (unsigned i = 0; i < n; i++)
		r[i] = (struct blk_range){ .sector = 4 * i, .sectors = 1 };
	r[at].flags = flags;
	drv_free_all(d);
	return ranges_io(d, type, r, n);
}

static void check_flags(struct drv *d, uint32_t type, uint32_t flags)
{
	static const unsigned at[][2] = { { 1, 0 }, { 32, 0 }, { 32, 17 }, { 32, 31 } };

	for (unsigned i = 0; i < 4; i++)
		sim_check(with_flags(d, type, at[i][0], at[i][1], flags) == BLK_UNSUPP,
			  "type %u, flags %#x of range %u of %u", type, flags, at[i][1], at[i][0]);
}

static void E22_unknown_flags_are_unsupported(void)
{
	static const uint32_t types[] = { T_DISCARD, T_WRITE_ZEROES, T_SECURE_ERASE };
	struct drv *d = running_device(0);

	record_ops(the_image);
	for (unsigned t = 0; t < 3; t++) {
		for (unsigned bit = 1; bit < 32; bit++) {
			check_flags(d, types[t], 1u << bit);
			check_flags(d, types[t], 1u << bit | RANGE_UNMAP);
		}
		check_flags(d, types[t], ~0u);
	}
	check_nothing_recorded(the_image);
	sim_check(image_is_pattern(the_image, 0, 128), "the image has changed");
}

static void E23_discard_does_not_know_unmap(void)
{
	struct drv *d = running_device(0);

	record_ops(the_image);
	check_flags(d, T_DISCARD, RANGE_UNMAP);
	check_nothing_recorded(the_image);
	sim_check(image_is_pattern(the_image, 0, 128), "the image has changed");
	sim_check(with_flags(d, T_DISCARD, 32, 0, 0) == BLK_OK, "the same without the flag");
}

/*
 * Space that a disk of device_variants() takes, in 512 bytes; what was written is on the disk then.
 */
static long blocks(struct drv *d, unsigned disk)
{
	struct stat st;

	sim_check(drv_io(d, T_FLUSH, 0, NULL, 0, NULL, 0) == BLK_OK, "a flush");
	sim_check(stat(the_guest->disk[disk].path, &st) == 0, "stat");
	return st.st_blocks;
}

/* Has the request, for the whole disk in 32 ranges, given its space back? */
static bool gives_back(struct drv *d, unsigned disk, uint32_t type, uint32_t flags)
{
	struct blk_range r[RANGES_MAX];
	long before = blocks(d, disk), after;
	uint8_t status;

	for (unsigned i = 0; i < RANGES_MAX; i++)
		r[i] = (struct blk_range){ .sector = 64 * i, .sectors = 64, .flags = flags };
	status = ranges_io(d, type, r, RANGES_MAX);
	sim_check(status == (d->features & BIT64(type == T_DISCARD ? F_DISCARD : F_WRITE_ZEROES)
				     ? BLK_OK
				     : BLK_UNSUPP),
		  "status %u", status);
	after = blocks(d, disk);
	sim_check(after >= before || after <= 8, "%ld of %ld blocks are left", after, before);
	return after < before;
}

static void E24_discard_gives_space_back(void)
{
	struct drv d[VARIANTS];

	device_variants(d);
	for (unsigned i = DISCARDS; i <= BUFFERED; i++) {
		drv_boot(&d[i], 0);
		sim_check(gives_back(&d[i], i, T_DISCARD, 0) == (i != KEEPS), "disk %u", i);
	}
	sim_check(image_is_pattern(the_guest->disk[KEEPS].path, 0, 2048),
		  "a disk without DISCARD was discarded");
}

static void E25_unmap_gives_space_back(void)
{
	struct drv d[VARIANTS];

	device_variants(d);
	for (unsigned i = DISCARDS; i <= BUFFERED; i++) {
		drv_boot(&d[i], 0);
		sim_check(gives_back(&d[i], i, T_WRITE_ZEROES, RANGE_UNMAP) == (i != KEEPS),
			  "disk %u", i);
		sim_check(image_is_zero(the_guest->disk[i].path, 0, 2048), "disk %u", i);
	}
}

static void E27_may_unmap_is_true(void)
{
	struct drv d[VARIANTS];

	device_variants(d);
	for (unsigned i = 0; i < VARIANTS; i++) {
		unsigned may = drv_config(&d[i], C_WRITE_ZEROES_MAY_UNMAP, 1);

		drv_boot(&d[i], 0);
		if (i == READ_ONLY || i == NO_IMAGE)
			sim_check(may == 0, "disk %u", i);
		else
			sim_check(gives_back(&d[i], i, T_WRITE_ZEROES, RANGE_UNMAP) == may,
				  "disk %u says %u", i, may);
		sim_check(drv_config(&d[i], C_WRITE_ZEROES_MAY_UNMAP, 1) == may, "disk %u", i);
	}
}

/* 32 ranges of all sorts in an area of so many sectors, and what it holds afterwards. */
#define AREA 800

static void zero_area(struct drv *d, const char *image, uint64_t area, uint32_t flags)
{
	static uint8_t model[AREA * DRV_SECTOR], data[AREA * DRV_SECTOR];
	struct blk_range r[RANGES_MAX];
	uint64_t at = area + 1;

	for (unsigned i = 0; i < AREA; i++)
		sim_pattern(area + i, model + i * DRV_SECTOR);
	for (unsigned i = 0; i < RANGES_MAX; i++) {
		/* One is too long for the buffer of zeroes that a backend may have. */
		uint32_t n = i == 5 ? 300 : 1 + i % 9;

		r[i] = (struct blk_range){ .sector = at, .sectors = n, .flags = flags };
		memset(model + (at - area) * DRV_SECTOR, 0, n * DRV_SECTOR);
		at += n + 1 + i % 4;
	}
	sim_check(at <= area + AREA, "too many sectors");
	drv_free_all(d);
	sim_check(ranges_io(d, T_WRITE_ZEROES, r, RANGES_MAX) == BLK_OK, "zeroes");
	sim_check(drv_io(d, T_IN, area, NULL, 0, data, sizeof(data)) == BLK_OK, "a read");
	sim_check(!memcmp(data, model, sizeof(data)), "what is read is wrong");
	sim_check(image_is(image, area, model, sizeof(model)), "what the image holds is wrong");
}

/* Storage that can all of it, or can't; and writes in small parts then. */
static void E26_zeroes_are_read_as_zeroes(void)
{
	struct drv d[2];

	two_caches(d);
	for (unsigned i = 0; i < 2; i++) {
		struct fault_file file = faults_file(two_images[i]);
		struct fault_rule none = { .ops = FAULT_BIT(FAULT_FALLOCATE),
					   .file = file,
					   .action = FAULT_FAIL,
					   .error = EOPNOTSUPP };
		struct fault_rule part = { .ops = FAULT_BIT(FAULT_WRITE),
					   .file = file,
					   .action = FAULT_SHORT,
					   .amount = 1536 };

		drv_boot(&d[i], 0);
		for (unsigned k = 0; k < 6; k++) {
			if (k == 2)
				faults_add(&sim.faults, &none);
			if (k == 4)
				faults_add(&sim.faults, &part);
			zero_area(&d[i], two_images[i], (uint64_t)k * AREA,
				  k % 2 ? RANGE_UNMAP : 0);
		}
	}
}

/* Any number of ranges that the device said it takes, each of them done; and no other. */
static void check_numbers(struct drv *d, const char *image, uint32_t type)
{
	static uint8_t payload[(RANGES_MAX + 1) * RANGE_BYTES];
	struct blk_range r[RANGES_MAX + 1];

	for (unsigned n = 0; n <= RANGES_MAX + 1; n++) {
		bool good = n > 0 && n <= RANGES_MAX;
		uint64_t area = 100 * n;

		for (unsigned i = 0; i < n; i++)
			r[i] = (struct blk_range){ .sector = area + 2 * i, .sectors = 1 };
		drv_free_all(d);
		sim_check(ranges_io(d, type, r, n) == (good ? BLK_OK : BLK_IOERR),
			  "type %u: %u ranges", type, n);
		for (unsigned i = 0; i < n; i++) {
			sim_check(image_is_pattern(image, area + 2 * i + 1, 1), "between ranges");
			if (!good)
				sim_check(image_is_pattern(image, area + 2 * i, 1), "range %u", i);
			else if (type == T_WRITE_ZEROES)
				sim_check(image_is_zero(image, area + 2 * i, 1), "range %u", i);
		}
	}
	ranges_put(r, RANGES_MAX + 1, payload);
	for (uint32_t len = 1; len < RANGES_MAX * RANGE_BYTES; len += len < 40 ? 1 : 37)
		if (len % RANGE_BYTES)
			sim_check(drv_io(d, type, 0, payload, len, NULL, 0) == BLK_IOERR,
				  "type %u: %u bytes", type, len);
}

static void check_sizes(struct drv *d, const char *image, uint32_t type)
{
	uint64_t capacity = drv_capacity(d);
	const struct {
		uint64_t sector;
		uint32_t sectors;
		uint8_t status;
	} cases[] = {
		{ 8192, RANGE_LIMIT, BLK_OK },
		{ 8192, RANGE_LIMIT + 1, BLK_IOERR },
		{ 8192, ~0u, BLK_IOERR },
		{ 8192, 0, BLK_IOERR },
		{ capacity - 1, 1, BLK_OK },
		{ capacity - 1, 2, BLK_IOERR },
		{ capacity, 1, BLK_IOERR },
		{ UINT64_MAX, 1, BLK_IOERR },
		{ UINT64_MAX, 2, BLK_IOERR },
		{ 1ull << 55, 1, BLK_IOERR },
		{ (1ull << 55) + 8192, 1, BLK_IOERR },
	};
	/* To give the space back is quick for a range of any size. */
	uint32_t flags = type == T_WRITE_ZEROES ? RANGE_UNMAP : 0;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct blk_range r[2] = {
			{ .sector = 4000, .sectors = 1, .flags = flags },
			{ .sector = cases[i].sector, .sectors = cases[i].sectors, .flags = flags },
		};

		drv_free_all(d);
		for (unsigned n = 0; n < 2; n++)
			sim_check(ranges_io(d, type, r + n, 2 - n) == cases[i].status,
				  "type %u: %u sectors at %#llx", type, cases[i].sectors,
				  (unsigned long long)cases[i].sector);
	}
	sim_check(image_is_pattern(image, 4001, 900), "others have changed");
}

/* The third of five ranges fails: so does the request, and only ranges of its own have changed. */
static void check_failure(struct drv *d, const char *image, uint32_t type)
{
	struct fault_rule third = { .ops = FAULT_BIT(FAULT_FALLOCATE),
				    .file = faults_file(image),
				    .skip = 2,
				    .count = 1,
				    .action = FAULT_FAIL,
				    .error = EIO };
	unsigned rule = faults_add(&sim.faults, &third);
	struct blk_range r[5];

	for (unsigned i = 0; i < 5; i++)
		r[i] = (struct blk_range){ .sector = 5000 + 2 * i, .sectors = 1 };
	drv_free_all(d);
	sim_check(ranges_io(d, type, r, 5) == BLK_IOERR, "type %u fails in part", type);
	sim_check(faults_hits(&sim.faults, rule) == 1, "the fault was hit");
	faults_remove(&sim.faults, rule);
	for (unsigned i = 0; i < 5; i++)
		sim_check(image_is_pattern(image, 5000 + 2 * i + 1, 1), "others have changed");
	sim_check(ranges_io(d, type, r, 5) == BLK_OK, "type %u once more", type);
}

static void E35_up_to_32_ranges(void)
{
	static const uint32_t types[] = { T_DISCARD, T_WRITE_ZEROES };
	struct guest_spec g = { .nr_disks = 2 };

	sim_start(NULL);
	for (unsigned i = 0; i < 2; i++) {
		g.disk[i] = toolstack_disk(i, sim_image(i ? "zeroes" : "discard", 4 * MIB, true));
		g.disk[i].discard = true;
		/* Room for the longest range, without data. */
		sim_check(truncate(g.disk[i].path, (RANGE_LIMIT + 16384ull) * DRV_SECTOR) == 0,
			  "truncate");
	}
	the_guest = guest_create(&g);
	for (unsigned i = 0; i < 2; i++) {
		struct drv d;

		guest_driver(the_guest, i, 0, &d);
		drv_boot(&d, 0);
		sim_check(drv_config(&d, i ? C_MAX_WRITE_ZEROES_SEG : C_MAX_DISCARD_SEG, 4) ==
				  RANGES_MAX,
			  "the number of ranges");
		sim_check(drv_config(&d, i ? C_MAX_WRITE_ZEROES_SECTORS : C_MAX_DISCARD_SECTORS,
				     4) == RANGE_LIMIT,
			  "the size of a range");
		check_numbers(&d, g.disk[i].path, types[i]);
		check_failure(&d, g.disk[i].path, types[i]);
		check_sizes(&d, g.disk[i].path, types[i]);
	}
}

const struct clause clauses_e_ranges[] = {
	CLAUSE(E22, MUST, true, "5.2.6.2", unknown_flags_are_unsupported,
	       "DISCARD, WRITE_ZEROES and SECURE_ERASE with an unknown flag in any of their ranges "
	       "are unsupported, and nothing of them is done."),
	CLAUSE(E23, MUST, true, "5.2.6.2", discard_does_not_know_unmap,
	       "DISCARD with the flag unmap in any of its ranges is unsupported."),
	CLAUSE(E24, MAY, false, "5.2.6.2", discard_gives_space_back,
	       "DISCARD gives the image's space back, if the administrator allows that."),
	CLAUSE(E25, MAY, false, "5.2.6.2", unmap_gives_space_back,
	       "WRITE_ZEROES with unmap does so, too, and leaves zeroes."),
	CLAUSE(E26, MUST, true, "5.2.6.2", zeroes_are_read_as_zeroes,
	       "What WRITE_ZEROES was done to reads as zeroes, whatever the storage can, and "
	       "nothing else does."),
	CLAUSE(E27, SHOULD, false, "5.2.6.2", may_unmap_is_true,
	       "write_zeroes_may_unmap is 0 if and only if WRITE_ZEROES never gives space back."),
	CLAUSE(E35, IMPLIED, false, "5.2.6", up_to_32_ranges,
	       "A request has 1 to 32 ranges of up to 2097152 sectors, as the configuration says; "
	       "anything else, and a failure of any range, is IOERR."),
	{ .id = NULL },
};
