/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/chain_model.h"

#include <assert.h>
#include <string.h>

#include "base/util.h"
#include "daemon/virtio_blk.h"

/* The arguments of model_run(). */
static struct world *w;
static const struct disk *disk;
static uint8_t failing;

static bool tangled; /* what no driver does with rings and headers */
static bool header_at[RAM_BYTES];
static uint16_t given_back; /* heads */

static bool negotiated(uint64_t feature)
{
	return disk->mmio.dev.features & feature;
}

static bool read_only(void)
{
	return disk->backend->info.caps & IMAGE_READ_ONLY;
}

static unsigned fua(void)
{
	return negotiated(VIRTIO_BLK_F_FLUSH) && disk->state->writeback ? 0 : BLK_FUA;
}

static bool in_ram(uint64_t gpa, uint64_t len)
{
	return gpa >= RAM_BASE && range_within(gpa - RAM_BASE, len, RAM_BYTES);
}

struct chain {
	struct desc d[QUEUE_SIZE];
	unsigned nr;
	uint64_t readable, writable; /* bytes */
	uint64_t status;	     /* gpa of the last writable byte */
	bool outside;		     /* some of it is not in memory */
};

/* False: the chain breaks the rules. */
static bool walk(uint16_t head, struct chain *c)
{
	uint64_t table = RAM_BASE + DESC;
	uint32_t size = QUEUE_SIZE, i = head;
	bool indirect = false, written = false;
	struct desc d;

	*c = (struct chain){ .nr = 0 };
	do {
		if (i >= size)
			return false;
		memcpy(&d, w->ram + (table - RAM_BASE) + 16 * i, sizeof(d));
		if (d.flags & IS_INDIRECT) {
			if (indirect || !negotiated(VIRTIO_F_INDIRECT_DESC) || d.flags & NEXT ||
			    !d.len || d.len % 16 || d.len > 16 * QUEUE_SIZE ||
			    !in_ram(d.addr, d.len))
				return false;
			indirect = true;
			table = d.addr;
			size = d.len / 16;
			d.flags = NEXT;
			d.next = 0;
			continue;
		}
		if (c->nr == QUEUE_SIZE || (written && !(d.flags & WRITE)))
			return false;
		written = d.flags & WRITE;
		c->d[c->nr++] = d;
		*(written ? &c->writable : &c->readable) += d.len;
		if (d.len && !in_ram(d.addr, d.len))
			c->outside = true;
		if (d.len && written)
			c->status = d.addr + d.len - 1;
	} while (i = d.next, d.flags & NEXT);
	if (c->readable + c->writable > UINT32_MAX)
		c->outside = true;
	return true;
}

/* Between buf and n bytes at pos of the readable (or writable) stream. */
static void stream(const struct chain *c, bool write, uint64_t pos, void *buf, size_t n)
{
	uint8_t *p = buf;

	for (unsigned i = 0; i < c->nr && n; i++) {
		const struct desc *d = &c->d[i];
		uint8_t *at;
		size_t part;

		if (!(d->flags & WRITE) != !write)
			continue;
		if (pos >= d->len) {
			pos -= d->len;
			continue;
		}
		at = w->ram + (d->addr - RAM_BASE) + pos;
		part = MIN(n, d->len - (size_t)pos);
		if (write)
			memmove(at, p, part);
		else
			memcpy(p, at, part);
		if (write)
			tangled |= d->addr + pos < RAM_BASE + HEAP ||
				   memchr(&header_at[d->addr - RAM_BASE + pos], 1, part);
		else /* the used ring, whose flags change in each round */
			tangled |= d->addr + pos < RAM_BASE + INDIRECT &&
				   d->addr + pos + part > RAM_BASE + USED;
		p += part;
		n -= part;
		pos = 0;
	}
}

static void give_back(uint16_t head, uint32_t len)
{
	unsigned i = given_back++ % QUEUE_SIZE;

	memcpy(w->ram + USED + 4 + 8 * i, &(uint32_t[]){ head, len }, 8);
}

/* A call of the backend; false: it fails. */
static bool call(enum blk_op op, unsigned flags, uint64_t offset, uint64_t len)
{
	bool fails = failing & 1u << w->nr_calls % 8;

	assert(w->nr_calls < CALLS_MAX);
	w->calls[w->nr_calls++] = (struct call){ op, flags, offset, len };
	if (!fails && (op == BLK_DISCARD || op == BLK_WRITE_ZEROES))
		memset(w->image + offset, 0, len);
	return !fails;
}

static uint8_t ranges(const struct chain *c, uint32_t type)
{
	enum blk_op op = type == VIRTIO_BLK_T_DISCARD ? BLK_DISCARD : BLK_WRITE_ZEROES;
	unsigned n = (c->readable - 16) / 16, flags;
	struct {
		uint64_t sector;
		uint32_t num, flags;
	} r[DISK_RANGES_MAX];
	uint8_t status = VIRTIO_BLK_S_OK;

	if (!negotiated(op == BLK_DISCARD ? VIRTIO_BLK_F_DISCARD : VIRTIO_BLK_F_WRITE_ZEROES))
		return read_only() ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_UNSUPP;
	if (!n || n > DISK_RANGES_MAX || c->readable % 16)
		return VIRTIO_BLK_S_IOERR;
	stream(c, false, 16, r, 16 * n);
	for (unsigned i = 0; i < n; i++) {
		if (r[i].flags & (op == BLK_DISCARD ? ~0u : ~1u))
			return VIRTIO_BLK_S_UNSUPP;
		if (!r[i].num || r[i].num > DISK_RANGE_SECTORS ||
		    !range_within(r[i].sector, r[i].num, IMAGE_BYTES / 512))
			status = VIRTIO_BLK_S_IOERR;
	}
	flags = op == BLK_DISCARD ? 0 : fua();
	for (unsigned i = 0; i < n && status == VIRTIO_BLK_S_OK; i++)
		if (!call(op, flags | (r[i].flags & 1 ? BLK_UNMAP : 0), 512 * r[i].sector,
			  512 * (uint64_t)r[i].num))
			return VIRTIO_BLK_S_IOERR;
	return status;
}

