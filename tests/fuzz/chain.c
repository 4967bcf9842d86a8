/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory
 *
 * Packed bytes become descriptor chains, and those block requests: transport/virtq.c and
 * daemon/request.c.  Made for speed: guest memory is one heap block (so that the sanitizer sees
 * each byte beyond it), nothing is mapped, and the disk lives for the whole run; each execution
 * resets it as a driver does.
 *
 * Beside the disk runs a second implementation of what the specification says, simple and with no
 * memory that changes under it: chains to byte streams, byte streams to effects.  At the end all of
 * guest memory, the image, the calls of the backend, interrupts and counters must be as that one
 * says.  Only when a request overwrites the rings themselves it is not asked.
 *
 * The input: two bytes of options, a byte that says which backend calls fail, and then records of
 * four bytes: an operation, of which add_record() has the list, and three arguments.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/disk.h"
#include "daemon/virtio_blk.h"
#include "tests/fuzz/chain_model.h"
#include "tests/fuzz/common.h"
#include "tests/guest/driver.h"

static struct world is, want;
static uint8_t ram_pattern[RAM_BYTES], image_pattern[IMAGE_BYTES];
/* Bytes of an input before its records. */
#define OPTIONS 3

static uint8_t failing; /* a bit for each backend call, modulo 8 */

/* The hypervisor: guest memory is there, all of it, or not at all. */

static struct xen_domain xen;
static struct guest_mem mem;
static struct guest_mem_ops mem_ops;

static void *not_there(struct guest_mem *m, uint64_t gpa, uint64_t len)
{
	(void)m;
	(void)gpa;
	(void)len;
	return NULL;
}

int xen_map(struct xen_domain *x, void *va, uint64_t gfn, unsigned n, int *err)
{
	(void)x;
	(void)va;
	(void)gfn;
	(void)n;
	(void)err;
	abort();
}

void xen_irq_raise(struct xen_domain *x, uint32_t irq)
{
	(void)x;
	(void)irq;
	is.interrupts++;
}

/* The backend */

static void move(struct blk_request *req)
{
	uint8_t *at = is.image + req->offset;

	if (req->op == BLK_DISCARD || req->op == BLK_WRITE_ZEROES)
		memset(at, 0, req->len);
	for (unsigned i = 0; i < req->nr_iov && req->op <= BLK_WRITE; i++) {
		const struct iovec *v = &req->iov[i];

		if (req->op == BLK_READ)
			memmove(v->iov_base, at, v->iov_len);
		else
			memcpy(at, v->iov_base, v->iov_len);
		at += v->iov_len;
	}
}

static void submit(struct backend *b, struct blk_request *req)
{
	bool fails = failing & 1u << is.nr_calls % 8;

	fuzz_check(is.nr_calls < CALLS_MAX, "calls without end");
	if (req->op == BLK_FLUSH)
		req->offset = req->len = 0;
	else
		fuzz_check(range_within(req->offset, req->len, b->info.size) && req->len,
			   "%llu bytes at %llu", (unsigned long long)req->len,
			   (unsigned long long)req->offset);
	is.calls[is.nr_calls++] = (struct call){ req->op, req->flags, req->offset, req->len };
	memset(req->scratch, 0xdd, sizeof(req->scratch));
	if (!fails)
		move(req);
	req->done(req, fails ? -EIO : 0);
}

static void close_backend(struct backend *b)
{
	(void)b;
}

static const struct backend_ops ops = { .name = "fuzz", .submit = submit, .close = close_backend };

/* From bytes to chains */

struct builder {
	struct desc table[QUEUE_SIZE];
	unsigned nr, begin; /* the chain that is being built is [begin, nr) */
	unsigned heap, indirect;
};

static void put_table(const struct builder *b)
{
	memcpy(is.ram + DESC, b->table, sizeof(b->table));
}

static void add_desc(struct builder *b, uint64_t addr, uint32_t len, uint16_t flags)
{
	if (b->nr == QUEUE_SIZE)
		return;
	if (b->nr > b->begin) {
		b->table[b->nr - 1].flags |= NEXT;
		b->table[b->nr - 1].next = b->nr;
	}
	b->table[b->nr++] = (struct desc){ addr, len, flags, 0 };
}

