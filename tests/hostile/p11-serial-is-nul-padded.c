/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * P11: GET_ID gives 20 bytes, padded with NUL; no more of them than there is room for, and none
 * elsewhere.
 */
#include "tests/hostile/frame/hostile.h"

static void get(struct hostile *h, uint32_t room)
{
	struct drv_blk r = drv_blk_usual(T_GET_ID, 0, NULL, 0, room);
	uint8_t id[64], expected[64] = "disk-7";

	memset(expected + 20, BLK_PENDING, sizeof(expected) - 20);
	drv_free_all(&h->d);
	sim_check(drv_blk_run(&h->d.q[0], &r) == BLK_OK, "GET_ID into %u bytes", room);
	drv_blk_data(&h->d, &r, id);
	sim_check(!memcmp(id, expected, room), "an id in %u bytes", room);
	sim_check(r.used_len <= room + 1, "used.len is %u", r.used_len);
}

int main(void)
{
	struct hostile *h = hostile_start(&(struct hostile_spec){
		.config = "guests = ( { name = \"attacker\"; "
			  "disks = ( { vdev = \"xvda\"; serial = \"disk-7\"; } ); } );" });

	hostile_boot(h, 0);
	for (uint32_t room = 0; room <= 64; room++)
		get(h, room);
	hostile_end(h);
	return 0;
}
