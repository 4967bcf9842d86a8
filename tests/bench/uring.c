/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A contender of the bench: io_uring on the file, and nothing else, as fast as it is: registered
 * file and buffers, one system call for each round.  A ring for each queue.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/run.h"
#include "tests/sim/check.h"

struct ring {
	const struct run_options *o;
	struct io_uring ring;
	struct run_pattern pattern;
	struct meter_histogram latency;
	pthread_t thread;
	int fd;
	uint8_t *memory;
	uint64_t *started;
};

static void prepare(struct ring *r, unsigned i, uint64_t now)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->ring);
	uint8_t *data = r->memory + (size_t)i * r->o->block;
	uint64_t offset = run_offset(&r->pattern);

	if (run_is_read(&r->pattern))
		io_uring_prep_read_fixed(sqe, 0, data, r->o->block, offset, 0);
	else
		io_uring_prep_write_fixed(sqe, 0, data, r->o->block, offset, 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	sqe->user_data = i;
	r->started[i] = now;
}

/* Take back all that has completed; a new request for each, unless it is over. */
static unsigned turn(struct ring *r)
{
	enum run_phase phase = run_phase_now();
	uint64_t now = meter_now();
	struct io_uring_cqe *cqe;
	unsigned head, n = 0;

	io_uring_for_each_cqe(&r->ring, head, cqe)
	{
		unsigned i = cqe->user_data;

		sim_check(cqe->res == (int)r->o->block, "slot %u has ended badly: %d", i, cqe->res);
		if (phase == RUN_MEASURED)
			meter_add(&r->latency, now - r->started[i]);
		if (phase != RUN_OVER)
			prepare(r, i, now);
		n++;
	}
	io_uring_cq_advance(&r->ring, n);
	return n;
}

/* In the thread that uses it, as SINGLE_ISSUER wants it. */
static void set_up(struct ring *r)
{
	struct iovec iov = { .iov_len = (size_t)r->o->depth * r->o->block };
	int ret;

	sim_check(posix_memalign(&iov.iov_base, 4096, iov.iov_len) == 0, "out of memory");
	memset(iov.iov_base, 1, iov.iov_len);
	r->memory = iov.iov_base;
	r->started = calloc(r->o->depth, sizeof(*r->started));
	ret = io_uring_queue_init(r->o->depth, &r->ring,
				  IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	sim_check(r->started && ret == 0, "a ring: %s", strerror(-ret));
	ret = io_uring_register_files(&r->ring, &r->fd, 1);
	sim_check(ret == 0, "register the file: %s", strerror(-ret));
	ret = io_uring_register_buffers(&r->ring, &iov, 1);
	sim_check(ret == 0, "register the buffers: %s", strerror(-ret));
	io_uring_register_ring_fd(&r->ring);
}

static void *run(void *arg)
{
	struct ring *r = arg;
	unsigned in_flight = r->o->depth;

	set_up(r);
	for (unsigned i = 0; i < r->o->depth; i++)
		prepare(r, i, meter_now());
	while (in_flight) {
		int ret = io_uring_submit_and_wait(&r->ring, 1);
		unsigned n;

		sim_check(ret >= 0, "submit: %s", strerror(-ret));
		n = turn(r);
		if (run_phase_now() == RUN_OVER)
			in_flight -= n - io_uring_sq_ready(&r->ring);
	}
	io_uring_queue_exit(&r->ring);
	free(r->memory);
	free(r->started);
	return NULL;
}

int main(int argc, char **argv)
{
	struct run_options o = run_options(argc, argv);
	static struct meter_histogram all;
	struct ring *rings = calloc(o.queues, sizeof(*rings));
	struct run_result result;
	pid_t pid = getpid();
	int fd;

	sim_check(o.file && o.guests == 1 && o.disks == 1 && !o.memory && !o.idle,
		  "raw io_uring has no null backend and no guests");
	fd = open(o.file,
		  (o.reads == 100 ? O_RDONLY : O_RDWR) | O_CLOEXEC | (o.direct ? O_DIRECT : 0));
	sim_check(fd >= 0 && rings, "open %s: %s", o.file, strerror(errno));
	for (unsigned i = 0; i < o.queues; i++) {
		rings[i].o = &o;
		rings[i].fd = fd;
		rings[i].pattern = (struct run_pattern){
			.o = &o, .random = 0x9e3779b97f4a7c15ull * (i + 1)
		};
		sim_check(pthread_create(&rings[i].thread, NULL, run, &rings[i]) == 0, "a thread");
	}
	result = run_measure(&o, &pid, 1, NULL, NULL);
	for (unsigned i = 0; i < o.queues; i++) {
		sim_check(pthread_join(rings[i].thread, NULL) == 0, "join a thread");
		meter_merge(&all, &rings[i].latency);
	}
	run_report("io_uring", &result, &all, all.count);
	free(rings);
	close(fd);
	return 0;
}
