/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * A request is a byte stream that the driver may cut into descriptors wherever it likes (2.7.4.1):
 * 16 bytes of header, then data, all device-readable, then data, then one status byte, all
 * device-writable.  So the header is gathered from the first 16 readable bytes, and the status is
 * the last writable byte, in whichever descriptors they lie.
 *
 * Two kinds of trouble are told apart.  A request that is wrong in itself (unknown type, outside
 * the capacity, data outside memory) is answered in its status byte.  A chain that breaks the ring
 * (a loop, a head in flight twice, no status byte) is a guest fault: the device needs a reset.
 * Either way the head is given back exactly once.
 *
 * There is a slot for every head of every queue, found by index; nothing is allocated while
 * serving.
 */
#include "daemon/request.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static struct disk_request *request_of(struct disk *d, const struct virtq *q, uint16_t head)
{
	size_t i = (size_t)(q - d->mmio.dev.queues) * d->mmio.dev.queue_size_max + head;

	return (struct disk_request *)((char *)d->requests + i * d->request_stride);
}

/* Answer a request and give its head back; written is what used.len may claim. */
static void complete(struct disk_request *req, uint8_t status, uint32_t written)
{
	struct disk *d = req->disk;
	struct virtq *q = req->q;

	d->state->counters.errors += status == VIRTIO_BLK_S_IOERR;
	d->state->counters.unsupported += status == VIRTIO_BLK_S_UNSUPP;

	/*
	 * A queue that was disabled meanwhile is none of our business any more, nor are its
	 * buffers.
	 */
	if (req->status && q->state->ready)
		guest_mem_store_byte(q->mem, req->status, status);
	virtq_push(q, req->head, written);
	d->pushed |= 1u << (q - d->mmio.dev.queues);
	if (!q->state->inflight)
		d->mmio.dev.transport->idle(q);
}

/*
 * used.len (2.7.8.2): only what was really written counts, from the first writable
 * byte on.  If data come before the status and are not all there, that is nothing.
 */
static void complete_status(struct disk_request *req, uint8_t status)
{
	uint32_t data = req->data_len;

	complete(req, status, data ? 0 : 1);
}

static void complete_ok(struct disk_request *req, uint32_t data_written)
{
	complete(req, VIRTIO_BLK_S_OK,
		 data_written == req->data_len ? data_written + 1 : data_written);
}

/* used.len has 32 bits: a longer request could not be answered. */
#define REQUEST_BYTES_MAX UINT32_MAX

/*
 * The readable and the writable part of a chain as two lists in req->iov, and where the status is.
 */
static int gather(struct disk_request *req, uint64_t *ret_writable)
{
	uint64_t readable = 0, writable = 0, last = 0;
	struct virtq *q = req->q;
	struct virtq_segment seg;
	struct virtq_chain chain;
	bool outside = false;
	int r;

	req->nr_iov = req->nr_readable = 0;
	req->readable = 0;
	req->status = NULL;
	virtq_chain_init(&chain, q, req->head);
	while ((r = virtq_chain_next(&chain, &seg)) > 0) {
		void *p;

		if (!seg.len)
			continue;
		if (seg.write) {
			writable += seg.len;
			last = seg.addr + (seg.len - 1);
		} else {
			readable += seg.len;
		}
		/*
		 * Each failure may cost hypercalls, and each page a look: one failure, or more
		 * bytes than any request may have, is enough to know.
		 */
		if (outside || readable + writable > REQUEST_BYTES_MAX)
			p = NULL;
		else
			p = guest_mem_at(q->mem, seg.addr, seg.len);
		outside = !p;
		if (outside)
			continue;
		req->iov[req->nr_iov++] = (struct iovec){ p, seg.len };
		req->nr_readable += !seg.write;
	}
	if (r < 0)
		return r;

	req->status = writable ? guest_mem_at(q->mem, last, 1) : NULL;
	if (q->mem->starved)
		return -ENOMEM;
	if (!req->status)
		return guest_fault(q->dev, "request without a status byte in memory");
	req->readable = readable;
	*ret_writable = writable;
	return outside ? -EFAULT : 0;
}

