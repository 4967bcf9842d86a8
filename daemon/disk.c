/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/disk.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/request.h"

static struct disk *to_disk(struct virtio_device *dev)
{
	return container_of(dev, struct disk, mmio.dev);
}

/*
 * What one round begins of a disk's requests at most, and one request more.  A driver can refill
 * its rings as fast as we empty them, or fill them with huge requests: the guest's other disks, and
 * the watcher, have a turn, too.  The queues that have something share it evenly; when a huge
 * request has used up what others should have had, they are the first in the next round.
 */
#define ROUND_REQUESTS REQUESTS_MAX
#define ROUND_BYTES    (8u << 20)

/*
 * True if the queue has, or may have, more than its share of this round.  *bytes: of all
 * queues so far.
 */
static bool drain_queue(struct disk *d, struct virtq *q, unsigned nr_sharing, uint64_t *bytes)
{
	unsigned budget = ROUND_REQUESTS / nr_sharing;
	uint64_t share_end = MIN(*bytes + ROUND_BYTES / nr_sharing, ROUND_BYTES);
	uint16_t head, heads[ROUND_REQUESTS];
	unsigned n = 0;
	bool more = false;

	virtq_suppress_kicks(q);
	/* A request may be a fault, which ends the work on all queues. */
	while (q->state->ready && virtio_device_live(&d->mmio.dev)) {
		uint64_t cost;

		more = !budget || *bytes > share_end;
		if (more || virtq_pop(q, &head) <= 0)
			break;
		cost = request_prepare(d, q, head);
		if (q->mem->starved) {
			virtq_unpop(q, head);
			break;
		}
		budget--;
		*bytes += cost;
		heads[n++] = head;
	}
	requests_start(d, q, heads, n);
	if (virtq_is_mapped(q))
		d->quiet |= 1u << (q - d->mmio.dev.queues);
	return more || q->mem->starved;
}

/* The quiet queues that have something. */
static uint32_t find_unkicked(const struct disk *d)
{
	uint32_t found = 0, todo = 0;

	if (!d->stopped && virtio_device_live(&d->mmio.dev))
		todo = d->quiet;
	for (; todo; todo &= todo - 1) {
		unsigned i = __builtin_ctz(todo);

		if (virtq_has_more(&d->mmio.dev.queues[i]))
			found |= 1u << i;
	}
	return found;
}

bool disk_peek(const struct disk *d)
{
	return find_unkicked(d);
}

bool disk_settle(struct disk *d)
{
	uint32_t todo = d->quiet;

	d->quiet = 0;
	if (d->stopped || !virtio_device_live(&d->mmio.dev))
		return false;
	for (; todo; todo &= todo - 1) {
		unsigned i = __builtin_ctz(todo);

		if (virtq_want_kicks(&d->mmio.dev.queues[i]))
			d->marked |= 1u << i;
	}
	return d->marked;
}

bool disk_run(struct disk *d)
{
	struct virtq *q = d->mmio.dev.queues;
	uint32_t todo;
	unsigned nr_sharing;
	uint64_t bytes = 0;
	uint16_t last;
	bool began;

	d->marked |= find_unkicked(d);
	todo = d->stopped ? 0 : d->marked;
	nr_sharing = __builtin_popcount(todo);
	d->began = false;
	while (todo && bytes <= ROUND_BYTES) {
		uint32_t later = todo >> d->turn << d->turn;
		unsigned i = __builtin_ctz(later ? later : todo);

		todo &= ~(1u << i);
		last = q[i].state->last_avail;
		if (!drain_queue(d, &q[i], nr_sharing, &bytes))
			d->marked &= ~(1u << i);
		began = q[i].state->last_avail != last;
		d->began |= began;
		if (bytes > ROUND_BYTES)
			d->turn = i + 1;
		/* When there is room again, who has had none is the first. */
		if (q[i].mem->starved) {
			d->turn = began ? i + 1 : i;
			break;
		}
	}
	return !d->stopped && d->marked;
}

_Static_assert(ROUND_REQUESTS >= VIRTIO_QUEUES_MAX, "a queue would get nothing");
_Static_assert(VIRTIO_QUEUES_MAX < 32, "disk.turn is too large for a shift");

