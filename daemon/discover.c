/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/discover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "transport/virtio_mmio.h"

/* SPIs are interrupts 32 to 1019 (Arm GIC). */
#define SPI_FIRST 32
#define SPI_LAST  1019

/* libxl gives windows below 4 GiB; anything up to the end of guest-physical space would work. */
#define BASE_MAX (GUEST_MEM_SIZE - VIRTIO_MMIO_WINDOW)

/* A number without leading zeroes or signs, as xenstore directories are named. */
static const char *parse_number(const char *s, uint32_t max, uint32_t *ret)
{
	uint64_t n = 0;

	if (*s < '0' || *s > '9' || (s[0] == '0' && s[1] >= '0' && s[1] <= '9'))
		return NULL;
	for (; *s >= '0' && *s <= '9'; s++) {
		n = n * 10 + (*s - '0');
		if (n > max)
			return NULL;
	}
	*ret = n;
	return s;
}

/* What follows the root, a slash or the end; NULL: it is another path. */
static const char *skip_root(const char *path, const char *root)
{
	size_t n = strlen(root);

	return strncmp(path, root, n) || (path[n] && path[n] != '/') ? NULL : path + n;
}

int discover_split(const char *path, uint16_t *ret_domid, struct disk_id *ret_id)
{
	const char *disk = skip_root(path, DISCOVER_ROOT);
	uint32_t domid, devid;

	path = disk ? disk : skip_root(path, DISCOVER_GENERIC_ROOT);
	if (!path)
		return -1;
	if (!*path)
		return 0;
	/* DOMID_FIRST_RESERVED is 0x7ff0. */
	path = *path == '/' ? parse_number(path + 1, 0x7fef, &domid) : NULL;
	if (!path)
		return -1;
	if (!*path) {
		*ret_domid = domid;
		return 1;
	}
	path = *path == '/' ? parse_number(path + 1, UINT32_MAX, &devid) : NULL;
	if (!path || (*path && *path != '/'))
		return -1;
	*ret_domid = domid;
	*ret_id = (struct disk_id){ !disk, devid };
	return 2;
}

void discover_dir(char *dir, uint16_t domid, struct disk_id id)
{
	snprintf(dir, XENSTORE_PATH_MAX, "%s/%u/%u", discover_root(id.generic), domid, id.devid);
}

enum xenbus_state discover_state(struct xenstore *x, const char *dir)
{
	uint64_t state;

	return xenstore_read_u64(x, dir, "state", 0, UINT32_MAX, &state) == 0 ? state : XENBUS_NONE;
}

static bool is_vdev(const char *s)
{
	return *s && !s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789")];
}

void discover_name(struct xenstore *x, const char *dir, struct disk_id id, char *ret, size_t size)
{
	_cleanup_(freep) char *dev = id.generic ? NULL : xenstore_read(x, dir, "dev");

	if (dev && is_vdev(dev) && strlen(dev) < size)
		strcpy(ret, dev);
	else
		snprintf(ret, size, "%s%u", id.generic ? "virtio" : "", id.devid);
}

#define TYPE_BLOCK "virtio,device2"

static enum discover_kind kind_of(const char *type)
{
	if (!strcmp(type, TYPE_BLOCK))
		return DISCOVER_BLOCK;
	return strcmp(type, "virtio,device") ? DISCOVER_OTHER : DISCOVER_UNKNOWN;
}

enum discover_kind discover_kind(struct xenstore *x, const char *dir)
{
	_cleanup_(freep) char *type = xenstore_read(x, dir, "type");

	return type ? kind_of(type) : DISCOVER_OTHER;
}

/* What is being read, so that each complaint can say where it stands. */
struct reader {
	struct xenstore *x;
	const char *dir;
	const struct log_subject *subject;
	const char *missing;
};

