/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A contender of the bench: qemu-storage-daemon, with a vhost-user-blk export in an I/O thread that
 * polls adaptively, as it does by default.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/rings.h"
#include "tests/bench/vhost_user.h"
#include "tests/guest/driver.h"
#include "tests/sim/check.h"

#define SLEEP_MS 1000

/* Of a queue's three parts, each. */
#define PART_BYTES 32768

struct client {
	struct rings_port port;
	const struct run_options *options;
	struct vhost_user v;
	int kick[DRV_QUEUES_MAX], call[DRV_QUEUES_MAX];
	uint64_t kicks[DRV_QUEUES_MAX], interrupts[DRV_QUEUES_MAX];
	struct rings_queue queues[DRV_QUEUES_MAX];
};

static struct client client;
static char dir[] = "/tmp/xvirtiod-bench.XXXXXX", path[sizeof(dir) + 8];

static void kick(struct rings_port *p, unsigned queue)
{
	struct client *c = (struct client *)p;

	__atomic_fetch_add(&c->kicks[queue], 1, __ATOMIC_RELAXED);
	eventfd_write(c->kick[queue], 1);
}

/* Each count of the eventfd is an interrupt. */
static void take_interrupts(struct client *c, unsigned queue)
{
	eventfd_t n;

	if (eventfd_read(c->call[queue], &n) == 0)
		__atomic_fetch_add(&c->interrupts[queue], n, __ATOMIC_RELAXED);
}

static void sleep_for_interrupt(struct rings_port *p, unsigned queue)
{
	struct client *c = (struct client *)p;
	struct pollfd fd = { .fd = c->call[queue], .events = POLLIN };

	poll(&fd, 1, SLEEP_MS);
	take_interrupts(c, queue);
}

static void count(void *arg, struct run_counters *ret)
{
	struct client *c = arg;

	for (unsigned i = 0; i < c->options->queues; i++) {
		/* Of a driver that sleeps, these would be its wake-ups. */
		if (!c->options->sleeping)
			take_interrupts(c, i);
		ret->kicks += __atomic_load_n(&c->kicks[i], __ATOMIC_RELAXED);
		ret->interrupts += __atomic_load_n(&c->interrupts[i], __ATOMIC_RELAXED);
	}
}

static pid_t start_daemon(const struct run_options *o)
{
	char blockdev[512], export[256];
	pid_t pid;

	if (o->file)
		snprintf(blockdev, sizeof(blockdev),
			 "driver=file,node-name=disk,aio=io_uring,cache.direct=%s,filename=%s",
			 o->direct ? "on" : "off", o->file);
	else
		snprintf(blockdev, sizeof(blockdev),
			 "driver=null-co,node-name=disk,read-zeroes=off,size=%llu",
			 (unsigned long long)o->span);
	snprintf(export, sizeof(export),
		 "type=vhost-user-blk,id=export,node-name=disk,addr.type=unix,addr.path=%s,"
		 "writable=on,iothread=io,num-queues=%u",
		 path, o->queues);
	pid = fork();
	sim_check(pid >= 0, "fork: %s", strerror(errno));
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("qemu-storage-daemon", "qemu-storage-daemon", "--object", "iothread,id=io",
		       "--blockdev", blockdev, "--export", export, NULL);
		fprintf(stderr, "qemu-storage-daemon: %s\n", strerror(errno));
		_exit(127);
	}
	return pid;
}

/* A queue's three parts, and the memory of its requests. */
static void set_up(struct client *c, unsigned i, uint64_t at)
{
	struct rings_queue *q = &c->queues[i];

	q->options = c->options;
	q->port = &c->port;
	q->index = i;
	q->size = rings_queue_size(c->options);
	sim_check(16 * q->size <= PART_BYTES, "a queue of %u", q->size);
	q->desc = c->v.memory + at;
	q->avail = q->desc + PART_BYTES;
	q->used = q->avail + PART_BYTES;
	q->memory = q->used + PART_BYTES;
	q->memory_gpa = VHOST_USER_GPA + (q->memory - c->v.memory);
	c->kick[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->call[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sim_check(c->kick[i] >= 0 && c->call[i] >= 0, "eventfd: %s", strerror(errno));
	vhost_user_start(&c->v, i, q->size, q->desc, q->avail, q->used, c->kick[i], c->call[i]);
}

static void boot(struct client *c, const struct run_options *o)
{
	uint64_t bytes = 3 * PART_BYTES + rings_bytes(o);

	c->options = o;
	c->port = (struct rings_port){ .kick = kick, .sleep = sleep_for_interrupt };
	vhost_user_open(&c->v, path,
			BIT64(F_VERSION_1) | BIT64(F_INDIRECT_DESC) | BIT64(F_EVENT_IDX),
			o->queues * bytes);
	for (unsigned i = 0; i < o->queues; i++)
		set_up(c, i, i * bytes);
}

int main(int argc, char **argv)
{
	struct run_options o = run_options(argc, argv);
	static struct meter_histogram all;
	struct run_result result;
	pid_t pid;

	sim_check(o.guests == 1 && o.disks == 1 && !o.memory && o.queues <= DRV_QUEUES_MAX,
		  "one disk, of %u queues at most", DRV_QUEUES_MAX);
	sim_check(mkdtemp(dir), "%s: %s", dir, strerror(errno));
	snprintf(path, sizeof(path), "%s/socket", dir);
	pid = start_daemon(&o);
	boot(&client, &o);
	for (unsigned i = 0; i < o.queues && !o.idle; i++)
		rings_start(&client.queues[i]);
	result = run_measure(&o, &pid, 1, count, &client);
	for (unsigned i = 0; i < o.queues; i++) {
		if (!o.idle)
			rings_join(&client.queues[i]);
		meter_merge(&all, &client.queues[i].latency);
		vhost_user_stop(&client.v, i);
	}
	vhost_user_close(&client.v);
	/* QEMU 7.2 at times hangs when it ends by SIGTERM; there is nothing to lose. */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(path);
	rmdir(dir);
	run_report("qemu-storage-daemon", &result, &all, all.count);
	return 0;
}