void disk_publish(struct disk *d)
{
	bool interrupt = false;

	while (d->pushed) {
		unsigned i = __builtin_ctz(d->pushed);

		d->pushed &= d->pushed - 1;
		interrupt |= virtq_publish(&d->mmio.dev.queues[i]);
	}
	if (interrupt)
		d->mmio.dev.transport->interrupt(&d->mmio.dev, VIRTIO_INTERRUPT_USED);
}

void disk_stop(struct disk *d)
{
	d->stopped = true;
}

void disk_abandon(struct disk *d)
{
	d->stopped = d->abandoned = true;
}

void disk_check_size(struct disk *d)
{
	const struct log_subject *subject = &d->mmio.dev.subject;
	struct backend *b = d->backend;
	uint64_t old = b->info.size, size = 0;
	int r;

	if (!b->ops->needs_image)
		return;
	r = b->ops->read_size(b, &size);
	if (r) {
		fail(r, subject, "cannot find the size of the image, %" PRIu64 " bytes as before",
		     old);
		return;
	}
	size -= size % b->info.block_size;
	if (!size) {
		log_err(subject, "the image is empty now; the disk keeps its %" PRIu64 " bytes",
			old);
		return;
	}
	if (size == old) {
		log_info(subject, "the image has %" PRIu64 " bytes as before", old);
		return;
	}
	b->info.size = size;
	virtio_config_changed(&d->mmio.dev);
	log_notice(subject, "the disk %s from %" PRIu64 " to %" PRIu64 " bytes",
		   size > old ? "grows" : "shrinks", old, size);
}

static void fill_config(const struct disk *d, struct virtio_blk_config *c)
{
	const struct image_info *info = &d->backend->info;
	uint32_t block = info->block_size;

	*c = (struct virtio_blk_config){ .physical_block_exp = __builtin_ctz(
						 info->physical_block_size / block) };
	le64_store(&c->capacity, info->size >> SECTOR_SHIFT);
	le32_store(&c->size_max, DISK_SIZE_MAX);
	/* Header and status take a descriptor each. */
	le32_store(&c->seg_max, d->mmio.dev.queue_size_max - 2);
	le32_store(&c->blk_size, block);
	le16_store(&c->min_io_size, info->physical_block_size / block);
	le32_store(&c->opt_io_size, info->optimal_io_size / block);
	c->writeback = d->state->writeback;
	le16_store(&c->num_queues, d->mmio.dev.nr_queues);
	if (d->mmio.dev.offered & VIRTIO_BLK_F_DISCARD) {
		uint32_t granularity = info->discard_granularity ? info->discard_granularity
								 : block;

		le32_store(&c->max_discard_sectors, DISK_RANGE_SECTORS);
		le32_store(&c->max_discard_seg, DISK_RANGES_MAX);
		le32_store(&c->discard_sector_alignment, granularity >> SECTOR_SHIFT);
	}
	if (d->mmio.dev.offered & VIRTIO_BLK_F_WRITE_ZEROES) {
		le32_store(&c->max_write_zeroes_sectors, DISK_RANGE_SECTORS);
		le32_store(&c->max_write_zeroes_seg, DISK_RANGES_MAX);
		c->write_zeroes_may_unmap = info->caps & IMAGE_PUNCH_HOLE &&
					    info->caps & IMAGE_DISCARD;
	}
}

static void disk_read_config(struct virtio_device *dev, unsigned off, void *buf, unsigned len)
{
	struct virtio_blk_config config;

	fill_config(to_disk(dev), &config);
	memset(buf, 0, len);
	if (off < sizeof(config))
		memcpy(buf, (char *)&config + off, MIN((size_t)len, sizeof(config) - off));
}

/*
 * Only the cache mode is writable.  Writes begun from now on follow it; what was written before in
 * the other mode is the business of the driver's next FLUSH, as ever.  A driver without FLUSH has
 * none, so its writes stay write-through (request.c), and the field goes on to say so: 5.2.5.2
 * demands that it begins with 0, and nothing that 1 has to be taken.
 */
