/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "config/config.h"
#include "daemon/instance.h"
#include "daemon/watcher.h"
#include "daemon/worker.h"
#include "transport/xen_access.h"

/* Wrong usage or configuration: starting again would not help. */
#define EXIT_USAGE 2

struct arguments {
	const char *config;
	const char *domain;
	const char *log_level;
	bool foreground, check_config;

	/* How the watcher starts a worker; not for people. */
	const char *worker;
	const char *worker_name;
	const char *worker_log_level;
	const char *worker_eventfds;
	const char *worker_poll;
	bool worker_grants;
};

enum option_value {
	OPT_CHECK_CONFIG = 1,
	OPT_CONFIG,
	OPT_DOMAIN,
	OPT_FOREGROUND,
	OPT_HELP,
	OPT_LOG_LEVEL,
	OPT_VERSION,
	OPT_WORKER,
	OPT_WORKER_GRANTS,
	OPT_WORKER_NAME,
	OPT_WORKER_LOG_LEVEL,
	OPT_WORKER_EVENTFDS,
	OPT_WORKER_POLL,
};

static const struct option options[] = {
	{ "check-config", no_argument, NULL, OPT_CHECK_CONFIG },
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "domain", required_argument, NULL, OPT_DOMAIN },
	{ "foreground", no_argument, NULL, OPT_FOREGROUND },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "worker", required_argument, NULL, OPT_WORKER },
	{ "worker-grants", no_argument, NULL, OPT_WORKER_GRANTS },
	{ "worker-name", required_argument, NULL, OPT_WORKER_NAME },
	{ "worker-log-level", required_argument, NULL, OPT_WORKER_LOG_LEVEL },
	{ "worker-eventfds", required_argument, NULL, OPT_WORKER_EVENTFDS },
	{ "worker-poll", required_argument, NULL, OPT_WORKER_POLL },
	{ NULL, 0, NULL, 0 },
};

static const char usage[] =
	"usage: xvirtiod [options]\n"
	"Serve virtio disks to Xen guests (disk = [ '..., specification=virtio, ...' ] in "
	"xl.cfg).\n"
	"\n"
	"  --check-config        look for mistakes in the configuration, and exit\n"
	"  --config FILE         read FILE instead of " CONFIG_DEFAULT_PATH "\n"
	"  --domain NAME|ID      serve only this guest\n"
	"  --foreground          log text to standard error, even under systemd\n"
	"  --log-level LEVEL     error, warning, notice, info or debug\n"
	"  --version             print the version, and exit\n"
	"  --help                print this, and exit\n"
	"\n"
	"See xvirtiod(8) and xvirtiod.conf(5).\n";

/* Fill *a.  -1: go on; else an exit status. */
static int parse_arguments(int argc, char **argv, struct arguments *a)
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case OPT_CHECK_CONFIG:
			a->check_config = true;
			break;
		case OPT_CONFIG:
			a->config = optarg;
			break;
		case OPT_DOMAIN:
			a->domain = optarg;
			break;
		case OPT_FOREGROUND:
			a->foreground = true;
			break;
		case OPT_HELP:
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		case OPT_LOG_LEVEL:
			a->log_level = optarg;
			break;
		case OPT_VERSION:
			puts("xvirtiod " XVIRTIOD_VERSION);
			return EXIT_SUCCESS;
		case OPT_WORKER:
			a->worker = optarg;
			break;
		case OPT_WORKER_GRANTS:
			a->worker_grants = true;
			break;
		case OPT_WORKER_NAME:
			a->worker_name = optarg;
			break;
		case OPT_WORKER_LOG_LEVEL:
			a->worker_log_level = optarg;
			break;
		case OPT_WORKER_EVENTFDS:
			a->worker_eventfds = optarg;
			break;
		case OPT_WORKER_POLL:
			a->worker_poll = optarg;
			break;
		default: /* getopt_long() has said what is wrong */
			fputs("Try 'xvirtiod --help'.\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "xvirtiod: unexpected argument '%s'\n%s", argv[optind],
			"Try 'xvirtiod --help'.\n");
		return EXIT_USAGE;
	}
	return -1;
}

static int run_worker(const struct arguments *a)
{
	struct worker_options o = { .foreground = a->foreground, .grants = a->worker_grants };

	if (!a->worker_name || !a->worker_log_level || !a->worker_eventfds || !a->worker_poll) {
		fputs("xvirtiod: --worker is for xvirtiod's own use\n", stderr);
		return EXIT_USAGE;
	}
	o.log_level = atoi(a->worker_log_level);
	o.eventfds = atoi(a->worker_eventfds);
	o.poll_us = atoi(a->worker_poll);
	log_set_level(o.log_level);
	return worker_main(atoi(a->worker), a->worker_name, &o);
}

static int run_watcher(const struct arguments *a, const struct config *config)
{
	struct watcher_options o = {
		.config = config,
		.domain = a->domain,
		.foreground = a->foreground,
	};

	o.log_level = config->log_level;
	if (a->log_level)
		o.log_level = config_log_level(a->log_level);
	log_set_level(o.log_level);
	if (instance_lock(a->domain) < 0)
		return EXIT_FAILURE;
	/* What is missing may come later; each disk that it is needed for says so, too. */
	xen_access_check_host();
	return watcher_main(&o);
}

int main(int argc, char **argv)
{
	struct arguments a = { .config = NULL };
	struct config config = CONFIG_NULL;
	int status = parse_arguments(argc, argv, &a);

	if (status >= 0)
		return status;
	if (a.log_level && config_log_level(a.log_level) < 0) {
		fprintf(stderr,
			"xvirtiod: --log-level '%s' is not one of error, warning, notice, info, "
			"debug\n",
			a.log_level);
		return EXIT_USAGE;
	}
	/* A log that nobody reads any more is no reason to leave guests waiting. */
	signal(SIGPIPE, SIG_IGN);
	if (a.domain && (!a.domain[0] || strchr(a.domain, '/'))) {
		fprintf(stderr, "xvirtiod: --domain '%s' is not the name or id of a domain\n",
			a.domain);
		return EXIT_USAGE;
	}
	log_open(LOG_INFO);
	if (a.foreground || a.check_config)
		log_force_text();
	if (a.worker)
		return run_worker(&a);

	if (config_load(&config, a.config) < 0)
		return EXIT_USAGE;
	if (a.check_config)
		puts("the configuration is good");
	else
		status = run_watcher(&a, &config);
	config_fini(&config);
	return status < 0 ? EXIT_SUCCESS : status;
}
