/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of fault injection share.  The daemon's part is played by the test itself, run
 * anew with the library preloaded: a loop that reads batches of operations from a socket and writes
 * back how each has ended.
 */
#ifndef TESTS_SIM_T_FAULTS_BENCH_H
#define TESTS_SIM_T_FAULTS_BENCH_H

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/util.h"
#include "daemon/sandbox.h"
#include "tests/sim/check.h"
#include "tests/sim/faults.h"

#define DOMID	 "7"
#define LEN	 4096
#define NR_MAX	 200
#define SOCKET	 0
#define FIRST_FD 10 /* of the child's images */
#define PIECE	 1000

/* What the child is asked to do; not of the ring: */
enum { TELL_IF_STRAIGHT = 1000, CALL_OPEN, CALL_STAT, CALL_LOCK, CALL_PREAD, CALL_XEN };

struct batch {
	unsigned n;
	struct task {
		unsigned what; /* IORING_OP_*, or of the above */
		unsigned image;
		unsigned len;
		uint64_t offset;
		bool dsync;
	} task[NR_MAX];
};

struct ended {
	unsigned index; /* in its batch */
	int result;
};

/* ---- the child */

static struct loop loop;

struct operation {
	struct loop_op op;
	unsigned index;
	unsigned char *data;
	struct iovec iov[2];
};

static inline void answer(unsigned index, int result)
{
	struct ended e = { index, result };

	if (write(SOCKET, &e, sizeof(e)) != sizeof(e))
		abort();
}

static inline void operation_done(struct loop_op *op, int res)
{
	struct operation *o = container_of(op, struct operation, op);

	answer(o->index, res);
	free(o);
}

/* Registered as a fixed buffer; each operation of a batch has its part. */
static unsigned char memory[NR_MAX][LEN];

static inline void start_operation(unsigned index, const struct task *t)
{
	struct operation *o = calloc(1, sizeof(*o));
	struct io_uring_sqe *sqe;
	int fd = FIRST_FD + t->image;

	o->op.done = operation_done;
	o->index = index;
	o->data = memory[index];
	o->iov[0] = (struct iovec){ o->data, PIECE };
	o->iov[1] = (struct iovec){ o->data + PIECE, t->len - PIECE };
	memset(o->data, 'a' + index % 26, LEN);
	sqe = loop_get_sqe(&loop, &o->op);
	if (t->what == IORING_OP_READ)
		io_uring_prep_read(sqe, fd, o->data, t->len, t->offset);
	else if (t->what == IORING_OP_WRITE)
		io_uring_prep_write(sqe, fd, o->data, t->len, t->offset);
	else if (t->what == IORING_OP_WRITEV)
		io_uring_prep_writev(sqe, fd, o->iov, 2, t->offset);
	else if (t->what == IORING_OP_WRITE_FIXED)
		io_uring_prep_write_fixed(sqe, fd, o->data, t->len, t->offset, 0);
	else if (t->what == IORING_OP_FALLOCATE)
		io_uring_prep_fallocate(sqe, fd, FALLOC_FL_KEEP_SIZE, t->offset, t->len);
	else
		io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
	if (t->dsync)
		sqe->rw_flags = RWF_DSYNC;
}

static inline bool is_straight(void)
{
	const unsigned char *begin = loop.ring.cq.ring_ptr;
	const unsigned char *head = (const unsigned char *)loop.ring.cq.khead;

	return head >= begin && head < begin + loop.ring.cq.ring_sz;
}

static inline int call(const struct task *t, const char *image)
{
	bool (*libxen)(enum fault_op op, int *ret_errno);
	int fd = FIRST_FD + t->image, r;
	struct stat st;

	switch (t->what) {
	case TELL_IF_STRAIGHT:
		return is_straight();
	case CALL_OPEN:
		r = open(image, O_RDONLY | O_CLOEXEC);
		if (r >= 0)
			close(r);
		return r < 0 ? -errno : 0;
	case CALL_STAT:
		return fstat(fd, &st) < 0 ? -errno : 0;
	case CALL_LOCK:
		return flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
	case CALL_PREAD:
		r = pread(fd, memory, t->len, t->offset);
		return r < 0 ? -errno : r;
	default:
		/* ISO C has no cast from an object's pointer to a function's */
		*(void **)&libxen = dlsym(RTLD_DEFAULT, "fault_libxen");
		return libxen(FAULT_DM_SET_IRQ_LEVEL, &r) ? -r : 0;
	}
}

static const char *image_path;

static inline void batch_ready(struct loop_source *src)
{
	static struct batch b;
	ssize_t n = read(SOCKET, &b, sizeof(b));

	(void)src;
	if (n <= 0)
		loop_stop(&loop);
	for (unsigned i = 0; n > 0 && i < b.n; i++) {
		if (b.task[i].what >= TELL_IF_STRAIGHT)
			answer(i, call(&b.task[i], image_path));
		else
			start_operation(i, &b.task[i]);
	}
}

