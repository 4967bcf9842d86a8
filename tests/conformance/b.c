/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of virtio-mmio (VIRTIO 1.3, 4.2). */
#include "tests/conformance/conformance.h"

static void B1_magic_value(void)
{
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });

	sim_check(drv_read(d, R_MAGIC) == 0x74726976, "MagicValue is %#x", drv_read(d, R_MAGIC));
}

const struct clause clauses_b[] = {
	CLAUSE(B1, MUST, true, "4.2.2.1", magic_value, "MagicValue reads 0x74726976."),
	{ .id = NULL },
};
