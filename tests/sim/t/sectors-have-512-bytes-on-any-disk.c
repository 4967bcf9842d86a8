/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk with blocks of 4096 bytes, which a loop device is: blk_size and topology say so, and still
 * all numbers of requests and of the capacity count 512 bytes (E10, E34).  Needs loop devices;
 * skipped loudly without.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/check.h"
#include "tests/sim/guest.h"

#define SECTORS 2048u

/* A loop device on the image; false: there is none to be had. */
static bool attach(const char *image, char ret[64])
{
	char command[512];
	FILE *f;

	snprintf(command, sizeof(command), "losetup -f --show -b 4096 %s 2>&1", image);
	f = popen(command, "re");
	sim_check(f && fgets(ret, 64, f), "losetup says nothing");
	ret[strcspn(ret, "\n")] = '\0';
	if (!pclose(f))
		return true;
	fprintf(stderr, "*** SKIPPED: no loop device: %s ***\n", ret);
	return false;
}

/* It goes away with its last user. */
static void detach(const char *device)
{
	char command[128];

	snprintf(command, sizeof(command), "losetup -d %s", device);
	sim_check(system(command) == 0, "cannot detach %s", device);
}

static void check_config(struct drv *d)
{
	sim_check(drv_capacity(d) == SECTORS, "capacity");
	sim_check(drv_config(d, C_BLK_SIZE, 4) == 4096, "blk_size");
	sim_check(drv_config(d, C_PHYSICAL_BLOCK_EXP, 1) == 0, "physical_block_exp");
	sim_check(drv_config(d, C_ALIGNMENT_OFFSET, 1) == 0, "alignment_offset");
	sim_check(drv_config(d, C_MIN_IO_SIZE, 2) == 1, "min_io_size");
	sim_check(drv_config(d, C_DISCARD_SECTOR_ALIGNMENT, 4) % 8 == 0, "discard alignment");
}

/*
 * Whole blocks, which the device takes, and single sectors, for which it has to read and write
 * more.
 */
static void check_requests(struct drv *d)
{
	static const struct {
		uint64_t sector;
		uint32_t sectors;
		uint8_t status;
	} requests[] = {
		{ 8, 8, BLK_OK },
		{ 9, 1, BLK_OK },
		{ 15, 2, BLK_OK },
		{ SECTORS - 8, 8, BLK_OK },
		{ SECTORS - 1, 1, BLK_OK },
		{ SECTORS, 8, BLK_IOERR },
		{ SECTORS - 4, 8, BLK_IOERR },
		{ SECTORS * 8, 8, BLK_IOERR },
	};
	static uint8_t model[SECTORS * 512], data[4096], now[SECTORS * 512];

	for (unsigned i = 0; i < SECTORS; i++)
		sim_pattern(i, model + i * 512);
	for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		uint32_t len = requests[i].sectors * 512;

		drv_free_all(d);
		memset(data, 0x10 + i, sizeof(data));
		sim_check(drv_io(d, T_OUT, requests[i].sector, data, len, NULL, 0) ==
				  requests[i].status,
			  "request %u", i);
		if (requests[i].status == BLK_OK)
			memcpy(model + requests[i].sector * 512, data, len);
		sim_check(drv_io(d, T_IN, 0, NULL, 0, now, sizeof(now)) == BLK_OK, "a read");
		sim_check(!memcmp(now, model, sizeof(now)), "request %u did something else", i);
	}
}

int main(void)
{
	const char *image;
	char device[64];
	struct guest *g;
	struct drv d;

	sim_start(NULL);
	image = sim_image("disk", SECTORS * 512, true);
	if (attach(image, device)) {
		g = guest_create_usual(device);
		detach(device);
		guest_driver(g, 0, 4 << 20, &d);
		drv_boot(&d, 0);
		check_config(&d);
		check_requests(&d);
		guest_destroy(g);
	}
	sim_stop();
	return 0;
}
