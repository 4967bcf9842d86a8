/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the simulated hypervisor share: hyp.c, hyp_memory.c, hyp_ports.c,
 * hyp_eventfd.c, hyp_conn.c.
 */
#ifndef TESTS_SIM_HYP_PRIVATE_H
#define TESTS_SIM_HYP_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/hvm/ioreq.h>

#include "tests/sim/hyp.h"
#include "tests/sim/hyp_wire.h"

#define HYP_PORTS_MAX 512

struct hyp_conn;
struct hyp_server;
struct hyp_eventfd;

/* A vCPU's place in a server: its slot in the page is page->vcpu_ioreq[vcpu]. */
struct hyp_slot {
	struct hyp_server *server;
	unsigned vcpu;
	uint32_t remote;	/* vp_eport */
	int answered;		/* eventfd: the daemon has notified */
	struct hyp_conn *bound; /* whose event channel it is; NULL: nobody's */
	uint32_t local;		/* port there */
	bool pending, masked;
};

struct hyp_server {
	bool used, enabled;
	unsigned waiters; /* vCPUs that wait for an answer: its page is still needed */
	unsigned nr_ranges;
	struct {
		uint64_t first, last;
	} range[HYP_RANGES_MAX];
	int page_fd;
	struct shared_iopage *page;
	struct hyp_slot slot[HYP_VCPUS_MAX];
	struct hyp_eventfd *ioeventfds, *ended_ioeventfds;
	unsigned kernel_vcpus; /* that they are for */
};

struct hyp_memory {
	int fd;
	uint8_t *base;
	uint64_t nr_pages;     /* of the file: twice the RAM */
	uint64_t next_page;    /* never used so far */
	uint64_t frames[2];    /* of each bank */
	int64_t *page_of[2];   /* by frame: page of the file, or -1 */
	atomic_bool *poisoned; /* by page */
};

struct hyp_grant_entry {
	bool used, read_only;
	unsigned mapped;
	uint64_t gfn;
};

struct hyp_grant_table {
	struct hyp_grant_entry entry[HYP_GRANTS_MAX];
	uint32_t next; /* where the search for free ones begins */
	struct hyp_grant_counts counts;
};

/* What a connection has mapped, for its end. */
struct hyp_grant_mapping {
	struct hyp_grant_mapping *next;
	uint32_t domid, ref;
};

struct hyp_domain {
	struct hyp_domain *next;
	uint16_t domid;
	unsigned nr_vcpus;
	bool alive;
	bool paused;
	bool no_foreign_mapping;
	uint64_t mapping_limit; /* pages; 0: none */
	bool no_grants;
	pthread_cond_t destroyed; /* vCPUs that are paused wait for it */
	unsigned vcpus_inside;	  /* in hyp_ioreq() */
	struct hyp_memory mem;
	struct hyp_server server[HYP_SERVERS_MAX];
	uint32_t next_remote; /* event channel */
	int lines_fd;
	struct hyp_lines *lines;
	struct hyp_grant_table *grants;
};

struct hyp_conn {
	int sock;
	enum hyp_kind kind;
	int restricted; /* domid, or -1 */
	pid_t pid;
	int stream; /* event channels: our end of the stream of ports */
	struct hyp_slot *port[HYP_PORTS_MAX];
	struct hyp_grant_mapping *mappings;
};

/* Everything above is guarded by it, but for the memory itself, pages of servers, and lines. */
extern pthread_mutex_t hyp_lock;

/* The living domain, or NULL. */
struct hyp_domain *hyp_find(uint32_t domid);

void hyp_memory_init(struct hyp_memory *m, uint64_t ram0, uint64_t ram1);
void hyp_memory_fini(struct hyp_memory *m);
/* The page behind a frame, or -1. */
int64_t hyp_memory_page(const struct hyp_memory *m, uint64_t gfn);

/* The same, or one that has been destroyed and not yet freed. */
struct hyp_domain *hyp_find_any(uint32_t domid);

/* A rising edge of a line. */
void hyp_raise(struct hyp_domain *d, uint32_t line);

/*
 * HYP_IRQFD and HYP_IOEVENTFD: 0, and fd is taken, or -errno.  And the end of all that came over a
 * connection, or are of a server.
 */
int hyp_irqfd(struct hyp_conn *c, const struct hyp_request *rq, int fd);
void hyp_irqfd_end_all(struct hyp_conn *c);
/* Raise what has been written to an eventfd by now. */
void hyp_irqfd_flush(void);
int hyp_ioeventfd(struct hyp_domain *d, const struct hyp_request *rq, int fd);
void hyp_ioeventfd_end_all(struct hyp_server *s);

/* An event of the slot's has been delivered: what does the kernel with it by itself? */
void hyp_kernel_handles(struct hyp_slot *s);

/* Let the daemon know that a slot has something for it. */
void hyp_port_send(struct hyp_slot *s);
/* All that the daemon has unmasked is delivered.  hyp_lock is held. */
void hyp_ports_unmask(struct hyp_domain *d);
/* Wait for the daemon's notification. */
void hyp_port_wait(struct hyp_slot *s);
/* Return 0 or -errno. */
int hyp_port_bind(struct hyp_conn *c, struct hyp_domain *d, uint32_t remote, uint32_t *ret_local,
		  int *ret_fd);
int hyp_port_unbind(struct hyp_conn *c, uint32_t local);
/* The connection is closed. */
void hyp_port_unbind_all(struct hyp_conn *c);

/* An operation on grants, d NULL: of no domain.  Returns 0 or -errno; *ret_fd is ours. */
int hyp_grant_op(struct hyp_conn *c, struct hyp_domain *d, const struct hyp_request *rq,
		 struct hyp_reply *rp, int *ret_fd);
/* The connection is closed. */
void hyp_grant_unmap_all(struct hyp_conn *c);

void hyp_server_init(struct hyp_domain *d, struct hyp_server *s);
/* Lets vCPUs go that wait for it; the last of them, if any, gives the page back. */
void hyp_server_destroy(struct hyp_domain *d, struct hyp_server *s);

void hyp_conn_listen(const char *dir);
void hyp_conn_stop(void);

#endif
