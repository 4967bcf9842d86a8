/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fake/driver.h"

#include "base/le.h"

#define POISON 16

/* Register accesses */

uint32_t drv_read(struct drv *d, unsigned reg)
{
	return virtio_mmio_read(&d->disk.mmio, reg, 4);
}

void drv_write(struct drv *d, unsigned reg, uint32_t value)
{
	virtio_mmio_write(&d->disk.mmio, reg, 4, value);
}

void drv_write64(struct drv *d, unsigned reg, uint64_t value)
{
	drv_write(d, reg, value);
	drv_write(d, reg + 4, value >> 32);
}

uint64_t drv_offered(struct drv *d)
{
	uint64_t features;

	drv_write(d, R_DEVICE_FEATURES_SEL, 1);
	features = (uint64_t)drv_read(d, R_DEVICE_FEATURES) << 32;
	drv_write(d, R_DEVICE_FEATURES_SEL, 0);
	return features | drv_read(d, R_DEVICE_FEATURES);
}

/* Life */

void drv_start(struct drv *d, const struct drv_options *o)
{
	static const struct drv_options defaults;
	struct disk_params p = { .vdev = "xvda", .devid = 51712, .base = DRV_BASE, .irq = DRV_IRQ };
	const char *serial;

	if (!o)
		o = &defaults;
	memset(d, 0, sizeof(*d));
	fake_xen_start(&d->xen);
	assert_int_equal(guest_mem_init(&d->mem, &d->xen), 0);
	d->st = calloc(1, sizeof(*d->st));
	assert_non_null(d->st);
	fake_backend_init(&d->backend, o->size ? o->size : 65536,
			  o->caps || o->no_caps ? o->caps : IMAGE_DISCARD);
	p.nr_queues = o->nr_queues ? o->nr_queues : 1;
	p.queue_size = o->queue_size ? o->queue_size : 64;
	serial = o->serial ? o->serial : "serial";
	memcpy(p.serial, serial, strnlen(serial, sizeof(p.serial)));
	assert_int_equal(disk_init(&d->disk, &p, d->st, &d->backend.b, &d->xen, &d->mem), 0);
	d->heap = DRV_HEAP;
}

int drv_set_up(void **state)
{
	drv_start(*state, NULL);
	return 0;
}

int drv_set_up_ready(void **state)
{
	drv_boot(*state, NULL, 0);
	return 0;
}

int drv_tear_down(void **state)
{
	drv_stop(*state);
	return 0;
}

void drv_stop(struct drv *d)
{
	d->backend.hold = false;
	fake_backend_complete_all(&d->backend, 0);
	drv_round(d);
	drv_write(d, R_STATUS, 0);
	assert_int_equal(drv_status(d), 0);
	assert_int_equal(disk_inflight(&d->disk), 0);
	disk_fini(&d->disk);
	assert_int_equal(d->backend.closed, 1);
	fake_backend_fini(&d->backend);
	guest_mem_fini(&d->mem);
	free(d->st);
	fake_xen_stop(&d->xen);
}

void drv_write_features(struct drv *d, uint64_t features)
{
	drv_write(d, R_DRIVER_FEATURES_SEL, 1);
	drv_write(d, R_DRIVER_FEATURES, features >> 32);
	drv_write(d, R_DRIVER_FEATURES_SEL, 0);
	drv_write(d, R_DRIVER_FEATURES, features);
}