static uint8_t io(const struct chain *c, bool write, uint64_t sector)
{
	uint64_t len = write ? c->readable - 16 : c->writable - 1, offset = 512 * sector;

	if (len % 512 || !range_within(sector, len / 512, IMAGE_BYTES / 512) ||
	    (write && read_only()))
		return VIRTIO_BLK_S_IOERR;
	if (!len)
		return VIRTIO_BLK_S_OK;
	if (!call(write ? BLK_WRITE : BLK_READ, write ? fua() : 0, offset, len))
		return VIRTIO_BLK_S_IOERR;
	stream(c, !write, write ? 16 : 0, w->image + offset, len);
	return VIRTIO_BLK_S_OK;
}

/*
 * A whole request with all its bytes in memory: its status, and the data bytes that were written.
 */
static uint8_t answer(const struct chain *c, uint64_t *ret_written)
{
	struct {
		uint32_t type, reserved;
		uint64_t sector;
	} h;
	char id[DISK_SERIAL_BYTES] = "serial";
	uint8_t status;

	*ret_written = 0;
	if (c->readable < sizeof(h))
		return VIRTIO_BLK_S_IOERR;
	stream(c, false, 0, &h, sizeof(h));
	switch (h.type) {
	case VIRTIO_BLK_T_IN:
		status = io(c, false, h.sector);
		if (status == VIRTIO_BLK_S_OK)
			*ret_written = c->writable - 1;
		return status;
	case VIRTIO_BLK_T_OUT:
		return io(c, true, h.sector);
	case VIRTIO_BLK_T_FLUSH:
		return call(BLK_FLUSH, 0, 0, 0) ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
	case VIRTIO_BLK_T_GET_ID:
		*ret_written = MIN(c->writable - 1, sizeof(id));
		stream(c, true, 0, id, *ret_written);
		return VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return ranges(c, h.type);
	default:
		return VIRTIO_BLK_S_UNSUPP;
	}
}

/*
 * Where headers are.  All those of a round are read before any of its requests does something: so
 * nobody may write there, for this model knows no rounds.
 */
static void mark_header(const struct chain *c)
{
	size_t left = sizeof(struct virtio_blk_header);

	for (unsigned i = 0; i < c->nr && left; i++) {
		const struct desc *d = &c->d[i];
		size_t part = MIN(left, (size_t)d->len);

		if (d->flags & WRITE || c->outside)
			return;
		if (part)
			memset(&header_at[d->addr - RAM_BASE], 1, part);
		left -= part;
	}
}

static void mark_headers(unsigned n)
{
	bool seen[QUEUE_SIZE] = { false };
	struct chain c;

	memset(header_at, 0, sizeof(header_at));
	for (unsigned i = 0; i < n && n <= QUEUE_SIZE; i++) {
		uint16_t head = get16(w->ram, AVAIL + 4 + 2 * i);

		if (head >= QUEUE_SIZE || !walk(head, &c))
			return;
		/* It may be in flight still, or not any more. */
		tangled |= seen[head];
		seen[head] = true;
		mark_header(&c);
	}
}

static void request(uint16_t head)
{
	uint8_t status = VIRTIO_BLK_S_IOERR;
	uint64_t written = 0;
	struct chain c;

	if (!walk(head, &c) || !c.writable || !in_ram(c.status, 1)) {
		w->faults++;
		w->errors++;
		give_back(head, 0);
		return;
	}
	if (!c.outside)
		status = answer(&c, &written);
	w->errors += status == VIRTIO_BLK_S_IOERR;
	w->unsupported += status == VIRTIO_BLK_S_UNSUPP;
	w->ram[c.status - RAM_BASE] = status;
	tangled |= c.status < RAM_BASE + HEAP || header_at[c.status - RAM_BASE];
	/* 2.7.8.2: bytes from the first one on that are known to be written */
	give_back(head, written == c.writable - 1 ? written + 1 : written);
}

bool model_run(struct world *world, const struct disk *d, uint8_t fails)
{
	bool event_idx;
	unsigned n;

	w = world;
	disk = d;
	failing = fails;
	tangled = false;
	given_back = 0;
	event_idx = negotiated(VIRTIO_F_EVENT_IDX);
	n = get16(w->ram, AVAIL + 2);
	mark_headers(n);
	/*
	 * No notifications, please, and again when all is done; a device that is broken never is.
	 */
	if (!event_idx)
		put16(w->ram, USED, 1);
	for (unsigned i = 0; i < n && !w->faults; i++) {
		uint16_t head = get16(w->ram, AVAIL + 4 + 2 * i);

		if (n > QUEUE_SIZE || head >= QUEUE_SIZE)
			w->faults++;
		else
			request(head);
	}
	if (!w->faults)
		put16(w->ram, event_idx ? USED + 4 + 8 * QUEUE_SIZE : USED, event_idx ? n : 0);
	w->interrupts = w->faults;
	if (!given_back)
		return true;
	put16(w->ram, USED + 2, given_back);
	if (event_idx ? get16(w->ram, AVAIL + 4 + 2 * QUEUE_SIZE) < given_back
		      : !(w->ram[AVAIL] & 1))
		w->interrupts++;
	return !tangled;
}
