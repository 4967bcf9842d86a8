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
 * Is a generic device of the guest ours to serve?  It is if it is a block device by its own words,
 * in its directory, or if these don't say and the configuration has an image for it.  Others are
 * not ours to touch, whatever the configuration says.
 */
bool plan_is_ours(const struct config *config, const char *guest, struct disk_id id,
		  struct xenstore *x, const char *dir);

/*
 * Put the three together for a disk of the guest, whose name is as in xenstore: fill the
 * LINK_ATTACH *m, but for slot and devid, and open the image, which is the caller's to close.  The
 * image of a generic device is the configuration's, and becomes want->path.  A backend without an
 * image gives IMAGE_NULL.  0, or -errno, logged.
 */
int plan_disk(const struct config *config, const char *guest, struct discovered *want,
	      const struct log_subject *subject, struct link_message *m, struct image *ret_image);

/*
 * Does a disk of the guest use grants, this one, of which m is as above, or does the configuration
 * want it for another one?
 */
bool plan_may_use_grants(const struct config *config, const char *guest,
			 const struct link_message *m);

#endif
