/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory
 *
 * The input is a program for a hostile guest of a whole worker: register accesses of any offset,
 * width and value by several vCPUs; descriptors, rings and requests, right and wrong; kicks; pages
 * that vanish and come back, IOREQ_TYPE_INVALIDATE; and what the rest of the world does meanwhile:
 * results in any order, attaching, detaching and resizing, libxen calls that fail.
 *
 * A second vCPU is played by a list of writes to guest memory, each of which happens after so many
 * loads of the worker's: so also between two loads of the same field.
 *
 * What must hold is checked after each step (check_disk()), after each round of the worker
 * (check_round()), and at the end (world_finish()); by the fake backend, which holds requests to
 * its contract; by tests/fuzz/worker_env.c and libxen.c; and by the sanitizers: what is not mapped
 * can't be touched.
 */
#include "base/util.h"
#include "tests/fuzz/common.h"
#include "tests/fuzz/mmio_check.h"
#include "tests/fuzz/mmio_world.h"
#include "tests/guest/driver.h"

/* The parts of the page that a queue has. */
#define AVAIL	   0x400u
#define USED	   0x600u
#define INDIRECT   0x800u
#define HEADERS	   0xc00u

#define QUEUE_SIZE 64u /* at most */
#define STEPS_MAX  200
#define LINES_MAX  400 /* ten of each kind for each disk, and that in two minutes */

static struct fuzz_input in;

static unsigned take(void)
{
	return fuzz_take(&in, 1);
}

static uint64_t gpa_of(unsigned page, unsigned off)
{
	return (page & HOT_PAGES ? LIBXEN_RAM1 : LIBXEN_RAM0) +
	       (uint64_t)(page % HOT_PAGES) * PAGE + off % PAGE;
}

static uint64_t rings_of(unsigned slot, unsigned q)
{
	return gpa_of(slot * QUEUES + q, 0);
}

/* Buffers that the device writes to should not lie there: 0 ... DISKS * QUEUES - 1 are rings. */
static void note_buffer(unsigned page)
{
	if (page % (2 * HOT_PAGES) < DISKS * QUEUES)
		tidy = false;
}

/* A queue of some disk, in one byte. */
static unsigned take_queue(unsigned *ret_q)
{
	unsigned b = take();

	*ret_q = b >> 2 & 3;
	return (b & 3) % DISKS;
}

static unsigned free_vcpu(void)
{
	unsigned i = 0;

	while (i < LIBXEN_VCPUS - 1 && !libxen_vcpu_runs(i))
		i++;
	return i;
}

/* What a driver does: any vCPU that is free does it.  There is one window more than disks. */

static struct drv drivers[DISKS + 1];

static unsigned access_addr(bool read, uint64_t addr, unsigned size, uint64_t value)
{
	unsigned vcpu = free_vcpu(), off = addr - WINDOWS;

	access_window(vcpu, off / VIRTIO_MMIO_WINDOW, read, off % VIRTIO_MMIO_WINDOW, size, value);
	return vcpu;
}

static uint64_t machine_read(struct machine *m, unsigned vcpu, uint64_t addr, unsigned size)
{
	(void)m;
	(void)vcpu;
	return libxen_answer(access_addr(true, addr, size, 0));
}

static void machine_write(struct machine *m, unsigned vcpu, uint64_t addr, unsigned size,
			  uint64_t value)
{
	(void)m;
	(void)vcpu;
	access_addr(false, addr, size, value);
}

/* Memory may be missing: the steps write to it by themselves. */
static const struct machine_ops machine_ops = {
	.read = machine_read,
	.write = machine_write,
};
static struct machine machine = { &machine_ops };

/* Any access at all. */
static void do_access(void)
{
	unsigned a = take(), off = fuzz_take(&in, 2) % (VIRTIO_MMIO_WINDOW + 16);
	uint64_t value = fuzz_take(&in, 4);
	const struct libxen_ask odd = { .kind = LIBXEN_ODD_ACCESS,
					.read = a & 16,
					.addr = WINDOWS + off,
					.data = value,
					.size = 1u << (a >> 2 & 3) };

	if (off >= R_QUEUE_SIZE && off < R_QUEUE_DEVICE + 8)
		tidy = false;
	if (a & 128)
		ask(a >> 5 & 3, &odd);
	else
		access_window(a >> 5 & 3, a & 3, a & 16, off, 1u << (a >> 2 & 3),
			      value << 32 | value);
}