static bool disk_write_config(struct virtio_device *dev, unsigned off, const void *buf,
			      unsigned len)
{
	uint8_t value = *(const uint8_t *)buf;

	if (!(dev->features & VIRTIO_BLK_F_CONFIG_WCE) || len != 1 || value > 1 ||
	    off != offsetof(struct virtio_blk_config, writeback))
		return false;
	if (value && !(dev->features & VIRTIO_BLK_F_FLUSH))
		return false;
	to_disk(dev)->state->writeback = value;
	return true;
}

/*
 * The cache mode tells the truth at any time (5.2.5): write-back before a negotiation, and after it
 * if the driver can flush.
 */
static void disk_negotiated(struct virtio_device *dev)
{
	to_disk(dev)->state->writeback = !dev->features || dev->features & VIRTIO_BLK_F_FLUSH;
}

static void disk_kick(struct virtio_device *dev, unsigned q)
{
	to_disk(dev)->marked |= 1u << q;
}

/* What the driver made available before DRIVER_OK may never be notified again. */
static void disk_start(struct virtio_device *dev)
{
	guest_event(dev, "the guest's driver is ready: features %#llx",
		    (unsigned long long)dev->features);
	to_disk(dev)->marked = (1u << dev->nr_queues) - 1;
}

static const struct virtio_device_ops disk_ops = {
	.device_id = VIRTIO_ID_BLOCK,
	.read_config = disk_read_config,
	.write_config = disk_write_config,
	.kick = disk_kick,
	.negotiated = disk_negotiated,
	.start = disk_start,
};

static uint64_t offered_features(const struct image_info *info, unsigned nr_queues)
{
	uint64_t f = VIRTIO_BLK_F_SIZE_MAX | VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_BLK_SIZE |
		     VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_CONFIG_WCE | VIRTIO_BLK_F_TOPOLOGY;

	if (nr_queues > 1)
		f |= VIRTIO_BLK_F_MQ;
	if (info->caps & IMAGE_READ_ONLY)
		return f | VIRTIO_BLK_F_RO;
	if (info->caps & IMAGE_DISCARD)
		f |= VIRTIO_BLK_F_DISCARD;
	return f | VIRTIO_BLK_F_WRITE_ZEROES;
}

static int alloc_requests(struct disk *d)
{
	const struct virtio_device *dev = &d->mmio.dev;
	size_t bytes;
	void *p;

	d->request_stride = sizeof(struct disk_request) +
			    dev->queue_size_max * sizeof(struct iovec);
	d->request_stride = (d->request_stride + 63) & ~(size_t)63;
	bytes = d->request_stride * dev->queue_size_max * dev->nr_queues;
	/* Only the slots of heads that the driver really uses become resident. */
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		 -1, 0);
	if (p == MAP_FAILED)
		return fail(-errno, &dev->subject, "cannot allocate %zu bytes for requests", bytes);
	d->requests = p;
	return 0;
}

int disk_init(struct disk *d, const struct disk_params *p, struct state_disk *st,
	      struct backend *backend, struct xen_domain *xen, struct guest_mem *mem)
{
	struct virtio_device *dev = &d->mmio.dev;
	int r;

	*d = (struct disk){ .backend = backend, .state = st };
	memcpy(d->serial, p->serial, sizeof(d->serial));
	log_subject_set(&dev->subject, xen->subject->guest, p->vdev);
	dev->ops = &disk_ops;
	dev->state = &st->virtio;
	dev->nr_queues = p->nr_queues;
	dev->queue_size_max = p->queue_size;
	dev->offered = offered_features(&backend->info, p->nr_queues);
	r = alloc_requests(d);
	if (r)
		return r;
	virtio_mmio_init(&d->mmio, xen, mem, p->base, p->irq);
	st->devid = p->devid;
	st->base = p->base;
	st->irq = p->irq;
	st->writeback = 1;
	st->attached = 1;
	return 0;
}

void disk_fini(struct disk *d)
{
	struct virtio_device *dev = &d->mmio.dev;

	if (!d->backend)
		return;
	assert(!dev->inflight);
	virtio_mmio_fini(&d->mmio);
	d->backend->ops->close(d->backend);
	munmap(d->requests, d->request_stride * dev->queue_size_max * dev->nr_queues);
	*d = (struct disk){ .backend = NULL };
}
