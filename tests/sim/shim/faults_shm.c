/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation: the shared file is mapped before main() runs, when everything is still
 * allowed.  What a worker's sandbox takes away later is replaced by what it leaves: futex(2)
 * sleeps, and a small io_uring of our own, made as early, says which file a descriptor is.
 */
#include "tests/sim/shim/faults.h"
#include "tests/sim/shim/xen.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define NR_FDS	   4096 /* remembered; others are looked at each time */
#define NS_PER_MS  UINT64_C(1000000)
#define BLOCK_STEP (10 * NS_PER_MS) /* a wake-up that came between look and sleep costs this */

struct faults_shm *fault_shm;
static int this_process = FAULT_NO_WORKER;

static struct {
	pthread_mutex_t lock;
	struct io_uring ring;
	bool usable;
	bool needed;			 /* fstat(2) was refused: for ever */
	struct fault_file of_fd[NR_FDS]; /* ino 0: not looked at */
} identity = { .lock = PTHREAD_MUTEX_INITIALIZER };

static _Noreturn void give_up(const char *what)
{
	dprintf(STDERR_FILENO, "libxensim: %s: %s\n", what, strerror(errno));
	abort();
}

void *fault_real(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);

	if (!f) {
		errno = ENOSYS;
		give_up(name);
	}
	return f;
}