/* A register that is there. */
static void do_register(void)
{
	static const uint16_t regs[] = {
		R_STATUS,
		R_QUEUE_SEL,
		R_QUEUE_READY,
		R_QUEUE_RESET,
		R_QUEUE_NOTIFY,
		R_INTERRUPT_ACK,
		R_INTERRUPT_STATUS,
		R_DRIVER_FEATURES,
		R_QUEUE_SIZE,
		R_QUEUE_DESC,
		R_QUEUE_DRIVER,
		R_QUEUE_DEVICE,
		R_QUEUE_DESC + 4,
		R_DRIVER_FEATURES_SEL,
		R_DEVICE_FEATURES_SEL,
		R_DEVICE_FEATURES,
		R_MAGIC,
		R_VERSION,
		R_DEVICE_ID,
		R_VENDOR_ID,
		R_SHM_LEN,
		R_SHM_BASE,
		R_CONFIG_GENERATION,
		R_QUEUE_SIZE_MAX,
		R_CONFIG,
		R_CONFIG + 0x20,
	};
	unsigned a = take(), off = regs[take() % ARRAY_SIZE(regs)];
	uint32_t value = take();

	if (value & 128)
		value = value << 24 | fuzz_take(&in, 3);
	if (off >= R_QUEUE_SIZE && off <= R_QUEUE_DEVICE + 4 && off != R_QUEUE_NOTIFY &&
	    off != R_STATUS && off != R_QUEUE_READY)
		tidy = false;
	if (a & 4)
		drv_write(&drivers[a & 3], off, value);
	else
		drv_read(&drivers[a & 3], off);
}

static void setup_queue(unsigned slot, unsigned q, unsigned size, unsigned odd)
{
	uint64_t rings = rings_of(slot, q);
	uint64_t used = rings + USED;

	/* Unaligned, above a hole, or upon the next queue. */
	if (odd == 1)
		used += 2;
	else if (odd == 2)
		used = LIBXEN_RAM1 + LIBXEN_RAM1_SIZE - 64;
	else if (odd == 3)
		used += PAGE;
	tidy &= !odd;
	drv_write_queue(&drivers[slot], q, size, rings, rings + AVAIL, used);
	queues[slot][q].desc = 0;
	queues[slot][q].avail = guest_read16(rings + AVAIL + 2);
	/* A driver begins with an empty ring; this one need not. */
	if (!(odd & 4))
		guest_write16(rings + AVAIL + 2, queues[slot][q].avail = 0);
}

/* All that a driver does to use a disk. */
static void do_boot(void)
{
	static const uint8_t bits[8] = { F_INDIRECT_DESC, F_EVENT_IDX,	F_FLUSH, F_DISCARD,
					 F_WRITE_ZEROES,  F_CONFIG_WCE, F_MQ,	 F_RING_RESET };
	unsigned slot, q, choice, shape;
	uint64_t features = BIT64(F_VERSION_1), offered;
	struct drv *d;

	slot = take_queue(&q);
	choice = take();
	shape = take();
	d = &drivers[slot];
	/* A reset may last; nobody waits for its end. */
	drv_write(d, R_STATUS, 0);
	drv_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER);
	offered = drv_offered(d);
	for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
		if (choice & 1u << i)
			features |= BIT64(bits[i]) & offered;
	drv_write_features(d, features);
	drv_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK);
	for (unsigned i = 0; i <= q; i++)
		setup_queue(slot, i, 1u << shape % 8, shape >> 3 & 7);
	drv_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK);
}

/* Descriptors */

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

static unsigned queue_size(unsigned slot, unsigned q)
{
	unsigned size = state_of(slot)->queues[q].size;

	return size && size <= QUEUE_SIZE ? size : QUEUE_SIZE;
}

static void make_available(unsigned slot, unsigned q, uint16_t head)
{
	struct queue *v = &queues[slot][q];
	uint64_t avail = rings_of(slot, q) + AVAIL;

	guest_write16(avail + 4 + 2 * (v->avail % queue_size(slot, q)), head);
	guest_write16(avail + 2, ++v->avail);
}

/* Any descriptor, in the queue's table or in the indirect one beside it. */
static void do_desc(void)
{
	unsigned q, slot = take_queue(&q), i = take(), page = take(), off = fuzz_take(&in, 2);
	struct desc d = { .addr = gpa_of(page, off), .len = fuzz_take(&in, 2) };

	d.flags = take();
	d.next = take();
	if (d.flags & 2)
		note_buffer(page);
	if (d.flags & 128)
		d.addr |= (uint64_t)off << 48;
	if (d.flags & 64)
		d.len <<= 16;
	if (d.flags & 32)
		d.addr = rings_of(slot, q) + INDIRECT;
	guest_write(rings_of(slot, q) + (i & 64 ? INDIRECT : 0) + 16 * (i % QUEUE_SIZE), &d,
		    sizeof(d));
}

