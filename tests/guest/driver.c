/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/guest/driver.h"

#include <endian.h>
#include <string.h>

#include "tests/sim/check.h"

/* Looks at a used ring, between which the driver sleeps for WAIT_MS, before it gives up. */
#define WAIT_MS	   20
#define WAIT_TIMES 3000

/* What a register reads as on a machine that is not there any more. */
#define SWITCHED_OFF UINT32_MAX

/* Registers */

uint64_t drv_read_sized(struct drv *d, unsigned off, unsigned size)
{
	return d->m->ops->read(d->m, d->vcpu, d->base + off, size);
}

void drv_write_sized(struct drv *d, unsigned off, unsigned size, uint64_t value)
{
	d->m->ops->write(d->m, d->vcpu, d->base + off, size, value);
}

uint32_t drv_read(struct drv *d, unsigned reg)
{
	return drv_read_sized(d, reg, 4);
}

void drv_write(struct drv *d, unsigned reg, uint32_t value)
{
	if (reg == R_QUEUE_SEL)
		d->queue_sel = value;
	drv_write_sized(d, reg, 4, value);
}

void drv_write64(struct drv *d, unsigned reg, uint64_t value)
{
	if (reg == R_QUEUE_DESC || reg == R_QUEUE_DRIVER || reg == R_QUEUE_DEVICE)
		value = drv_grant_ring(d, reg, value);
	drv_write(d, reg, value);
	drv_write(d, reg + 4, value >> 32);
}

uint32_t drv_status(struct drv *d)
{
	return drv_read(d, R_STATUS);
}

uint64_t drv_config(struct drv *d, unsigned off, unsigned size)
{
	uint32_t generation;
	uint64_t value;

	if (size < 8)
		return drv_read_sized(d, R_CONFIG + off, size);
	do {
		generation = drv_read(d, R_CONFIG_GENERATION);
		value = drv_read(d, R_CONFIG + off);
		value |= (uint64_t)drv_read(d, R_CONFIG + off + 4) << 32;
	} while (drv_read(d, R_CONFIG_GENERATION) != generation);
	return value;
}

uint64_t drv_capacity(struct drv *d)
{
	return drv_config(d, C_CAPACITY, 8);
}

uint64_t drv_offered(struct drv *d)
{
	uint64_t features;

	drv_write(d, R_DEVICE_FEATURES_SEL, 1);
	features = (uint64_t)drv_read(d, R_DEVICE_FEATURES) << 32;
	drv_write(d, R_DEVICE_FEATURES_SEL, 0);
	return features | drv_read(d, R_DEVICE_FEATURES);
}

/* Set-up */

void drv_init(struct drv *d, struct machine *m, uint64_t base, unsigned line, uint64_t heap)
{
	memset(d, 0, sizeof(*d));
	d->m = m;
	d->base = base;
	d->line = line;
	d->queue_limit = 128;
	d->heap = d->heap_start = heap ? m->ops->alloc(m, heap) : 0;
	d->heap_end = d->heap + heap;
	for (unsigned i = 0; i < DRV_QUEUES_MAX; i++) {
		d->q[i].d = d;
		d->q[i].index = i;
	}
}

void drv_reset(struct drv *d)
{
	uint32_t status;

	drv_write(d, R_STATUS, 0);
	for (unsigned i = 0; (status = drv_status(d)) && status != SWITCHED_OFF; i++) {
		sim_check(i < WAIT_TIMES, "the device does not come out of its reset");
		d->m->ops->interrupt_wait(d->m, d->line, d->m->ops->interrupts(d->m, d->line), 1);
	}
	if (d->grants && status != SWITCHED_OFF)
		sim_check(d->m->ops->grant_end_all(d->m, d->base),
			  "the device has memory mapped after its reset");
}

void drv_write_features(struct drv *d, uint64_t features)
{
	if (d->grants)
		features |= BIT64(F_ACCESS_PLATFORM);
	drv_write(d, R_DRIVER_FEATURES_SEL, 1);
	drv_write(d, R_DRIVER_FEATURES, features >> 32);
	drv_write(d, R_DRIVER_FEATURES_SEL, 0);
	drv_write(d, R_DRIVER_FEATURES, features);
}

bool drv_negotiate(struct drv *d, uint64_t features)
{
	drv_reset(d);
	drv_write(d, R_STATUS, S_ACKNOWLEDGE);
	drv_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER);
	drv_write_features(d, features);
	d->features = features;
	drv_write(d, R_STATUS, drv_status(d) | S_FEATURES_OK);
	return drv_status(d) & S_FEATURES_OK;
}