/* The domid behind "--worker", if this is one. */
static int find_process(void)
{
	char line[1024] = "";
	int fd = FAULT_REAL(open)("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);

	if (n < 0)
		give_up("/proc/self/cmdline");
	FAULT_REAL(close)(fd);
	for (char *arg = line; arg < line + n; arg += strlen(arg) + 1)
		if (!strcmp(arg, "--worker") && arg + sizeof("--worker") < line + n)
			return atoi(arg + sizeof("--worker"));
	return FAULT_NO_WORKER;
}

__attribute__((constructor)) static void start(void)
{
	const char *dir = getenv("XENSIM_DIR");
	char path[4096];
	struct stat st;
	void *mem;
	int fd;

	if (!dir)
		return;
	this_process = find_process();
	snprintf(path, sizeof(path), "%s/faults", dir);
	fd = FAULT_REAL(open)(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || FAULT_REAL(fstat)(fd, &st) < 0)
		give_up(path);
	errno = EINVAL;
	if (st.st_size != sizeof(struct faults_shm))
		give_up("the file of faults was made by another version");
	mem = mmap(NULL, sizeof(struct faults_shm), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		give_up(path);
	FAULT_REAL(close)(fd);
	if (this_process != FAULT_NO_WORKER)
		identity.usable = FAULT_REAL(io_uring_queue_init)(1, &identity.ring, 0) == 0;
	fault_shm = mem;
}

/* fstat(2) for where it is forbidden. */
static int stat_by_ring(int fd, struct fault_file *ret)
{
	struct io_uring *ring = &identity.ring;
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	struct statx sx;
	unsigned head;
	int r;

	io_uring_prep_statx(sqe, fd, "", AT_EMPTY_PATH, STATX_INO, &sx);
	do
		r = FAULT_REAL(io_uring_submit_and_wait)(ring, 1);
	while (r >= 0 ? !io_uring_cq_ready(ring) : r == -EINTR || r == -EAGAIN);
	if (r < 0) {
		errno = -r;
		give_up("cannot ask which file a descriptor is");
	}
	io_uring_for_each_cqe(ring, head, cqe)
	{
		r = cqe->res;
	}
	io_uring_cq_advance(ring, 1);
	if (r >= 0)
		*ret = (struct fault_file){ makedev(sx.stx_dev_major, sx.stx_dev_minor),
					    sx.stx_ino };
	return r;
}

/* By our ring, and remembered: it takes a thread of the kernel's each time. */
static struct fault_file identify_in_sandbox(int fd)
{
	struct fault_file file = { 0, 0 };

	pthread_mutex_lock(&identity.lock);
	if ((unsigned)fd < NR_FDS)
		file = identity.of_fd[fd];
	if (!file.ino && stat_by_ring(fd, &file) == 0 && (unsigned)fd < NR_FDS)
		identity.of_fd[fd] = file;
	pthread_mutex_unlock(&identity.lock);
	return file;
}

struct fault_file fault_identify(int fd)
{
	struct fault_file file = { 0, 0 };
	int saved = errno;
	struct stat st;

	if (!identity.needed && FAULT_REAL(fstat)(fd, &st) == 0)
		file = (struct fault_file){ st.st_dev, st.st_ino };
	else if (identity.usable && (identity.needed || errno == EPERM)) {
		identity.needed = true;
		file = identify_in_sandbox(fd);
	}
	errno = saved;
	return file;
}

void fault_forget_fd(int fd)
{
	if (!identity.usable || fd < 0 || fd >= NR_FDS)
		return;
	pthread_mutex_lock(&identity.lock);
	identity.of_fd[fd].ino = 0;
	pthread_mutex_unlock(&identity.lock);
}

static bool is_same(struct fault_file a, struct fault_file b)
{
	return a.dev == b.dev && a.ino == b.ino;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

struct fault_slot *fault_match(enum fault_op op, int fd, const struct fault_file *file)
{
	struct fault_file found = { 0, 0 };
	uint32_t n;

	if (!fault_any())
		return NULL;
	n = min_u32(atomic_load(&fault_shm->nr_rules), FAULTS_RULES);
	for (uint32_t i = 0; i < n; i++) {
		struct fault_slot *slot = &fault_shm->rules[i];
		const struct fault_rule *r = &slot->rule;
		uint64_t seen;

		if (atomic_load_explicit(&slot->state, memory_order_acquire) != FAULT_SLOT_ACTIVE ||
		    !(r->ops & FAULT_BIT(op)) ||
		    (r->process != FAULT_ANY_PROCESS && r->process != this_process))
			continue;
		if (r->file.ino && !file && fd >= 0) {
			found = fault_identify(fd);
			file = &found;
		}
		if (r->file.ino && (!file || !is_same(r->file, *file)))
			continue;
		seen = atomic_fetch_add(&slot->seen, 1);
		if (seen >= r->skip && (!r->count || seen - r->skip < r->count))
			return slot;
	}
	return NULL;
}

uint32_t fault_hold(struct fault_slot *slot)
{
	return atomic_fetch_add(&slot->held, 1);
}

bool fault_may_go(struct fault_slot *slot, uint32_t number)
{
	/* A test that was killed releases nothing any more: the daemon would stay for ever. */
	return atomic_load(&slot->state) != FAULT_SLOT_ACTIVE ||
	       number < atomic_load(&slot->released) || xensim_hypervisor_gone();
}

uint64_t fault_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 * NS_PER_MS + t.tv_nsec;
}

/* Until the rule is touched, or for a while. */
static void block(struct fault_slot *slot, uint32_t released, uint64_t ns)
{
	const struct timespec t = { .tv_nsec = ns < BLOCK_STEP ? ns : BLOCK_STEP };

	syscall(SYS_futex, &slot->released, FUTEX_WAIT, released, &t, NULL, 0);
}

static void block_until_released(struct fault_slot *slot)
{
	uint32_t number = fault_hold(slot);

	for (;;) {
		uint32_t released = atomic_load(&slot->released);

		if (fault_may_go(slot, number))
			return;
		block(slot, released, BLOCK_STEP);
	}
}

static void block_for(struct fault_slot *slot)
{
	uint64_t now = fault_now(), end = now + slot->rule.amount * NS_PER_MS;

	for (; now < end; now = fault_now()) {
		if (atomic_load(&slot->state) != FAULT_SLOT_ACTIVE)
			return;
		block(slot, atomic_load(&slot->released), end - now);
	}
}

bool fault_apply(struct fault_slot *slot, int *ret_errno)
{
	int saved = errno;

	if (!slot)
		return false;
	if (slot->rule.action == FAULT_HOLD)
		block_until_released(slot);
	else if (slot->rule.action == FAULT_DELAY)
		block_for(slot);
	errno = saved;
	if (!slot->rule.error)
		return false;
	*ret_errno = slot->rule.error;
	return true;
}

bool fault_libxen(enum fault_op op, int *ret_errno)
{
	return fault_apply(fault_match(op, -1, NULL), ret_errno);
}

bool fault_is_recorded(int fd, struct fault_file *ret)
{
	bool known = false;

	for (unsigned i = 0; i < FAULTS_RECORDED; i++) {
		if (atomic_load(&fault_shm->recorded[i].state) != FAULT_SLOT_ACTIVE)
			continue;
		if (!known)
			*ret = fault_identify(fd);
		known = true;
		if (is_same(fault_shm->recorded[i].file, *ret))
			return true;
	}
	return false;
}

void fault_record(struct fault_record *r)
{
	uint32_t i = atomic_fetch_add(&fault_shm->nr_records, 1);

	r->seq = atomic_fetch_add(&fault_shm->clock, 1) + 1;
	if (i >= FAULTS_RECORDS)
		return; /* faults_records() finds out */
	fault_shm->records[i].record = *r;
	atomic_store_explicit(&fault_shm->records[i].ready, 1, memory_order_release);
}
