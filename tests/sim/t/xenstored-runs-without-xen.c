/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debian's xenstored runs without Xen: several side by side, which know the domains that they are
 * told of, and leave nothing behind, however the test ends.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xenstore.h>

#include "tests/sim/check.h"
#include "tests/sim/xenstored.h"

static struct sim_error err;

static void make_dir(char *dir)
{
	strcpy(dir, "/tmp/xensim-XXXXXX");
	sim_check(mkdtemp(dir), "%m");
}

static void start(struct xenstored *x, char *dir)
{
	make_dir(dir);
	sim_check(xenstored_start(x, dir, &err) == 0, "%s", err.text);
}

static void stop(struct xenstored *x, const char *dir)
{
	pid_t pid = x->pid;

	sim_check(xenstored_stop(x, &err) == 0, "%s", err.text);
	sim_check(kill(pid, 0) < 0 && errno == ESRCH, "xenstored lives on");
	sim_check(rmdir(dir) == 0, "something is left in %s: %m", dir);
}

static bool write_text(struct xs_handle *xs, const char *path, const char *text)
{
	return xs_write(xs, XBT_NULL, path, text, strlen(text));
}

static void check_text(struct xs_handle *xs, const char *path, const char *expected)
{
	char *text = xs_read(xs, XBT_NULL, path, NULL);

	sim_check(text ? expected && !strcmp(text, expected) : !expected, "%s: %s", path,
		  text ? text : "(none)");
	free(text);
}

static void two_side_by_side(void)
{
	struct xenstored a, b;
	char dir_a[32], dir_b[32];
	struct xs_handle *xs_a, *xs_b;

	start(&a, dir_a);
	start(&b, dir_b);
	xs_a = xenstored_connect(&a);
	xs_b = xenstored_connect(&b);
	sim_check(xs_a && xs_b, "%m");
	sim_check(write_text(xs_a, "/test", "a"), "%m");
	check_text(xs_a, "/test", "a");
	check_text(xs_b, "/test", NULL);
	check_text(xs_b, "/local/domain/0/name", "Domain-0");
	xs_close(xs_a);
	stop(&a, dir_a);
	sim_check(write_text(xs_b, "/test", "b"), "%m");
	check_text(xs_b, "/test", "b");
	xs_close(xs_b);
	stop(&b, dir_b);
}

/* Sleep until a watch fires; its path is as expected. */
static void expect_event(struct xs_handle *xs, const char *path)
{
	unsigned n;
	char **event = xs_read_watch(xs, &n);

	sim_check(event && !strcmp(event[XS_WATCH_PATH], path), "%s instead of %s",
		  event ? event[XS_WATCH_PATH] : "nothing", path);
	free(event);
}

/* Nodes that the domain owns live as long as the domain, and no longer. */
static void domains_come_and_go(void)
{
	struct xs_permissions owner[] = { { 7, XS_PERM_NONE } };
	struct xenstored x;
	struct xs_handle *xs;
	char dir[32];

	start(&x, dir);
	xs = xenstored_connect(&x);
	sim_check(xs && xs_watch(xs, "@releaseDomain", "r"), "%m");
	expect_event(xs, "@releaseDomain"); /* each watch fires once to begin with */
	sim_check(xs_watch(xs, "@introduceDomain", "i"), "%m");
	expect_event(xs, "@introduceDomain");

	xenstored_set_domain(&x, 7, XENSTORED_DOMAIN_RUNNING);
	sim_check(xenstored_introduce(xs, 7, &err) == 0, "%s", err.text);
	expect_event(xs, "@introduceDomain");
	sim_check(xs_is_domain_introduced(xs, 7), "domain 7 is unknown");
	sim_check(write_text(xs, "/test", "its own"), "%m");
	sim_check(xs_set_permissions(xs, XBT_NULL, "/test", owner, 1), "%m");

	xenstored_set_domain(&x, 7, XENSTORED_DOMAIN_SHUTDOWN);
	expect_event(xs, "@releaseDomain");
	sim_check(xs_is_domain_introduced(xs, 7), "domain 7 is gone");
	check_text(xs, "/test", "its own");

	xenstored_set_domain(&x, 7, XENSTORED_DOMAIN_NONE);
	expect_event(xs, "@releaseDomain");
	sim_check(!xs_is_domain_introduced(xs, 7), "domain 7 is not gone");
	check_text(xs, "/test", NULL);
	xs_close(xs);
	stop(&x, dir);
}

/* A test starts a xenstored, and dies without a word; the xenstored becomes our child then. */
static void none_outlives_its_test(void)
{
	struct xenstored x;
	int status, fds[2];
	char dir[32];
	pid_t test;

	make_dir(dir);
	sim_check(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 && pipe(fds) == 0, "%m");
	test = fork();
	if (test == 0) {
		sim_check(xenstored_start(&x, dir, &err) == 0, "%s", err.text);
		sim_check(write(fds[1], &x.pid, sizeof(x.pid)) == sizeof(x.pid), "%m");
		raise(SIGKILL);
	}
	x = XENSTORED_NULL;
	strcpy(x.dir, dir);
	close(fds[1]);
	sim_check(read(fds[0], &x.pid, sizeof(x.pid)) == sizeof(x.pid), "the test has failed");
	close(fds[0]);
	sim_check(waitpid(test, NULL, 0) == test, "%m");
	sim_check(waitpid(x.pid, &status, 0) == x.pid, "%m");
	sim_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %x", status);
	x.pid = 0;
	xenstored_stop(&x, NULL); /* removes what is in the directory */
	sim_check(rmdir(dir) == 0, "something is left in %s: %m", dir);
}

static void its_end_is_noticed(void)
{
	struct xenstored x;
	siginfo_t info;
	char dir[32];

	start(&x, dir);
	sim_check(kill(x.pid, SIGSEGV) == 0, "%m");
	sim_check(waitid(P_PID, x.pid, &info, WEXITED | WNOWAIT) == 0, "%m");
	sim_check(xenstored_stop(&x, &err) == -ECHILD && strstr(err.text, "signal 11"), "%s",
		  err.text);
	sim_check(rmdir(dir) == 0, "something is left in %s: %m", dir);
}

int main(void)
{
	two_side_by_side();
	domains_come_and_go();
	none_outlives_its_test();
	its_end_is_noticed();
	return 0;
}
