/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which memory of the driver's is read and written, and in what order (VIRTIO 1.3, 2.7.5.1,
 * 2.7.8.2).
 */
#include <endian.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tests/conformance/conformance.h"
#include "tests/conformance/ops.h"

/* One of each kind of request, good and bad. */
static const struct sample {
	uint32_t type;
	uint64_t sector;
	uint32_t out_len, in_len;
	uint8_t status;
} samples[] = {
	{ T_IN, 3, 0, 4096, BLK_OK },
	{ T_IN, 1, 0, 512, BLK_OK },
	{ T_IN, 8192, 0, 512, BLK_IOERR },
	{ T_IN, 0, 0, 511, BLK_IOERR },
	{ T_IN, 0, 512, 512, BLK_OK },
	{ T_OUT, 100, 4096, 0, BLK_OK },
	{ T_OUT, 101, 512, 0, BLK_OK },
	{ T_OUT, 102, 512, 512, BLK_OK },
	{ T_OUT, 8192, 512, 0, BLK_IOERR },
	{ T_FLUSH, 0, 0, 0, BLK_OK },
	{ T_FLUSH, 0, 64, 64, BLK_OK },
	{ T_GET_ID, 0, 0, 20, BLK_OK },
	{ T_GET_ID, 0, 0, 64, BLK_OK },
	{ T_GET_ID, 0, 0, 7, BLK_OK },
	{ T_DISCARD, 0, RANGE_BYTES, 0, BLK_OK },
	{ T_WRITE_ZEROES, 0, 32 * RANGE_BYTES, 0, BLK_OK },
	{ T_WRITE_ZEROES, 0, 33 * RANGE_BYTES, 0, BLK_IOERR },
	{ T_SECURE_ERASE, 0, RANGE_BYTES, 0, BLK_UNSUPP },
	{ 999, 0, 512, 512, BLK_UNSUPP },
};
#define NR_SAMPLES (sizeof(samples) / sizeof(samples[0]))

static struct drv disks[2];
static uint8_t payload[4096];

static void fill_payload(const struct sample *s)
{
	memset(payload, 0x3c, sizeof(payload));
	if (s->type != T_DISCARD && s->type != T_WRITE_ZEROES)
		return;
	for (unsigned i = 0; i < s->out_len / RANGE_BYTES; i++)
		ranges_put(&(struct blk_range){ .sector = 200 + i, .sectors = 1 }, 1,
			   payload + i * RANGE_BYTES);
}

/* The request, in descriptors of up to 1000 bytes, some in an indirect table; not yet available. */
static void build_sample(struct drv *d, const struct sample *s, struct drv_blk *r)
{
	fill_payload(s);
	*r = drv_blk_usual(s->type, s->sector, payload, s->out_len, s->in_len);
	for (uint32_t at = 1000; at < 16 + s->out_len; at += 1000)
		r->cuts_out[r->nr_cuts_out++] = at;
	r->nr_cuts_in = 0;
	for (uint32_t at = 1000; at < s->in_len; at += 1000)
		r->cuts_in[r->nr_cuts_in++] = at;
	r->cuts_in[r->nr_cuts_in++] = s->in_len;
	r->direct = 1 + s->sector % 3;
	drv_blk_build(d, r);
	r->head = drv_chain(&d->q[0], r->seg, r->nr, r->direct);
}

static uint8_t run_built(struct drv *d, struct drv_blk *r)
{
	uint32_t id;

	drv_avail(&d->q[0], r->head);
	drv_kick(&d->q[0]);
	drv_wait_used(&d->q[0], &id, &r->used_len);
	sim_check(id == r->head, "head %u came back, not %u", id, r->head);
	return drv_blk_status(d, r);
}

static uint8_t *copy_of(const void *from, size_t len)
{
	uint8_t *copy = malloc(len);

	sim_check(copy, "out of memory");
	memcpy(copy, from, len);
	return copy;
}

/* The device writes nothing of the driver's heap but what the request lets it write. */
static void C3_readable_buffers_stay(void)
{
	two_caches(disks);
	for (unsigned i = 0; i < 2 * NR_SAMPLES; i++) {
		const struct sample *s = &samples[i % NR_SAMPLES];
		struct drv *d = &disks[i / NR_SAMPLES];
		struct drv_blk r;
		uint8_t *before, *now;
		uint64_t len;

		drv_boot(d, 0);
		drv_free_all(d);
		build_sample(d, s, &r);
		len = d->heap - d->heap_start;
		now = drv_ram(d, d->heap_start, len);
		before = copy_of(now, len);
		sim_check(run_built(d, &r) == s->status, "type %u: status %u", s->type,
			  drv_blk_status(d, &r));
		for (unsigned k = 0; k < r.nr; k++)
			if (r.seg[k].write)
				memcpy(before + (r.seg[k].gpa - d->heap_start),
				       now + (r.seg[k].gpa - d->heap_start), r.seg[k].len);
		sim_check(!memcmp(before, now, len), "type %u: something else was written",
			  s->type);
		free(before);
	}
}