bool drv_negotiate(struct drv *d, uint64_t features)
{
	drv_write(d, R_STATUS, 0);
	assert_int_equal(drv_status(d), 0);
	drv_write(d, R_STATUS, VIRTIO_STATUS_ACKNOWLEDGE);
	drv_write(d, R_STATUS, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	drv_write_features(d, features);
	d->features = features;
	drv_write(d, R_STATUS, drv_status(d) | VIRTIO_STATUS_FEATURES_OK);
	return drv_status(d) & VIRTIO_STATUS_FEATURES_OK;
}

bool drv_setup_queue(struct drv *d, unsigned i, unsigned size)
{
	struct drv_queue *q = &d->q[i];

	*q = (struct drv_queue){ .index = i, .size = size };
	q->desc = DRV_RINGS(i);
	q->avail = DRV_RINGS(i) + 0x4000;
	q->used = DRV_RINGS(i) + 0x5000;
	memset(fake_ram(q->desc), 0, 0x8000);
	drv_write(d, R_QUEUE_SEL, i);
	assert_int_equal(drv_read(d, R_QUEUE_READY), 0);
	drv_write(d, R_QUEUE_SIZE, size);
	drv_write64(d, R_QUEUE_DESC, q->desc);
	drv_write64(d, R_QUEUE_DRIVER, q->avail);
	drv_write64(d, R_QUEUE_DEVICE, q->used);
	drv_write(d, R_QUEUE_READY, 1);
	return drv_read(d, R_QUEUE_READY);
}

void drv_ready(struct drv *d, uint64_t features)
{
	assert_true(drv_negotiate(d, features));
	for (unsigned i = 0; i < d->disk.mmio.dev.nr_queues; i++) {
		drv_write(d, R_QUEUE_SEL, i);
		assert_true(drv_setup_queue(d, i, drv_read(d, R_QUEUE_SIZE_MAX)));
	}
	drv_write(d, R_STATUS, drv_status(d) | VIRTIO_STATUS_DRIVER_OK);
	assert_int_equal(drv_status(d), 0xf);
}

void drv_boot(struct drv *d, const struct drv_options *o, uint64_t without)
{
	drv_start(d, o);
	drv_ready(d, drv_offered(d) & ~without);
	drv_round(d);
}

struct virtq *drv_virtq(struct drv *d, unsigned i)
{
	return &d->disk.mmio.dev.queues[i];
}

/* Memory */

uint64_t drv_alloc(struct drv *d, uint32_t bytes)
{
	uint64_t gpa = d->heap + POISON;

	d->heap = (gpa + bytes + POISON + 15) & ~15ull;
	assert_true(d->heap <= FAKE_RAM0_BASE + FAKE_RAM_BYTES);
	memset((uint8_t *)fake_ram(gpa) - POISON, DRV_PENDING, bytes + 2 * POISON);
	memset(fake_ram(gpa), 0, bytes);
	return gpa;
}

void drv_free_all(struct drv *d)
{
	d->heap = DRV_HEAP;
}

/* Rings */

void drv_put_desc(uint64_t table, unsigned i, uint64_t addr, uint32_t len, uint16_t flags,
		  uint16_t next)
{
	struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags, next;
	} desc = { htole64(addr), htole32(len), htole16(flags), htole16(next) };

	memcpy(fake_ram(table + 16ull * i), &desc, sizeof(desc));
}

void drv_desc(struct drv_queue *q, unsigned i, uint64_t addr, uint32_t len, uint16_t flags,
	      uint16_t next)
{
	drv_put_desc(q->desc, i, addr, len, flags, next);
}

void drv_set_avail_flags(struct drv_queue *q, uint16_t flags)
{
	le16_store(fake_ram(q->avail), flags);
}

void drv_set_avail_idx(struct drv_queue *q, uint16_t idx)
{
	q->avail_idx = idx;
	le16_store_release(fake_ram(q->avail + 2), idx);
}

void drv_set_used_event(struct drv_queue *q, uint16_t event)
{
	le16_store(fake_ram(q->avail + 4 + 2 * q->size), event);
}

uint16_t drv_used_flags(const struct drv_queue *q)
{
	return le16_load(fake_ram(q->used));
}

uint16_t drv_used_idx(const struct drv_queue *q)
{
	return le16_load_acquire(fake_ram(q->used + 2));
}

uint16_t drv_avail_event(const struct drv_queue *q)
{
	return le16_load(fake_ram(q->used + 4 + 8 * q->size));
}

void drv_avail(struct drv_queue *q, uint16_t head)
{
	le16_store(fake_ram(q->avail + 4 + 2 * (q->avail_idx % q->size)), head);
	drv_set_avail_idx(q, q->avail_idx + 1);
}

void drv_kick(struct drv *d, unsigned i)
{
	drv_write(d, R_QUEUE_NOTIFY, i);
}

bool drv_used(struct drv_queue *q, uint32_t *ret_id, uint32_t *ret_len)
{
	uint64_t elem = q->used + 4 + 8 * (q->used_seen % q->size);

	if (drv_used_idx(q) == q->used_seen)
		return false;
	*ret_id = le32_load(fake_ram(elem));
	*ret_len = le32_load(fake_ram(elem + 4));
	q->used_seen++;
	return true;
}

void drv_round(struct drv *d)
{
	unsigned rounds = 0;
	bool more;

	do {
		more = disk_run(&d->disk);
		disk_publish(&d->disk);
		assert_true(rounds++ < 1000);
	} while (more);
}

void drv_go(struct drv *d, unsigned i)
{
	drv_kick(d, i);
	drv_round(d);
}

static uint16_t take_desc(struct drv_queue *q)
{
	return q->next_desc++ % q->size;
}

uint16_t drv_chain(struct drv *d, struct drv_queue *q, const struct drv_seg *s, unsigned n,
		   unsigned direct)
{
	uint16_t head = take_desc(q), i = head;
	uint64_t table;

	for (unsigned k = 0; k < n && k < direct; k++) {
		bool more = k + 1 < n;
		uint16_t next = more ? take_desc(q) : 0;

		drv_desc(q, i, s[k].gpa, s[k].len,
			 (s[k].write ? DESC_WRITE : 0) | (more ? DESC_NEXT : 0), next);
		i = next;
	}
	if (direct >= n)
		return head;
	s += direct;
	n -= direct;
	table = drv_alloc(d, 16 * n);
	drv_desc(q, i, table, 16 * n, DESC_INDIRECT, 0);
	for (unsigned k = 0; k < n; k++)
		drv_put_desc(table, k, s[k].gpa, s[k].len,
			     (s[k].write ? DESC_WRITE : 0) | (k + 1 < n ? DESC_NEXT : 0), k + 1);
	return head;
}

