/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory order
 *
 * Driver and device share the rings without a lock, on CPUs that need not be strong.  The four
 * races, as litmus tests: W and R are single accesses (base/le.h) in program order, "exists" is
 * what must never be seen.  The barriers of the driver are those that 2.7.13 and 2.7.14 want of it.
 *
 * MP, available ring: what is popped is there.
 *	driver				device: virtq_pop(), virtq_want_kicks()
 *	W desc, ring[i]			R.acquire avail.idx
 *	[wmb]				R ring[i], desc
 *	W avail.idx = i + 1
 *	exists: avail.idx == i + 1 and an old ring[i] or desc
 * The acquire reads from the write of idx or a later one, which wmb keeps behind those of ring[i]
 * and desc: all three synchronize.  avail_seen keeps the index, and its acquire covers every entry
 * below it.  The same acquire keeps our later writes, to buffers and used ring, behind it: the
 * driver has read the old contents before it made the head available again (LB).
 *
 * MP, used ring: what is shown is there.
 *	device: virtq_push(), virtq_publish()	driver
 *	W data, status, elem			R used.idx
 *	W.release used.idx			[rmb]
 *						R elem, data, status
 *	exists: the new used.idx and an old elem, data or status
 * Data that the kernel wrote come before, too: its completion was reaped with an acquire.
 *
 * SB, notifications: none is lost.
 *	driver				device: virtq_want_kicks()
 *	W avail.idx = new		W avail_event = last_avail (or flags = 0)
 *	[mb]				[mb]
 *	R avail_event (or flags)	R avail.idx
 *	exists: the driver reads an avail_event that lies behind (flags 1), so does not notify,
 *	and the device reads an idx == last_avail, so sleeps
 * One of the two full barriers comes first in their single order; the read behind the other one
 * sees the write before it.  Acquire and release do not do: a read may still pass an older write to
 * another place, even on x86, which has a store buffer.
 *
 * SB, interrupts: none is lost.
 *	device: virtq_publish()		driver
 *	W used.idx = new		W used_event = seen (or flags = 0)
 *	[mb]				[mb]
 *	R used_event (or flags)		R used.idx
 *	exists: the device reads a used_event outside its window (flags 1), and the driver
 *	an old idx
 * The window begins at the index published before, so what the driver named between two looks
 * counts.
 */
#include "transport/virtq.h"

#include <assert.h>
#include <errno.h>

#include "base/le.h"
#include "transport/virtio.h"

/* 2.7.5 */
#define DESC_F_NEXT	1
#define DESC_F_WRITE	2
#define DESC_F_INDIRECT 4

struct vring_desc {
	le64 addr;
	le32 len;
	le16 flags;
	le16 next;
};

/* 2.7.6; after ring[size] comes used_event. */
#define AVAIL_F_NO_INTERRUPT 1

struct vring_avail {
	le16 flags;
	le16 idx;
	le16 ring[];
};

/* 2.7.8; after ring[size] comes avail_event. */
#define USED_F_NO_NOTIFY 1

struct vring_used_elem {
	le32 id;
	le32 len;
};

struct vring_used {
	le16 flags;
	le16 idx;
	struct vring_used_elem ring[];
};

static uint32_t desc_bytes(uint32_t size)
{
	return sizeof(struct vring_desc) * size;
}

static uint32_t avail_bytes(uint32_t size)
{
	return sizeof(struct vring_avail) + sizeof(le16) * (size + 1);
}

static uint32_t used_bytes(uint32_t size)
{
	return sizeof(struct vring_used) + sizeof(struct vring_used_elem) * size + sizeof(le16);
}

static le16 *used_event(struct virtq *q)
{
	return &q->avail->ring[q->state->size];
}

static le16 *avail_event(struct virtq *q)
{
	return (le16 *)&q->used->ring[q->state->size];
}

static unsigned virtq_index(const struct virtq *q)
{
	return q - q->dev->queues;
}

static void unmap_rings(struct virtq *q)
{
	uint32_t size = q->state->size;

	guest_mem_unmap_ring(q->mem, q->desc, desc_bytes(size));
	guest_mem_unmap_ring(q->mem, q->avail, avail_bytes(size));
	guest_mem_unmap_ring(q->mem, q->used, used_bytes(size));
	q->desc = NULL;
	q->avail = NULL;
	q->used = NULL;
}

