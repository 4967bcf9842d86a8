/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/bench/meter.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/check.h"
#include "tests/sim/sim.h"

#define COUNTERS_MAX 64

static int counters[COUNTERS_MAX];
static unsigned nr_counters;

void meter_merge(struct meter_histogram *to, const struct meter_histogram *from)
{
	to->count += from->count;
	to->sum += from->sum;
	for (unsigned i = 0; i < sizeof(to->n) / sizeof(to->n[0]); i++)
		to->n[i] += from->n[i];
}

uint64_t meter_percentile(const struct meter_histogram *h, unsigned of_1000)
{
	uint64_t below = 0;
	unsigned i = 0;

	if (!h->count)
		return 0;
	while ((below += h->n[i]) * 1000 < h->count * of_1000)
		i++;
	if (i < 2 * METER_CLASSES)
		return i;
	return (uint64_t)(i % METER_CLASSES + METER_CLASSES) << (i / METER_CLASSES - 1);
}

uint64_t meter_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* Calls fn(tid, ...) for each thread of a process. */
static void for_each_task(pid_t pid, void (*fn)(const char *tid, const char *dir, void *arg),
			  void *arg)
{
	char dir[64];
	struct dirent *e;
	DIR *tasks;

	snprintf(dir, sizeof(dir), "/proc/%d/task", pid);
	tasks = opendir(dir);
	sim_check(tasks, "look at the threads of process %d: %s", pid, strerror(errno));
	while ((e = readdir(tasks)))
		if (e->d_name[0] != '.')
			fn(e->d_name, dir, arg);
	closedir(tasks);
}

static void count_task(const char *tid, const char *dir, void *arg)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = *(unsigned *)arg,
		.inherit = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, atoi(tid), -1, -1, PERF_FLAG_FD_CLOEXEC);

	(void)dir;
	sim_check(fd >= 0 && nr_counters < COUNTERS_MAX, "count the system calls of thread %s: %s",
		  tid, strerror(errno));
	counters[nr_counters++] = fd;
}

void meter_count_syscalls(pid_t pid, unsigned event)
{
	if (event)
		for_each_task(pid, count_task, &event);
}

/* A thread that has ended meanwhile counts no more. */
static void add_task(const char *tid, const char *dir, void *arg)
{
	struct meter_usage *u = arg;
	char path[384], line[128];
	uint64_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/schedstat", dir, tid);
	f = fopen(path, "re");
	if (f && fscanf(f, "%" SCNu64, &n) == 1)
		u->cpu_ns += n;
	if (f)
		fclose(f);
	snprintf(path, sizeof(path), "%s/%s/status", dir, tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &n) == 1)
			u->sleeps += n;
	if (f)
		fclose(f);
}

struct meter_usage meter_usage(const pid_t *pids, unsigned nr)
{
	struct meter_usage u = { .at = meter_now(), .syscalls = nr_counters ? 0 : -1 };

	for (unsigned i = 0; i < nr; i++) {
		for_each_task(pids[i], add_task, &u);
		u.rss_kib += sim_rss_kib(pids[i]);
	}
	for (unsigned i = 0; i < nr_counters; i++) {
		uint64_t n;

		sim_check(read(counters[i], &n, sizeof(n)) == sizeof(n), "read a counter");
		u.syscalls += n;
	}
	return u;
}
