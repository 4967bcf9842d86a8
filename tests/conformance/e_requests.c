/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests that the block device reads, writes, or refuses, and how it answers (VIRTIO 1.3, 5.2.6).
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/conformance/conformance.h"
#include "tests/conformance/ops.h"

#define SECTORS 8192 /* of a disk of two_caches() */

/* All that a driver could try in order to change a disk; none of it is OK. */
static void try_to_write(struct drv *d)
{
	static const uint32_t lens[] = { 512, 4096, 65536 };
	static const uint32_t types[] = { T_DISCARD, T_WRITE_ZEROES, T_SECURE_ERASE };
	static uint8_t data[65536];

	memset(data, 0x66, sizeof(data));
	for (unsigned i = 0; i < 3; i++)
		sim_check(drv_io(d, T_OUT, 8 * i, data, lens[i], NULL, 0) == BLK_IOERR,
			  "a write of %u bytes", lens[i]);
	for (unsigned i = 0; i < 3; i++) {
		struct blk_range r[2] = { { .sector = 0, .sectors = 8 },
					  { .sector = 100, .sectors = 1 } };

		sim_check(ranges_io(d, types[i], r, 2) != BLK_OK, "type %u", types[i]);
		r[0].flags = RANGE_UNMAP;
		sim_check(ranges_io(d, types[i], r, 1) != BLK_OK, "type %u with unmap", types[i]);
	}
	drv_free_all(d);
}

static void E21_read_only_disk_stays_as_it_is(void)
{
	struct drv *d = device(&(struct device_spec){ .read_only = true });

	sim_check(drv_offered(d) & BIT64(F_RO), "it does not say that it is read-only");
	record_ops(the_image);
	for (unsigned i = 0; i < 2; i++) {
		drv_boot(d, i ? BIT64(F_RO) : 0);
		try_to_write(d);
		read_sector(d, 0, 0);
	}
	check_nothing_recorded(the_image);
	sim_check(image_is_pattern(the_image, 0, 2048), "the image has changed");
}

static void E31_zone_requests_are_unsupported(void)
{
	static const uint32_t types[] = { 15, 16, 18, 20, 22, 24, 26 };
	static const struct {
		uint32_t out_len, in_len;
	} data[] = { { 0, 0 }, { 512, 8 }, { 0, 4096 }, { 512, 0 } };
	static uint8_t out[512];
	struct drv d[2];

	two_caches(d);
	for (unsigned i = 0; i < 2; i++) {
		drv_boot(&d[i], 0);
		record_ops(two_images[i]);
		for (unsigned t = 0; t < 7; t++) {
			for (unsigned k = 0; k < 4; k++) {
				struct drv_blk r = drv_blk_usual(types[t], 0, out, data[k].out_len,
								 data[k].in_len);

				sim_check(drv_blk_run(&d[i].q[0], &r) == BLK_UNSUPP,
					  "type %u: status %u", types[t],
					  drv_blk_status(&d[i], &r));
			}
		}
		check_nothing_recorded(two_images[i]);
	}
}

/* So many requests at a time, which differ in their type only. */
#define BATCH 64

static struct drv_blk batch[BATCH];

static void batch_init(struct drv_queue *q)
{
	static uint8_t out[64];

	for (unsigned i = 0; i < BATCH; i++) {
		batch[i] = drv_blk_usual(0, 0, out, sizeof(out), 64);
		drv_blk_build(q->d, &batch[i]);
		batch[i].head = drv_chain(q, batch[i].seg, batch[i].nr, 0);
	}
}

static void batch_run(struct drv_queue *q, const uint32_t types[BATCH])
{
	uint32_t id, len;

	for (unsigned i = 0; i < BATCH; i++) {
		memcpy(drv_ram(q->d, batch[i].seg[0].gpa, 4), &types[i], 4);
		*(uint8_t *)drv_ram(q->d, batch[i].seg[batch[i].nr - 1].gpa, 1) = BLK_PENDING;
		drv_set_avail_ring(q, q->avail_idx + i, batch[i].head);
	}
	drv_set_avail_idx(q, q->avail_idx + BATCH);
	drv_kick(q);
	settle(q, q->avail_idx);
	for (unsigned i = 0; i < BATCH; i++) {
		sim_check(drv_used(q, &id, &len), "a request did not come back");
		sim_check(drv_blk_status(q->d, &batch[i]) == BLK_UNSUPP, "type %u: status %u",
			  types[i], drv_blk_status(q->d, &batch[i]));
	}
}