/* Room for a buffer; where it ends beyond memory the heap begins anew. */
static uint64_t alloc(struct builder *b, uint32_t len)
{
	unsigned at = b->heap;

	if (len > RAM_BYTES - at)
		at = HEAP;
	b->heap = len < RAM_BYTES - at ? at + len : HEAP;
	return RAM_BASE + at;
}

/* Bytes that the device reads, in two descriptors if cut lies in them. */
static void add_bytes(struct builder *b, const void *bytes, uint32_t len, uint32_t cut)
{
	uint64_t gpa = alloc(b, len);

	memcpy(is.ram + (gpa - RAM_BASE), bytes, len);
	if (cut && cut < len)
		add_desc(b, gpa, cut, 0);
	else
		cut = 0;
	add_desc(b, gpa + cut, len - cut, 0);
}

static void add_header(struct builder *b, uint32_t type, uint64_t sector, uint32_t cut)
{
	struct virtio_blk_header h;

	le32_store(&h.type, type);
	le32_store(&h.reserved, 0x55555555);
	le64_store(&h.sector, sector);
	add_bytes(b, &h, sizeof(h), cut);
}

/* The chain is complete: the descriptors from index direct on go to an indirect table. */
static void end_chain(struct builder *b, unsigned direct)
{
	unsigned n = b->nr - b->begin, idx = get16(is.ram, AVAIL + 2);

	if (!n)
		return;
	if (direct < n) {
		struct desc *d = &b->table[b->begin + direct];

		n -= direct;
		if (b->indirect + 16 * n > HEAP)
			b->indirect = INDIRECT;
		for (unsigned i = 0; i < n; i++)
			d[i].next = i + 1;
		memcpy(is.ram + b->indirect, d, 16 * n);
		*d = (struct desc){ RAM_BASE + b->indirect, 16 * n, IS_INDIRECT, 0 };
		b->indirect += 16 * n;
		b->nr = b->begin + direct + 1;
	}
	put_table(b);
	put16(is.ram, AVAIL + 4 + 2 * (idx % QUEUE_SIZE), b->begin);
	put16(is.ram, AVAIL + 2, idx + 1);
	b->begin = b->nr;
}

static void add_record(struct builder *b, const uint8_t *r)
{
	static const uint32_t types[16] = { 0, 1, 4, 8, 11, 13, 0,	  1,
					    2, 3, 5, 9, 14, 25, 1u << 31, UINT32_MAX };
	static const uint64_t sectors[16] = { 0,  1,  2,	  3,	     4,	       8,
					      14, 15, 16,	  17,	     1u << 31, UINT32_MAX,
					      9,  5,  1ull << 55, UINT64_MAX };
	static const uint32_t lens[16] = { 0,	1,   2,	  8,	15,   16,   17,	  20,
					   511, 512, 513, 1024, 1536, 2048, 4096, 0xfffffff0 };
	static const uint32_t nums[16] = { 0,  1,	 2,	     3,
					   4,  8,	 14,	     15,
					   16, 17,	 1u << 21,   (1u << 21) + 1,
					   7,  1u << 31, UINT32_MAX, 1u << 23 };
	uint16_t arg = r[2] | r[3] << 8;
	uint64_t sector = sectors[r[2] & 15];
	struct virtio_blk_range range;

	switch (r[0] & 15) {
	case 0: /* a buffer anywhere */
	case 1:
		add_desc(b, RAM_BASE + arg, lens[r[1] & 15], r[0] & 1 ? WRITE : 0);
		break;
	case 2: /* one in the heap */
	case 3:
		add_desc(b, alloc(b, lens[r[1] & 15]), lens[r[1] & 15], r[0] & 1 ? WRITE : 0);
		break;
	case 4:
		add_header(b, types[r[1] & 15], sector, r[0] >> 4);
		break;
	case 5:
		le64_store(&range.sector, sector);
		le32_store(&range.num_sectors, nums[r[1] & 15]);
		le32_store(&range.flags, r[3]);
		add_bytes(b, &range, sizeof(range), r[0] >> 4);
		break;
	case 6:
		end_chain(b, r[1]);
		break;
	case 7: /* any 16 bits of the rings and the indirect tables */
		put16(is.ram, r[1] * 2, arg);
		break;
	case 8:
		put16(is.ram, INDIRECT + r[1] * 2, arg);
		break;
	case 9:
		add_desc(b, alloc(b, 1), 1, WRITE);
		break;
	case 10: /* any length */
		add_desc(b, alloc(b, HEAP), (uint32_t)r[1] << 24 | arg, r[0] & 16 ? WRITE : 0);
		break;
	case 11: /* any address */
		add_desc(b, (uint64_t)r[1] << 56 | (uint64_t)arg << 16, lens[r[0] >> 4],
			 r[3] & 1 ? WRITE : 0);
		break;
	default: /* a usual request */
		add_header(b, types[r[1] & 15], sector, 0);
		add_desc(b, alloc(b, lens[r[3] & 15]), lens[r[3] & 15], r[1] & 1 ? 0 : WRITE);
		add_desc(b, alloc(b, 1), 1, WRITE);
		end_chain(b, r[0] & 16 ? 0 : QUEUE_SIZE);
	}
}

