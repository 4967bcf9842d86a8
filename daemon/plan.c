/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backends/backend.h"

bool plan_is_ours(const struct config *config, const char *guest, struct disk_id id,
		  struct xenstore *x, const char *dir)
{
	struct config_disk c;
	char vdev[24];

	switch (discover_kind(x, dir)) {
	case DISCOVER_BLOCK:
		return true;
	case DISCOVER_OTHER:
		return false;
	case DISCOVER_UNKNOWN:
		break;
	}
	discover_name(x, dir, id, vdev, sizeof(vdev));
	config_disk(config, guest, vdev, &c);
	return c.from[CONFIG_KEY_IMAGE];
}

/* One side, and only one, names it: two that differ would both be somebody's data. */
static int find_image(const struct config_disk *c, const char *guest, struct discovered *want,
		      const struct log_subject *subject)
{
	if (want->path && c->from[CONFIG_KEY_IMAGE])
		return refuse(
			subject,
			"the toolstack names the image %s, and the configuration %s; \"image\" "
			"is for generic virtio devices",
			want->path, c->image);
	if (want->path)
		return 0;
	if (!c->from[CONFIG_KEY_IMAGE])
		return refuse(subject,
			      "a generic virtio device has no image: name it in the configuration, "
			      "guests = ( { name = \"%s\"; disks = ( { vdev = \"%s\"; image = ... "
			      "} ); } )",
			      guest, want->vdev);
	want->path = strdup(c->image);
	return want->path ? 0 : fail(-ENOMEM, subject, "cannot plan the disk");
}

int plan_disk(const struct config *config, const char *guest, struct discovered *want,
	      const struct log_subject *subject, struct link_message *m, struct image *ret_image)
{
	const struct backend_ops *ops;
	struct config_disk c;
	struct image_params ip;
	const char *serial;
	bool buffered;
	int r;

	config_disk(config, guest, want->vdev, &c);
	ops = backend_find(c.backend);
	*ret_image = IMAGE_NULL;
	r = ops->needs_image ? find_image(&c, guest, want, subject) : 0;
	if (r)
		return r;
	/* direct-io-safe is about this disk: it outranks what the file says about all disks. */
	buffered = c.cache == CONFIG_CACHE_BUFFERED &&
		   !(want->direct_io_safe && c.from[CONFIG_KEY_CACHE] <= CONFIG_SCOPE_DEFAULTS);
	ip = (struct image_params){
		.path = want->path,
		.read_only = want->read_only || c.read_only == CONFIG_BOOL_TRUE,
		.discard = c.discard == CONFIG_BOOL_UNSET ? want->discard
							  : c.discard == CONFIG_BOOL_TRUE,
		.cache = buffered ? IMAGE_CACHE_BUFFERED : IMAGE_CACHE_DIRECT,
	};

	*m = (struct link_message){ .type = LINK_ATTACH };
	snprintf(m->backend, sizeof(m->backend), "%s", ops->name);
	snprintf(m->params.vdev, sizeof(m->params.vdev), "%s", want->vdev);
	m->params.base = want->base;
	m->params.irq = want->irq;
	m->params.nr_queues = c.queues;
	m->params.queue_size = c.queue_size;
	m->params.grants = c.guest_memory == CONFIG_MEMORY_UNSET
				   ? want->grants
				   : c.guest_memory == CONFIG_MEMORY_GRANTS;
	/* A guest can tell its disks apart by their names, if by nothing else. */
	serial = c.from[CONFIG_KEY_SERIAL] ? c.serial : want->vdev;
	memcpy(m->params.serial, serial, strnlen(serial, sizeof(m->params.serial)));

	if (!ops->needs_image) {
		m->image = (struct image_info){ .size = c.null_size,
						.block_size = 512,
						.physical_block_size = 4096,
						.caps = ip.read_only ? IMAGE_READ_ONLY : 0 };
		return 0;
	}
	r = image_open(ret_image, &ip, subject);
	if (!r)
		m->image = ret_image->info;
	return r;
}

bool plan_may_use_grants(const struct config *config, const char *guest,
			 const struct link_message *m)
{
	if (m->params.grants || config->defaults.guest_memory == CONFIG_MEMORY_GRANTS)
		return true;
	for (unsigned g = 0; g < config->nr_guests; g++) {
		const struct config_guest *entry = &config->guests[g];

		if (strcmp(entry->name, guest) && strcmp(entry->name, CONFIG_ANY_GUEST))
			continue;
		if (entry->options.guest_memory == CONFIG_MEMORY_GRANTS)
			return true;
		for (unsigned d = 0; d < entry->nr_disks; d++)
			if (entry->disks[d].options.guest_memory == CONFIG_MEMORY_GRANTS)
				return true;
	}
	return false;
}