static bool is_known(uint32_t type)
{
	return type == T_IN || type == T_OUT || type == T_FLUSH || type == T_GET_ID ||
	       type == T_DISCARD || type == T_WRITE_ZEROES;
}

/* All types of 16 bits, and as many larger ones. */
static void E32_unknown_types_are_unsupported(void)
{
	struct drv *d = running_device(0);
	uint32_t types[BATCH], type = 0;
	uint64_t seed = 32;
	unsigned n = 0;

	batch_init(&d->q[0]);
	record_ops(the_image);
	while (type < 0x20000) {
		types[n] = type < 0x10000 ? type : type << 16 | drv_random(&seed) % 0x10000;
		type++;
		if (is_known(types[n]) || ++n < BATCH)
			continue;
		batch_run(&d->q[0], types);
		n = 0;
	}
	check_nothing_recorded(the_image);
	sim_check(image_is_pattern(the_image, 0, 1), "the first sector has changed");
}

static void E33_serial_number(void)
{
	static const char *const serials[] = { "xvda", "0123456789abcdefghij", "S" };
	struct guest_spec g = { .nr_disks = 3 };

	sim_start("guests = ( { name = \"guest1\"; disks = ("
		  "{ vdev = \"xvdb\"; serial = \"0123456789abcdefghij\"; },"
		  "{ vdev = \"xvdc\"; serial = \"S\"; }); } );\n");
	for (unsigned i = 0; i < 3; i++)
		g.disk[i] = toolstack_disk(i, sim_image(serials[i], 1 << 20, false));
	the_guest = guest_create(&g);
	for (unsigned i = 0; i < 3; i++) {
		uint8_t data[64], wanted[64] = { 0 };
		struct drv d;

		guest_driver(the_guest, i, 0, &d);
		drv_boot(&d, 0);
		/* Zeroes behind a short one, and nothing behind 20 bytes. */
		memcpy(wanted, serials[i], strlen(serials[i]));
		memset(wanted + 20, BLK_PENDING, sizeof(wanted) - 20);
		for (uint32_t len = 0; len <= sizeof(data); len++) {
			struct drv_blk r = drv_blk_usual(T_GET_ID, 0, NULL, 0, len);

			sim_check(drv_blk_run(&d.q[0], &r) == BLK_OK, "%u bytes", len);
			drv_blk_data(&d, &r, data);
			sim_check(!memcmp(data, wanted, len), "serial %u, %u bytes", i, len);
		}
	}
}

/* What lies within the disk, and what does not. */
static const struct place {
	uint64_t sector;
	uint32_t len;
	uint8_t status;
} places[] = {
	{ 0, 512, BLK_OK },
	{ 8190, 1024, BLK_OK },
	{ 8191, 512, BLK_OK },
	{ 0, 1, BLK_IOERR },
	{ 0, 511, BLK_IOERR },
	{ 0, 513, BLK_IOERR },
	{ 8191, 256, BLK_IOERR },
	{ 8191, 513, BLK_IOERR },
	{ 8191, 1024, BLK_IOERR },
	{ 8192, 512, BLK_IOERR },
	{ 8193, 512, BLK_IOERR },
	{ 8188, 65536, BLK_IOERR },
	{ 1ull << 32, 512, BLK_IOERR },
	{ (1ull << 32) + 1, 512, BLK_IOERR },
	/* These times 512 are 0, or little, in 64 bits; or the end is. */
	{ 1ull << 55, 512, BLK_IOERR },
	{ (1ull << 55) + 1, 512, BLK_IOERR },
	{ (1ull << 55) - 1, 1024, BLK_IOERR },
	{ 1ull << 63, 512, BLK_IOERR },
	{ UINT64_MAX, 512, BLK_IOERR },
	{ UINT64_MAX, 1024, BLK_IOERR },
	{ UINT64_MAX - 1, 4096, BLK_IOERR },
};
#define NR_PLACES (sizeof(places) / sizeof(places[0]))

static void check_places(struct drv *d, const char *image, uint32_t type)
{
	static uint8_t data[65536];
	struct stat st;

	for (unsigned i = 0; i < NR_PLACES; i++) {
		const struct place *p = &places[i];
		uint8_t status;

		drv_free_all(d);
		memset(data, 0x44, sizeof(data));
		if (type == T_IN)
			status = drv_io(d, type, p->sector, NULL, 0, data, p->len);
		else
			status = drv_io(d, type, p->sector, data, p->len, NULL, 0);
		sim_check(status == p->status, "type %u, %u bytes at sector %#llx: status %u", type,
			  p->len, (unsigned long long)p->sector, status);
		if (status == BLK_OK)
			sim_check(image_is(image, p->sector, data, p->len),
				  "type %u: data of sector %#llx", type,
				  (unsigned long long)p->sector);
	}
	sim_check(stat(image, &st) == 0 && st.st_size == SECTORS * DRV_SECTOR,
		  "the image has another size");
}