/* The results are the same, whatever lay in the buffers before. */
static void C4_writable_buffers_are_not_read(void)
{
	static const uint8_t fills[] = { 0x00, 0xff, 0xa5 };

	two_caches(disks);
	for (unsigned i = 0; i < 2 * NR_SAMPLES; i++) {
		const struct sample *s = &samples[i % NR_SAMPLES];
		struct drv *d = &disks[i / NR_SAMPLES];
		uint8_t first[4096], data[4096];
		uint32_t first_len = 0;

		drv_boot(d, 0);
		for (unsigned f = 0; f < sizeof(fills); f++) {
			struct drv_blk r;
			uint32_t claimed;

			drv_free_all(d);
			build_sample(d, s, &r);
			for (unsigned k = 0; k < r.nr; k++)
				if (r.seg[k].write)
					memset(drv_ram(d, r.seg[k].gpa, r.seg[k].len), fills[f],
					       r.seg[k].len);
			sim_check(run_built(d, &r) == s->status, "type %u over %#x: status %u",
				  s->type, fills[f], drv_blk_status(d, &r));
			drv_blk_data(d, &r, data);
			claimed = r.used_len < s->in_len ? r.used_len : s->in_len;
			if (!f) {
				first_len = r.used_len;
				memcpy(first, data, s->in_len);
			}
			sim_check(r.used_len == first_len && !memcmp(data, first, claimed),
				  "type %u over %#x: another result", s->type, fills[f]);
		}
	}
}

static void C5_descriptors_stay(void)
{
	two_caches(disks);
	for (unsigned i = 0; i < 2; i++) {
		struct drv *d = &disks[i];

		drv_boot(d, 0);
		for (unsigned k = 0; k < 3 * NR_SAMPLES; k++) {
			struct drv_queue *q = &d->q[0];
			uint64_t len = 16ull * q->size;
			struct drv_blk r;
			uint8_t *before;

			build_sample(d, &samples[k % NR_SAMPLES], &r);
			before = copy_of(drv_ram(d, q->desc, len), len);
			run_built(d, &r);
			sim_check(!memcmp(before, drv_ram(d, q->desc, len), len),
				  "type %u: a descriptor was written", r.type);
			free(before);
		}
	}
}

/*
 * A vCPU watches used.idx, and looks at the element, the data and the status at the moment it
 * moves.  Each of these lies on a page that the device has never touched: its first access takes a
 * page fault, which is long enough to be seen if it comes too late.  What all memory models have to
 * allow, whether a CPU reorders or not, is reasoned about in transport/virtq.c.
 */
#define ROUNDS 100
#define PAGE   4096

static struct {
	struct drv_queue *q;
	struct drv_blk r;
	atomic_uint begun, watched, seen; /* rounds */
} shown;

/* One round; all is looked up before, or the moment were over. */
static void watch_round(struct drv_queue *q)
{
	const uint8_t *status = drv_ram(q->d, shown.r.seg[2].gpa, 1);
	const uint8_t *data = drv_ram(q->d, shown.r.seg[1].gpa, 20);
	const uint32_t *elem = drv_ram(q->d, q->used + 4, 8);
	const uint16_t *idx = drv_ram(q->d, q->used + 2, 2);
	unsigned n = 0;
	uint32_t id, len;

	shown.watched++;
	while (!__atomic_load_n(idx, __ATOMIC_ACQUIRE))
		spin(&n);
	id = le32toh(elem[0]);
	len = le32toh(elem[1]);
	sim_check(id == shown.r.head && len == 21, "an element of %u, %u bytes", id, len);
	sim_check(*status == BLK_OK, "status %u", *status);
	sim_check(is_serial(data, "xvda"), "the data are not there");
}

static void *watch_used(void *arg)
{
	(void)arg;
	race_take_cpu();
	for (unsigned i = 0, n = 0; i < ROUNDS; shown.seen = ++i) {
		while (shown.begun == i)
			spin(&n);
		watch_round(shown.q);
	}
	return NULL;
}

/*
 * A GET_ID through a new queue.  Its used.idx is at the end of a page, which ended the last round;
 * then come three new ones: elements, data, status.
 */