/* Each part is on pages of its own, so that a test can look at them one by one. */
static uint64_t page_align(uint64_t n)
{
	return (n + 4095) & ~4095ull;
}

static uint64_t desc_bytes(unsigned size)
{
	return page_align(16ull * size);
}

static uint64_t avail_bytes(unsigned size)
{
	return page_align(6 + 2ull * size);
}

uint64_t drv_queue_bytes(unsigned size)
{
	return desc_bytes(size) + avail_bytes(size) + page_align(6 + 8ull * size);
}

bool drv_write_queue(struct drv *d, unsigned i, unsigned size, uint64_t desc, uint64_t avail,
		     uint64_t used)
{
	drv_write(d, R_QUEUE_SEL, i);
	drv_write(d, R_QUEUE_SIZE, size);
	drv_write64(d, R_QUEUE_DESC, desc);
	drv_write64(d, R_QUEUE_DRIVER, avail);
	drv_write64(d, R_QUEUE_DEVICE, used);
	drv_write(d, R_QUEUE_READY, 1);
	return drv_read(d, R_QUEUE_READY);
}

bool drv_setup_queue(struct drv *d, unsigned i, unsigned size)
{
	uint64_t bytes = drv_queue_bytes(size);
	struct drv_queue *q = &d->q[i];

	if (q->bytes_for < size) {
		q->bytes_at = d->m->ops->alloc(d->m, bytes);
		q->bytes_for = size;
	}
	q->size = size;
	q->desc = q->bytes_at;
	q->avail = q->desc + desc_bytes(size);
	q->used = q->avail + avail_bytes(size);
	q->avail_idx = q->used_seen = q->next_desc = 0;
	memset(drv_ram(d, q->desc, bytes), 0, bytes);

	drv_write(d, R_QUEUE_SEL, i);
	sim_check(drv_read(d, R_QUEUE_READY) != 1, "queue %u is ready before it is set up", i);
	return drv_write_queue(d, i, size, q->desc, q->avail, q->used);
}

unsigned drv_queue_size_max(struct drv *d, unsigned i)
{
	drv_write(d, R_QUEUE_SEL, i);
	return drv_read(d, R_QUEUE_SIZE_MAX);
}

void drv_ready(struct drv *d, uint64_t features, unsigned nr_queues)
{
	sim_check(drv_negotiate(d, features), "features %#llx are refused",
		  (unsigned long long)features);
	for (unsigned i = 0; i < nr_queues; i++) {
		unsigned max = drv_queue_size_max(d, i);

		sim_check(max && drv_setup_queue(d, i, max < d->queue_limit ? max : d->queue_limit),
			  "queue %u can't be set up", i);
	}
	drv_write(d, R_STATUS, drv_status(d) | S_DRIVER_OK);
	sim_check(drv_status(d) == (S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK),
		  "status is %#x", drv_status(d));
}

void drv_boot(struct drv *d, uint64_t without)
{
	drv_reset(d);
	drv_ready(d, drv_offered(d) & ~without, 1);
}

/* Memory */

void *drv_ram(struct drv *d, uint64_t gpa, uint64_t len)
{
	void *p = d->m->ops->ram(d->m, gpa, len);

	sim_check(p, "no memory at %#llx", (unsigned long long)gpa);
	return p;
}

uint64_t drv_alloc(struct drv *d, uint32_t bytes)
{
	uint64_t gpa = (d->heap + DRV_POISON + 15) & ~15ull;

	d->heap = gpa + bytes + DRV_POISON;
	sim_check(d->heap <= d->heap_end, "the heap of %llu bytes is used up",
		  (unsigned long long)(d->heap_end - d->heap_start));
	memset((uint8_t *)drv_ram(d, gpa - DRV_POISON, bytes + 2 * DRV_POISON), BLK_PENDING,
	       bytes + 2 * DRV_POISON);
	memset(drv_ram(d, gpa, bytes), 0, bytes);
	return gpa;
}

void drv_free_all(struct drv *d)
{
	d->heap = d->heap_start;
}

/* Rings */

static uint16_t load16(struct drv *d, uint64_t gpa)
{
	return le16toh(__atomic_load_n((uint16_t *)drv_ram(d, gpa, 2), __ATOMIC_ACQUIRE));
}

static void store16(struct drv *d, uint64_t gpa, uint16_t v)
{
	__atomic_store_n((uint16_t *)drv_ram(d, gpa, 2), htole16(v), __ATOMIC_RELEASE);
}

void drv_put_desc(struct drv *d, uint64_t table, unsigned i, uint64_t addr, uint32_t len,
		  uint16_t flags, uint16_t next)
{
	struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags, next;
	} desc = { htole64(addr), htole32(len), htole16(flags), htole16(next) };

	memcpy(drv_ram(d, table + 16ull * i, 16), &desc, 16);
}