/* Take n bytes off the front of a list of iovs.  Returns how many of them are used up. */
static unsigned skip_front(struct iovec *iov, unsigned nr, size_t n)
{
	unsigned skip = 0;

	while (n && skip < nr) {
		struct iovec *v = &iov[skip];
		size_t part = MIN(n, v->iov_len);

		n -= part;
		v->iov_base = (char *)v->iov_base + part;
		v->iov_len -= part;
		if (!v->iov_len)
			skip++;
	}
	return skip;
}

/* Are [sector, sector + len / 512) sectors of the disk? */
static bool in_capacity(const struct disk *d, uint64_t sector, uint64_t len)
{
	uint64_t capacity = d->backend->info.size >> SECTOR_SHIFT;

	return len % SECTOR_SIZE == 0 && range_within(sector, len >> SECTOR_SHIFT, capacity);
}

static bool is_read_only(const struct disk *d)
{
	return d->backend->info.caps & IMAGE_READ_ONLY;
}

/*
 * Must a write be stable when it completes (5.2.6.2)?  Yes, if the driver did not take FLUSH, or
 * wants write-through now.
 */
static unsigned write_flags(const struct disk *d)
{
	return d->mmio.dev.features & VIRTIO_BLK_F_FLUSH && d->state->writeback ? 0 : BLK_FUA;
}

static void io_done(struct blk_request *blk, int result)
{
	struct disk_request *req = container_of(blk, struct disk_request, blk);

	if (result < 0)
		complete_status(req, VIRTIO_BLK_S_IOERR);
	else
		complete_ok(req, blk->op == BLK_READ ? req->data_len : 0);
}

/* A queue that was disabled or reset gets no answers any more, and nobody waits for a lost disk. */
static bool is_wanted(const struct blk_request *blk)
{
	const struct disk_request *req = container_of(blk, struct disk_request, blk);

	return req->q->state->ready && !req->disk->abandoned;
}

/* For a backend: iov is places. */
static int copy_data(const struct blk_request *blk, void *mem, size_t n)
{
	struct guest_mem *m = container_of(blk, struct disk_request, blk)->q->mem;
	bool good = blk->op == BLK_WRITE ? guest_mem_fetch(m, mem, blk->iov, n)
					 : guest_mem_store(m, blk->iov, mem, n);

	return good ? 0 : -EFAULT;
}

static void submit(struct disk_request *req)
{
	req->blk.wanted = is_wanted;
	req->blk.copy = req->q->mem->in_place ? NULL : copy_data;
	req->disk->backend->ops->submit(req->disk->backend, &req->blk);
}

static void start_io(struct disk_request *req, enum blk_op op, uint64_t sector, struct iovec *iov,
		     unsigned nr_iov, uint64_t len)
{
	struct disk *d = req->disk;

	if (!in_capacity(d, sector, len) || (op == BLK_WRITE && is_read_only(d))) {
		complete_status(req, VIRTIO_BLK_S_IOERR);
		return;
	}
	if (op == BLK_READ) {
		d->state->counters.reads++;
		d->state->counters.read_bytes += len;
	} else {
		d->state->counters.writes++;
		d->state->counters.written_bytes += len;
	}
	if (!len) {
		complete_ok(req, 0);
		return;
	}
	req->blk.op = op;
	req->blk.flags = op == BLK_WRITE ? write_flags(d) : 0;
	req->blk.offset = sector << SECTOR_SHIFT;
	req->blk.len = len;
	req->blk.iov = iov;
	req->blk.nr_iov = nr_iov;
	req->blk.done = io_done;
	submit(req);
}

static void start_flush(struct disk_request *req)
{
	req->disk->state->counters.flushes++;
	req->blk.op = BLK_FLUSH;
	req->blk.flags = 0;
	req->blk.done = io_done;
	submit(req);
}

