/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Load a configuration given as text, and keep what was logged about it. */
#ifndef TESTS_UNIT_CONFIG_TRY_H
#define TESTS_UNIT_CONFIG_TRY_H

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "tests/fake/test.h"

struct
try {
	char dir[32]; /* holds the files */
	char path[64];
	char log[8192];
	struct config config;
	int result; /* of config_load() */
};

static inline void try_write(const char *dir, const char *name, const char *text)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Load path (NULL: the default one) and catch standard error in t->log. */
static inline void try_load(struct try *t, const char *path)
{
	FILE *log = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t n;

	assert_non_null(log);
	fflush(stderr);
	dup2(fileno(log), STDERR_FILENO);
	t->config = CONFIG_NULL;
	t->result = config_load(&t->config, path);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(log);
	n = fread(t->log, 1, sizeof(t->log) - 1, log);
	t->log[n] = '\0';
	fclose(log);
}

/* Load text as DIR/x.conf; include, if not NULL, is what lies beside it as DIR/include. */
static inline void try_text(struct try *t, const char *text, const char *include)
{
	char beside[64];

	strcpy(t->dir, "/tmp/xvirtiod-config-XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	snprintf(t->path, sizeof(t->path), "%s/x.conf", t->dir);
	snprintf(beside, sizeof(beside), "%s/include", t->dir);
	try_write(t->dir, "x.conf", text);
	if (include)
		try_write(t->dir, "include", include);
	try_load(t, t->path);
	unlink(beside);
	unlink(t->path);
	rmdir(t->dir);
}

/*
 * The file is refused, and one of the lines logged is about FILE_AND_LINE and says what.  The
 * directory is left out: libconfig 1.5 names an included file as the @include does.
 */
static inline void try_refused(const struct try *t, const char *file_and_line, const char *what)
{
	char line[1024];

	snprintf(line, sizeof(line), "%s: %s\n", file_and_line, what);
	assert_int_equal(t->result, -EINVAL);
	sim_check(strstr(t->log, line), "no line \"%s\" in:\n%s", line, t->log);
}

/* Number of lines logged. */
static inline unsigned try_lines(const struct try *t)
{
	unsigned n = 0;
	const char *c;

	for (c = t->log; *c; c++)
		n += *c == '\n';
	return n;
}

#endif
