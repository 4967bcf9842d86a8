/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/config_make.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/util.h"
#include "config/keys.h"

#define DEPTH_MAX 4

struct maker {
	struct fuzz_input *in;
	char *text;
	size_t size, len;
	unsigned depth;
};

static void put(struct maker *m, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void put(struct maker *m, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	m->len += vsnprintf(m->text + m->len, m->size - m->len, fmt, ap);
	va_end(ap);
	m->len = MIN(m->len, m->size - 1);
}

static unsigned choose(struct maker *m, unsigned n)
{
	return fuzz_take(m->in, 1) % n;
}

static void put_text(struct maker *m)
{
	unsigned len = choose(m, 32);

	/* As many bytes as may be too many for any text. */
	if (len == 31)
		len = 8 * choose(m, 64);
	put(m, "\"");
	for (unsigned i = 0; i < len; i++)
		put(m, "%s%c", choose(m, 8) ? "" : "\\",
		    fuzz_left(m->in) ? 'a' + choose(m, 26) : 'z');
	put(m, "\"");
}

static void put_word(struct maker *m, const struct key *k)
{
	unsigned nr = 0;

	while (k->words && k->words[nr].text)
		nr++;
	if (nr)
		put(m, "\"%s\"", k->words[choose(m, nr)].text);
	else
		put_text(m);
}

static void put_number(struct maker *m, const struct key *k)
{
	uint64_t n = k->min;

	switch (choose(m, 4)) {
	case 0:
		n = 1ull << choose(m, 64);
		break;
	case 1:
		n = fuzz_take(m->in, 2);
		break;
	case 2:
		n = k->max + choose(m, 2);
		break;
	}
	switch (choose(m, 16)) {
	case 0:
		put(m, "-%" PRIu64, n);
		break;
	case 1:
		put(m, "0x%" PRIx64, n);
		break;
	case 2:
		put(m, "%" PRIu64 "L", n);
		break;
	case 3:
		put(m, "%" PRIu64 ".5", n);
		break;
	default:
		put(m, "%" PRIu64, n);
	}
}

static void put_size(struct maker *m)
{
	static const char suffixes[] = "KMGTPk-";
	unsigned which = choose(m, 16);

	put(m, "\"%" PRIu64, fuzz_take(m->in, which == 15 ? 8 : 2));
	if (which < sizeof(suffixes) - 1)
		put(m, "%c", suffixes[which]);
	put(m, "\"");
}

static void put_group(struct maker *m, unsigned in);

/* The place inside this key. */
static unsigned place_of(const struct key *k)
{
	if (k->type == KEY_GROUP)
		return IN_DEFAULTS;
	return strcmp(k->name, "guests") ? IN_DISK : IN_GUEST;
}

static void put_list(struct maker *m, unsigned in)
{
	unsigned n = choose(m, 4);

	put(m, "(");
	for (unsigned i = 0; i < n; i++) {
		put(m, i ? ", " : "");
		if (choose(m, 32) != 31)
			put_group(m, in);
		else
			put(m, "7");
	}
	put(m, ")");
}

static void put_value(struct maker *m, const struct key *k)
{
	/* Now and then what another key would want. */
	if (choose(m, 16) == 15)
		k = &config_keys[choose(m, config_nr_keys)];
	switch (k->type) {
	case KEY_WORD:
	case KEY_NAME:
		put_word(m, k);
		break;
	case KEY_BOOL:
		put(m, choose(m, 2) ? "true" : "false");
		break;
	case KEY_NUMBER:
		if (k->words && choose(m, 4) == 3)
			put_word(m, k);
		else
			put_number(m, k);
		break;
	case KEY_SIZE:
		put_size(m);
		break;
	case KEY_TEXT:
		put_text(m);
		break;
	case KEY_GROUP:
		put_group(m, place_of(k));
		break;
	case KEY_LIST:
		put_list(m, place_of(k));
		break;
	}
}

/* A key that this group does not have yet, as *used says. */
static void put_key(struct maker *m, unsigned in, bool required, uint32_t *used)
{
	unsigned first = choose(m, config_nr_keys);

	for (unsigned i = 0; i < config_nr_keys; i++) {
		unsigned n = (first + i) % config_nr_keys;
		const struct key *k = &config_keys[n];

		if (!(k->places & in) || (required && !k->required) || *used & 1u << n)
			continue;
		*used |= 1u << n;
		put(m, "%s = ", k->name);
		put_value(m, k);
		put(m, ";\n");
		return;
	}
}

static void put_settings(struct maker *m, unsigned in)
{
	unsigned n = choose(m, 6);
	uint32_t used = 0;

	if (m->depth == DEPTH_MAX)
		return;
	m->depth++;
	if (n != 5)
		put_key(m, in, true, &used);
	for (unsigned i = 0; i < n; i++)
		/* Not where it belongs, for once. */
		put_key(m, choose(m, 32) == 31 ? ~0u : in, false, &used);
	m->depth--;
}

static void put_group(struct maker *m, unsigned in)
{
	put(m, "{\n");
	put_settings(m, in);
	put(m, "}");
}

void config_make(struct fuzz_input *in, char *text, size_t size)
{
	struct maker m = { .in = in, .text = text, .size = size };

	text[0] = '\0';
	put_settings(&m, IN_TOP);
}
