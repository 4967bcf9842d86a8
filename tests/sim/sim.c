/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/sim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/check.h"
#include "tests/sim/hyp.h"

#define STEPS_MAX  60000 /* of a millisecond */
#define IMAGES_MAX 256

struct sim sim;

/* Paths of images. */
static char *images[IMAGES_MAX];
static unsigned nr_images;

void sim_step(unsigned *n, const char *waiting_for)
{
	sim_check(++*n < STEPS_MAX, "waited in vain for %s", waiting_for);
	usleep(1000);
}

static void path_of(char *ret, size_t size, const char *name)
{
	sim_check((size_t)snprintf(ret, size, "%s/%s", sim.dir, name) < size, "%s: too long", name);
}

/* The daemon */

/* In the child: as a service would be started, with the library preloaded. */
static void exec_daemon(const char *log, const char *config)
{
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	setenv("LD_PRELOAD", SIM_SHIM, 1);
	setenv("XENSIM_DIR", sim.dir, 1);
	if (sim.domid)
		setenv("XENSTORED_RUNDIR", sim.ring.rundir, 1);
	/*
	 * The preloaded library comes before the sanitizer's; that looks for leaks by means that
	 * the sandbox forbids.
	 */
	setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0:abort_on_error=1", 1);
	setenv("UBSAN_OPTIONS", "print_stacktrace=1", 1);
	/* Its lock files are in /run; a private one lets simulations run side by side. */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/run", "tmpfs", 0, NULL) < 0)
		dprintf(STDERR_FILENO, "no private /run: %s\n", strerror(errno));
	execl(SIM_XVIRTIOD, "xvirtiod", "--foreground", "--log-level", "debug", "--config", config,
	      sim.only ? "--domain" : NULL, sim.only, NULL);
	_exit(127);
}

void sim_daemon_start(void)
{
	unsigned ready = sim_log_count("is ready to serve", ""), n = 0;
	char log[128], config[128];

	path_of(log, sizeof(log), "xvirtiod.log");
	path_of(config, sizeof(config), "xvirtiod.conf");
	sim.daemon = fork();
	sim_check(sim.daemon >= 0, "fork: %s", strerror(errno));
	if (!sim.daemon)
		exec_daemon(log, config);
	while (sim_log_count("is ready to serve", "") == ready) {
		sim_check(waitpid(sim.daemon, NULL, WNOHANG) == 0, "the daemon ended; see %s", log);
		sim_step(&n, "the daemon to be ready");
	}
}

void sim_daemon_kill(int signal)
{
	int status;

	kill(sim.daemon, signal);
	sim_check(waitpid(sim.daemon, &status, 0) == sim.daemon, "wait for the daemon");
	if (signal == SIGKILL)
		sim_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "killed: %#x",
			  status);
	else
		sim_check(status == 0, "the daemon ended with status %#x", status);
	sim.daemon = 0;
}

/* Start and stop */

/* For us, and for the library that is preloaded. */
#define EVENTFDS  "SIM_EVENTFDS"
#define IOEVENTFD "ioeventfd"

void sim_use_eventfds(void)
{
	setenv(EVENTFDS, "1", 1);
}

bool sim_uses_eventfds(void)
{
	return getenv(EVENTFDS);
}

void sim_do_without_irqfd(void)
{
	if (sim_uses_eventfds())
		setenv(EVENTFDS, IOEVENTFD, 1);
}

static void write_config(const char *path, const char *text)
{
	const char *env = getenv(EVENTFDS), *eventfds = "";
	FILE *f = fopen(path, "we");

	if (env)
		eventfds = !strcmp(env, IOEVENTFD) ? "irqfd = false; ioeventfd = true;\n"
						   : "ioeventfd = true;\n";
	sim_check(f && fprintf(f, "%s%s", eventfds, text) >= 0 && fclose(f) == 0, "write %s", path);
}

