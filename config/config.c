/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config.h"

#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/util.h"
#include "config/keys.h"
#include "config/source.h"

/*
 * Theory of operation
 *
 * libconfig turns the file into a tree of settings.  read_group() walks one group of it: each
 * setting is looked up in the key table and stored in the field that the table names.  A mistake
 * is logged and counted, and the walk goes on, so that one run shows all of them.  The number of
 * mistakes decides at the end.
 */

struct reader {
	const char *path; /* of the outermost file */
	unsigned mistakes;
	bool no_memory;
};

/* A group of the file, and what its keys fill. */
struct place {
	unsigned in;		     /* IN_* */
	enum config_scope scope;     /* for the disk options */
	struct config_disk *options; /* NULL at the top level */
	void *own;		     /* struct of the other keys */
};

static const char *file_of(const struct reader *r, const config_setting_t *s)
{
	const char *file = config_setting_source_file(s);

	return file ? file : r->path;
}

/* Write the setting's path (guests.[0].name) into buf; returns its length, cut or not. */
static size_t format_path(const config_setting_t *s, char *buf, size_t size)
{
	const config_setting_t *parent = config_setting_parent(s);
	const char *name = config_setting_name(s);
	size_t n = 0;
	int len;

	buf[0] = '\0';
	if (!parent)
		return 0;
	n = MIN(format_path(parent, buf, size), size - 1);
	if (name)
		len = snprintf(buf + n, size - n, "%s%s", n ? "." : "", name);
	else
		len = snprintf(buf + n, size - n, ".[%d]", config_setting_index(s));
	return n + len;
}

static void mistake(struct reader *r, const config_setting_t *s, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

static void mistake(struct reader *r, const config_setting_t *s, const char *fmt, ...)
{
	char path[160], text[700], *t;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* a value may hold a newline or worse; a mistake is one line */
	for (t = text; *t; t++)
		if ((unsigned char)*t < ' ' || *t == 0x7f)
			*t = '?';
	format_path(s, path, sizeof(path));
	log_err(NULL, "%s:%u: %s: %s", file_of(r, s), config_setting_source_line(s), path, text);
	r->mistakes++;
}

/* The setting's value as the file says it; a group or list only by its kind. */
static const char *format_value(const config_setting_t *s, char *buf, size_t size)
{
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_INT:
		snprintf(buf, size, "%d", config_setting_get_int(s));
		break;
	case CONFIG_TYPE_INT64:
		snprintf(buf, size, "%lld", config_setting_get_int64(s));
		break;
	case CONFIG_TYPE_FLOAT:
		snprintf(buf, size, "%g", config_setting_get_float(s));
		break;
	case CONFIG_TYPE_STRING:
		snprintf(buf, size, "\"%s\"", config_setting_get_string(s));
		break;
	case CONFIG_TYPE_BOOL:
		return config_setting_get_bool(s) ? "true" : "false";
	case CONFIG_TYPE_ARRAY:
		return "an array";
	case CONFIG_TYPE_LIST:
		return "a list";
	default:
		return "a group";
	}
	return buf;
}

static void wrong_value(struct reader *r, const config_setting_t *s, const struct key *k)
{
	char value[300], allowed[300];

	key_describe(k, allowed, sizeof(allowed));
	mistake(r, s, "%s is not %s", format_value(s, value, sizeof(value)), allowed);
}

static void wrong_place(struct reader *r, const config_setting_t *s, unsigned in)
{
	char known[400] = "";
	size_t n = 0;
	unsigned i;

	for (i = 0; i < config_nr_keys && n < sizeof(known); i++)
		if (config_keys[i].places & in)
			n += snprintf(known + n, sizeof(known) - n, "%s%s", n ? ", " : "",
				      config_keys[i].name);
	mistake(r, s, "%s; known here: %s",
		key_find(config_setting_name(s)) ? "this key does not belong here" : "unknown key",
		known);
}

static void read_list(struct reader *r, config_setting_t *list, const struct place *p);
static void read_group(struct reader *r, config_setting_t *group, const struct place *p);

static void read_defaults(struct reader *r, config_setting_t *s, struct config *c)
{
	const struct place p = { IN_DEFAULTS, CONFIG_SCOPE_DEFAULTS, &c->defaults, NULL };

	read_group(r, s, &p);
}