static bool map_rings(struct virtq *q)
{
	const struct virtq_state *s = q->state;

	q->desc = guest_mem_map_ring(q->mem, s->desc, desc_bytes(s->size), false);
	q->avail = guest_mem_map_ring(q->mem, s->driver, avail_bytes(s->size), false);
	q->used = guest_mem_map_ring(q->mem, s->device, used_bytes(s->size), true);
	q->generation = q->mem->generation;
	if (q->desc && q->avail && q->used)
		return true;
	unmap_rings(q);
	return false;
}

/*
 * May the rings be touched?  Guest memory is unmapped when the guest balloons; the pointers are
 * made anew at the first use after that.
 */
static bool rings_usable(struct virtq *q)
{
	if (!q->state->ready)
		return false;
	if (virtq_is_mapped(q))
		return true;
	if (map_rings(q))
		return true;
	if (!q->mem->starved)
		guest_fault(q->dev, "the rings of queue %u are not in memory", virtq_index(q));
	return false;
}

void virtq_init(struct virtq *q, struct virtio_device *dev, struct virtq_state *state,
		struct guest_mem *mem)
{
	*q = (struct virtq){ .dev = dev, .state = state, .mem = mem };
}

void virtq_fini(struct virtq *q)
{
	unmap_rings(q);
}

bool virtq_enable(struct virtq *q)
{
	struct virtq_state *s = q->state;
	bool starved, usable;

	/* 2.7: size is a power of two; alignment is 16 (descriptors), 2 (available), 4 (used). */
	if (!is_power_of_2(s->size) || s->size > q->dev->queue_size_max || s->desc % 16 ||
	    s->driver % 2 || s->device % 4)
		return false;
	/* Requests of the queue's former life still use its slots. */
	if (s->inflight)
		return false;
	/* Where there is no room for the rings, they are mapped, and judged, at their first use. */
	starved = q->mem->starved;
	q->mem->starved = false;
	usable = map_rings(q) || q->mem->starved;
	q->mem->starved |= starved;
	if (!usable)
		return false;
	s->last_avail = s->used = s->published = 0;
	q->avail_seen = 0;
	s->ready = 1;
	return true;
}

void virtq_disable(struct virtq *q)
{
	q->state->ready = 0;
	/*
	 * Answers that were given before: the driver may use that memory for something else soon.
	 */
	guest_mem_flush(q->mem);
	unmap_rings(q);
}

void virtq_reset(struct virtq *q)
{
	struct virtq_state *s = q->state;

	virtq_disable(q);
	s->desc = s->driver = s->device = 0;
	s->size = 0;
}

int virtq_pop(struct virtq *q, uint16_t *ret_head)
{
	struct virtq_state *s = q->state;
	uint16_t head, waiting;

	if (!rings_usable(q))
		return 0;
	if (q->avail_seen == s->last_avail) {
		/* Pairs with the driver's barrier between writing ring[] and idx (2.7.13.3). */
		q->avail_seen = le16_load_acquire(&q->avail->idx);
		if (q->avail_seen == s->last_avail)
			return 0;
	}
	waiting = q->avail_seen - s->last_avail;
	if (waiting > s->size)
		return guest_fault(q->dev, "queue %u: %u heads available in a ring of %u",
				   virtq_index(q), waiting, s->size);

	head = le16_load(&q->avail->ring[s->last_avail % s->size]);
	if (head >= s->size)
		return guest_fault(q->dev, "queue %u: head %u outside a table of %u",
				   virtq_index(q), head, s->size);
	if (s->heads[head])
		return guest_fault(q->dev, "queue %u: head %u is in flight already", virtq_index(q),
				   head);

	s->heads[head] = ++s->serial;
	s->inflight++;
	q->dev->inflight++;
	s->last_avail++;
	*ret_head = head;
	return 1;
}

void virtq_unpop(struct virtq *q, uint16_t head)
{
	struct virtq_state *s = q->state;

	assert(s->heads[head] == s->serial && s->inflight && q->dev->inflight);
	s->heads[head] = 0;
	s->inflight--;
	q->dev->inflight--;
	s->last_avail--;
}

void virtq_chain_init(struct virtq_chain *c, struct virtq *q, uint16_t head)
{
	*c = (struct virtq_chain){
		.q = q,
		.table = q->desc,
		.table_size = q->state->size,
		.budget = q->dev->queue_size_max,
		.next = head,
		.more = true,
	};
}