/* Block requests */

/* Cut [0, len) at the positions given; each piece gets memory of its own. */
static void cut_stream(struct drv *d, struct drv_blk *r, uint32_t len, const uint32_t *cuts,
		       unsigned nr_cuts, bool write)
{
	uint32_t from = 0;

	for (unsigned k = 0; k <= nr_cuts; k++) {
		uint32_t to = k < nr_cuts ? cuts[k] : len;

		if (to <= from || to > len)
			continue;
		r->seg[r->nr++] = (struct drv_seg){ drv_alloc(d, to - from), to - from, write };
		from = to;
	}
}

static void fill_readable(struct drv_blk *r, const uint8_t *stream)
{
	for (unsigned k = 0; k < r->nr && !r->seg[k].write; k++) {
		memcpy(fake_ram(r->seg[k].gpa), stream, r->seg[k].len);
		stream += r->seg[k].len;
	}
}

void drv_blk_add(struct drv *d, unsigned i, struct drv_blk *r)
{
	uint8_t *stream = malloc(16 + r->out_len);
	struct virtio_blk_header h;

	assert_non_null(stream);
	le32_store(&h.type, r->type);
	le32_store(&h.reserved, 0);
	le64_store(&h.sector, r->sector);
	memcpy(stream, &h, 16);
	if (r->out_len)
		memcpy(stream + 16, r->out, r->out_len);

	r->nr = 0;
	cut_stream(d, r, 16 + r->out_len, r->cuts_out, r->nr_cuts_out, false);
	fill_readable(r, stream);
	free(stream);
	cut_stream(d, r, r->in_len + 1, r->cuts_in, r->nr_cuts_in, true);
	for (unsigned k = 0; k < r->nr; k++)
		if (r->seg[k].write)
			memset(fake_ram(r->seg[k].gpa), DRV_PENDING, r->seg[k].len);
	r->head = drv_chain(d, &d->q[i], r->seg, r->nr, r->direct);
	drv_avail(&d->q[i], r->head);
}

uint8_t drv_blk_status(const struct drv_blk *r)
{
	const struct drv_seg *last = &r->seg[r->nr - 1];

	return *(uint8_t *)fake_ram(last->gpa + last->len - 1);
}

void drv_blk_data(const struct drv_blk *r, void *ret)
{
	uint32_t left = r->in_len;
	uint8_t *to = ret;

	for (unsigned k = 0; k < r->nr; k++) {
		uint32_t part = MIN(r->seg[k].len, left);

		if (!r->seg[k].write)
			continue;
		memcpy(to, fake_ram(r->seg[k].gpa), part);
		to += part;
		left -= part;
	}
}

uint8_t drv_blk_run(struct drv *d, unsigned i, struct drv_blk *r)
{
	uint32_t id;

	drv_blk_add(d, i, r);
	drv_go(d, i);
	assert_true(drv_used(&d->q[i], &id, &r->used_len));
	assert_int_equal(id, r->head);
	assert_int_equal(drv_used_idx(&d->q[i]), d->q[i].used_seen);
	drv_blk_check_poison(r);
	return drv_blk_status(r);
}

uint8_t drv_io(struct drv *d, uint32_t type, uint64_t sector, const void *out, uint32_t out_len,
	       uint32_t in_len)
{
	struct drv_blk r = { .type = type,
			     .sector = sector,
			     .out = out,
			     .out_len = out_len,
			     .in_len = in_len,
			     .direct = DRV_SEGS,
			     .nr_cuts_out = 1,
			     .nr_cuts_in = 1,
			     .cuts_out = { 16 },
			     .cuts_in = { in_len } };

	drv_free_all(d);
	return drv_blk_run(d, 0, &r);
}

void drv_blk_check_poison(const struct drv_blk *r)
{
	for (unsigned k = 0; k < r->nr; k++) {
		const uint8_t *p = fake_ram(r->seg[k].gpa);

		for (unsigned i = 1; i <= POISON; i++) {
			assert_int_equal(p[-(int)i], DRV_PENDING);
			assert_int_equal(p[r->seg[k].len + i - 1], DRV_PENDING);
		}
	}
}

static uint8_t saved_ram[2 * FAKE_RAM_BYTES];

void drv_ram_save(void)
{
	memcpy(saved_ram, fake_ram(FAKE_RAM0_BASE), FAKE_RAM_BYTES);
	memcpy(saved_ram + FAKE_RAM_BYTES, fake_ram(FAKE_RAM1_BASE), FAKE_RAM_BYTES);
}

void drv_ram_expect(void)
{
	const uint8_t *bank1 = saved_ram + FAKE_RAM_BYTES;

	assert_int_equal(memcmp(saved_ram, fake_ram(FAKE_RAM0_BASE), FAKE_RAM_BYTES), 0);
	assert_int_equal(memcmp(bank1, fake_ram(FAKE_RAM1_BASE), FAKE_RAM_BYTES), 0);
}
