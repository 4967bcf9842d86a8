/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/truth/transcript.h"

#include <string.h>

#include "tests/guest/driver.h"

#define INTERRUPT_MS 5000

static char line[256];
static unsigned used;

static void put(const char *text)
{
	for (; *text && used < sizeof(line) - 1; text++)
		line[used++] = *text;
}

static void put_hex(uint64_t value)
{
	char digits[20] = "0x";
	unsigned n = 2;
	int shift = 60;

	while (shift > 0 && !(value >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		digits[n++] = "0123456789abcdef"[value >> shift & 15];
	digits[n] = '\0';
	put(digits);
}

static void end_line(void)
{
	line[used] = '\0';
	used = 0;
	truth_line(line);
}

static void scene(const char *name)
{
	put("== ");
	put(name);
	end_line();
}

static void say(const char *what, uint64_t value)
{
	put(what);
	put(": ");
	put_hex(value);
	end_line();
}

/* "what 0x70: 0xf" */
static void say_at(const char *what, uint64_t at, uint64_t value)
{
	put(what);
	put(" ");
	put_hex(at);
	put(": ");
	put_hex(value);
	end_line();
}

/* Interrupts since the last look, the reason, and that it goes away when it is acknowledged. */
static void say_interrupts(struct drv *d, unsigned *seen, unsigned expected)
{
	unsigned now = *seen;

	/* The used index may be there before the interrupt is. */
	while (now - *seen < expected) {
		unsigned n = d->m->ops->interrupt_wait(d->m, d->line, now, INTERRUPT_MS);

		if (n == now)
			break;
		now = n;
	}
	say("interrupts", now - *seen);
	say("InterruptStatus", drv_interrupt(d));
	say("InterruptStatus after the acknowledgement", drv_read(d, R_INTERRUPT_STATUS));
	*seen = now;
}

static void registers(struct drv *d)
{
	for (unsigned off = 0; off < R_CONFIG; off += 4)
		say_at("register", off, drv_read(d, off));
}

/* Reads of each width, aligned and not; what is no register reads as something all the same. */
static void widths(struct drv *d)
{
	for (unsigned size = 1; size <= 8; size *= 2) {
		say("width", size);
		for (unsigned off = 0; off < 0x10; off += size)
			say_at("read", off, drv_read_sized(d, off, size));
		for (unsigned off = R_CONFIG; off < R_CONFIG + C_END; off += size)
			say_at("read", off, drv_read_sized(d, off, size));
		say_at("read", 0x1f8, drv_read_sized(d, 0x1f8, size));
		drv_write_sized(d, R_STATUS, size, 0xff);
		say("status after a write of that width", drv_status(d));
		drv_reset(d);
	}
}

static void negotiation(struct drv *d)
{
	uint64_t offered;

	for (unsigned sel = 0; sel < 4; sel++) {
		drv_write(d, R_DEVICE_FEATURES_SEL, sel);
		say_at("features", sel, drv_read(d, R_DEVICE_FEATURES));
	}
	offered = drv_offered(d);
	say("without VERSION_1", drv_negotiate(d, offered & ~BIT64(F_VERSION_1)));
	say("with a feature that is not offered", drv_negotiate(d, offered | BIT64(F_SR_IOV)));
	say("all", drv_negotiate(d, offered));
	say("status", drv_status(d));
	drv_write(d, R_STATUS, S_ACKNOWLEDGE);
	say("status after bits were taken away", drv_status(d));
	drv_reset(d);
	drv_write(d, R_STATUS, S_ACKNOWLEDGE | S_DRIVER | S_DRIVER_OK);
	say("DRIVER_OK too early", drv_status(d));
	drv_reset(d);
}

static void queues(struct drv *d)
{
	static const uint32_t sel[] = { 0, 1, 7, 8, 0xffff, 0xffffffff };
	struct drv_queue *q = &d->q[0];

	for (unsigned i = 0; i < sizeof(sel) / sizeof(*sel); i++) {
		drv_write(d, R_QUEUE_SEL, sel[i]);
		say_at("QueueSizeMax", sel[i], drv_read(d, R_QUEUE_SIZE_MAX));
		say_at("QueueReady", sel[i], drv_read(d, R_QUEUE_READY));
		say_at("QueueReset", sel[i], drv_read(d, R_QUEUE_RESET));
	}
	drv_negotiate(d, drv_offered(d));
	say("a queue of 64", drv_setup_queue(d, 0, 64));
	drv_write(d, R_QUEUE_READY, 0);
	say("QueueReady", drv_read(d, R_QUEUE_READY));
	drv_write(d, R_QUEUE_SIZE, 63);
	drv_write(d, R_QUEUE_READY, 1);
	say("a queue of 63", drv_read(d, R_QUEUE_READY));
	drv_write(d, R_QUEUE_SIZE, 64);
	drv_write64(d, R_QUEUE_DESC, q->desc + 8);
	drv_write(d, R_QUEUE_READY, 1);
	say("a table that is not aligned", drv_read(d, R_QUEUE_READY));
	drv_write64(d, R_QUEUE_DESC, 0x1000);
	drv_write(d, R_QUEUE_READY, 1);
	say("a table outside memory", drv_read(d, R_QUEUE_READY));
	drv_write64(d, R_QUEUE_DESC, d->base & ~0xfffull);
	drv_write(d, R_QUEUE_READY, 1);
	say("a table in the window", drv_read(d, R_QUEUE_READY));
	drv_reset(d);
}

static uint32_t sum(const uint8_t *data, unsigned n)
{
	uint32_t s = 0;

	while (n--)
		s = s * 31 + *data++;
	return s;
}

static void request(struct drv *d, unsigned *seen, const char *what, struct drv_blk r)
{
	static uint8_t data[8192];
	uint64_t heap = d->heap;

	put("request: ");
	put(what);
	end_line();
	say("status", drv_blk_run(&d->q[0], &r));
	say("used length", r.used_len);
	if (r.in_len) {
		drv_blk_data(d, &r, data);
		say("sum of the data", sum(data, r.in_len));
	}
	say_interrupts(d, seen, 1);
	d->heap = heap;
}

static void requests(struct drv *d, uint64_t without)
{
	unsigned seen = d->m->ops->interrupts(d->m, d->line);
	static uint8_t out[8192], ranges[32];
	struct drv_blk r;

	drv_boot(d, without);
	say("status", drv_status(d));
	for (unsigned i = 0; i < sizeof(out); i++)
		out[i] = i * 7 + i / 256;
	request(d, &seen, "write", drv_blk_usual(T_OUT, 8, out, 4096, 0));
	request(d, &seen, "read", drv_blk_usual(T_IN, 8, NULL, 0, 4096));
	request(d, &seen, "read across what was written", drv_blk_usual(T_IN, 12, NULL, 0, 8192));
	request(d, &seen, "flush", drv_blk_usual(T_FLUSH, 0, NULL, 0, 0));
	request(d, &seen, "the last sector",
		drv_blk_usual(T_IN, TRUTH_DISK_BYTES / 512 - 1, NULL, 0, 512));
	request(d, &seen, "past the end",
		drv_blk_usual(T_IN, TRUTH_DISK_BYTES / 512, NULL, 0, 512));
	request(d, &seen, "write past the end",
		drv_blk_usual(T_OUT, TRUTH_DISK_BYTES / 512 - 1, out, 1024, 0));
	request(d, &seen, "half a sector", drv_blk_usual(T_IN, 0, NULL, 0, 256));
	request(d, &seen, "unknown type", drv_blk_usual(77, 0, NULL, 0, 512));
	request(d, &seen, "get id", drv_blk_usual(T_GET_ID, 0, NULL, 0, 20));
	ranges[0] = 8;
	ranges[8] = 8;
	request(d, &seen, "write zeroes", drv_blk_usual(T_WRITE_ZEROES, 0, ranges, 16, 0));
	request(d, &seen, "read", drv_blk_usual(T_IN, 8, NULL, 0, 4096));
	request(d, &seen, "discard", drv_blk_usual(T_DISCARD, 0, ranges, 16, 0));
	ranges[12] = 2;
	request(d, &seen, "write zeroes, unknown flag",
		drv_blk_usual(T_WRITE_ZEROES, 0, ranges, 16, 0));
	ranges[12] = 0;
	r = drv_blk_usual(T_IN, 8, NULL, 0, 4096);
	r.direct = 0;
	r.nr_cuts_in = 3;
	r.cuts_in[0] = 1;
	r.cuts_in[1] = 1000;
	r.cuts_in[2] = 4000;
	if (!(without & BIT64(F_INDIRECT_DESC)))
		request(d, &seen, "indirect, cut anywhere", r);
}

/* A driver that breaks the ring, and starts over. */
static void fault(struct drv *d)
{
	unsigned seen = d->m->ops->interrupts(d->m, d->line);
	uint8_t data[512];

	drv_boot(d, 0);
	drv_avail(&d->q[0], 1000);
	drv_kick(&d->q[0]);
	say_interrupts(d, &seen, 1);
	say("status", drv_status(d));
	say("used index", drv_used_idx(&d->q[0]));
	drv_kick(&d->q[0]);
	say("status", drv_status(d));
	drv_reset(d);
	say("status after the reset", drv_status(d));
	drv_boot(d, 0);
	say("a read", drv_io(d, T_IN, 0, NULL, 0, data, 512));
	drv_reset(d);
}

static void queue_reset(struct drv *d)
{
	uint8_t data[512];

	drv_boot(d, 0);
	say("a read", drv_io(d, T_IN, 0, NULL, 0, data, 512));
	drv_write(d, R_QUEUE_SEL, 0);
	drv_write(d, R_QUEUE_RESET, 1);
	say("QueueReset", drv_read(d, R_QUEUE_RESET));
	say("QueueReady", drv_read(d, R_QUEUE_READY));
	say("a smaller queue", drv_setup_queue(d, 0, 16));
	say("a read", drv_io(d, T_IN, 0, NULL, 0, data, 512));
	drv_reset(d);
	say("QueueReady after the device's reset", drv_read(d, R_QUEUE_READY));
}

void truth_transcript(struct machine *m, uint64_t base, unsigned irq)
{
	static struct drv d;

	drv_init(&d, m, base, irq, 1 << 20);
	drv_reset(&d);
	scene("registers");
	registers(&d);
	scene("widths");
	widths(&d);
	scene("negotiation");
	negotiation(&d);
	scene("queues");
	queues(&d);
	scene("requests");
	requests(&d, 0);
	scene("requests, no event index, no indirect descriptors");
	requests(&d, BIT64(F_EVENT_IDX) | BIT64(F_INDIRECT_DESC));
	scene("fault");
	fault(&d);
	scene("queue reset");
	queue_reset(&d);
	scene("end");
}
