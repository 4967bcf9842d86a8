/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/conformance/power.h"

#include <stdlib.h>

#define OPS_MAX 64 /* in flight */

/* Numbers of requests; 0 is what was there before all. */
static struct sector {
	uint32_t in_flight; /* the request that may write here now */
	uint32_t done;	    /* the storage has been written */
	uint32_t stable;    /* and this survives */
	uint32_t lost;	    /* up to this, what was not stable will never be */
	uint32_t answered;  /* the driver was told so */
	uint32_t needed;    /* and relies on it */
	uint32_t discarded; /* from this on, on nothing */
} sectors[POWER_SECTORS];

/* What is in flight to the storage. */
static struct op {
	uint64_t id; /* 0: none */
	uint32_t request;
	uint32_t done[POWER_SECTORS]; /* FSYNC: when it began */
} ops[OPS_MAX];

/* What the driver had been told when it sent a FLUSH. */
static uint32_t answered[POWER_REQUESTS][POWER_SECTORS];

static bool with_page_cache;

static struct op *op_of(uint64_t id)
{
	for (unsigned i = 0; i < OPS_MAX; i++)
		if (ops[i].id == id)
			return &ops[i];
	sim_check(false, "%s", id ? "an operation ends that has not begun" : "too many operations");
	return NULL;
}

/* Which request does the storage write for? */
static uint32_t request_at(uint64_t offset, uint64_t len)
{
	uint64_t first = offset / DRV_SECTOR, n = len / DRV_SECTOR;

	sim_check(offset % DRV_SECTOR == 0 && len % DRV_SECTOR == 0 && n &&
			  first + n <= POWER_SECTORS,
		  "%llu bytes at %llu are written", (unsigned long long)len,
		  (unsigned long long)offset);
	for (uint64_t s = first; s < first + n; s++)
		sim_check(sectors[s].in_flight && sectors[s].in_flight == sectors[first].in_flight,
			  "sector %llu is written for request %u, but it is request %u's",
			  (unsigned long long)s, sectors[first].in_flight, sectors[s].in_flight);
	return sectors[first].in_flight;
}

static void begin_op(const struct fault_record *r)
{
	struct op *op = op_of(0);

	op->id = r->id;
	op->request = 0;
	if (r->op != FAULT_FSYNC)
		op->request = request_at(r->offset, r->len);
	for (unsigned s = 0; s < POWER_SECTORS; s++)
		op->done[s] = sectors[s].done;
}

static void end_fsync(const struct op *op, bool ok)
{
	for (unsigned s = 0; s < POWER_SECTORS; s++) {
		struct sector *x = &sectors[s];

		if (ok && op->done[s] > x->stable && op->done[s] > x->lost)
			x->stable = op->done[s];
		else if (!ok && with_page_cache && x->done > x->stable)
			x->lost = x->done;
	}
}

static void end_op(const struct fault_record *r)
{
	struct op *op = op_of(r->id);
	uint64_t first = r->offset / DRV_SECTOR, n = 0;

	op->id = 0;
	if (r->op == FAULT_FSYNC) {
		end_fsync(op, r->result == 0);
		return;
	}
	if (r->result >= 0)
		n = (r->op == FAULT_WRITE ? (uint64_t)r->result : r->len) / DRV_SECTOR;
	for (uint64_t s = first; s < first + n; s++) {
		sectors[s].done = op->request;
		if (r->dsync)
			sectors[s].stable = op->request;
	}
}

static void begin_request(const struct power_request *r, uint32_t number)
{
	for (unsigned s = 0; s < POWER_SECTORS; s++)
		answered[number][s] = sectors[s].answered;
	for (unsigned i = 0; i < r->nr_ranges; i++) {
		for (unsigned k = 0; k < r->range[i].sectors; k++) {
			struct sector *x = &sectors[r->range[i].sector + k];

			sim_check(!x->in_flight, "a mistake of the test");
			x->in_flight = number;
			if (r->type == T_DISCARD)
				x->discarded = number;
		}
	}
}

static void end_request(const struct power_request *r, uint32_t number)
{
	for (unsigned i = 0; i < OPS_MAX; i++)
		sim_check(!ops[i].id || ops[i].request != number,
			  "request %u was answered before its end", number);
	for (unsigned i = 0; i < r->nr_ranges; i++) {
		for (unsigned k = 0; k < r->range[i].sectors; k++) {
			struct sector *x = &sectors[r->range[i].sector + k];

			x->in_flight = 0;
			if (r->status != BLK_OK)
				continue;
			x->answered = number;
			if (r->through)
				x->needed = number;
		}
	}
	if (r->type != T_FLUSH || r->status != BLK_OK)
		return;
	for (unsigned s = 0; s < POWER_SECTORS; s++)
		if (answered[number][s] > sectors[s].needed)
			sectors[s].needed = answered[number][s];
}

static void cut_power(uint64_t at)
{
	for (unsigned s = 0; s < POWER_SECTORS; s++) {
		const struct sector *x = &sectors[s];

		sim_check(x->stable >= x->needed || x->needed <= x->discarded,
			  "power cut at %llu: sector %u is stable as of request %u, not %u",
			  (unsigned long long)at, s, x->stable, x->needed);
	}
}

/* The driver's next event: the number of its request, or 0 if there is none before limit. */
static uint32_t next_event(const struct power_request *r, unsigned n, uint64_t after,
			   uint64_t limit, uint64_t *ret_at)
{
	uint32_t number = 0;

	for (unsigned i = 1; i < n; i++) {
		uint64_t at = r[i].began > after ? r[i].began : r[i].ended;

		if (at > after && at < limit) {
			limit = *ret_at = at;
			number = i;
		}
	}
	return number;
}

void power_check(const struct power_request *requests, unsigned n, bool page_cache)
{
	struct fault_record *records;
	uint64_t now = 0;
	size_t nr, i = 0;

	memset(sectors, 0, sizeof(sectors));
	memset(ops, 0, sizeof(ops));
	with_page_cache = page_cache;
	records = faults_records(&sim.faults, &nr);
	for (;;) {
		uint64_t limit = i < nr ? records[i].seq : UINT64_MAX;
		uint32_t number = next_event(requests, n, now, limit, &now);

		if (number && now == requests[number].began) {
			begin_request(&requests[number], number);
		} else if (number) {
			end_request(&requests[number], number);
		} else if (i == nr) {
			break;
		} else if (records[i].event == FAULT_SUBMIT) {
			begin_op(&records[i++]);
			now = limit;
		} else {
			end_op(&records[i++]);
			now = limit;
		}
		cut_power(now);
	}
	free(records);
}