static void next_range(struct disk_request *req)
{
	const struct virtio_blk_range *r = &req->ranges[req->range++];

	req->blk.offset = le64_load(&r->sector) << SECTOR_SHIFT;
	req->blk.len = (uint64_t)le32_load(&r->num_sectors) << SECTOR_SHIFT;
	/* They were all within the disk when the request came; it may have shrunk since. */
	if (!in_capacity(req->disk, le64_load(&r->sector), req->blk.len)) {
		complete_status(req, VIRTIO_BLK_S_IOERR);
		return;
	}
	req->blk.flags = req->blk.op == BLK_WRITE_ZEROES ? write_flags(req->disk) : 0;
	if (req->blk.op == BLK_WRITE_ZEROES && le32_load(&r->flags) & VIRTIO_BLK_RANGE_F_UNMAP)
		req->blk.flags |= BLK_UNMAP;
	submit(req);
}

static void range_done(struct blk_request *blk, int result)
{
	struct disk_request *req = container_of(blk, struct disk_request, blk);

	if (result < 0)
		complete_status(req, VIRTIO_BLK_S_IOERR);
	else if (req->range < req->nr_ranges && !is_wanted(blk))
		complete_status(req, VIRTIO_BLK_S_IOERR);
	else if (req->range < req->nr_ranges)
		next_range(req);
	else
		complete_ok(req, 0);
}

/* What to answer to the ranges as a whole, before any of them is touched. */
static uint8_t check_ranges(const struct disk_request *req, uint32_t allowed_flags)
{
	uint8_t status = VIRTIO_BLK_S_OK;

	for (unsigned i = 0; i < req->nr_ranges; i++) {
		const struct virtio_blk_range *r = &req->ranges[i];
		uint32_t sectors = le32_load(&r->num_sectors);

		if (le32_load(&r->flags) & ~allowed_flags)
			return VIRTIO_BLK_S_UNSUPP;
		if (!sectors || sectors > DISK_RANGE_SECTORS ||
		    !in_capacity(req->disk, le64_load(&r->sector),
				 (uint64_t)sectors << SECTOR_SHIFT))
			status = VIRTIO_BLK_S_IOERR;
	}
	return status;
}

static void start_ranges(struct disk_request *req, enum blk_op op, const struct iovec *iov,
			 uint64_t len)
{
	struct disk *d = req->disk;
	bool discard = op == BLK_DISCARD;
	uint8_t status;

	if (!(d->mmio.dev.features &
	      (discard ? VIRTIO_BLK_F_DISCARD : VIRTIO_BLK_F_WRITE_ZEROES))) {
		complete_status(req, is_read_only(d) ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_UNSUPP);
		return;
	}
	if (!len || len % sizeof(struct virtio_blk_range) || len > sizeof(req->ranges)) {
		complete_status(req, VIRTIO_BLK_S_IOERR);
		return;
	}
	if (!guest_mem_fetch(req->q->mem, req->ranges, iov, len)) {
		complete_status(req, VIRTIO_BLK_S_IOERR);
		return;
	}
	req->nr_ranges = len / sizeof(struct virtio_blk_range);
	req->range = 0;
	status = check_ranges(req, discard ? 0 : VIRTIO_BLK_RANGE_F_UNMAP);
	if (status != VIRTIO_BLK_S_OK) {
		complete_status(req, status);
		return;
	}
	if (discard)
		d->state->counters.discards++;
	else
		d->state->counters.write_zeroes++;
	req->blk.op = op;
	req->blk.done = range_done;
	next_range(req);
}

static void answer_get_id(struct disk_request *req, const struct iovec *iov)
{
	uint32_t len = MIN(req->data_len, (uint32_t)DISK_SERIAL_BYTES);

	if (guest_mem_store(req->q->mem, iov, req->disk->serial, len))
		complete_ok(req, len);
	else
		complete_status(req, VIRTIO_BLK_S_IOERR);
}