static void read_setting(struct reader *r, config_setting_t *s, const struct place *p)
{
	const struct key *k = key_find(config_setting_name(s));

	if (!k || !(k->places & p->in)) {
		wrong_place(r, s, p->in);
	} else if (k->type == KEY_LIST && config_setting_is_list(s)) {
		read_list(r, s, p);
	} else if (k->type == KEY_GROUP && config_setting_is_group(s)) {
		read_defaults(r, s, p->own);
	} else if (key_store(k, s, key_is_disk_option(k) ? (void *)p->options : p->own) < 0) {
		wrong_value(r, s, k);
	} else if (key_is_disk_option(k)) {
		p->options->from[k - config_keys] = p->scope;
	}
}

static void read_group(struct reader *r, config_setting_t *group, const struct place *p)
{
	unsigned i;

	for (i = 0; i < (unsigned)config_setting_length(group); i++)
		read_setting(r, config_setting_get_elem(group, i), p);

	for (i = 0; i < config_nr_keys; i++)
		if (config_keys[i].required && config_keys[i].places & p->in &&
		    !config_setting_get_member(group, config_keys[i].name))
			mistake(r, group, "\"%s\" is missing", config_keys[i].name);
}

/* Two entries of a list with the same name or vdev: which one would hold? */
static void check_unique(struct reader *r, const config_setting_t *list, const char *key)
{
	const config_setting_t *a, *b;
	const char *name;
	int i, j;

	for (i = 1; i < config_setting_length(list); i++) {
		a = config_setting_get_member(config_setting_get_elem(list, i), key);
		name = a ? config_setting_get_string(a) : NULL;
		for (j = 0; name && j < i; j++) {
			b = config_setting_get_member(config_setting_get_elem(list, j), key);
			if (!b || !config_setting_get_string(b) ||
			    strcmp(name, config_setting_get_string(b)))
				continue;
			mistake(r, a, "\"%s\" has an entry already, at %s:%u", name, file_of(r, b),
				config_setting_source_line(b));
			break;
		}
	}
}

static void read_entry(struct reader *r, config_setting_t *entry, const struct place *p)
{
	char value[300];

	if (config_setting_is_group(entry))
		read_group(r, entry, p);
	else
		mistake(r, entry, "%s is not a group { ... }",
			format_value(entry, value, sizeof(value)));
}

static void read_guests(struct reader *r, config_setting_t *list, struct config *c, unsigned n)
{
	struct config_guest *g;
	unsigned i;

	c->guests = calloc(n, sizeof(*c->guests));
	if (!c->guests) {
		r->no_memory = true;
		return;
	}
	c->nr_guests = n;
	for (i = 0; i < n; i++) {
		g = &c->guests[i];
		read_entry(r, config_setting_get_elem(list, i),
			   &(struct place){ IN_GUEST, CONFIG_SCOPE_GUEST, &g->options, g });
	}
	check_unique(r, list, "name");
}

/* The image of a disk of the toolstack's is what the toolstack says. */
static void check_image(struct reader *r, const config_setting_t *entry,
			const struct config_guest_disk *d)
{
	const config_setting_t *image = config_setting_get_member(entry, "image");

	if (image && d->vdev[0] && !key_vdev_is_generic(d->vdev))
		mistake(r, image,
			"\"%s\" has its image from the toolstack (target=... in the guest's "
			"xl.cfg); this key is for generic virtio devices, virtio0 and so on",
			d->vdev);
}

static void read_disks(struct reader *r, config_setting_t *list, struct config_guest *g, unsigned n)
{
	struct config_guest_disk *d;
	unsigned i;

	g->disks = calloc(n, sizeof(*g->disks));
	if (!g->disks) {
		r->no_memory = true;
		return;
	}
	g->nr_disks = n;
	for (i = 0; i < n; i++) {
		d = &g->disks[i];
		read_entry(r, config_setting_get_elem(list, i),
			   &(struct place){ IN_DISK, CONFIG_SCOPE_DISK, &d->options, d });
	}
	check_unique(r, list, "vdev");
	for (i = 0; i < n; i++)
		check_image(r, config_setting_get_elem(list, i), &g->disks[i]);
}

/* There are two lists, in different places: the guests, and the disks of a guest. */
static void read_list(struct reader *r, config_setting_t *list, const struct place *p)
{
	unsigned n = config_setting_length(list);

	if (n && p->in == IN_TOP)
		read_guests(r, list, p->own, n);
	else if (n)
		read_disks(r, list, p->own, n);
}