static void begin_round(struct drv_queue *q, uint64_t pages)
{
	struct drv *d = q->d;

	drv_write(d, R_QUEUE_SEL, 0);
	drv_write(d, R_QUEUE_RESET, 1);
	wait_queue_reset(d);
	q->used = pages + PAGE - 4;
	q->avail_idx = 0;
	drv_set_avail_idx(q, 0);
	drv_write(d, R_QUEUE_SIZE, q->size);
	drv_write64(d, R_QUEUE_DESC, q->desc);
	drv_write64(d, R_QUEUE_DRIVER, q->avail);
	drv_write64(d, R_QUEUE_DEVICE, q->used);
	drv_write(d, R_QUEUE_READY, 1);
	shown.r.seg[1].gpa = pages + 2 * PAGE;
	shown.r.seg[2].gpa = pages + 3 * PAGE;
	*(uint8_t *)drv_ram(d, shown.r.seg[2].gpa, 1) = BLK_PENDING;
	/* Not the first descriptor: 0 is what an element holds that nobody has written. */
	q->next_desc = 1;
	shown.r.head = drv_chain(q, shown.r.seg, shown.r.nr, DRV_SEGS);
	drv_avail(q, shown.r.head);
}

static void C14_element_before_index(void)
{
	pthread_t vcpu;
	uint64_t pages;
	struct drv *d;

	race_prepare();
	d = running_device(BIT64(F_EVENT_IDX));
	pages = drv_alloc(d, (3 * ROUNDS + 2) * PAGE);
	shown.q = &d->q[0];
	shown.r = drv_blk_usual(T_GET_ID, 0, NULL, 0, 20);
	drv_blk_build(d, &shown.r);
	pages += -pages % PAGE;
	vcpu = guest_run(watch_used, NULL);
	for (unsigned i = 0, n = 0; i < ROUNDS; i++) {
		begin_round(shown.q, pages + 3ull * i * PAGE);
		shown.begun = i + 1;
		while (shown.watched == i)
			sim_step(&n, "a vCPU to watch");
		drv_kick(shown.q);
		while (shown.seen == i)
			sim_step(&n, "used.idx to move");
	}
	guest_join(vcpu);
}

/* What used.len claims is there, from the first writable byte on. */
static void check_claim(struct drv *d, const struct drv_blk *r, const uint8_t *truth)
{
	uint8_t data[8192];
	uint32_t claimed = r->used_len < r->in_len ? r->used_len : r->in_len;

	sim_check(r->used_len <= r->in_len + 1, "%u bytes of %u", r->used_len, r->in_len + 1);
	drv_blk_data(d, r, data);
	sim_check(!memcmp(data, truth, claimed), "type %u: not all of %u bytes are there", r->type,
		  r->used_len);
}

/* A read of 4 KiB of which some bytes come, and then none any more. */
static void partial_read(struct drv *d, const char *image, uint32_t bytes, int error)
{
	struct drv_blk r = drv_blk_usual(T_IN, 0, NULL, 0, 4096);
	struct fault_rule some = { .ops = FAULT_BIT(FAULT_READ),
				   .file = faults_file(image),
				   .count = 1,
				   .action = FAULT_SHORT,
				   .amount = bytes };
	struct fault_rule none = { .ops = FAULT_BIT(FAULT_READ),
				   .file = faults_file(image),
				   .action = FAULT_FAIL,
				   .error = error };
	unsigned a = bytes ? faults_add(&sim.faults, &some) : 0;
	unsigned b = error ? faults_add(&sim.faults, &none) : 0;
	uint8_t truth[4096];

	for (unsigned i = 0; i < 8; i++)
		sim_pattern(i, truth + i * DRV_SECTOR);
	sim_check(drv_blk_run(&d->q[0], &r) == (error ? BLK_IOERR : BLK_OK), "status %u",
		  drv_blk_status(d, &r));
	check_claim(d, &r, truth);
	if (!error)
		sim_check(r.used_len == 4097, "%u bytes", r.used_len);
	if (bytes)
		faults_remove(&sim.faults, a);
	if (error)
		faults_remove(&sim.faults, b);
}

/* What a request of another type leaves as it was, and nobody has read, it does not claim. */
static void check_sample(struct drv *d, const struct sample *s, const uint8_t serial[64])
{
	uint8_t truth[4096] = { 0 };
	struct drv_blk r;

	if (s->type == T_GET_ID)
		memcpy(truth, serial, 64);
	for (unsigned i = 0; s->type == T_IN && i < sizeof(truth) / DRV_SECTOR; i++)
		sim_pattern(s->sector + i, truth + i * DRV_SECTOR);
	drv_free_all(d);
	build_sample(d, s, &r);
	run_built(d, &r);
	check_claim(d, &r, truth);
}

