/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A simulation: the hypervisor in this process, the real xenstored, a stand-in for libxl, and the
 * unmodified daemon with libxensim.so preloaded.  One at a time in a process.  Guests: guest.h.
 *
 * Needs to be root, as the daemon does.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/sim/faults.h"
#include "tests/sim/toolstack.h"
#include "tests/sim/xenstore_ring.h"
#include "tests/sim/xenstored.h"

struct sim {
	char dir[81]; /* XENSIM_DIR; images are in it, too */
	struct xenstored xenstored;
	struct toolstack toolstack;
	struct faults faults;
	pid_t daemon;		   /* the watcher */
	const char *only;	   /* its --domain; NULL: none; for its next start */
	unsigned domid;		   /* of the domain where it runs */
	struct xenstore_ring ring; /* of that, if it is not 0 */
};

/* The one that runs. */
extern struct sim sim;

/*
 * Before the start: the daemon's kernel has irqfd and ioeventfd, and both are used, as with
 * SIM_EVENTFDS=1 in the environment; or, if it has them, no irqfd: for who holds dm_ops that raise
 * interrupts, or has them fail.  And are there any?
 */
void sim_use_eventfds(void);
void sim_do_without_irqfd(void);
bool sim_uses_eventfds(void);

/*
 * Start everything, and wait until the daemon is ready.  config: text of the configuration file,
 * or NULL: an empty one.  If this machine can't simulate (not root), says so and ends the process
 * with status 0.
 */
void sim_start(const char *config);

/*
 * The same, but the daemon runs in a driver domain, domain 1: an ordinary one for xenstored.  Xen
 * lets it do what a policy of FLASK would.
 */
void sim_start_driver_domain(const char *config);

/*
 * End everything, when all guests are gone: the daemon by SIGTERM, which must end with status 0,
 * leave no process and have had no trouble that a sanitizer reports.
 */
void sim_stop(void);

/* End the daemon by a signal, or start it again. */
void sim_daemon_kill(int signal);
void sim_daemon_start(void);

/*
 * A file of so many bytes in the simulation's directory; its path lives as long as that.  A
 * pattern, different in each sector, or zeroes.
 */
const char *sim_image(const char *name, uint64_t bytes, bool pattern);

/* What sector of a patterned image holds: fill 512 bytes. */
void sim_pattern(uint64_t sector, void *ret);

/* Read and write an image from outside. */
void sim_image_read(const char *path, uint64_t offset, void *ret, size_t len);
void sim_image_write(const char *path, uint64_t offset, const void *data, size_t len);

/* The worker of a domain, or 0. */
pid_t sim_worker(uint16_t domid);

/* Lines of the daemon's log so far that have both texts in them; either may be "". */
unsigned sim_log_count(const char *text, const char *text2);

/* Wait until there are that many; a minute of nothing ends the test. */
void sim_log_wait(const char *text, const char *text2, unsigned count);

/*
 * A wait loop's step: sleeps a moment; too many of them end the test.  unsigned n = 0; while
 * (...) sim_step(&n, "...");
 */
void sim_step(unsigned *n, const char *waiting_for);

/*
 * Resident memory of its own in KiB, guests' memory that it has mapped not counted; CPU time
 * in clock ticks.
 */
uint64_t sim_rss_kib(pid_t pid);
uint64_t sim_cpu_ticks(pid_t pid);

/*
 * Wait until a process sleeps, and is not woken for a while: it was not scheduled in that time, so
 * a slow machine makes no difference.
 */
void sim_wait_asleep(pid_t pid);

#endif
