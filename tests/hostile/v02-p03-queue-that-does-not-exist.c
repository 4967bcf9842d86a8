/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * V2, P3: QueueSel and QueueNotify with numbers of queues that do not exist: they read as absent.
 */
#include "tests/hostile/frame/hostile.h"

static const unsigned registers[] = { R_QUEUE_SIZE,	  R_QUEUE_DESC,	      R_QUEUE_DESC + 4,
				      R_QUEUE_DRIVER,	  R_QUEUE_DRIVER + 4, R_QUEUE_DEVICE,
				      R_QUEUE_DEVICE + 4, R_QUEUE_READY,      R_QUEUE_RESET };

#define NR_REGISTERS (sizeof(registers) / sizeof(*registers))

static void attack(struct hostile *h, uint32_t queue)
{
	struct drv *d = &h->d;

	drv_write(d, R_QUEUE_SEL, queue);
	sim_check(drv_read(d, R_QUEUE_SIZE_MAX) == 0, "queue %u has a size", queue);
	for (unsigned i = 0; i < NR_REGISTERS; i++)
		drv_write(d, registers[i], 1);
	/* QueueReady = 0 as well. */
	drv_write(d, R_QUEUE_READY, 0);
	hostile_expect_mistakes(h, NR_REGISTERS + 1, "registers of a queue that is not there");
	sim_check(drv_read(d, R_QUEUE_READY) == 0 && drv_read(d, R_QUEUE_RESET) == 0,
		  "queue %u is ready", queue);
	drv_write(d, R_QUEUE_NOTIFY, queue);
	hostile_expect_works(h, "with another queue selected");
}

int main(void)
{
	struct hostile *h = hostile_start(NULL); /* its disks have two queues */

	hostile_boot(h, 0);
	attack(h, 2);
	attack(h, 8);
	attack(h, 100000);
	attack(h, 0x10000);
	attack(h, 0x7fffffff);
	attack(h, 0xffffffff);
	hostile_end(h);
	return 0;
}