/* The driver */

static struct disk disks[2]; /* the second one is read-only */
static struct state_disk states[2];
static struct backend backends[2];

static struct drv drivers[2];

static uint64_t machine_read(struct machine *m, unsigned vcpu, uint64_t addr, unsigned size)
{
	(void)m;
	(void)vcpu;
	return virtio_mmio_read(&disks[addr / VIRTIO_MMIO_WINDOW].mmio, addr % VIRTIO_MMIO_WINDOW,
				size);
}

static void machine_write(struct machine *m, unsigned vcpu, uint64_t addr, unsigned size,
			  uint64_t value)
{
	(void)m;
	(void)vcpu;
	virtio_mmio_write(&disks[addr / VIRTIO_MMIO_WINDOW].mmio, addr % VIRTIO_MMIO_WINDOW, size,
			  value);
}

/* The records say what is in memory: the driver has none. */
static const struct machine_ops machine_ops = {
	.read = machine_read,
	.write = machine_write,
};
static struct machine machine = { &machine_ops };

/* All that a driver does until it can use the disk, by the bits of two bytes. */
static void start_driver(struct disk *disk, struct drv *d, uint8_t options, uint8_t choice)
{
	static const uint8_t features[] = { F_INDIRECT_DESC, F_EVENT_IDX,    F_FLUSH,
					    F_DISCARD,	     F_WRITE_ZEROES, F_CONFIG_WCE };
	uint64_t chosen = BIT64(F_VERSION_1);

	disk->mmio.dev.fault_limit = disk->mmio.dev.event_limit = (struct log_limit){ .window = 0 };
	for (unsigned i = 0; i < ARRAY_SIZE(features); i++)
		if (choice & 1u << i)
			chosen |= BIT64(features[i]) & disk->mmio.dev.offered;
	drv_negotiate(d, chosen);
	drv_write_queue(d, 0, QUEUE_SIZE, RAM_BASE + DESC, RAM_BASE + AVAIL, RAM_BASE + USED);
	drv_write(d, R_STATUS, drv_status(d) | S_DRIVER_OK);
	fuzz_check(disk->state->virtio.status == 15 && disk->state->virtio.queues[0].ready,
		   "the device does not start");
	if (options & 2)
		drv_write_sized(d, R_CONFIG + C_WRITEBACK, 1, options >> 2 & 1);
	disk->marked = 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static struct log_subject subject = { .guest = "fuzz" };
	struct disk_params p = { .vdev = "xvda", .nr_queues = 1, .queue_size = QUEUE_SIZE };
	uint64_t page = RAM_BASE >> XEN_PAGE_SHIFT;

	(void)argc;
	(void)argv;
	fuzz_log_start();
	log_set_level(LOG_ERR);
	strcpy(p.serial, "serial");
	xen.subject = &subject;
	is.ram = malloc(RAM_BYTES);
	is.image = malloc(IMAGE_BYTES);
	want.ram = malloc(RAM_BYTES);
	want.image = malloc(IMAGE_BYTES);
	if (guest_mem_init_foreign(&mem, &xen))
		abort();
	mem_ops = *mem.ops;
	mem_ops.at = not_there;
	mem.ops = &mem_ops;
	mem.base = (uint8_t *)((uintptr_t)is.ram - RAM_BASE);
	mem.present = calloc((mem.size >> XEN_PAGE_SHIFT) / 64, 8);
	for (unsigned i = 0; i < RAM_BYTES >> XEN_PAGE_SHIFT; i++)
		mem.present[(page + i) / 64] |= 1ull << (page + i) % 64;
	for (unsigned i = 0; i < IMAGE_BYTES; i++)
		image_pattern[i] = i ^ i >> 9;
	for (unsigned i = HEAP; i < RAM_BYTES; i++)
		ram_pattern[i] = ~(i ^ i >> 8);
	for (unsigned i = 0; i < 2; i++) {
		backends[i] = (struct backend){ .ops = &ops };
		backends[i].info = (struct image_info){ .size = IMAGE_BYTES,
							.block_size = 512,
							.physical_block_size = 512,
							.caps = i ? IMAGE_READ_ONLY
								  : IMAGE_DISCARD };
		if (disk_init(&disks[i], &p, &states[i], &backends[i], &xen, &mem))
			abort();
		drv_init(&drivers[i], &machine, i * VIRTIO_MMIO_WINDOW, 0, 0);
	}
	return 0;
}

