/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * D20: a reference that is not granted, is revoked before it is used, or is read-only where the
 * device writes, fails its request, and nothing else; where nothing can be answered, the head comes
 * back, or the device asks for a reset.  An address that is no reference is never taken for
 * guest-physical memory, and references do not wrap around.
 */
#include <string.h>

#include "tests/sim/check.h"
#include "tests/sim/guest.h"

#define PAGE  4096
#define BIT63 (1ull << 63)

static struct guest *g;
static struct drv d;
static const char *image;

/* Addresses of which no byte can be had. */
static const uint64_t bad[] = {
	0,
	HYP_RAM0_BASE,				       /* the guest's memory, but no reference */
	BIT63,					       /* reference 0: never granted */
	BIT63 | (uint64_t)(HYP_GRANTS_MAX - 1) * PAGE, /* nor that */
	BIT63 | (uint64_t)HYP_GRANTS_MAX *PAGE,	       /* there is no such */
	BIT63 | 0xffffffffull * PAGE,		       /* the last of all */
	BIT63 | 1ull << 44,			       /* more bits than a reference has */
	BIT63 | 1ull << 62,
	UINT64_MAX - (PAGE - 1),
};

/* A request: pages of the guest's, and the device's addresses of them. */
struct request {
	uint64_t header, data, status, table;		  /* guest-physical */
	uint64_t header_at, data_at, status_at, table_at; /* for the device */
	uint32_t type, bytes;
};

static uint64_t grant(uint64_t gpa, bool read_only)
{
	return guest_grant(&g->machine, 1, gpa, PAGE, read_only);
}

/* As Linux makes it: what the device only reads is read-only. */
static struct request make(uint32_t type)
{
	struct request r = { .type = type, .bytes = PAGE };

	r.header = g->machine.ops->alloc(&g->machine, 4 * PAGE);
	r.data = r.header + PAGE;
	r.status = r.data + PAGE;
	r.table = r.status + PAGE;
	memset(drv_ram(&d, r.header, 4 * PAGE), 0, 4 * PAGE);
	*(uint32_t *)drv_ram(&d, r.header, 4) = type;
	/* What is written here is not read there. */
	*(uint32_t *)drv_ram(&d, r.header + 8, 4) = type == T_IN ? 64 : 0;
	*(uint8_t *)drv_ram(&d, r.status, 1) = BLK_PENDING;
	memset(drv_ram(&d, r.data, PAGE), 0x11, PAGE);
	r.header_at = grant(r.header, true);
	r.data_at = grant(r.data, type != T_IN);
	r.status_at = grant(r.status, false);
	r.table_at = grant(r.table, true);
	return r;
}

/* Make it available as it is, in an indirect table or not. */
static uint16_t add(const struct request *r, bool indirect)
{
	const struct drv_seg s[] = { { r->header_at, 16, false },
				     { r->data_at, r->bytes, r->type == T_IN },
				     { r->status_at, 1, true } };
	struct drv_queue *q = &d.q[0];
	uint16_t head;

	d.grants = false;
	if (indirect) {
		head = q->next_desc++ % q->size;
		for (unsigned i = 0; i < 3; i++)
			drv_put_desc(&d, r->table, i, s[i].gpa, s[i].len,
				     (s[i].write ? DESC_WRITE : 0) | (i < 2 ? DESC_NEXT : 0),
				     i + 1);
		drv_desc(q, head, r->table_at, 48, DESC_INDIRECT, 0);
	} else {
		head = drv_chain(q, s, 3, 3);
	}
	drv_avail(q, head);
	d.grants = true;
	return head;
}

/* The number of bytes that the device says it has written. */
static uint32_t wait_for(uint16_t head)
{
	uint32_t id, len;

	d.grants = false;
	drv_wait_used(&d.q[0], &id, &len);
	d.grants = true;
	sim_check(id == head, "head %u came back, not %u", id, head);
	return len;
}

static uint32_t run(const struct request *r, bool indirect)
{
	uint16_t head = add(r, indirect);

	drv_kick(&d.q[0]);
	return wait_for(head);
}

static uint8_t status_of(const struct request *r)
{
	return *(uint8_t *)drv_ram(&d, r->status, 1);
}

static bool data_is(const struct request *r, uint8_t byte)
{
	const uint8_t *p = drv_ram(&d, r->data, PAGE);

	return p[0] == byte && !memcmp(p, p + 1, PAGE - 1);
}

