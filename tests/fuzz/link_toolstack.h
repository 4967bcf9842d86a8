/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the toolstack of the link harness does in xenstore; no watch fires by that. */
#ifndef TESTS_FUZZ_LINK_TOOLSTACK_H
#define TESTS_FUZZ_LINK_TOOLSTACK_H

#include <stdint.h>

/* All nodes of a disk, and state 1.  The domain is there from then on. */
void toolstack_add_disk(uint16_t domid, unsigned disk, const char *image);

/* State 5. */
void toolstack_close_disk(uint16_t domid, unsigned disk);

/* One node, to one of several values. */
void toolstack_change(uint16_t domid, unsigned disk, unsigned how);

/* The directory of a disk; all that there is of a domain. */
void toolstack_remove_disk(uint16_t domid, unsigned disk);
void toolstack_remove_domain(uint16_t domid);

#endif
