/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a disk is to be served: what the toolstack wants, what the configuration says, what
 * the image is.
 */
#ifndef DAEMON_PLAN_H
#define DAEMON_PLAN_H

#include "config/config.h"
#include "daemon/discover.h"
#include "daemon/link.h"

/*
 * Put the three together for a disk of the guest, whose name is as in xenstore: fill the
 * LINK_ATTACH *m, but for slot and devid, and open the image, which is the caller's to close.  A
 * backend without an image gives IMAGE_NULL.  0, or what image_open() says.
 */
int plan_disk(const struct config *config, const char *guest, const struct discovered *want,
	      const struct log_subject *subject, struct link_message *m, struct image *ret_image);

#endif