void drv_desc(struct drv_queue *q, unsigned i, uint64_t addr, uint32_t len, uint16_t flags,
	      uint16_t next)
{
	drv_put_desc(q->d, q->desc, i, addr, len, flags, next);
}

void drv_set_avail_flags(struct drv_queue *q, uint16_t flags)
{
	store16(q->d, q->avail, flags);
}

void drv_set_avail_idx(struct drv_queue *q, uint16_t idx)
{
	q->avail_idx = idx;
	store16(q->d, q->avail + 2, idx);
}

void drv_set_avail_ring(struct drv_queue *q, uint16_t at, uint16_t head)
{
	drv_grant_chain(q, head);
	store16(q->d, q->avail + 4 + 2 * (at % q->size), head);
}

void drv_set_used_event(struct drv_queue *q, uint16_t event)
{
	store16(q->d, q->avail + 4 + 2 * q->size, event);
}

uint16_t drv_used_flags(const struct drv_queue *q)
{
	return load16(q->d, q->used);
}

uint16_t drv_used_idx(const struct drv_queue *q)
{
	return load16(q->d, q->used + 2);
}

uint16_t drv_avail_event(const struct drv_queue *q)
{
	return load16(q->d, q->used + 4 + 8 * q->size);
}

void drv_avail(struct drv_queue *q, uint16_t head)
{
	drv_set_avail_ring(q, q->avail_idx, head);
	drv_set_avail_idx(q, q->avail_idx + 1);
}

void drv_kick(struct drv_queue *q)
{
	drv_write(q->d, R_QUEUE_NOTIFY, q->index);
}

bool drv_kick_wanted(struct drv_queue *q, uint16_t old_avail_idx)
{
	/* 2.7.13.4.1: between writing idx and reading what the device wants. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(q->d->features & BIT64(F_EVENT_IDX)))
		return !(drv_used_flags(q) & 1);
	return (uint16_t)(q->avail_idx - drv_avail_event(q) - 1) <
	       (uint16_t)(q->avail_idx - old_avail_idx);
}

bool drv_kick_will_be_wanted(struct drv_queue *q)
{
	if (!(q->d->features & BIT64(F_EVENT_IDX)))
		return !(drv_used_flags(q) & 1);
	return drv_avail_event(q) == q->avail_idx;
}

bool drv_used(struct drv_queue *q, uint32_t *ret_id, uint32_t *ret_len)
{
	const uint32_t *elem;

	if (drv_used_idx(q) == q->used_seen)
		return false;
	elem = drv_ram(q->d, q->used + 4 + 8 * (q->used_seen % q->size), 8);
	*ret_id = le32toh(elem[0]);
	*ret_len = le32toh(elem[1]);
	q->used_seen++;
	drv_ungrant_chain(q, *ret_id);
	return true;
}

/*
 * Ask for an interrupt when the next element has been used, as virtqueue_enable_cb() of Linux does.
 */
static void want_interrupt(struct drv_queue *q)
{
	if (q->d->features & BIT64(F_EVENT_IDX))
		drv_set_used_event(q, q->used_seen);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void drv_wait_used(struct drv_queue *q, uint32_t *ret_id, uint32_t *ret_len)
{
	struct machine *m = q->d->m;

	for (unsigned i = 0; i < WAIT_TIMES; i++) {
		unsigned seen = m->ops->interrupts(m, q->d->line);

		want_interrupt(q);
		if (drv_used(q, ret_id, ret_len)) {
			/* For the next request, before it is made available. */
			want_interrupt(q);
			return;
		}
		m->ops->interrupt_wait(m, q->d->line, seen, WAIT_MS);
	}
	sim_check(false, "queue %u: nothing comes back (status %#x)", q->index, drv_status(q->d));
}

uint32_t drv_interrupt(struct drv *d)
{
	uint32_t status = drv_read(d, R_INTERRUPT_STATUS);

	drv_write(d, R_INTERRUPT_ACK, status);
	return status;
}

static uint16_t take_desc(struct drv_queue *q)
{
	return q->next_desc++ % q->size;
}

uint16_t drv_chain(struct drv_queue *q, const struct drv_seg *s, unsigned n, unsigned direct)
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
	table = drv_alloc(q->d, 16 * n);
	drv_desc(q, i, table, 16 * n, DESC_INDIRECT, 0);
	for (unsigned k = 0; k < n; k++)
		drv_put_desc(q->d, table, k, s[k].gpa, s[k].len,
			     (s[k].write ? DESC_WRITE : 0) | (k + 1 < n ? DESC_NEXT : 0), k + 1);
	return head;
}
