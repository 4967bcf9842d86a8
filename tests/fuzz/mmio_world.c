/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/mmio_world.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "tests/fuzz/mmio_check.h"

#define IMAGE_BYTES 0x1000u

uint64_t world_lines;

void world_complete(struct fuzz_input *in)
{
	static const int results[8] = { 0, 0, 0, 0, -EIO, -ENOSPC, -ECANCELED, -ENOMEM };
	unsigned slot = fuzz_take(in, 1) % DISKS, which = fuzz_take(in, 1), how = fuzz_take(in, 1);
	struct fake_backend *f = env_backend(slot);
	struct blk_request *req;
	int result = results[how % 8];

	if (!f || !f->nr_held)
		return;
	which %= f->nr_held;
	req = f->held[which];
	/* As the contract says: neither beyond a new end, nor for nobody. */
	if (req->op != BLK_FLUSH && !range_within(req->offset, req->len, f->b.info.size))
		result = -EIO;
	else if (how & 8 && !blk_request_wanted(req))
		result = -ECANCELED;
	enter();
	fake_backend_complete(f, which, result);
	leave();
}

void world_hold(struct fuzz_input *in)
{
	unsigned a = fuzz_take(in, 1);
	struct fake_backend *f = env_backend((a & 3) % DISKS);

	if (!f)
		return;
	f->hold = a & 4;
	f->result = a & 8 ? -EIO : 0;
	f->new_size = (a >> 4) % (IMAGE_BYTES / 512 + 1) * 512;
	f->size_result = a == 255 ? -EIO : 0;
}

static void talk(const struct link_message *m)
{
	world_lines += 4;
	enter();
	env_message(m);
	leave();
}

void world_attach(unsigned slot, unsigned shape)
{
	struct link_message m = {
		.type = LINK_ATTACH,
		.slot = slot,
		.backend = "file",
		.params = { .vdev = "xvda",
			    .base = WINDOWS + slot * VIRTIO_MMIO_WINDOW,
			    .irq = IRQ + slot,
			    .nr_queues = shape % (QUEUES + 1),
			    .queue_size = 2u << (shape >> 2) % 6,
			    .serial = "serial" },
		.image = { .size = IMAGE_BYTES, .block_size = 512, .physical_block_size = 512 },
	};

	if (slot < DISKS && !env_backend(slot)) {
		memset(queues[slot], 0, sizeof(queues[slot]));
		detaching[slot] = false;
	}
	if (shape & 32)
		m.image.caps |= IMAGE_DISCARD | IMAGE_PUNCH_HOLE;
	if (shape & 64)
		m.image.caps = IMAGE_READ_ONLY;
	if (shape == 255)
		m.backend[0] = 'x';
	talk(&m);
}

static void detach(unsigned slot)
{
	const struct link_message m = { .type = LINK_DETACH, .slot = slot };

	if (slot < DISKS)
		detaching[slot] = true;
	talk(&m);
}

void world_message(struct fuzz_input *in)
{
	unsigned a = fuzz_take(in, 1), shape = fuzz_take(in, 1);
	const struct link_message m = { .type = a & 32 ? LINK_RESIZE : (enum link_type)(a & 7),
					.slot = (a & 3) % DISKS };

	if ((a & 24) == 8) {
		world_attach(a & 128 ? STATE_DISKS_MAX + 1 : m.slot, shape);
	} else if ((a & 24) == 16) {
		detach(a & 128 ? STATE_DISKS_MAX + 1 : m.slot);
	} else if (a == 255) {
		env_hang_up();
	} else if (m.type != LINK_ATTACH && m.type != LINK_DETACH) {
		talk(&m);
	}
}

void world_fail(struct fuzz_input *in)
{
	static const int errors[4] = { ESRCH, ENOMEM, EPERM, EINVAL };
	unsigned a = fuzz_take(in, 1);

	tidy = false;
	world_lines += 4;
	libxen_fail(a % LIBXEN_NR_CALLS, fuzz_take(in, 1), errors[a >> 6]);
}

/* Let all that is in flight end. */
static bool drain(void)
{
	bool any = false;

	for (unsigned i = 0; i < DISKS; i++) {
		struct fake_backend *f = env_backend(i);

		for (; f && f->nr_held; any = true) {
			const struct blk_request *req = f->held[0];
			bool there = req->op == BLK_FLUSH ||
				     range_within(req->offset, req->len, f->b.info.size);

			enter();
			fake_backend_complete(f, 0, there ? 0 : -EIO);
			leave();
		}
	}
	return any;
}

/* The watcher wants all disks back, or has gone already. */
void world_finish(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < DISKS; i++)
		if (!env_hung_up())
			detach(i);
	while (round_once() || drain())
		fuzz_check(n++ < ROUNDS_MAX, "rounds without end");
	for (unsigned i = 0; i < DISKS; i++)
		fuzz_check(env_hung_up() || !env_backend(i), "disk %u is still there", i);
	if (!env_hung_up()) {
		env_hang_up();
		round_once();
	}
	fuzz_check(env_stopped(), "the worker does not end");
}
