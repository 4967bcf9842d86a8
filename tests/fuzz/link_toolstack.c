/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/link_toolstack.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "daemon/discover.h"
#include "tests/fuzz/libxenstore.h"
#include "tests/fuzz/link_model.h"

static void node(uint16_t domid, unsigned disk, const char *key, const char *value)
{
	char path[128];

	discover_dir(path, domid, (struct disk_id){ false, model_devid(disk) });
	snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%s", key);
	libxenstore_set_text(path, value);
}

static void number(uint16_t domid, unsigned disk, const char *key, unsigned value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	node(domid, disk, key, text);
}

void toolstack_add_disk(uint16_t domid, unsigned disk, const char *image)
{
	char vdev[] = { 'x', 'v', 'd', 'a' + disk, 0 }, name[64], value[16];

	libxenstore_set_domain(domid, true);
	snprintf(name, sizeof(name), "/local/domain/%u/name", domid);
	snprintf(value, sizeof(value), "guest%u", domid);
	libxenstore_set_text(name, value);
	number(domid, disk, "frontend-id", domid);
	node(domid, disk, "specification", "virtio");
	node(domid, disk, "transport", "mmio");
	node(domid, disk, "dev", vdev);
	node(domid, disk, "mode", "w");
	number(domid, disk, "base", 0x2000000 + 0x200 * disk);
	number(domid, disk, "irq", 33 + disk);
	node(domid, disk, "params", image);
	number(domid, disk, "state", XENBUS_INITIALISING);
}

void toolstack_close_disk(uint16_t domid, unsigned disk)
{
	number(domid, disk, "state", XENBUS_CLOSING);
}

void toolstack_change(uint16_t domid, unsigned disk, unsigned how)
{
	static const struct {
		const char *key, *value;
	} changes[] = {
		{ "mode", "r" },	   { "mode", "x" },	      { "base", "33554433" },
		{ "discard-enable", "0" }, { "direct-io-safe", "1" }, { "state", "1" },
		{ "state", "2" },	   { "state", "6" },
	};

	how %= ARRAY_SIZE(changes);
	node(domid, disk, changes[how].key, changes[how].value);
}

void toolstack_remove_disk(uint16_t domid, unsigned disk)
{
	char path[XENSTORE_PATH_MAX];

	discover_dir(path, domid, (struct disk_id){ false, model_devid(disk) });
	libxenstore_remove(path);
}

void toolstack_remove_domain(uint16_t domid)
{
	char path[64];

	libxenstore_set_domain(domid, false);
	snprintf(path, sizeof(path), DISCOVER_ROOT "/%u", domid);
	libxenstore_remove(path);
	snprintf(path, sizeof(path), "/local/domain/%u", domid);
	libxenstore_remove(path);
}