/* Continue the walk in the indirect table that a descriptor names (2.7.5.3). */
static int enter_indirect(struct virtq_chain *c, uint64_t addr, uint32_t len, uint16_t flags)
{
	struct virtq *q = c->q;

	if (!q->indirect)
		return guest_fault(q->dev, "indirect descriptor, which was not negotiated");
	if (c->in_indirect)
		return guest_fault(q->dev, "indirect descriptor in an indirect table");
	if (flags & DESC_F_NEXT)
		return guest_fault(q->dev, "indirect descriptor with a next one");
	if (!len || len % sizeof(struct vring_desc))
		return guest_fault(q->dev, "indirect table of %u bytes at %#llx", len,
				   (unsigned long long)addr);

	c->table_size = len / sizeof(struct vring_desc);
	if (c->table_size > q->dev->queue_size_max)
		return guest_fault(q->dev,
				   "indirect table of %u descriptors, at most %u are allowed",
				   c->table_size, q->dev->queue_size_max);
	c->table = guest_mem_view(q->mem, addr, len);
	if (q->mem->starved)
		return -ENOMEM;
	if (!c->table)
		return guest_fault(q->dev, "indirect table at %#llx is not in memory",
				   (unsigned long long)addr);
	c->in_indirect = true;
	c->next = 0;
	return 0;
}

int virtq_chain_next(struct virtq_chain *c, struct virtq_segment *ret)
{
	struct virtio_device *dev = c->q->dev;
	struct vring_desc d;
	uint16_t flags;
	int r;

	if (!c->more)
		return 0;
	for (;;) {
		if (c->next >= c->table_size)
			return guest_fault(dev, "descriptor %u outside a table of %u", c->next,
					   c->table_size);
		/* A copy: the guest may change the original, and an indirect table be unaligned. */
		le_fetch(&d, &c->table[c->next], sizeof(d));
		flags = le16_load(&d.flags);
		if (!(flags & DESC_F_INDIRECT))
			break;
		r = enter_indirect(c, le64_load(&d.addr), le32_load(&d.len), flags);
		if (r < 0)
			return r;
	}
	if (!c->budget--)
		return guest_fault(dev, "descriptor chain with more than %u elements",
				   dev->queue_size_max);

	*ret = (struct virtq_segment){
		.addr = le64_load(&d.addr),
		.len = le32_load(&d.len),
		.write = flags & DESC_F_WRITE,
	};
	if (c->seen_write && !ret->write)
		return guest_fault(dev, "readable descriptor after a writable one");
	c->seen_write = ret->write;
	c->more = flags & DESC_F_NEXT;
	c->next = le16_load(&d.next);
	return 1;
}

void virtq_push(struct virtq *q, uint16_t head, uint32_t len)
{
	struct virtq_state *s = q->state;
	struct vring_used_elem *elem;

	assert(s->heads[head] && s->inflight && q->dev->inflight);
	if (rings_usable(q)) {
		elem = &q->used->ring[s->used % s->size];
		le32_store(&elem->id, head);
		le32_store(&elem->len, len);
		s->used++;
	}
	s->heads[head] = 0;
	s->inflight--;
	q->dev->inflight--;
}

bool virtq_publish(struct virtq *q)
{
	struct virtq_state *s = q->state;
	uint16_t old = s->published;

	if (s->used == old || !rings_usable(q))
		return false;
	guest_mem_flush(q->mem);
	/* Pairs with the driver's barrier between reading idx and ring[] (2.7.14). */
	le16_store_release(&q->used->idx, s->used);
	s->published = s->used;

	/*
	 * Either the driver's write of used_event (or flags) is seen here, or the driver, which
	 * re-reads idx after that write and a full barrier, sees the new idx (2.7.7).
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (q->event_idx)
		return virtq_event_crossed(le16_load(used_event(q)), s->published, old);
	return !(le16_load(&q->avail->flags) & AVAIL_F_NO_INTERRUPT);
}

bool virtq_has_more(const struct virtq *q)
{
	return q->state->ready && virtq_is_mapped(q) &&
	       le16_load(&q->avail->idx) != q->state->last_avail;
}

void virtq_suppress_kicks(struct virtq *q)
{
	/* With EVENT_IDX the old avail_event lies behind: no notification comes for it (2.7.10). */
	if (!q->event_idx && rings_usable(q))
		le16_store(&q->used->flags, USED_F_NO_NOTIFY);
}

bool virtq_want_kicks(struct virtq *q)
{
	struct virtq_state *s = q->state;

	if (!rings_usable(q))
		return false;
	if (q->event_idx)
		le16_store(avail_event(q), s->last_avail);
	else
		le16_store(&q->used->flags, 0);
	/*
	 * Either the driver, which writes idx and then, after a full barrier, reads avail_event (or
	 * flags), sees ours and notifies, or its new idx is seen here.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	q->avail_seen = le16_load_acquire(&q->avail->idx);
	return q->avail_seen != s->last_avail;
}
