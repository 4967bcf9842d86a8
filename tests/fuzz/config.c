/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory
 *
 * The input is the text of a configuration file, and goes through all of config/: what stands
 * before libconfig, libconfig itself, the key table, the merging of scopes.  A file that is taken
 * must hold only values that the table allows, for whatever disk is asked for; one that is refused
 * must say so in the log, once per mistake, and leave nothing behind.
 *
 * What a value is written as by the program itself must be read as that value again.
 *
 * The file is in a directory of its own, and what includes can name lies there, too, or is refused.
 * An input that begins with '!' is not the text, but the decisions of config_make.h: a text by
 * chance seldom gets past the syntax.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/keys.h"
#include "tests/fuzz/common.h"
#include "tests/fuzz/config_make.h"

#define TEXT_MAX 4096

/* libconfig 1.5 forgets what its scanner has gathered when a mistake follows. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig";
}

static char dir[] = "/dev/shm/xvirtiod-fuzz.XXXXXX", path[64], included[64];
static int fd;

static void clean_up(void)
{
	unlink(included);
	unlink(path);
	rmdir(dir);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	FILE *f;

	(void)argc;
	(void)argv;
	fuzz_check(mkdtemp(dir), "cannot make %s", dir);
	snprintf(path, sizeof(path), "%s/c", dir);
	snprintf(included, sizeof(included), "%s/i", dir);
	f = fopen(included, "we");
	fuzz_check(f && fputs("queues = 2;\n", f) > 0 && fclose(f) == 0, "cannot write %s",
		   included);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	fuzz_check(fd >= 0, "cannot make %s", path);
	atexit(clean_up);
	fuzz_log_start();
	return 0;
}

/* Write a key as it is in base, and read it into *again. */
static void read_again(const struct key *k, const void *base, void *again)
{
	char value[512], text[600];
	config_t tree;

	key_format(k, base, value, sizeof(value));
	/* The program writes such texts nowhere, and would have to escape them. */
	if (strchr(value, '\\') || (k->type == KEY_TEXT && strchr(value + 1, '"')[1]))
		return;
	snprintf(text, sizeof(text), "%s = %s;", k->name, value);
	config_init(&tree);
	fuzz_check(config_read_string(&tree, text) &&
			   !key_store(k, config_lookup(&tree, k->name), again),
		   "cannot be read again: %s", text);
	fuzz_check(!memcmp((const char *)base + k->offset, (char *)again + k->offset,
			   k->type == KEY_TEXT ? strlen(value) - 1 : k->size),
		   "reads as something else: %s", text);
	config_destroy(&tree);
}

static void check_again(const struct config *c, const struct config_disk *d)
{
	struct config_disk again = { 0 };
	struct config all = CONFIG_NULL;

	for (unsigned i = 0; i < config_nr_keys; i++)
		if (i < CONFIG_NR_KEYS && d->from[i])
			read_again(&config_keys[i], d, &again);
		else if (config_keys[i].places == IN_TOP && config_keys[i].type == KEY_WORD)
			read_again(&config_keys[i], c, &all);
}

/* What the command line takes for a level is what the file takes. */
static void check_level(const struct config *c)
{
	const struct key_word *w = key_find("log_level")->words;

	while (w->text && w->value != c->log_level)
		w++;
	fuzz_check(w->text && config_log_level(w->text) == w->value, "level %d", c->log_level);
}

static void check_disk(const struct config *c, const char *guest, const char *vdev)
{
	struct config_disk d;

	config_disk(c, guest, vdev, &d);
	fuzz_check(!strcmp(d.backend, "file") || !strcmp(d.backend, "null"), "backend %s",
		   d.backend);
	fuzz_check(d.queues <= CONFIG_QUEUES_MAX, "%u queues", d.queues);
	fuzz_check(d.queue_size >= 8 && d.queue_size <= 1024 &&
			   !(d.queue_size & (d.queue_size - 1)),
		   "queues of %u", d.queue_size);
	fuzz_check(d.null_size && d.null_size % 512 == 0, "a size of %llu",
		   (unsigned long long)d.null_size);
	fuzz_check(strnlen(d.serial, sizeof(d.serial)) < sizeof(d.serial), "serial without an end");
	fuzz_check(strnlen(d.image, sizeof(d.image)) < sizeof(d.image) &&
			   (d.image[0] == '/' || !d.from[CONFIG_KEY_IMAGE]),
		   "image %s", d.image);
	check_again(c, &d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, data + size };
	struct config c = CONFIG_NULL;
	uint64_t before = fuzz_log_lines;
	static char made[4 * TEXT_MAX];
	int r;

	if (size > TEXT_MAX)
		return -1;
	if (size && data[0] == '!') {
		fuzz_take(&in, 1);
		config_make(&in, made, sizeof(made));
		data = (const uint8_t *)made;
		size = strlen(made);
	}
	fuzz_check(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size,
		   "cannot write %s", path);
	r = config_load(&c, path);
	if (r) {
		fuzz_check(fuzz_log_lines > before, "refused without a word");
		fuzz_check(!c.guests, "a file that was refused left something");
	} else {
		check_level(&c);
		check_disk(&c, "nobody", "xvdz");
		for (unsigned i = 0; i < c.nr_guests; i++) {
			check_disk(&c, c.guests[i].name, "xvdz");
			for (unsigned k = 0; k < c.guests[i].nr_disks; k++)
				check_disk(&c, c.guests[i].name, c.guests[i].disks[k].vdev);
		}
		config_fini(&c);
	}
	/* A mistake needs a character at least. */
	fuzz_check(fuzz_log_lines - before <= size + 2, "%llu lines about %zu bytes",
		   (unsigned long long)(fuzz_log_lines - before), size);
	return 0;
}
