/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * torture [--seeds N] [--from SEED]       the lives of guests that N seeds make; 10, from 1 on
 * torture --seeds 1 --from SEED [-v]      one, in this process: says what it is; -v: what happens
 *
 * Theory: a seed makes a world of one or two guests with disks and a configuration for the
 * daemon, and everything that happens in it: what each vCPU does step by step, what each queue
 * asks for request by request, what the storage does.  Threads run as they like, so a seed does
 * not replay the order of things, but each thread's decisions.  All guests are legal: whatever
 * they do has one right answer, but for sectors whose write had no answer or an error, which are
 * old or new.  model.c knows it byte by byte, and the image is compared with it from outside when
 * a guest is gone.
 *
 * As many seeds run at a time as there are CPUs, each in a process of its own.  One that fails
 * leaves its directory (image files, the daemon's log, what the process said), and the command
 * that replays it.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/torture/life.h"
#include "tests/torture/random.h"

#define JOBS_MAX 64

/* Seconds before a seed that says nothing hangs, whatever its own waits think; most take one. */
#define SEED_LIMIT 600

/* One seed */

struct generation {
	struct life *life;
	uint64_t seed;
};

static void *live(void *arg)
{
	struct generation *g = arg;

	life_run(g->life, g->seed);
	return NULL;
}

static void run_generation(struct life *lives, const struct plan *plan, unsigned n)
{
	struct generation generation[PLAN_GUESTS];
	pthread_t thread[PLAN_GUESTS];

	for (unsigned i = 0; i < plan->nr_guests; i++) {
		generation[i] = (struct generation){
			&lives[i],
			random_mix(plan->seed, 1 + n * PLAN_GUESTS + i),
		};
		thread[i] = guest_run(live, &generation[i]);
	}
	for (unsigned i = 0; i < plan->nr_guests; i++)
		guest_join(thread[i]);
}

static int run_seed(uint64_t seed)
{
	static struct life lives[PLAN_GUESTS];
	static struct plan plan;

	plan_make(seed, &plan);
	plan_print(&plan);
	sim_start(plan.config);
	for (unsigned i = 0; i < plan.nr_guests; i++)
		life_init(&lives[i], &plan.guest[i]);
	for (unsigned n = 0; n < plan.generations; n++) {
		if (n && random_mix(seed, n) & 1) {
			sim_daemon_kill(SIGTERM);
			sim_daemon_start();
		}
		run_generation(lives, &plan, n);
	}
	for (unsigned i = 0; i < plan.nr_guests; i++)
		life_fini(&lives[i]);
	sim_stop();
	return 0;
}

/* Many seeds */

struct job {
	pid_t pid;
	uint64_t seed;
	char dir[96];
};

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void start(struct job *job, const char *base, uint64_t seed)
{
	char text[32], path[128];

	job->seed = seed;
	snprintf(job->dir, sizeof(job->dir), "%s/%llu", base, (unsigned long long)seed);
	snprintf(path, sizeof(path), "%s/output", job->dir);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)seed);
	sim_check(mkdir(job->dir, 0755) == 0, "mkdir %s: %s", job->dir, strerror(errno));
	job->pid = fork();
	sim_check(job->pid >= 0, "fork: %s", strerror(errno));
	if (!job->pid) {
		const struct rlimit no_core = { 0, 0 };
		int fd = open(path, O_WRONLY | O_CREAT, 0644);

		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		setenv("TMPDIR", job->dir, 1);
		setrlimit(RLIMIT_CORE, &no_core);
		alarm(SEED_LIMIT);
		execl("/proc/self/exe", "torture", "--seeds", "1", "--from", text, NULL);
		_exit(127);
	}
}

static void print_last_lines(const char *dir)
{
	char path[128], line[4][512] = { "" };
	unsigned n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/output", dir);
	f = fopen(path, "re");
	while (f && fgets(line[n % 4], sizeof(*line), f))
		n++;
	for (unsigned i = n < 4 ? 0 : n - 4; i < n; i++)
		fprintf(stderr, "  %s", line[i % 4]);
	if (f)
		fclose(f);
}

/* True if it was good. */
static bool finish(struct job *job, const char *self, int status)
{
	job->pid = 0;
	if (status == 0) {
		sim_check(nftw(job->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0, "remove %s",
			  job->dir);
		return true;
	}
	fprintf(stderr, "seed %llu failed (%s %d); again: %s --seeds 1 --from %llu; kept: %s\n",
		(unsigned long long)job->seed, WIFSIGNALED(status) ? "signal" : "status",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), self,
		(unsigned long long)job->seed, job->dir);
	print_last_lines(job->dir);
	return false;
}

static int run_seeds(const char *self, uint64_t from, uint64_t seeds)
{
	const char *tmp = getenv("TMPDIR");
	struct job job[JOBS_MAX] = { { .pid = 0 } };
	unsigned width = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t next = 0, failed = 0;
	unsigned running = 0;
	char base[64];

	if (width > JOBS_MAX)
		width = JOBS_MAX;
	snprintf(base, sizeof(base), "%s/torture.XXXXXX", tmp ? tmp : "/tmp");
	sim_check(mkdtemp(base), "mkdtemp %s: %s", base, strerror(errno));
	while (next < seeds || running) {
		int status;
		pid_t pid;

		for (unsigned i = 0; i < width && next < seeds; i++) {
			if (job[i].pid)
				continue;
			start(&job[i], base, from + next++);
			running++;
		}
		pid = wait(&status);
		for (unsigned i = 0; i < width; i++)
			if (job[i].pid == pid)
				failed += !finish(&job[i], self, status);
		running--;
	}
	if (!failed)
		rmdir(base);
	printf("%llu seeds, %llu failed\n", (unsigned long long)seeds, (unsigned long long)failed);
	return failed != 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seeds", required_argument, NULL, 'n' },
		{ "from", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	uint64_t seeds = 10, from = 1;
	int c;

	while ((c = getopt_long(argc, argv, "v", options, NULL)) != -1) {
		switch (c) {
		case 'n':
			seeds = strtoull(optarg, NULL, 10);
			break;
		case 'f':
			from = strtoull(optarg, NULL, 10);
			break;
		case 'v':
			life_is_verbose = true;
			break;
		default:
			return 2;
		}
	}
	return seeds == 1 ? run_seed(from) : run_seeds(argv[0], from, seeds);
}