/* A request as drivers make it, nearly: header, data, status. */
static void do_request(void)
{
	static const uint32_t types[8] = { 0, 1, 4, 8, 11, 13, 0, 1 };
	static const uint32_t lens[8] = { 0, 16, 20, 512, 1024, 2048, 500, 32 };
	unsigned q, slot = take_queue(&q), what = take(), sector = take(), page = take();
	unsigned n = queue_size(slot, q), len = lens[what >> 3 & 7], head, i;
	struct queue *v = &queues[slot][q];
	uint64_t rings = rings_of(slot, q), header, table = rings;
	struct {
		uint32_t type, reserved;
		uint64_t sector;
	} h = { .type = types[what & 7], .sector = sector };
	struct desc d[3];
	bool write = what & 1;

	note_buffer(page);
	head = v->desc % n;
	header = rings + HEADERS + 32 * (head % 16);
	guest_write(header, &h, sizeof(h));
	d[0] = (struct desc){ header, 16, 1, (head + 1) % n };
	d[1] = (struct desc){ gpa_of(page, 0), len, 1 | (write ? 0 : 2), (head + 2) % n };
	d[2] = (struct desc){ header + 16, 1, 2, 0 };
	/* The data are ranges. */
	if (len == 16 || len == 32)
		for (i = 0; i < len; i += 16)
			guest_write(d[1].addr + i,
				    &(uint64_t[]){ sector + i, 1 | (uint64_t)(what >> 6) << 32 },
				    16);
	if (what & 128) {
		const struct desc indirect = { rings + INDIRECT, sizeof(d), 4, 0 };

		guest_write(rings + 16 * head, &indirect, sizeof(indirect));
		table = rings + INDIRECT;
		d[0].next = 1;
		d[1].next = 2;
	}
	for (i = 0; i < 3; i++)
		guest_write(table + 16 * (what & 128 ? i : (head + i) % n), &d[i], sizeof(d[i]));
	v->desc += 3;
	make_available(slot, q, head);
}

/* A place in memory for a write of any 16 bits; not tidy where addresses lie. */
static uint64_t take_place(void)
{
	unsigned page = take(), off = fuzz_take(&in, 2) % PAGE & ~1u;

	if (page % (2 * HOT_PAGES) < DISKS * QUEUES && (off < AVAIL || off >= INDIRECT))
		tidy = false;
	return gpa_of(page, off);
}

/* What the driver wants to be told: flags, and an event index relative to where it is. */
static void do_want(void)
{
	unsigned q, slot = take_queue(&q), flags = take();
	uint64_t avail = rings_of(slot, q) + AVAIL;
	int8_t delta = take();

	guest_write16(avail, flags & 1);
	guest_write16(avail + 4 + 2 * queue_size(slot, q),
		      state_of(slot)->queues[q].published + delta);
}

static void do_balloon(void)
{
	unsigned page = take(), how = take();

	libxen_set_present(gpa_of(page, 0), how & 1);
	tidy = false;
	if (how & 2) {
		const struct libxen_ask a = { .kind = LIBXEN_INVALIDATE, .size = 8 };

		ask(how >> 2 & 3, &a);
	}
}

static void do_rounds(void)
{
	unsigned n = 0;

	while (round_once())
		fuzz_check(n++ < ROUNDS_MAX, "rounds without end");
}

static void step(void)
{
	unsigned q, slot, op = take() % 18;
	uint64_t gpa;

	switch (op) {
	case 0:
		do_access();
		break;
	case 1:
		do_register();
		break;
	case 2:
		do_boot();
		break;
	case 3:
		do_desc();
		break;
	case 4:
	case 5:
		do_request();
		break;
	case 6: /* write any 16 bits; or let another vCPU do it in a while */
	case 7:
		gpa = take_place();
		q = fuzz_take(&in, 2);
		if (op == 6)
			guest_write16(gpa, q);
		else
			race_add(3 * take(), gpa, q);
		break;
	case 8:
		slot = take_queue(&q);
		drv_kick(&drivers[slot].q[q]);
		break;
	case 9:
		round_once();
		break;
	case 10:
		slot = take_queue(&q);
		drv_kick(&drivers[slot].q[q]);
		do_rounds();
		break;
	case 11:
		slot = take_queue(&q);
		make_available(slot, q, take());
		break;
	case 12:
		world_complete(&in);
		break;
	case 13:
		world_hold(&in);
		break;
	case 14:
		do_balloon();
		break;
	case 15:
		world_message(&in);
		break;
	case 16:
		do_want();
		break;
	case 17:
		world_fail(&in);
		break;
	}
}

static void program(void)
{
	unsigned shape = take();

	world_attach(0, shape);
	if (shape & 128)
		world_attach(1, take());
	for (unsigned i = 0; i < STEPS_MAX && fuzz_left(&in); i++)
		step();
	world_finish();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	env_start();
	for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++)
		drv_init(&drivers[i], &machine, WINDOWS + i * VIRTIO_MMIO_WINDOW, 0, 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t lines = fuzz_log_lines;

	in = (struct fuzz_input){ data, data + size };
	world_lines = 0;
	check_start();
	/* Or the worker can't even begin. */
	env_run(program, size > 1 && data[0] == 255 ? data[1] % 8 : -1);
	lines = fuzz_log_lines - lines;
	fuzz_check(lines <= LINES_MAX + world_lines, "%u lines in the log", (unsigned)lines);
	return 0;
}