static void E34_requests_lie_within_the_disk(void)
{
	struct drv d[2];

	two_caches(d);
	for (unsigned i = 0; i < 2; i++) {
		drv_boot(&d[i], 0);
		check_places(&d[i], two_images[i], T_IN);
		sim_check(image_is_pattern(two_images[i], 0, SECTORS), "a read has written");
		check_places(&d[i], two_images[i], T_OUT);
		sim_check(image_is_pattern(two_images[i], 1, SECTORS - 3), "too much was written");
	}
}

static const struct answer {
	uint32_t type;
	uint64_t sector;
	uint32_t out_len, in_len;
	uint8_t status;
	uint32_t used;
} answers[] = {
	{ T_IN, 5, 0, 512, BLK_OK, 513 },      { T_IN, 5, 0, 4096, BLK_OK, 4097 },
	{ T_OUT, 6, 512, 0, BLK_OK, 1 },       { T_FLUSH, 0, 0, 0, BLK_OK, 1 },
	{ T_GET_ID, 0, 0, 20, BLK_OK, 21 },    { T_WRITE_ZEROES, 0, 16, 0, BLK_OK, 1 },
	{ T_DISCARD, 0, 16, 0, BLK_OK, 1 },    { T_OUT, SECTORS, 512, 0, BLK_IOERR, 1 },
	{ T_DISCARD, 0, 15, 0, BLK_IOERR, 1 }, { T_SECURE_ERASE, 0, 16, 0, BLK_UNSUPP, 1 },
	{ 77, 0, 0, 0, BLK_UNSUPP, 1 },	       { T_IN, SECTORS, 0, 512, BLK_IOERR, 0 },
	{ 77, 0, 0, 512, BLK_UNSUPP, 0 },
};

/* The status has a descriptor of its own, or lies at the end of the data's. */
static void E36_status_is_the_last_byte(void)
{
	static uint8_t out[512];
	struct drv d[2];

	two_caches(d);
	ranges_put(&(struct blk_range){ .sector = 9, .sectors = 1 }, 1, out);
	for (unsigned i = 0; i < 2; i++) {
		drv_boot(&d[i], 0);
		for (unsigned k = 0; k < 2 * (sizeof(answers) / sizeof(answers[0])); k++) {
			const struct answer *a = &answers[k / 2];
			struct drv_blk r = drv_blk_usual(a->type, a->sector, out, a->out_len,
							 a->in_len);

			if (k % 2)
				r.nr_cuts_in = 0;
			drv_free_all(&d[i]);
			sim_check(drv_blk_run(&d[i].q[0], &r) == a->status, "type %u: status %u",
				  a->type, drv_blk_status(&d[i], &r));
			sim_check(r.used_len == a->used, "type %u: %u bytes", a->type, r.used_len);
			sim_check(drv_blk_poison_intact(&d[i], &r), "type %u: more was written",
				  a->type);
		}
	}
}

const struct clause clauses_e_requests[] = {
	CLAUSE(E21, MUST, true, "5.2.6.2", read_only_disk_stays_as_it_is,
	       "A read-only disk answers IOERR to writes, and nothing changes it, whatever the "
	       "driver has negotiated."),
	CLAUSE(E31, MUST, true, "5.2.6.2", zone_requests_are_unsupported,
	       "Requests for zones are unsupported without ZONED."),
	CLAUSE(E32, IMPLIED, false, "5.2.6", unknown_types_are_unsupported,
	       "A request of unknown type is answered with UNSUPP."),
	CLAUSE(E33, IMPLIED, false, "5.2.6", serial_number,
	       "GET_ID gives up to 20 bytes, with zeroes behind a shorter serial number."),
	CLAUSE(E34, IMPLIED, false, "5.2.6", requests_lie_within_the_disk,
	       "A read or write that is not of whole sectors, or not within the capacity, is "
	       "answered with IOERR and does nothing."),
	CLAUSE(E36, IMPLIED, false, "5.2.6", status_is_the_last_byte,
	       "The status is the last writable byte; used.len counts it if all before it was "
	       "written."),
	{ .id = NULL },
};
