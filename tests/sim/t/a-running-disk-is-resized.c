/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIGHUP to the daemon: the disks of running guests take the sizes that their images have now, from
 * inside the worker's sandbox, and the guests are told; disks whose images have not changed are
 * not.
 */
#include <signal.h>
#include <unistd.h>

#include "tests/sim/check.h"
#include "tests/sim/guest.h"

#define MIB (1ull << 20)

static uint32_t generation(struct drv *d)
{
	return drv_read(d, R_CONFIG_GENERATION);
}

/* The image has so many bytes now, and the daemon is told; waits until its log says text. */
static void resize(const char *image, uint64_t bytes, const char *text)
{
	unsigned before = sim_log_count(text, "xvda"), other = sim_log_count("as before", "xvdb");

	sim_check(truncate(image, bytes) == 0, "cannot truncate");
	sim_check(kill(sim.daemon, SIGHUP) == 0, "cannot send SIGHUP");
	sim_log_wait(text, "xvda", before + 1);
	sim_log_wait("as before", "xvdb", other + 1);
}

static void expect_resized(struct drv *d, struct drv *other, const char *image, uint64_t bytes,
			   const char *text)
{
	uint32_t old = generation(d);
	uint64_t sectors = bytes / 512;
	uint8_t data[512] = { 0x77 };

	resize(image, bytes, text);
	sim_check(drv_interrupt(d) == 2, "no configuration interrupt: %s", text);
	sim_check(generation(d) != old, "the same generation");
	sim_check(drv_capacity(d) == sectors, "%llu sectors", (unsigned long long)drv_capacity(d));
	sim_check(drv_io(d, T_OUT, sectors - 1, data, 512, NULL, 0) == BLK_OK, "the last sector");
	sim_check(drv_io(d, T_OUT, sectors, data, 512, NULL, 0) == BLK_IOERR, "one too far");
	sim_check(drv_interrupt(d) == 1, "interrupts of the requests");

	sim_check(drv_capacity(other) == MIB / 512, "the other disk's capacity");
	sim_check(generation(other) == 0, "the other disk's generation");
	sim_check(drv_interrupt(other) == 0, "the other disk's interrupts");
}

int main(void)
{
	struct guest_spec spec = { .nr_disks = 2 };
	struct drv d, other;
	const char *image;
	struct guest *g;

	sim_start(NULL);
	/* Nobody to tell. */
	sim_check(kill(sim.daemon, SIGHUP) == 0, "cannot send SIGHUP");
	sim_log_wait("looking at the sizes of all images", "", 1);

	image = sim_image("a", MIB, true);
	spec.disk[0] = toolstack_disk(0, image);
	spec.disk[1] = toolstack_disk(1, sim_image("b", MIB, true));
	g = guest_create(&spec);
	guest_driver(g, 0, 0, &d);
	guest_driver(g, 1, 0, &other);
	drv_boot(&d, 0);
	drv_boot(&other, 0);

	expect_resized(&d, &other, image, 3 * MIB, "grows from 1048576 to 3145728 bytes");
	expect_resized(&d, &other, image, MIB / 2, "shrinks from 3145728 to 524288 bytes");
	expect_resized(&d, &other, image, MIB + 511, "grows from 524288 to 1048576 bytes");

	resize(image, 0, "the image is empty now");
	sim_check(drv_capacity(&d) == MIB / 512, "an empty image");
	sim_check(drv_interrupt(&d) == 0, "an interrupt about nothing");

	guest_destroy(g);
	sim_stop();
	return 0;
}
