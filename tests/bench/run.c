/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/bench/run.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/sim/check.h"

enum run_phase run_phase;

static const struct option options[] = {
	{ "file", required_argument, NULL, 'f' },
	{ "span", required_argument, NULL, 'S' },
	{ "block", required_argument, NULL, 'b' },
	{ "depth", required_argument, NULL, 'd' },
	{ "queues", required_argument, NULL, 'q' },
	{ "disks", required_argument, NULL, 'n' },
	{ "guests", required_argument, NULL, 'g' },
	{ "reads", required_argument, NULL, 'r' },
	{ "syscalls", required_argument, NULL, 'c' },
	{ "seconds", required_argument, NULL, 's' },
	{ "sequential", no_argument, NULL, 'L' },
	{ "direct", no_argument, NULL, 'D' },
	{ "idle", no_argument, NULL, 'i' },
	{ "waiting", no_argument, NULL, 'w' },
	{ "memory", required_argument, NULL, 'm' },
	{ "sleeping", no_argument, NULL, 'I' },
	{ NULL, 0, NULL, 0 },
};

static void set(struct run_options *o, int option)
{
	uint64_t n = optarg ? strtoull(optarg, NULL, 0) : 0;

	switch (option) {
	case 'f':
		o->file = optarg;
		break;
	case 'S':
		o->span = n;
		break;
	case 'b':
		o->block = n;
		break;
	case 'd':
		o->depth = n;
		break;
	case 'q':
		o->queues = n;
		break;
	case 'n':
		o->disks = n;
		break;
	case 'g':
		o->guests = n;
		break;
	case 'r':
		o->reads = n;
		break;
	case 'c':
		o->syscalls = n;
		break;
	case 's':
		o->seconds = atof(optarg);
		break;
	case 'L':
		o->sequential = true;
		break;
	case 'D':
		o->direct = true;
		break;
	case 'i':
		o->idle = true;
		break;
	case 'm':
		o->memory = n;
		break;
	case 'w':
		o->waiting = true;
		break;
	case 'I':
		o->sleeping = true;
		break;
	default:
		exit(2); /* getopt has said why */
	}
}

struct run_options run_options(int argc, char **argv)
{
	struct run_options o = { .span = 256 << 20,
				 .block = 4096,
				 .depth = 32,
				 .queues = 1,
				 .disks = 1,
				 .guests = 1,
				 .reads = 100,
				 .seconds = 1 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		set(&o, option);
	sim_check(optind == argc, "%s is no option", argv[optind]);
	sim_check(o.block >= 512 && o.block % 512 == 0 && o.span >= o.block && o.depth &&
			  o.queues && o.disks && o.guests && o.reads <= 100 && o.seconds > 0,
		  "options that make no sense");
	return o;
}

static void pass(double seconds)
{
	struct timespec ts = { .tv_sec = seconds, .tv_nsec = (seconds - (time_t)seconds) * 1e9 };

	nanosleep(&ts, NULL);
}

static void enter(enum run_phase phase)
{
	__atomic_store_n(&run_phase, phase, __ATOMIC_RELAXED);
}

struct run_result run_measure(const struct run_options *o, const pid_t *pids, unsigned nr,
			      void (*counters)(void *arg, struct run_counters *ret), void *arg)
{
	struct run_result r = { .processes = nr };

	for (unsigned i = 0; i < nr; i++)
		meter_count_syscalls(pids[i], o->syscalls);
	pass(o->seconds / 4);
	if (counters)
		counters(arg, &r.counted_from);
	r.from = meter_usage(pids, nr);
	enter(RUN_MEASURED);
	pass(o->seconds);
	enter(RUN_OVER);
	r.to = meter_usage(pids, nr);
	if (counters)
		counters(arg, &r.counted);
	return r;
}

void run_report(const char *name, const struct run_result *r, const struct meter_histogram *h,
		uint64_t least)
{
	printf("{\"contender\": \"%s\", \"requests\": %" PRIu64 ", \"seconds\": %.6f, "
	       "\"mean_ns\": %.0f, \"p50_ns\": %" PRIu64 ", \"p99_ns\": %" PRIu64
	       ", \"p999_ns\": %" PRIu64 ", \"cpu_ns\": %" PRIu64 ", \"sleeps\": %" PRIu64
	       ", \"kicks\": %" PRIu64 ", \"interrupts\": %" PRIu64 ", \"ioreqs\": %" PRIu64
	       ", \"least\": %" PRIu64 ", \"processes\": %u, \"rss_kib\": %" PRIu64,
	       name, h->count, (r->to.at - r->from.at) / 1e9,
	       h->count ? (double)h->sum / h->count : 0, meter_percentile(h, 500),
	       meter_percentile(h, 990), meter_percentile(h, 999), r->to.cpu_ns - r->from.cpu_ns,
	       r->to.sleeps - r->from.sleeps, r->counted.kicks - r->counted_from.kicks,
	       r->counted.interrupts - r->counted_from.interrupts,
	       r->counted.accesses - r->counted_from.accesses, least, r->processes, r->to.rss_kib);
	if (r->from.syscalls >= 0)
		printf(", \"syscalls\": %" PRId64, r->to.syscalls - r->from.syscalls);
	printf("}\n");
}
