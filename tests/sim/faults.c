/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/sim/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/check.h"

#define WAIT_SECONDS 60

void faults_init(struct faults *f, const char *dir)
{
	char path[4096];
	void *mem;
	int fd;

	snprintf(path, sizeof(path), "%s/faults", dir);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	sim_check(fd >= 0, "%s: %s", path, strerror(errno));
	sim_check(ftruncate(fd, sizeof(*f->shm)) == 0, "%s: %s", path, strerror(errno));
	mem = mmap(NULL, sizeof(*f->shm), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	sim_check(mem != MAP_FAILED, "%s: %s", path, strerror(errno));
	close(fd);
	f->shm = mem;
}

void faults_fini(struct faults *f)
{
	munmap(f->shm, sizeof(*f->shm));
	f->shm = NULL;
}

struct fault_file faults_file(const char *path)
{
	struct stat st;

	sim_check(stat(path, &st) == 0, "%s: %s", path, strerror(errno));
	return (struct fault_file){ st.st_dev, st.st_ino };
}

static void check_rule(const struct fault_rule *r)
{
	const uint64_t data = FAULT_BIT(FAULT_READ) | FAULT_BIT(FAULT_WRITE) |
			      FAULT_BIT(FAULT_PREAD);

	sim_check(r->ops && !(r->ops >> FAULT_NR_OPS), "no such operations: %#jx",
		  (uintmax_t)r->ops);
	sim_check(r->error >= 0, "an errno is positive: %d", r->error);
	sim_check(!r->error || (r->action != FAULT_SHORT && r->action != FAULT_REORDER),
		  "an operation that is short or reordered does not fail");
	switch (r->action) {
	case FAULT_FAIL:
		sim_check(r->error, "how to fail?");
		break;
	case FAULT_SHORT:
		sim_check(!(r->ops & ~data), "only transfers can be short");
		break;
	case FAULT_REORDER:
		sim_check(!(r->ops & ~FAULT_BITS_IO),
			  "only operations of an io_uring complete out of order");
		break;
	case FAULT_HOLD:
	case FAULT_DELAY:
		break;
	default:
		sim_check(false, "no such action: %d", r->action);
	}
}

unsigned faults_add(struct faults *f, const struct fault_rule *rule)
{
	struct fault_slot *slot;
	unsigned n;

	check_rule(rule);
	n = atomic_fetch_add(&f->shm->nr_rules, 1);
	sim_check(n < FAULTS_RULES, "more rules than a simulation has room for");
	slot = &f->shm->rules[n];
	slot->rule = *rule;
	atomic_store_explicit(&slot->state, FAULT_SLOT_ACTIVE, memory_order_release);
	atomic_fetch_add(&f->shm->active, 1);
	return n;
}

unsigned faults_hold(struct faults *f, const char *path, uint64_t ops)
{
	return faults_add(f, &(struct fault_rule){
				     .ops = ops, .file = faults_file(path), .action = FAULT_HOLD });
}

static struct fault_slot *slot_of(const struct faults *f, unsigned rule)
{
	sim_check(rule < FAULTS_RULES, "no such rule: %u", rule);
	return &f->shm->rules[rule];
}

static void wake(struct fault_slot *slot)
{
	syscall(SYS_futex, &slot->released, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

void faults_remove(struct faults *f, unsigned rule)
{
	struct fault_slot *slot = slot_of(f, rule);
	uint32_t was = atomic_exchange(&slot->state, FAULT_SLOT_REMOVED);

	sim_check(was == FAULT_SLOT_ACTIVE, "rule %u is not there", rule);
	atomic_fetch_sub(&f->shm->active, 1);
	wake(slot);
}

uint64_t faults_hits(const struct faults *f, unsigned rule)
{
	const struct fault_slot *slot = slot_of(f, rule);
	uint64_t seen = atomic_load(&slot->seen), hits;

	hits = seen > slot->rule.skip ? seen - slot->rule.skip : 0;
	return slot->rule.count && hits > slot->rule.count ? slot->rule.count : hits;
}

unsigned faults_held(const struct faults *f, unsigned rule)
{
	const struct fault_slot *slot = slot_of(f, rule);
	uint32_t released = atomic_load(&slot->released);

	/* In this order: held is never below a released that was read before. */
	return atomic_load(&slot->state) == FAULT_SLOT_ACTIVE ? atomic_load(&slot->held) - released
							      : 0;
}

void faults_wait_held(const struct faults *f, unsigned rule, unsigned n)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	unsigned waited = 0;

	while (faults_held(f, rule) < n) {
		sim_check(waited++ < WAIT_SECONDS * 1000, "rule %u holds %u operations, not %u",
			  rule, faults_held(f, rule), n);
		nanosleep(&ms, NULL);
	}
}

void faults_release(struct faults *f, unsigned rule, unsigned n)
{
	struct fault_slot *slot = slot_of(f, rule);
	uint32_t from = atomic_load(&slot->released), to;

	do {
		uint32_t waiting = atomic_load(&slot->held) - from;

		to = from + (n < waiting ? n : waiting);
	} while (!atomic_compare_exchange_weak(&slot->released, &from, to));
	wake(slot);
}

static bool is_same(struct fault_file a, struct fault_file b)
{
	return a.dev == b.dev && a.ino == b.ino;
}

/* Move the slot of file from one state to the other. */
static bool move_recorded(struct faults *f, struct fault_file file, uint32_t from, uint32_t to)
{
	for (unsigned i = 0; i < FAULTS_RECORDED; i++) {
		uint32_t state = atomic_load(&f->shm->recorded[i].state);

		if (state == from && is_same(f->shm->recorded[i].file, file) &&
		    atomic_compare_exchange_strong(&f->shm->recorded[i].state, &state, to))
			return true;
	}
	return false;
}

static bool claim_recorded(struct faults *f, struct fault_file file)
{
	for (unsigned i = 0; i < FAULTS_RECORDED; i++) {
		uint32_t state = FAULT_SLOT_UNUSED;

		if (!atomic_compare_exchange_strong(&f->shm->recorded[i].state, &state,
						    FAULT_SLOT_FILLING))
			continue;
		f->shm->recorded[i].file = file;
		atomic_store(&f->shm->recorded[i].state, FAULT_SLOT_ACTIVE);
		return true;
	}
	return false;
}

void faults_record_start(struct faults *f, struct fault_file file)
{
	sim_check(move_recorded(f, file, FAULT_SLOT_REMOVED, FAULT_SLOT_ACTIVE) ||
			  claim_recorded(f, file),
		  "more recorded images than a simulation has room for");
	atomic_fetch_add(&f->shm->active, 1);
}

void faults_record_stop(struct faults *f, struct fault_file file)
{
	sim_check(move_recorded(f, file, FAULT_SLOT_ACTIVE, FAULT_SLOT_REMOVED),
		  "this image is not recorded");
	atomic_fetch_sub(&f->shm->active, 1);
}

uint64_t faults_clock(struct faults *f)
{
	return atomic_fetch_add(&f->shm->clock, 1) + 1;
}

static int by_seq(const void *a, const void *b)
{
	uint64_t x = ((const struct fault_record *)a)->seq;
	uint64_t y = ((const struct fault_record *)b)->seq;

	return (x > y) - (x < y);
}

struct fault_record *faults_records(const struct faults *f, size_t *ret_n)
{
	uint32_t claimed = atomic_load(&f->shm->nr_records);
	struct fault_record *all = calloc(claimed + 1, sizeof(*all));
	size_t n = 0;

	sim_check(claimed <= FAULTS_RECORDS, "%u records are lost", claimed - FAULTS_RECORDS);
	sim_check(all, "no memory for %u records", claimed);
	for (uint32_t i = 0; i < claimed; i++) {
		/* One that is not ready is being written by a process that runs, or was killed. */
		if (atomic_load_explicit(&f->shm->records[i].ready, memory_order_acquire))
			all[n++] = f->shm->records[i].record;
	}
	qsort(all, n, sizeof(*all), by_seq);
	*ret_n = n;
	return all;
}

void faults_forget_records(struct faults *f)
{
	uint32_t claimed = atomic_load(&f->shm->nr_records);

	for (unsigned i = 0; i < FAULTS_RECORDED; i++)
		sim_check(atomic_load(&f->shm->recorded[i].state) != FAULT_SLOT_ACTIVE,
			  "images are being recorded");
	for (uint32_t i = 0; i < claimed && i < FAULTS_RECORDS; i++)
		atomic_store(&f->shm->records[i].ready, 0);
	atomic_store(&f->shm->nr_records, 0);
}