static void expect_works(const char *what)
{
	uint8_t data[512], expected[512];

	sim_check(drv_io(&d, T_IN, 100, NULL, 0, data, 512) == BLK_OK, "after %s", what);
	sim_pattern(100, expected);
	sim_check(!memcmp(data, expected, 512), "what was read after %s", what);
	sim_check(!(drv_status(&d) & S_NEEDS_RESET), "after %s: it needs a reset", what);
}

static void expect_ioerr(const struct request *r, const char *what)
{
	uint32_t len = run(r, false);

	sim_check(status_of(r) == BLK_IOERR && len <= 1, "%s: status %#x, %u bytes", what,
		  status_of(r), len);
	expect_works(what);
}

static void expect_fault(const char *what)
{
	unsigned n = 0;

	while (!(drv_status(&d) & S_NEEDS_RESET))
		sim_step(&n, what);
	drv_boot(&d, 0);
	expect_works(what);
}

static void good_ones(void)
{
	for (unsigned i = 0; i < 4; i++) {
		struct request r = make(i % 2 ? T_IN : T_OUT);

		run(&r, i < 2);
		sim_check(status_of(&r) == BLK_OK, "a good request: %#x", status_of(&r));
	}
}

static void references_that_do_not_exist(void)
{
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct request r = make(T_IN);

		r.data_at = bad[i];
		expect_ioerr(&r, "a read to nowhere");
		r = make(T_OUT);
		r.data_at = bad[i];
		expect_ioerr(&r, "a write from nowhere");
		r = make(T_IN);
		r.header_at = bad[i];
		expect_ioerr(&r, "a header that is nowhere");
		r = make(T_IN);
		r.table_at = bad[i];
		add(&r, true);
		drv_kick(&d.q[0]);
		expect_fault("a table that is nowhere");
	}
	/* One that begins in a granted page, and goes on where nothing is granted. */
	for (uint32_t type = T_IN; type <= T_OUT; type++) {
		struct request r = make(type);

		r.bytes = 2 * PAGE;
		expect_ioerr(&r, "data half of which are granted");
	}
	/* References of 32 bits: the one behind the last is not the first. */
	hyp_grant(g->dom, 0, HYP_RAM0_BASE / PAGE, false);
	for (uint32_t type = T_IN; type <= T_OUT; type++) {
		struct request r = make(type);

		r.data_at = BIT63 | 0xffffffffull * PAGE | (PAGE - 512);
		expect_ioerr(&r, "references that wrap around");
	}
	hyp_grant_end(g->dom, 0);
}

static void status_that_cannot_be_written(void)
{
	uint64_t failed = guest_state(g)->failed_grant_copies;
	struct request r = make(T_IN);
	unsigned n = 0;

	r.status_at = grant(r.status, true);
	sim_check(run(&r, false) == PAGE + 1, "the head of a read-only status");
	sim_check(status_of(&r) == BLK_PENDING && !data_is(&r, 0x11), "that status, and its data");
	/* Counters are brought up to date at the end of a round. */
	while (guest_state(g)->failed_grant_copies != failed + 1)
		sim_step(&n, "the counter of failed copies");
	expect_works("a read-only status");
	r = make(T_IN);
	hyp_grant_end(g->dom, (r.status_at & ~BIT63) / PAGE);
	run(&r, true);
	sim_check(status_of(&r) == BLK_PENDING, "a status that is not granted any more");
	expect_works("a status that is not granted any more");
	r = make(T_IN);
	r.status_at = r.status;
	add(&r, false);
	drv_kick(&d.q[0]);
	expect_fault("a status that is no reference");
}

/* Headers of a round are copied together. */
static void bad_header_among_good_ones(void)
{
	struct request r[5];
	uint32_t id, len;

	for (unsigned i = 0; i < 5; i++) {
		r[i] = make(i % 2 ? T_OUT : T_IN);
		if (i == 2)
			hyp_grant_end(g->dom, (r[i].header_at & ~BIT63) / PAGE);
		add(&r[i], i == 1);
	}
	drv_kick(&d.q[0]);
	d.grants = false;
	for (unsigned i = 0; i < 5; i++)
		drv_wait_used(&d.q[0], &id, &len);
	d.grants = true;
	for (unsigned i = 0; i < 5; i++)
		sim_check(status_of(&r[i]) == (i == 2 ? BLK_IOERR : BLK_OK), "request %u: %#x", i,
			  status_of(&r[i]));
	expect_works("a header that is not granted any more");
}

