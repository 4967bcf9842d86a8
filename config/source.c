/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/source.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/util.h"

/* Files within files that libconfig reads; it refuses more. */
#define DEPTH_MAX 10

struct scan {
	const char *path, *dir;
	const char *at, *end;
	unsigned line;
	unsigned depth;
	unsigned mistakes;
	bool too_deep; /* libconfig will say so: the rest is in vain */
};

int source_read(FILE *f, char **ret, size_t *ret_len)
{
	_cleanup_(freep) char *text = NULL;
	size_t len = 0, size = 0, n;

	do {
		if (len == size) {
			char *more = realloc(text, size += 65536);

			if (!more)
				return -ENOMEM;
			text = more;
		}
		n = fread(text + len, 1, size - len, f);
		len += n;
	} while (n);
	if (ferror(f))
		return -errno;
	*ret = text;
	*ret_len = len;
	text = NULL;
	return 0;
}

/* Does the text go on with this? */
static bool is_next(const struct scan *s, const char *what)
{
	size_t n = strlen(what);

	return (size_t)(s->end - s->at) >= n && !memcmp(s->at, what, n);
}

/* Go on by a character. */
static void step(struct scan *s)
{
	if (s->at < s->end)
		s->line += *s->at++ == '\n';
}

static void mistake(struct scan *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void mistake(struct scan *s, const char *fmt, ...)
{
	char text[PATH_MAX + 128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_err(NULL, "%s:%u: %s", s->path, s->line, text);
	s->mistakes++;
}

/* libconfig would be content with the text that is left. */
static bool expect_more(struct scan *s, const char *what)
{
	if (s->at < s->end)
		return true;
	mistake(s, "the file ends in the middle of a %s", what);
	return false;
}

static void skip_comment(struct scan *s)
{
	s->at += strlen("/*");
	while (s->at < s->end && !is_next(s, "*/"))
		step(s);
	if (expect_more(s, "comment"))
		s->at += strlen("*/");
}

/* A text in quotes; what fits of it goes into buf.  False if it has no end. */
static bool take_text(struct scan *s, char *buf, size_t size)
{
	size_t n = 0;

	for (step(s); s->at < s->end && *s->at != '"'; step(s)) {
		if (*s->at == '\\')
			step(s);
		if (s->at < s->end && n < size - 1)
			buf[n++] = *s->at;
	}
	buf[n] = '\0';
	if (!expect_more(s, "text"))
		return false;
	step(s);
	return true;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '*';
}

/* Does libconfig read the number as what it is?  Text that is no whole number is its business. */
static bool is_read_right(const char *text)
{
	char *end;
	long long n;
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');

	errno = 0;
	n = strtoll(text, &end, hex ? 16 : 10);
	if (!strcmp(end, "L") || !strcmp(end, "LL"))
		return !errno;
	return *end || (!errno && n >= INT_MIN && n <= INT_MAX);
}

static void check_number(struct scan *s)
{
	_cleanup_(freep) char *text = NULL;
	const char *start = s->at;

	do
		s->at++;
	while (s->at < s->end && (is_word(*s->at) || *s->at == '.'));
	text = strndup(start, s->at - start);
	if (!text || is_read_right(text))
		return;
	mistake(s, "%s is too large a number; a size is a text, such as \"8G\"", text);
}

static void check_text(struct scan *s);

static void check_file(struct scan *s, const char *name)
{
	_cleanup_(freep) char *path = NULL, *text = NULL;
	_cleanup_(fclosep) FILE *f = NULL;
	struct scan inner = { .dir = s->dir, .line = 1, .depth = s->depth + 1 };
	struct stat st;
	size_t len = 0;
	int r;

	s->too_deep = inner.depth > DEPTH_MAX;
	if (s->too_deep || asprintf(&path, "%s/%s", s->dir, name) < 0)
		return;
	/* Opening what is no file may block, or do things. */
	if (stat(path, &st) < 0) {
		mistake(s, "cannot include %s: %s", path, strerror(errno));
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		mistake(s, "cannot include %s: not a file", path);
		return;
	}
	f = fopen(path, "re");
	r = f ? source_read(f, &text, &len) : -errno;
	if (r < 0) {
		mistake(s, "cannot include %s: %s", path, strerror(-r));
		return;
	}
	inner.path = path;
	inner.at = text;
	inner.end = text + len;
	check_text(&inner);
	s->mistakes += inner.mistakes;
	s->too_deep = inner.too_deep;
}

/* "@include" is there, the first in its line. */
static void check_include(struct scan *s)
{
	char name[PATH_MAX];

	s->at += strlen("@include");
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\t'))
		step(s);
	if (!is_next(s, "\""))
		return;
	if (take_text(s, name, sizeof(name)))
		check_file(s, name);
}

static void check_text(struct scan *s)
{
	bool first = true; /* nothing in this line yet */
	char none[1];

	while (s->at < s->end && !s->too_deep) {
		char c = *s->at;

		if (first && is_next(s, "@include")) {
			check_include(s);
		} else if (c == '#' || is_next(s, "//")) {
			while (s->at < s->end && *s->at != '\n')
				s->at++;
		} else if (is_next(s, "/*")) {
			skip_comment(s);
		} else if (c == '"') {
			take_text(s, none, sizeof(none));
		} else if (isdigit((unsigned char)c) || c == '-' || c == '+') {
			check_number(s);
		} else if (is_word(c)) {
			while (s->at < s->end && (is_word(*s->at) || *s->at == '-'))
				s->at++;
		} else {
			step(s);
		}
		first = c == '\n' || (first && (c == ' ' || c == '\t'));
	}
}

unsigned source_check(const char *path, const char *dir, const char *text, size_t len)
{
	struct scan s = { .path = path, .dir = dir, .at = text, .end = text + len, .line = 1 };

	check_text(&s);
	return s.mistakes;
}
