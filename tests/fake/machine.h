/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A struct machine in this process, of which there is one: the fake hypervisor's domain with a
 * disk, daemon/disk.c on a fake backend, which the guest's driver (tests/guest/driver.h) reaches by
 * function calls.  Nobody runs the worker's rounds but vm_round(), and the driver while it waits.
 */
#ifndef TESTS_FAKE_MACHINE_H
#define TESTS_FAKE_MACHINE_H

#include "base/le.h"
#include "daemon/disk.h"
#include "daemon/virtio_blk.h"
#include "tests/fake/backend.h"
#include "tests/fake/test.h"
#include "tests/fake/xen.h"
#include "tests/guest/driver.h"
#include "transport/guest_mem.h"

/* What a test finds; zero means the default. */
struct vm_options {
	struct drv *driver;  /* for VM_TEST() */
	unsigned nr_queues;  /* 1 */
	unsigned queue_size; /* 64 */
	uint64_t size;	     /* 64 KiB */
	uint32_t caps;	     /* IMAGE_DISCARD */
	bool no_caps;	     /* caps really is 0 */
	const char *serial;  /* "serial" */
	bool untouched;	     /* no driver has set it up; else it works, with all queues */
	uint64_t without;    /* features that the driver does not take, of all that are offered */
	bool faulty;	     /* guest faults may be counted until its end */
};

extern struct vm {
	struct machine machine;
	struct xen_domain xen;
	struct guest_mem mem;
	struct state_disk *st;
	struct fake_backend backend;
	struct disk disk;
	uint64_t next;	    /* memory not given out */
	struct drv *driver; /* the test's */
	bool faulty;
} vm;

/* The machine with its disk, and a driver of it in *d; o may be NULL. */
void vm_start(struct drv *d, const struct vm_options *o);

/* Finish what is in flight and take all down; fails the test if anything leaks. */
void vm_stop(void);

/*
 * For cmocka: vm_start() with the options named, the test, and vm_stop(), in a file that
 * has a `static struct drv d`.  A file's own set_up() calls vm_set_up() first, its
 * tear_down() vm_tear_down() last.
 */
int vm_set_up(void **state);
int vm_tear_down(void **state);
#define VM_TEST_WITH(set_up, tear_down, f, ...)   \
	cmocka_unit_test_prestate_setup_teardown( \
		f, set_up, tear_down, (&(struct vm_options){ .driver = &d, __VA_ARGS__ }))
#define VM_TEST(f, ...) VM_TEST_WITH(vm_set_up, vm_tear_down, f, __VA_ARGS__)

/* Rounds of the worker until it would sleep; fails the test if that never happens. */
void vm_round(void);

/* Kick and round. */
void vm_go(struct drv_queue *q);

/* Reads of a sector each, 0, 1, ..., are with the backend, which keeps what it gets from now on. */
void vm_hold_reads(struct drv_queue *q, struct drv_blk *r, unsigned n);

/* The device's side of a queue, for tests that call virtq_*() themselves. */
struct virtq *vm_virtq(unsigned i);

#endif
