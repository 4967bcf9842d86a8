/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated hypervisor: domains with memory, IOREQ servers, event channels, interrupt lines and
 * grants, inside the test's process.  The daemon under test reaches it through the libxen*
 * functions that are preloaded under it (tests/sim/shim/); guests are threads of the test that call
 * the functions below.
 *
 * The rules of Xen are kept, since a daemon that relies on more would fail on the real one:
 * at most 8 servers per domain, 256 ranges per server, the highest id wins where ranges
 * overlap; EPERM outside the domain that a handle was restricted to; ESRCH when the domain
 * is gone; an error for each page that cannot be mapped; a vCPU stands still until its slot
 * is answered; event channels stay masked until they are unmasked; interrupt lines are
 * edges (xen/common/ioreq.c, xen/arch/arm/dm.c).
 *
 * Guest memory is memfd_secret(2) where the kernel has it: like a foreign mapping on real Xen it
 * can be read, written and copied, but not pinned.
 *
 * All functions may be called from any thread.
 */
#ifndef TESTS_SIM_HYP_H
#define TESTS_SIM_HYP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where RAM lies, as in GUEST_RAM0_BASE and GUEST_RAM1_BASE of xen/include/public/arch-arm.h. */
#define HYP_RAM0_BASE	0x40000000ull
#define HYP_RAM1_BASE	0x200000000ull

#define HYP_VCPUS_MAX	128
#define HYP_SERVERS_MAX 8
#define HYP_RANGES_MAX	256

struct hyp_domain;

/* Listen on DIR/hypervisor, in a thread of its own.  Once per process. */
void hyp_start(const char *dir);

/* Stop listening; all domains have been destroyed. */
void hyp_stop(void);

/* Is guest memory memfd_secret(2)?  If not, it can be pinned, unlike on real Xen. */
bool hyp_memory_is_secret(void);

/*
 * A domain with vCPUs and RAM in two banks (bytes, multiples of 2 MiB; the second may be 0).  domid
 * counts up from 1.  It can have as many frames populated beyond that as it has RAM.
 */
struct hyp_domain *hyp_domain_create(unsigned nr_vcpus, uint64_t ram0, uint64_t ram1);

/* The domid of the next domain: Xen begins anew with 1 after 32751. */
void hyp_set_next_domid(uint16_t domid);

/*
 * No access of a vCPU ends any more, until the domain is destroyed: what a toolstack does first,
 * before it takes the disks away.  The vCPUs' threads run on in between.
 */
void hyp_domain_pause(struct hyp_domain *d);

/*
 * The domain ceases to exist: vCPUs that wait for an answer get HYP_DEAD, operations on it ESRCH.
 * The memory stays readable for the test until hyp_domain_free().
 */
void hyp_domain_destroy(struct hyp_domain *d);

/* Give it back, when no vCPU thread uses it any more. */
void hyp_domain_free(struct hyp_domain *d);

uint16_t hyp_domid(const struct hyp_domain *d);

/* IOREQ servers that the domain has. */
unsigned hyp_servers(struct hyp_domain *d);

/* Pages of the domain's memory that other processes have mapped now, as /proc shows them. */
uint64_t hyp_pages_mapped(struct hyp_domain *d);

enum hyp_result {
	HYP_OK,
	HYP_NOBODY, /* no server claims the address: the guest would get an abort */
	HYP_DEAD,   /* the domain was destroyed meanwhile */
};

/*
 * An access of a vCPU, size 1, 2, 4 or 8 bytes.  Returns when it has been answered.  *data is the
 * value to write, or becomes the value read.  One access at a time for each vCPU.
 */
enum hyp_result hyp_access(struct hyp_domain *d, unsigned vcpu, uint64_t addr, unsigned size,
			   bool write, uint64_t *data);

/* The same for a request of any kind: all fields of Xen's struct ioreq but state and vp_eport. */
struct ioreq;
enum hyp_result hyp_ioreq(struct hyp_domain *d, unsigned vcpu, struct ioreq *req);

/*
 * The guest's own view of its memory: gpa lies in populated RAM, and so does all of [gpa, gpa +
 * len), without a frame that was populated anew.  NULL if not.
 */
void *hyp_ram(struct hyp_domain *d, uint64_t gpa, uint64_t len);

/*
 * A vCPU gives a frame back (ballooning): it is nobody's from then on, all servers are sent
 * IOREQ_TYPE_INVALIDATE, and the vCPU waits for each.  What was the frame is filled with poison
 * then.
 */
enum hyp_result hyp_balloon_out(struct hyp_domain *d, unsigned vcpu, uint64_t gfn);

/* The same with n frames, every step-th from gfn on, in one hypercall: servers are told once. */
enum hyp_result hyp_balloon_out_many(struct hyp_domain *d, unsigned vcpu, uint64_t gfn, unsigned n,
				     unsigned step);

/* The guest gets a frame back: a fresh one, all zero. */
void hyp_populate(struct hyp_domain *d, uint64_t gfn);

/* Has nobody written to frames after they were given back?  Says which on standard error. */
bool hyp_poison_is_intact(struct hyp_domain *d);

/*
 * May the daemon map what is not granted to it?  At first it may, as domain 0 may; a policy of
 * FLASK can say otherwise, for each page.
 */
void hyp_allow_foreign_mapping(struct hyp_domain *d, bool allowed);

/*
 * As many of its pages can be mapped at a time, as if the daemon were in a driver domain with
 * little shadow_memory; 0, as at first: all.
 */
void hyp_limit_mapping(struct hyp_domain *d, uint64_t pages);

/* As hyp_allow_foreign_mapping(), for mapping and copying what is granted to it. */
void hyp_allow_grants(struct hyp_domain *d, bool allowed);

/* From now on the domain's event channels give errors, and nothing else, to who has bound them. */
void hyp_break_event_channels(struct hyp_domain *d);

/* How often a line was raised so far. */
unsigned hyp_interrupts(struct hyp_domain *d, unsigned line);

/*
 * Sleep until the line has been raised more often than seen says, or timeout_ms has passed, or the
 * domain is gone.  Returns how often it has been raised.
 */
unsigned hyp_interrupt_wait(struct hyp_domain *d, unsigned line, unsigned seen, int timeout_ms);

/*
 * The domain's grant table: the guest lets domain 0 use a frame, under a reference from
 * HYP_GRANT_FIRST on, to HYP_GRANTS_MAX - 1; and no longer.
 */
#define HYP_GRANT_FIRST 8
#define HYP_GRANTS_MAX	(1u << 17)
void hyp_grant(struct hyp_domain *d, uint32_t ref, uint64_t gfn, bool read_only);
/* False: it is mapped still, and stays granted.  One that is not granted has ended. */
bool hyp_grant_end(struct hyp_domain *d, uint32_t ref);

/*
 * The same for n frames from gfn on, under consecutive references: the first of them, or 0 if none
 * are free.
 */
uint32_t hyp_grant_run(struct hyp_domain *d, uint64_t gfn, unsigned n, bool read_only);

/* What was done with the domain's grants so far, and what is mapped now. */
struct hyp_grant_counts {
	uint64_t granted;      /* references in use */
	uint64_t mapped;       /* mappings of them, now */
	uint64_t maps, unmaps; /* hypercalls' worth of them */
	uint64_t copy_hypercalls;
	uint64_t copies;	/* pieces */
	uint64_t failed_copies; /* pieces that were refused */
};
struct hyp_grant_counts hyp_grant_counts(struct hyp_domain *d);

#endif