/* A domain like any other, but for its kernel: it is this machine's. */
static void make_driver_domain(void)
{
	struct sim_error err = { "" };

	sim.domid = 1;
	hyp_set_next_domid(sim.domid + 1);
	xenstored_set_domain(&sim.xenstored, sim.domid, XENSTORED_DOMAIN_RUNNING);
	xenstore_ring_start(&sim.ring, &sim.xenstored, sim.domid);
	sim_check(toolstack_create_domain(&sim.toolstack, sim.domid, "domd", &err) == 0, "%s",
		  err.text);
	toolstack_set_backend_domid(sim.domid);
}

static void start(const char *config, bool driver_domain)
{
	const char *tmp = getenv("TMPDIR");
	struct sim_error err = { "" };
	char path[128];

	if (geteuid() != 0) {
		fprintf(stderr, "*** SKIPPED: the simulator needs root, as the daemon does ***\n");
		exit(EXIT_SUCCESS);
	}
	snprintf(sim.dir, sizeof(sim.dir), "%s/xensim.XXXXXX", tmp ? tmp : "/tmp");
	sim_check(mkdtemp(sim.dir), "mkdtemp %s: %s", sim.dir, strerror(errno));
	/* Fault injection is mapped by whoever is started later. */
	faults_init(&sim.faults, sim.dir);
	hyp_start(sim.dir);
	sim_check(xenstored_start(&sim.xenstored, sim.dir, &err) == 0, "%s", err.text);
	sim_check(toolstack_open(&sim.toolstack, &sim.xenstored, TOOLSTACK_LIMIT_MS, &err) == 0,
		  "%s", err.text);
	path_of(path, sizeof(path), "xvirtiod.conf");
	write_config(path, config ? config : "");
	if (driver_domain)
		make_driver_domain();
	sim_daemon_start();
}

void sim_start(const char *config)
{
	start(config, false);
}

void sim_start_driver_domain(const char *config)
{
	start(config, true);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void sim_stop(void)
{
	struct sim_error err = { "" };

	if (sim.daemon)
		sim_daemon_kill(SIGTERM);
	sim_check(!sim_log_count("ERROR: AddressSanitizer", "") &&
			  !sim_log_count("runtime error:", ""),
		  "a sanitizer has found something: %s/xvirtiod.log", sim.dir);
	if (sim.domid) {
		sim_check(toolstack_destroy_domain(&sim.toolstack, sim.domid, &err) == 0, "%s",
			  err.text);
		xenstored_set_domain(&sim.xenstored, sim.domid, XENSTORED_DOMAIN_NONE);
		xenstore_ring_stop(&sim.ring);
		toolstack_set_backend_domid(sim.domid = 0);
	}
	toolstack_close(&sim.toolstack);
	sim_check(xenstored_stop(&sim.xenstored, &err) == 0, "%s", err.text);
	hyp_stop();
	faults_fini(&sim.faults);
	while (nr_images)
		free(images[--nr_images]);
	sim_check(nftw(sim.dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0, "remove %s", sim.dir);
}

/* Images */

void sim_pattern(uint64_t sector, void *ret)
{
	uint8_t *p = ret;

	for (unsigned i = 0; i < 512; i++)
		p[i] = i < 8 ? sector >> 8 * i : (uint8_t)(sector * 7 + i * 3 + 1);
}

const char *sim_image(const char *name, uint64_t bytes, bool pattern)
{
	char path[256], *copy;
	uint8_t data[512];
	FILE *f;

	path_of(path, sizeof(path), name);
	f = fopen(path, "we");
	sim_check(f, "create %s: %s", path, strerror(errno));
	for (uint64_t s = 0; pattern && s < bytes / 512; s++) {
		sim_pattern(s, data);
		sim_check(fwrite(data, sizeof(data), 1, f) == 1, "fill %s", path);
	}
	sim_check(fflush(f) == 0 && ftruncate(fileno(f), bytes) == 0 && fclose(f) == 0, "fill %s",
		  path);
	copy = strdup(path);
	sim_check(copy && nr_images < IMAGES_MAX, "too many images");
	images[nr_images++] = copy;
	return copy;
}

void sim_image_read(const char *path, uint64_t offset, void *ret, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	sim_check(fd >= 0 && pread(fd, ret, len, offset) == (ssize_t)len, "read %s", path);
	close(fd);
}

void sim_image_write(const char *path, uint64_t offset, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	sim_check(fd >= 0 && pwrite(fd, data, len, offset) == (ssize_t)len, "write %s", path);
	close(fd);
}

/* Looking at the daemon */

unsigned sim_log_count(const char *text, const char *text2)
{
	char path[128], line[1024];
	unsigned n = 0;
	FILE *f;

	path_of(path, sizeof(path), "xvirtiod.log");
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, text) && strstr(line, text2);
	if (f)
		fclose(f);
	return n;
}

void sim_log_wait(const char *text, const char *text2, unsigned count)
{
	unsigned n = 0;

	while (sim_log_count(text, text2) < count)
		sim_step(&n, text);
}

/* A file of /proc/PID, as one string. */
static bool read_proc(pid_t pid, const char *name, char *ret, size_t size)
{
	char path[64];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, ret, size - 1);
		close(fd);
	}
	ret[n > 0 ? n : 0] = '\0';
	for (ssize_t i = 0; i < n; i++)
		if (!ret[i])
			ret[i] = ' ';
	return n > 0;
}

