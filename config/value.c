/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of keys: text of the file -> field, field -> text, and what is allowed, in words. */
#include "config/keys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/util.h"

/* Each is 1024 times the one before. */
static const char *const size_suffixes[] = { "", "K", "M", "G", "T" };

static void append(char *buf, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);

static void append(char *buf, size_t size, const char *fmt, ...)
{
	size_t n = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + n, size - n, fmt, ap);
	va_end(ap);
}

/* The largest suffix that divides evenly: 1073741824 is 1G. */
static void append_size(char *buf, size_t size, uint64_t bytes)
{
	unsigned i;

	for (i = 0; i + 1 < ARRAY_SIZE(size_suffixes) && bytes && bytes % 1024 == 0; i++)
		bytes /= 1024;
	append(buf, size, "\"%" PRIu64 "%s\"", bytes, size_suffixes[i]);
}

void key_describe(const struct key *k, char *buf, size_t size)
{
	const struct key_word *w;

	buf[0] = '\0';
	switch (k->type) {
	case KEY_WORD:
	case KEY_NAME:
		append(buf, size, "one of ");
		for (w = k->words; w->text; w++)
			append(buf, size, "%s\"%s\"", w == k->words ? "" : ", ", w->text);
		break;
	case KEY_BOOL:
		append(buf, size, "a boolean (true or false)");
		break;
	case KEY_NUMBER:
		append(buf, size, "a %s from %" PRIu64 " to %" PRIu64,
		       k->power_of_2 ? "power of two" : "number", k->min, k->max);
		for (w = k->words; w && w->text; w++)
			append(buf, size, " or \"%s\"", w->text);
		break;
	case KEY_SIZE:
		append(buf, size,
		       "a text with a number of bytes, such as \"64M\" (K, M, G or T; a "
		       "multiple of %" PRIu64 " up to ",
		       k->min);
		append_size(buf, size, k->max);
		append(buf, size, ")");
		break;
	case KEY_TEXT:
		append(buf, size, "%s", k->rule);
		break;
	case KEY_GROUP:
		append(buf, size, "a group { ... }");
		break;
	case KEY_LIST:
		append(buf, size, "a list of groups, ({ ... }, ...)");
		break;
	}
}

void key_format(const struct key *k, const void *base, char *buf, size_t size)
{
	const void *field = (const char *)base + k->offset;
	const struct key_word *w;

	buf[0] = '\0';
	switch (k->type) {
	case KEY_WORD:
	case KEY_NUMBER:
		for (w = k->words; w && w->text; w++)
			if (w->value == *(const int *)field)
				append(buf, size, "\"%s\"", w->text);
		if (!buf[0])
			append(buf, size, "%d", *(const int *)field);
		break;
	case KEY_NAME:
		append(buf, size, "\"%s\"", *(const char *const *)field);
		break;
	case KEY_BOOL:
		append(buf, size, *(const int *)field == CONFIG_BOOL_TRUE ? "true" : "false");
		break;
	case KEY_SIZE:
		append_size(buf, size, *(const uint64_t *)field);
		break;
	case KEY_TEXT:
		append(buf, size, "\"%s\"", (const char *)field);
		break;
	case KEY_GROUP:
	case KEY_LIST:
		break;
	}
}

/* The word of the key that text is, or NULL. */
static const struct key_word *find_word(const struct key *k, const char *text)
{
	const struct key_word *w;

	for (w = k->words; text && w && w->text; w++)
		if (!strcmp(w->text, text))
			return w;
	return NULL;
}

static int store_word(const struct key *k, const char *text, void *field)
{
	const struct key_word *w = find_word(k, text);

	if (!w)
		return -EINVAL;
	if (k->type == KEY_NAME)
		*(const char **)field = w->text;
	else
		*(int *)field = w->value;
	return 0;
}

static int store_bool(const config_setting_t *s, void *field)
{
	if (config_setting_type(s) != CONFIG_TYPE_BOOL)
		return -EINVAL;
	*(enum config_bool *)field = config_setting_get_bool(s) ? CONFIG_BOOL_TRUE
								: CONFIG_BOOL_FALSE;
	return 0;
}

static int store_number(const struct key *k, const config_setting_t *s, void *field)
{
	int type = config_setting_type(s);
	long long n;

	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
		return store_word(k, config_setting_get_string(s), field);
	n = type == CONFIG_TYPE_INT ? config_setting_get_int(s) : config_setting_get_int64(s);
	if (n < 0 || (uint64_t)n < k->min || (uint64_t)n > k->max)
		return -EINVAL;
	if (k->power_of_2 && !is_power_of_2(n))
		return -EINVAL;
	*(unsigned *)field = n;
	return 0;
}

/* A size is a text, never a number: those have 32 bits in libconfig 1.5 (config/source.h). */
static int store_size(const struct key *k, const char *text, void *field)
{
	unsigned i;
	uint64_t n;
	char *end;

	if (!text || text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(size_suffixes); i++)
		if (!strcmp(end, size_suffixes[i]))
			break;
	if (i == ARRAY_SIZE(size_suffixes) || __builtin_mul_overflow(n, 1ull << 10 * i, &n))
		return -EINVAL;
	if (n < k->min || n > k->max || n % k->min)
		return -EINVAL;
	*(uint64_t *)field = n;
	return 0;
}

static int store_text(const struct key *k, const char *text, void *field)
{
	size_t len;

	if (!text)
		return -EINVAL;
	len = strlen(text);
	if (len >= k->size || !k->valid(text, len))
		return -EINVAL;
	memcpy(field, text, len + 1);
	return 0;
}

int key_store(const struct key *k, const config_setting_t *s, void *base)
{
	/* NULL for all that is no string */
	const char *text = config_setting_get_string(s);
	void *field = (char *)base + k->offset;

	switch (k->type) {
	case KEY_WORD:
	case KEY_NAME:
		return store_word(k, text, field);
	case KEY_BOOL:
		return store_bool(s, field);
	case KEY_NUMBER:
		return store_number(k, s, field);
	case KEY_SIZE:
		return store_size(k, text, field);
	case KEY_TEXT:
		return store_text(k, text, field);
	case KEY_GROUP:
	case KEY_LIST:
		break;
	}
	return -EINVAL;
}
