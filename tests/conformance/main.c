/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conformance                  run all tests, print the table
 * conformance ID...            only these
 * conformance --markdown FILE  run all, and write the table to FILE as docs/conformance.md has it
 *
 * Two tests run at a time, each in a process of its own (conformance --run ID).  Ends with status 0
 * if all pass, and, if these are all, the score is complete.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/conformance/conformance.h"

#define CLAUSES_MAX 256
#define JOBS	    2

/* Clauses that the score counts: see docs/conformance.md. */
#define COUNTED 51

struct guest *the_guest;
const char *the_image;

static struct drv the_driver;

static const struct clause *const tables[] = {
	clauses_a,	   clauses_a_features, clauses_a_suspend, clauses_b,
	clauses_b_implied, clauses_c_framing,  clauses_c_memory,  clauses_c_notify,
	clauses_c_queues,  clauses_c_stress,   clauses_e_config,  clauses_e_durable,
	clauses_e_ranges,  clauses_e_requests,
};

static const struct clause *all[CLAUSES_MAX]; /* in the order of their ids */
static unsigned nr_all;
static bool passed[CLAUSES_MAX];

static const char *const level_names[] = {
	[MUST] = "MUST", [MUST_NOT] = "MUST NOT", [SHOULD] = "SHOULD", [SHOULD_NOT] = "SHOULD NOT",
	[MAY] = "MAY",	 [IMPLIED] = "implied",
};

/* What tests call */

struct drv *device(const struct device_spec *spec)
{
	struct guest_spec g = { .nr_disks = 1, .vcpus = spec->vcpus };

	sim_start(spec->config);
	the_image = sim_image("disk", spec->bytes ? spec->bytes : 1 << 20, true);
	g.disk[0] = toolstack_disk(0, the_image);
	g.disk[0].read_only = spec->read_only;
	g.disk[0].discard = !spec->no_discard && !spec->read_only;
	the_guest = guest_create(&g);
	guest_driver(the_guest, 0, 4 << 20, &the_driver);
	return &the_driver;
}

struct drv *running_device(uint64_t without)
{
	struct drv *d = device(&(struct device_spec){ .bytes = 0 });

	drv_boot(d, without);
	return d;
}

/* Running them */

static int by_id(const void *x, const void *y)
{
	const char *a = (*(const struct clause *const *)x)->id;
	const char *b = (*(const struct clause *const *)y)->id;

	return a[0] != b[0] ? a[0] - b[0] : atoi(a + 1) - atoi(b + 1);
}

static void collect(void)
{
	for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (const struct clause *c = tables[i]; c->id; c++) {
			sim_check(nr_all < CLAUSES_MAX, "too many clauses");
			all[nr_all++] = c;
		}
	}
	qsort(all, nr_all, sizeof(all[0]), by_id);
	for (unsigned i = 1; i < nr_all; i++)
		sim_check(by_id(&all[i - 1], &all[i]) < 0, "%s has two tests", all[i]->id);
}

static const struct clause *find(const char *id)
{
	for (unsigned i = 0; i < nr_all; i++)
		if (!strcmp(all[i]->id, id))
			return all[i];
	fprintf(stderr, "conformance: there is no clause %s\n", id);
	exit(2);
}

static int run_one(const char *id)
{
	find(id)->test();
	if (the_guest)
		guest_destroy(the_guest);
	sim_stop();
	return 0;
}

static pid_t start(const char *self, const struct clause *c)
{
	pid_t pid = fork();

	sim_check(pid >= 0, "fork: %s", strerror(errno));
	if (!pid) {
		alarm(120);
		execl(self, "conformance", "--run", c->id, NULL);
		_exit(127);
	}
	return pid;
}

static void run_all(bool wanted[CLAUSES_MAX])
{
	pid_t running[CLAUSES_MAX] = { 0 };
	unsigned next = 0, jobs = 0;

	for (;;) {
		int status;
		pid_t pid;

		while (jobs < JOBS && next < nr_all) {
			if (wanted[next]) {
				running[next] = start("/proc/self/exe", all[next]);
				jobs++;
			}
			next++;
		}
		if (!jobs)
			return;
		pid = wait(&status);
		for (unsigned i = 0; i < next; i++)
			if (running[i] == pid)
				passed[i] = status == 0;
		jobs--;
	}
}

/* The table */

static void print_text(const bool wanted[CLAUSES_MAX])
{
	for (unsigned i = 0; i < nr_all; i++)
		if (wanted[i])
			printf("%s %-4s %-10s %s\n          %s\n", passed[i] ? "PASS" : "FAIL",
			       all[i]->id, level_names[all[i]->level], all[i]->name, all[i]->text);
}

static void write_markdown(const char *path, const char *score)
{
	FILE *f = fopen(path, "we");

	sim_check(f, "create %s: %s", path, strerror(errno));
	fprintf(f, "| Clause | Level | Section | In our words | Test | Result |\n");
	fprintf(f, "|---|---|---|---|---|---|\n");
	for (unsigned i = 0; i < nr_all; i++)
		fprintf(f, "| %s%s | %s | %s | %s | `%s` | %s |\n", all[i]->id,
			all[i]->counted ? "\\*" : "", level_names[all[i]->level], all[i]->section,
			all[i]->text, all[i]->name, passed[i] ? "pass" : "**fail**");
	fprintf(f, "\n%s\n", score);
	sim_check(fclose(f) == 0, "write %s: %s", path, strerror(errno));
}

/* Prints how many tests passed; were they all, and is the score complete?  score: the last line. */
static bool print_score(const bool wanted[CLAUSES_MAX], char score[64])
{
	unsigned points = 0, counted = 0, failed = 0, ran = 0;

	for (unsigned i = 0; i < nr_all; i++) {
		if (!wanted[i])
			continue;
		ran++;
		failed += !passed[i];
		counted += all[i]->counted;
		points += all[i]->counted && passed[i];
	}
	if (ran == nr_all)
		counted = COUNTED;
	snprintf(score, 64, "conformance %u/%u", points, counted);
	printf("%u of %u tests passed\n%s\n", ran - failed, ran, score);
	return !failed && points == counted;
}

int main(int argc, char **argv)
{
	const char *markdown = argc == 3 && !strcmp(argv[1], "--markdown") ? argv[2] : NULL;
	bool wanted[CLAUSES_MAX] = { false };
	char score[64];
	bool good;

	collect();
	if (argc == 3 && !strcmp(argv[1], "--run"))
		return run_one(argv[2]);
	for (unsigned i = 0; i < nr_all; i++)
		wanted[i] = argc == 1 || markdown;
	for (int k = 1; k < argc && !markdown; k++)
		for (unsigned i = 0; i < nr_all; i++)
			wanted[i] |= all[i] == find(argv[k]);
	run_all(wanted);
	print_text(wanted);
	good = print_score(wanted, score);
	if (markdown)
		write_markdown(markdown, score);
	return !good;
}
