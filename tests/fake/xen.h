/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fake hypervisor of the unit tests: transport/xen.h on plain memory, in this process.  One
 * domain with RAM in two banks, as libxl lays it out on Arm; frames can be taken away.
 */
#ifndef TESTS_FAKE_XEN_H
#define TESTS_FAKE_XEN_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/xen.h"

#define FAKE_RAM0_BASE 0x40000000ull
#define FAKE_RAM1_BASE 0x200000000ull
#define FAKE_RAM_BYTES (8ull << 20) /* of each bank */
#define FAKE_VCPUS     4

/* The first virtio-mmio window, as libxl places it, and its line.  There is no RAM. */
#define FAKE_WINDOWS 0x2000000ull
#define FAKE_LINE    33

/* A domain with all its RAM in place; x is ready as after xen_domain_init(). */
void fake_xen_start(struct xen_domain *x);

/* Give back everything; fails the test if guest memory is still mapped. */
void fake_xen_stop(struct xen_domain *x);

/* The guest's own view of its memory: gpa lies in one of the banks. */
void *fake_ram(uint64_t gpa);

/* The same, for all of [gpa, gpa + len); NULL if that is not in one bank. */
void *fake_ram_range(uint64_t gpa, uint64_t len);

/* Remember all guest RAM; fail the test if a byte of it differs now. */
void fake_ram_save(void);
void fake_ram_expect(void);

/* Take a frame out of the guest's memory (ballooned), or put it back. */
void fake_set_present(uint64_t gfn, bool present);

/* Take a frame out of the guest's memory as soon as xen_map() has been called once more. */
void fake_vanish_after_map(uint64_t gfn);

/* Calls of xen_map() so far, and frames mapped now. */
unsigned fake_map_calls(void);
unsigned fake_mapped_frames(void);

/* A vCPU asks: its slot becomes READY. */
void fake_ioreq(unsigned vcpu, const struct xen_ioreq *req);

/* Has the slot been answered since?  *ret_data is what was answered. */
bool fake_answered(unsigned vcpu, uint64_t *ret_data);

/*
 * The kernel has answered n kicks of queue q, of the window last opened for that (XEN_IOEVENTFD).
 */
void fake_kick(unsigned q, uint64_t n);

/* How often the line was raised. */
unsigned fake_interrupts(uint32_t irq);

#endif