static int read_number(struct reader *r, const char *key, uint64_t min, uint64_t max, uint64_t *ret)
{
	int e = xenstore_read_u64(r->x, r->dir, key, min, max, ret);

	if (e == -ENOENT) {
		r->missing = key;
		return -EAGAIN;
	}
	if (e == -EINVAL || e == -ERANGE)
		return refuse(r->subject, "%s/%s is not a number from %llu to %llu", r->dir, key,
			      (unsigned long long)min, (unsigned long long)max);
	if (e)
		return fail(e, r->subject, "cannot read %s/%s", r->dir, key);
	return 0;
}

static int read_text(struct reader *r, const char *key, char **ret)
{
	*ret = xenstore_read(r->x, r->dir, key);
	if (*ret)
		return 0;
	if (errno == ENOENT) {
		r->missing = key;
		return -EAGAIN;
	}
	if (errno == EILSEQ)
		return refuse(r->subject, "%s/%s is not printable text", r->dir, key);
	return fail(-errno, r->subject, "cannot read %s/%s", r->dir, key);
}

/* A node that must say exactly this. */
static int expect(struct reader *r, const char *key, const char *value)
{
	_cleanup_(freep) char *text = NULL;
	int e = read_text(r, key, &text);

	if (!e && strcmp(text, value))
		e = refuse(r->subject, "%s/%s is \"%s\", not \"%s\"", r->dir, key, text, value);
	return e;
}

/* A flag that libxl may leave out. */
static int read_flag(struct reader *r, const char *key, bool absent, bool *ret)
{
	uint64_t n;
	int e = read_number(r, key, 0, 1, &n);

	if (e == -EAGAIN) {
		*ret = absent;
		return 0;
	}
	if (!e)
		*ret = n;
	return e;
}

static int read_mode(struct reader *r, bool *ret_read_only)
{
	_cleanup_(freep) char *mode = NULL;
	int e = read_text(r, "mode", &mode);

	if (e)
		return e;
	if (strcmp(mode, "r") && strcmp(mode, "w"))
		return refuse(r->subject, "%s/mode is \"%s\", not \"r\" or \"w\"", r->dir, mode);
	*ret_read_only = mode[0] == 'r';
	return 0;
}

static int read_vdev(struct reader *r, char *ret, size_t size)
{
	_cleanup_(freep) char *dev = NULL;
	int e = read_text(r, "dev", &dev);

	if (e)
		return e;
	if (!is_vdev(dev) || strlen(dev) >= size)
		return refuse(r->subject, "%s/dev is \"%s\", not the name of a device", r->dir,
			      dev);
	strcpy(ret, dev);
	return 0;
}

/* How the guest gives us its memory: libxl has told its kernel so in the device tree. */
static int read_grant_usage(struct reader *r, struct discovered *d)
{
	return read_flag(r, "grant_usage", discover_driver_domain(r->x), &d->grants);
}

static int read_window(struct reader *r, struct discovered *d)
{
	uint64_t irq;
	int e = read_number(r, "base", 0, BASE_MAX, &d->base);

	if (!e)
		e = read_number(r, "irq", SPI_FIRST, SPI_LAST, &irq);
	if (e)
		return e;
	if (d->base % VIRTIO_MMIO_WINDOW)
		return refuse(r->subject, "%s/base is %#llx, not a multiple of %#x", r->dir,
			      (unsigned long long)d->base, VIRTIO_MMIO_WINDOW);
	d->irq = irq;
	return 0;
}

/* What every device has. */
static int read_device(struct reader *r, uint16_t domid, struct discovered *d)
{
	char id[8];
	int e;

	snprintf(id, sizeof(id), "%u", domid);
	e = expect(r, "frontend-id", id);
	if (!e)
		e = expect(r, "transport", "mmio");
	if (!e)
		e = read_window(r, d);
	if (!e)
		e = read_grant_usage(r, d);
	return e;
}