/*
 * Beyond its 20 bytes the serial number may be padded with zeroes, which would have to be written.
 */
static void C15_len_is_not_too_much(void)
{
	two_caches(disks);
	for (unsigned i = 0; i < 2; i++) {
		struct drv *d = &disks[i];
		uint8_t serial[64] = "xvda";

		serial[3] += i;
		drv_boot(d, 0);
		for (uint32_t len = 0; len <= sizeof(serial); len++) {
			struct drv_blk r = drv_blk_usual(T_GET_ID, 0, NULL, 0, len);

			drv_free_all(d);
			sim_check(drv_blk_run(&d->q[0], &r) == BLK_OK, "GET_ID of %u bytes", len);
			sim_check(r.used_len >= (len < 20 ? len : 20), "%u bytes", r.used_len);
			check_claim(d, &r, serial);
		}
		partial_read(d, two_images[i], 0, EIO);
		partial_read(d, two_images[i], 512, EIO);
		partial_read(d, two_images[i], 2048, EIO);
		partial_read(d, two_images[i], 512, 0);
		partial_read(d, two_images[i], 2048, 0);
		for (unsigned k = 0; k < NR_SAMPLES; k++)
			check_sample(d, &samples[k], serial);
	}
}

/* A read that fails has a status, though used.len does not reach it. */
static void C16_len_may_be_less(void)
{
	struct drv *d = running_device(0);
	struct drv_blk r = drv_blk_usual(T_IN, 1u << 31, NULL, 0, 512);

	sim_check(drv_blk_run(&d->q[0], &r) == BLK_IOERR, "status %u", drv_blk_status(d, &r));
	sim_check(r.used_len == 0, "%u bytes", r.used_len);
}

/* The first of three reads waits for its disk; the others overtake it. */
static void C28_id_says_which(void)
{
	struct drv *d = running_device(0);
	struct fault_rule first = { .ops = FAULT_BIT(FAULT_READ),
				    .file = faults_file(the_image),
				    .count = 1,
				    .action = FAULT_HOLD };
	unsigned rule = faults_add(&sim.faults, &first);
	struct drv_blk r[3];
	uint32_t id, len;

	for (unsigned i = 0; i < 3; i++) {
		r[i] = drv_blk_usual(T_IN, i, NULL, 0, 512);
		drv_blk_add(&d->q[0], &r[i]);
		drv_kick(&d->q[0]);
		if (i == 0)
			faults_wait_held(&sim.faults, rule, 1);
	}
	for (unsigned i = 0; i < 2; i++) {
		drv_wait_used(&d->q[0], &id, &len);
		sim_check(id == r[1].head || id == r[2].head, "head %u", id);
	}
	sim_check(drv_blk_status(d, &r[0]) == BLK_PENDING, "status %u", drv_blk_status(d, &r[0]));
	faults_release(&sim.faults, rule, 1);
	drv_wait_used(&d->q[0], &id, &len);
	sim_check(id == r[0].head, "head %u", id);
	for (unsigned i = 0; i < 3; i++) {
		uint8_t data[512], wanted[512];

		drv_blk_data(d, &r[i], data);
		sim_pattern(i, wanted);
		sim_check(!memcmp(data, wanted, 512), "data of read %u", i);
	}
}

const struct clause clauses_c_memory[] = {
	CLAUSE(C3, MUST_NOT, true, "2.7.5.1", readable_buffers_stay,
	       "The device writes to nothing but the buffers that are marked as writable."),
	CLAUSE(C4, SHOULD_NOT, false, "2.7.5.1", writable_buffers_are_not_read,
	       "What a writable buffer held before has no influence."),
	CLAUSE(C5, MUST_NOT, true, "2.7.5", descriptors_stay,
	       "The device writes to no descriptor table."),
	CLAUSE(C14, MUST, true, "2.7.8.2", element_before_index,
	       "A used element is complete before used.idx shows it."),
	CLAUSE(C15, MUST, true, "2.7.8.2", len_is_not_too_much,
	       "The bytes that a used element claims have been written before used.idx shows it."),
	CLAUSE(C16, MAY, false, "2.7.8.2", len_may_be_less,
	       "More may have been written: of a failed read only the status is."),
	CLAUSE(C28, IMPLIED, false, "2.7.8", id_says_which,
	       "Requests come back in any order; a used element names the head of its chain."),
	{ .id = NULL },
};