pid_t sim_worker(uint16_t domid)
{
	char wanted[32], text[256];
	DIR *proc = opendir("/proc");
	struct dirent *e;
	pid_t found = 0;

	snprintf(wanted, sizeof(wanted), "--worker %u ", domid);
	sim_check(proc, "look at processes");
	while (!found && (e = readdir(proc))) {
		pid_t pid = strtol(e->d_name, NULL, 10);
		int parent;

		if (pid <= 0 || !read_proc(pid, "cmdline", text, sizeof(text)) ||
		    !strstr(text, wanted))
			continue;
		/* Other simulations have workers, too. */
		read_proc(pid, "stat", text, sizeof(text));
		if (sscanf(text, "%*d (%*[^)]) %*c %d", &parent) == 1 && parent == sim.daemon)
			found = pid;
	}
	closedir(proc);
	return found;
}

/* The number behind a name in /proc/PID/status. */
static uint64_t status_number(pid_t pid, const char *name)
{
	char text[4096];
	const char *at;

	sim_check(read_proc(pid, "status", text, sizeof(text)) && (at = strstr(text, name)),
		  "%s of process %d", name, pid);
	return strtoull(at + strlen(name), NULL, 10);
}

uint64_t sim_rss_kib(pid_t pid)
{
	return status_number(pid, "RssAnon:");
}

static uint64_t switches(pid_t pid)
{
	/* The second name ends with the first. */
	return status_number(pid, "\nvoluntary_ctxt_switches:") +
	       status_number(pid, "nonvoluntary_ctxt_switches:");
}

void sim_wait_asleep(pid_t pid)
{
	uint64_t before, now = switches(pid);
	unsigned n = 0;
	char text[1024], state;

	do {
		before = now;
		for (unsigned i = 0; i < 20; i++)
			sim_step(&n, "a process to fall asleep");
		sim_check(read_proc(pid, "stat", text, sizeof(text)) &&
				  sscanf(strrchr(text, ')') + 1, " %c", &state) == 1,
			  "state of process %d", pid);
		now = switches(pid);
	} while (state != 'S' || now != before);
}

uint64_t sim_cpu_ticks(pid_t pid)
{
	char text[1024];
	unsigned long long user, system;

	sim_check(read_proc(pid, "stat", text, sizeof(text)) &&
			  sscanf(strrchr(text, ')') + 1,
				 " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
				 &system) == 2,
		  "CPU time of process %d", pid);
	return user + system;
}