/* A gathered request and its header: do what its type says. */
static void dispatch(struct disk_request *req, const struct virtio_blk_header *header)
{
	struct iovec *in = &req->iov[req->nr_readable], *out = req->iov;
	unsigned nr_in = req->nr_iov - req->nr_readable, nr_out;
	uint64_t readable = req->readable - sizeof(*header), sector = le64_load(&header->sector);

	/* The last writable byte is the status. */
	if (!--in[nr_in - 1].iov_len)
		nr_in--;
	nr_out = skip_front(out, req->nr_readable, sizeof(*header));
	out += nr_out;
	nr_out = req->nr_readable - nr_out;

	switch (le32_load(&header->type)) {
	case VIRTIO_BLK_T_IN:
		start_io(req, BLK_READ, sector, in, nr_in, req->data_len);
		break;
	case VIRTIO_BLK_T_OUT:
		start_io(req, BLK_WRITE, sector, out, nr_out, readable);
		break;
	case VIRTIO_BLK_T_FLUSH:
		start_flush(req);
		break;
	case VIRTIO_BLK_T_GET_ID:
		answer_get_id(req, in);
		break;
	case VIRTIO_BLK_T_DISCARD:
		start_ranges(req, BLK_DISCARD, out, readable);
		break;
	case VIRTIO_BLK_T_WRITE_ZEROES:
		start_ranges(req, BLK_WRITE_ZEROES, out, readable);
		break;
	default:
		complete_status(req, VIRTIO_BLK_S_UNSUPP);
	}
}

uint64_t request_prepare(struct disk *d, struct virtq *q, uint16_t head)
{
	struct disk_request *req = request_of(d, q, head);
	uint64_t writable = 0;

	req->disk = d;
	req->q = q;
	req->head = head;
	req->error = gather(req, &writable);
	if (req->error != -EBADMSG)
		req->data_len = MIN(writable - 1, (uint64_t)REQUEST_BYTES_MAX);
	if (!req->error && req->readable < sizeof(struct virtio_blk_header))
		req->error = -EINVAL;
	return req->error ? REQUEST_BAD_COST : req->readable + writable;
}

/* The end of a request that could not be prepared. */
static void complete_bad(struct disk_request *req)
{
	if (req->error != -EBADMSG) {
		complete_status(req, VIRTIO_BLK_S_IOERR);
		return;
	}
	req->status = NULL;
	complete(req, VIRTIO_BLK_S_IOERR, 0);
}

/* The places of a request's header, n of them, added to a list. */
static unsigned add_header(struct iovec *list, const struct disk_request *req)
{
	size_t left = sizeof(struct virtio_blk_header);
	unsigned n = 0;

	for (; left; n++) {
		list[n] = req->iov[n];
		list[n].iov_len = MIN(left, list[n].iov_len);
		left -= list[n].iov_len;
	}
	return n;
}

/* The headers of requests that are good so far.  False: not all of them can be had. */
static bool fetch_headers(struct disk_request *const *req, unsigned n,
			  struct virtio_blk_header *header)
{
	struct iovec list[REQUESTS_MAX * sizeof(*header)]; /* of bytes, if the driver likes */
	unsigned nr = 0;

	for (unsigned i = 0; i < n; i++)
		nr += add_header(&list[nr], req[i]);
	return guest_mem_fetch(req[0]->q->mem, header, list, n * sizeof(*header));
}

void requests_start(struct disk *d, struct virtq *q, const uint16_t *heads, unsigned n)
{
	struct virtio_blk_header header[REQUESTS_MAX], *next = header;
	struct disk_request *good[REQUESTS_MAX];
	unsigned nr_good = 0;
	bool all;

	assert(n <= REQUESTS_MAX);
	for (unsigned i = 0; i < n; i++) {
		good[nr_good] = request_of(d, q, heads[i]);
		nr_good += !good[nr_good]->error;
	}
	all = !nr_good || fetch_headers(good, nr_good, header);
	for (unsigned i = 0; i < n; i++) {
		struct disk_request *req = request_of(d, q, heads[i]);

		if (req->error) {
			complete_bad(req);
			continue;
		}
		/* One can't be had, or some: each by itself, then. */
		if (all || (nr_good > 1 && guest_mem_fetch(q->mem, next, req->iov, sizeof(*next))))
			dispatch(req, next);
		else
			complete_status(req, VIRTIO_BLK_S_IOERR);
		next++;
	}
}