static int open_file(const char *path, bool may_be_missing, FILE **ret)
{
	_cleanup_(fclosep) FILE *f = fopen(path, "re");
	struct stat st;

	if (!f && errno == ENOENT && may_be_missing)
		return -ENOENT;
	if (!f || fstat(fileno(f), &st) < 0)
		return fail(-errno, NULL, "%s: cannot open the configuration", path);
	if (st.st_mode & S_IWOTH)
		log_warn(NULL, "%s: every user of this host can write to the configuration", path);
	*ret = f;
	f = NULL;
	return 0;
}

static int parse_file(config_t *tree, FILE *f, const char *path)
{
	_cleanup_(freep) char *copy = strdup(path), *text = NULL;
	_cleanup_(fclosep) FILE *again = NULL;
	const char *dir, *file;
	size_t len;
	int r = copy ? source_read(f, &text, &len) : -ENOMEM;

	if (!r && !(again = fmemopen(text, len, "r")))
		r = -errno;
	if (r)
		return fail(r, NULL, "%s: cannot read the configuration", path);
	dir = dirname(copy);
	if (source_check(path, dir, text, len))
		return -EINVAL;
	config_set_include_dir(tree, dir);
	if (config_read(tree, again))
		return 0;
	file = config_error_file(tree);
	log_err(NULL, "%s:%d: %s", file ? file : path, config_error_line(tree),
		config_error_text(tree));
	return -EINVAL;
}

static int read_tree(config_t *tree, const char *path, struct config *ret)
{
	struct reader r = { .path = path };
	_cleanup_(config_fini) struct config c = config_built_in;

	read_group(&r, config_root_setting(tree), &(struct place){ IN_TOP, 0, NULL, &c });
	if (r.no_memory)
		return fail(-ENOMEM, NULL, "%s: cannot read the configuration", path);
	if (r.mistakes)
		return -EINVAL;
	*ret = c;
	c = CONFIG_NULL;
	return 0;
}

int config_load(struct config *ret, const char *path)
{
	_cleanup_(config_destroy) config_t tree;
	_cleanup_(fclosep) FILE *f = NULL;
	bool may_be_missing = !path;
	int r;

	config_init(&tree);
	if (!path)
		path = CONFIG_DEFAULT_PATH;
	r = open_file(path, may_be_missing, &f);
	if (r == -ENOENT && may_be_missing) {
		log_info(NULL, "%s: no such file, using the built-in defaults", path);
		*ret = config_built_in;
		return 0;
	}
	if (r < 0)
		return r;
	r = parse_file(&tree, f, path);
	if (r < 0)
		return r;
	return read_tree(&tree, path, ret);
}

void config_fini(struct config *c)
{
	unsigned i;

	for (i = 0; i < c->nr_guests; i++)
		free(c->guests[i].disks);
	free(c->guests);
	*c = CONFIG_NULL;
}

/* Take over what an inner scope sets. */
static void merge(struct config_disk *d, const struct config_disk *inner)
{
	const struct key *k;
	unsigned i;

	for (i = 0; i < CONFIG_NR_KEYS; i++) {
		if (inner->from[i] == CONFIG_SCOPE_BUILT_IN)
			continue;
		k = &config_keys[i];
		memcpy((char *)d + k->offset, (const char *)inner + k->offset, k->size);
		d->from[i] = inner->from[i];
	}
}

static void merge_guest(struct config_disk *d, const struct config_guest *g, const char *vdev)
{
	unsigned i;

	merge(d, &g->options);
	for (i = 0; i < g->nr_disks; i++)
		if (!strcmp(g->disks[i].vdev, vdev))
			merge(d, &g->disks[i].options);
}

void config_disk(const struct config *c, const char *guest, const char *vdev,
		 struct config_disk *ret)
{
	const char *const names[] = { CONFIG_ANY_GUEST, guest };

	*ret = config_built_in.defaults;
	merge(ret, &c->defaults);
	for (unsigned n = 0; n < ARRAY_SIZE(names); n++)
		for (unsigned i = 0; i < c->nr_guests; i++)
			if (!strcmp(c->guests[i].name, names[n]))
				merge_guest(ret, &c->guests[i], vdev);
}