static void read_only_ones(void)
{
	struct request r = make(T_IN);
	uint8_t id[20];

	r.data_at = grant(r.data, true);
	expect_ioerr(&r, "a read into a read-only page");
	sim_check(data_is(&r, 0x11), "that page");
	r = make(T_IN);
	*(uint32_t *)drv_ram(&d, r.header, 4) = T_GET_ID;
	r.data_at = grant(r.data, true);
	expect_ioerr(&r, "a serial into a read-only page");
	sim_check(drv_io(&d, T_GET_ID, 0, NULL, 0, id, 20) == BLK_OK, "a serial");
	r = make(T_OUT);
	sim_check(run(&r, false) == 1 && status_of(&r) == BLK_OK, "a write from a read-only page");
}

/*
 * Revoked while the storage works: nothing of a request is mapped, so the guest can do that at any
 * time.
 */
static void revoked_in_flight(void)
{
	unsigned rule = faults_add(&sim.faults, &(struct fault_rule){ .ops = FAULT_BIT(FAULT_READ),
								      .file = faults_file(image),
								      .action = FAULT_HOLD });
	struct request r = make(T_IN);
	uint16_t head = add(&r, false);
	uint32_t len;

	drv_kick(&d.q[0]);
	faults_wait_held(&sim.faults, rule, 1);
	sim_check(hyp_grant_end(g->dom, (r.data_at & ~BIT63) / PAGE), "it is mapped");
	faults_remove(&sim.faults, rule);
	len = wait_for(head);
	sim_check(status_of(&r) == BLK_IOERR && len == 0, "a revoked buffer: status %#x, %u bytes",
		  status_of(&r), len);
	sim_check(data_is(&r, 0x11), "memory that was granted no more");
	expect_works("a buffer that was revoked");
}

static void reused_after_disable(bool reset)
{
	unsigned rule = faults_add(&sim.faults, &(struct fault_rule){ .ops = FAULT_BIT(FAULT_READ),
								      .file = faults_file(image),
								      .action = FAULT_HOLD });
	struct request r = make(T_IN);
	uint64_t other = g->machine.ops->alloc(&g->machine, PAGE);
	uint8_t *p = drv_ram(&d, other, PAGE);
	unsigned n = 0;

	memset(p, 0x22, PAGE);
	add(&r, false);
	drv_kick(&d.q[0]);
	faults_wait_held(&sim.faults, rule, 1);
	if (reset) {
		drv_write(&d, R_STATUS, 0);
	} else {
		drv_write(&d, R_QUEUE_SEL, 0);
		drv_write(&d, R_QUEUE_READY, 0);
	}
	sim_check(hyp_grant_end(g->dom, (r.data_at & ~BIT63) / PAGE), "it is mapped");
	hyp_grant(g->dom, (r.data_at & ~BIT63) / PAGE, other / PAGE, false);
	faults_remove(&sim.faults, rule);
	if (!reset)
		drv_write(&d, R_STATUS, 0);
	while (drv_status(&d))
		sim_step(&n, "the end of a reset");
	sim_check(p[0] == 0x22, "somebody else's page was written: %#x (reset %d)", p[0], reset);
	drv_boot(&d, 0);
}

static void rings(void)
{
	static const unsigned registers[] = { R_QUEUE_DESC, R_QUEUE_DRIVER, R_QUEUE_DEVICE };

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		for (unsigned k = 0; k < 3; k++) {
			drv_boot(&d, 0);
			drv_write(&d, R_QUEUE_READY, 0);
			d.grants = false;
			drv_write64(&d, registers[k], bad[i]);
			d.grants = true;
			drv_write(&d, R_QUEUE_READY, 1);
			sim_check(!drv_read(&d, R_QUEUE_READY), "a ring at %#llx is taken",
				  (unsigned long long)bad[i]);
			sim_check(hyp_grant_counts(g->dom).mapped == 0, "some of it is mapped");
		}
	}
	drv_boot(&d, 0);
	expect_works("rings that are nowhere");
}

int main(void)
{
	struct guest_spec spec = { .nr_disks = 1 };

	sim_start(NULL);
	image = sim_image("disk", 1 << 20, true);
	spec.disk[0] = toolstack_disk(0, image);
	spec.disk[0].grants = TOOLSTACK_GRANTS_YES;
	g = guest_create(&spec);
	guest_driver(g, 0, 0, &d);
	drv_boot(&d, 0);
	good_ones();
	references_that_do_not_exist();
	status_that_cannot_be_written();
	bad_header_among_good_ones();
	read_only_ones();
	revoked_in_flight();
	reused_after_disable(false);
	reused_after_disable(true);
	rings();
	/* The image's troubles are another thing. */
	sim_check(!sim_log_count("cannot read", "") && !sim_log_count("cannot write", ""),
		  "the log blames the image");
	guest_destroy(g);
	sim_stop();
	return 0;
}