static void begin(struct world *w)
{
	w->nr_calls = w->interrupts = w->errors = w->unsupported = w->faults = 0;
	memcpy(w->image, image_pattern, IMAGE_BYTES);
}

static void compare(void)
{
	fuzz_check(is.errors == want.errors && is.unsupported == want.unsupported,
		   "errors %u, not %u; unsupported %u, not %u", is.errors, want.errors,
		   is.unsupported, want.unsupported);
	fuzz_check(is.faults == want.faults, "%u faults, not %u", is.faults, want.faults);
	fuzz_check(is.interrupts == want.interrupts, "%u interrupts, not %u", is.interrupts,
		   want.interrupts);
	fuzz_check(is.nr_calls == want.nr_calls, "%u calls, not %u", is.nr_calls, want.nr_calls);
	for (unsigned i = 0; i < is.nr_calls; i++)
		fuzz_check(!memcmp(&is.calls[i], &want.calls[i], sizeof(is.calls[i])),
			   "call %u differs", i);
	fuzz_check(!memcmp(is.image, want.image, IMAGE_BYTES), "the image differs");
	for (unsigned i = 0; i < RAM_BYTES && memcmp(is.ram, want.ram, RAM_BYTES); i++)
		fuzz_check(is.ram[i] == want.ram[i], "memory at %#x is %#x, not %#x", i, is.ram[i],
			   want.ram[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct builder b = { .heap = HEAP, .indirect = INDIRECT };
	struct disk_counters before;
	unsigned rounds = 0;
	struct disk *d;
	struct drv *driver;

	if (size < OPTIONS || size > OPTIONS + 4 * 64)
		return -1;
	d = &disks[data[0] & 1];
	driver = &drivers[data[0] & 1];
	failing = data[2];
	begin(&is);
	begin(&want);
	memcpy(is.ram, ram_pattern, RAM_BYTES);
	start_driver(d, driver, data[0], data[1]);
	is.interrupts = 0;
	before = d->state->counters;
	is.faults = d->state->virtio.faults;

	for (size_t at = OPTIONS; at + 4 <= size; at += 4)
		add_record(&b, data + at);
	end_chain(&b, QUEUE_SIZE);
	memcpy(want.ram, is.ram, RAM_BYTES);

	drv_kick(&driver->q[0]);
	/* However many rounds that takes, the driver sees all of it at once, as the model does. */
	while (disk_run(d))
		fuzz_check(rounds++ < 100, "rounds without end");
	disk_publish(d);
	/* What data did to the available ring is not looked at. */
	disk_settle(d);
	fuzz_check(!d->mmio.dev.inflight, "%u in flight", d->mmio.dev.inflight);
	is.errors = d->state->counters.errors - before.errors;
	is.unsupported = d->state->counters.unsupported - before.unsupported;
	is.faults = d->state->virtio.faults - is.faults;
	if (model_run(&want, d, failing))
		compare();
	return 0;
}