static inline int child(bool sandboxed, char **images)
{
	static const struct log_subject subject = { .guest = "test" };
	struct iovec all = { memory, sizeof(memory) };
	struct loop_source src = LOOP_SOURCE_NULL;
	int r;

	image_path = images[0];
	for (unsigned i = 0; images[i]; i++) {
		int fd = open(images[i], O_RDWR | O_CLOEXEC);

		sim_check(fd >= 0 && dup2(fd, FIRST_FD + i) >= 0, "%s", images[i]);
	}
	/* Few, so that batches overflow them. */
	r = sandboxed ? loop_init_disabled(&loop, 8) : loop_init(&loop, 8);
	sim_check(!r, "%s", strerror(-r));
	if (sandboxed)
		r = sandbox_enter(&loop, &XEN_DOMAIN_NULL, &subject);
	sim_check(!r, "%s", strerror(-r));
	r = io_uring_register_buffers(&loop.ring, &all, 1);
	sim_check(!r, "%s", strerror(-r));
	src.ready = batch_ready;
	sim_check(!loop_add(&loop, &src, SOCKET), "no loop");
	answer(0, 0);
	r = loop_run(&loop);
	loop_remove(&loop, &src);
	loop_fini(&loop);
	return r;
}

/* ---- the test */

struct bench {
	struct faults f;
	char dir[64], image[2][96];
	bool sandboxed;
	int socket;
	pid_t pid;
};

static inline void make_image(struct bench *b, unsigned i)
{
	static const unsigned char zeroes[NR_MAX * LEN];
	int fd;

	snprintf(b->image[i], sizeof(b->image[i]), "%s/image%u", b->dir, i);
	fd = open(b->image[i], O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	sim_check(write(fd, zeroes, sizeof(zeroes)) == sizeof(zeroes), "%s", b->image[i]);
	close(fd);
}

static inline struct ended next(const struct bench *b)
{
	struct ended e = { UINT32_MAX, 0 };
	ssize_t n = read(b->socket, &e, sizeof(e));

	sim_check(n == sizeof(e), "the child is gone: %zd", n);
	return e;
}

static inline void bench_begin(struct bench *b, const char *dir)
{
	int pair[2];

	snprintf(b->dir, sizeof(b->dir), "%s/xvirtiod-faults-XXXXXX", dir);
	sim_check(mkdtemp(b->dir), "%s: %s", b->dir, strerror(errno));
	make_image(b, 0);
	make_image(b, 1);
	faults_init(&b->f, b->dir);
	sim_check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
	b->socket = pair[0];
	b->pid = fork();
	if (!b->pid) {
		dup2(pair[1], SOCKET);
		setenv("LD_PRELOAD", SIM_SHIM, 1);
		setenv("XENSIM_DIR", b->dir, 1);
		setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1);
		execl("/proc/self/exe", "faults", b->sandboxed ? "--worker" : "--watcher", DOMID,
		      b->image[0], b->image[1], NULL);
		_exit(127);
	}
	close(pair[1]);
	next(b);
}

static inline void bench_end(struct bench *b)
{
	char faults[128];
	int status;

	snprintf(faults, sizeof(faults), "%s/faults", b->dir);
	close(b->socket);
	sim_check(waitpid(b->pid, &status, 0) == b->pid && status == 0, "status %#x", status);
	faults_fini(&b->f);
	sim_check(!unlink(b->image[0]) && !unlink(b->image[1]) && !unlink(faults) && !rmdir(b->dir),
		  "%s: %s", b->dir, strerror(errno));
}

static inline void ask(const struct bench *b, const struct batch *batch)
{
	sim_check(write(b->socket, batch, sizeof(*batch)) == sizeof(*batch), "%s", strerror(errno));
}

/* The same task n times, at offsets that follow each other. */
static inline struct batch many(unsigned what, unsigned n)
{
	struct batch batch = { .n = n };

	for (unsigned i = 0; i < n; i++)
		batch.task[i] = (struct task){ .what = what, .len = LEN, .offset = i * LEN };
	return batch;
}

static inline int one(const struct bench *b, unsigned what, unsigned len)
{
	struct batch batch = many(what, 1);

	batch.task[0].len = len;
	ask(b, &batch);
	return next(b).result;
}

static inline struct fault_file image_file(const struct bench *b)
{
	return faults_file(b->image[0]);
}

/* How many bytes at offset hold c?  At most len. */
static inline unsigned filled(const struct bench *b, uint64_t offset, char c, unsigned len)
{
	char data[LEN];
	int fd = open(b->image[0], O_RDONLY | O_CLOEXEC);
	unsigned n = 0;

	sim_check(pread(fd, data, len, offset) == len, "%s", b->image[0]);
	close(fd);
	while (n < len && data[n] == c)
		n++;
	return n;
}

static inline void wipe(const struct bench *b)
{
	sim_check(truncate(b->image[0], 0) == 0 && truncate(b->image[0], NR_MAX * LEN) == 0, "%s",
		  b->image[0]);
}

static inline void check_silence(const struct bench *b)
{
	struct pollfd p = { .fd = b->socket, .events = POLLIN };

	sim_check(poll(&p, 1, 0) == 0, "an operation that is held has ended");
}

/* Run test() as the watcher is, on two file systems, and in a worker's sandbox. */
static inline int bench_main(int argc, char **argv, void (*test)(struct bench *b))
{
	static const struct {
		const char *dir;
		bool sandboxed;
	} cases[] = { { "/dev/shm", false }, { "/var/tmp", false }, { "/var/tmp", true } };

	if (argc > 3)
		return child(!strcmp(argv[1], "--worker"), argv + 3);

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bench b = { .sandboxed = cases[i].sandboxed };

		if (b.sandboxed && geteuid() != 0) {
			fputs("*** SKIPPED: a worker's sandbox needs root ***\n", stderr);
			continue;
		}
		bench_begin(&b, cases[i].dir);
		test(&b);
		bench_end(&b);
	}
	return 0;
}

#endif