static int read_disk(struct reader *r, struct discovered *d)
{
	int e = expect(r, "specification", "virtio");

	if (!e)
		e = read_vdev(r, d->vdev, sizeof(d->vdev));
	if (!e)
		e = read_mode(r, &d->read_only);
	if (!e)
		e = read_flag(r, "discard-enable", !d->read_only, &d->discard);
	if (!e)
		e = read_flag(r, "direct-io-safe", false, &d->direct_io_safe);
	if (!e)
		e = read_text(r, "params", &d->path);
	if (!e && d->path[0] != '/')
		e = refuse(r->subject, "%s/params is \"%s\", not an absolute path", r->dir,
			   d->path);
	return e;
}

static int read_generic(struct reader *r, struct disk_id id, struct discovered *d)
{
	_cleanup_(freep) char *type = NULL;
	int e = read_text(r, "type", &type);

	if (!e && kind_of(type) == DISCOVER_OTHER)
		e = refuse(r->subject, "%s/type is \"%s\", not \"%s\", a block device", r->dir,
			   type, TYPE_BLOCK);
	discover_name(r->x, r->dir, id, d->vdev, sizeof(d->vdev));
	d->discard = true;
	return e;
}

int discover_read(struct xenstore *x, const char *dir, uint16_t domid, struct disk_id id,
		  const struct log_subject *subject, struct discovered *ret,
		  const char **ret_missing)
{
	struct reader r = { .x = x, .dir = dir, .subject = subject };
	struct discovered d = DISCOVERED_NULL;
	int e = read_device(&r, domid, &d);

	if (!e)
		e = id.generic ? read_generic(&r, id, &d) : read_disk(&r, &d);

	if (e == -EAGAIN)
		*ret_missing = r.missing;
	if (e)
		discovered_free(&d);
	else
		*ret = d;
	return e;
}

/* FNV-1a */
static uint64_t hash(uint64_t h, const char *s)
{
	do
		h = (h ^ (unsigned char)*s) * 0x100000001b3ull;
	while (*s++);
	return h;
}

uint64_t discover_fingerprint(struct xenstore *x, const char *dir)
{
	_cleanup_(freep) char **keys = NULL;
	unsigned n = xenstore_list(x, dir, &keys);
	uint64_t h = 0xcbf29ce484222325ull;

	for (unsigned i = 0; i < n; i++) {
		_cleanup_(freep) char *value = NULL;

		if (!strcmp(keys[i], "state") || !strcmp(keys[i], "error"))
			continue;
		value = xenstore_read(x, dir, keys[i]);
		h = hash(hash(h, keys[i]), value ? value : "");
	}
	return h;
}

void discovered_free(struct discovered *d)
{
	free(d->path);
	*d = DISCOVERED_NULL;
}

void discover_set_state(struct xenstore *x, const char *dir, enum xenbus_state from,
			enum xenbus_state to, const struct log_subject *subject)
{
	char old[8], new[8];
	int r;

	snprintf(old, sizeof(old), "%u", from);
	snprintf(new, sizeof(new), "%u", to);
	r = xenstore_update(x, dir, "state", old, new);
	if (r && r != -ENOENT && r != -ESTALE)
		fail(r, subject, "cannot write %s/state", dir);
}

void discover_remove(struct xenstore *x, const char *dir, const struct log_subject *subject)
{
	char closed[8];
	int r;

	snprintf(closed, sizeof(closed), "%u", XENBUS_CLOSED);
	r = xenstore_remove_dir(x, dir, "state", closed);
	if (r && r != -ENOENT && r != -ESTALE)
		fail(r, subject, "cannot remove %s", dir);
}

bool discover_driver_domain(struct xenstore *x)
{
	uint64_t own;

	return xenstore_read_u64(x, "", "domid", 0, UINT16_MAX, &own) == 0 && own != 0;
}

void discover_set_error(struct xenstore *x, const char *dir, const char *why)
{
	/* The state node is libxl's: while it is there, so is the directory. */
	if (!why)
		xenstore_remove(x, dir, "error");
	else if (discover_state(x, dir) != XENBUS_NONE)
		xenstore_write(x, dir, "error", why);
}
