/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/torture/memory.h"

#include <string.h>

#include "tests/sim/check.h"
#include "tests/torture/random.h"

void memory_init(struct memory *m, const struct guest *g)
{
	*m = (struct memory){
		.dom = g->dom,
		.next = { HYP_RAM0_BASE, HYP_RAM1_BASE },
		.end = { HYP_RAM0_BASE + g->ram0, HYP_RAM1_BASE + g->ram1 },
	};
}

uint64_t memory_left(const struct memory *m)
{
	return m->end[0] - m->next[0] + m->end[1] - m->next[1];
}

uint64_t memory_take(struct memory *m, uint64_t bytes, uint64_t *rng)
{
	unsigned bank = random_below(rng, 2);
	uint64_t gpa;

	bytes = (bytes + MEMORY_PAGE - 1) & ~(uint64_t)(MEMORY_PAGE - 1);
	if (m->end[bank] - m->next[bank] < bytes)
		bank = !bank;
	sim_check(m->end[bank] - m->next[bank] >= bytes, "no room for %llu bytes",
		  (unsigned long long)bytes);
	gpa = m->next[bank];
	m->next[bank] += bytes;
	return gpa;
}

/*
 * The first part of [gpa, gpa + len) that is contiguous for us: all of it, or up to the end
 * of the page.
 */
static uint8_t *part(const struct memory *m, uint64_t gpa, uint64_t len, uint64_t *ret_len)
{
	uint64_t page = MEMORY_PAGE - gpa % MEMORY_PAGE;
	uint8_t *p = hyp_ram(m->dom, gpa, len);

	*ret_len = len;
	if (!p) {
		*ret_len = page < len ? page : len;
		p = hyp_ram(m->dom, gpa, *ret_len);
	}
	sim_check(p, "the guest has no memory at %#llx", (unsigned long long)gpa);
	return p;
}

void memory_write(const struct memory *m, uint64_t gpa, const void *data, uint64_t len)
{
	for (uint64_t n = 0, at = 0; at < len; at += n) {
		uint8_t *p = part(m, gpa + at, len - at, &n);

		memcpy(p, (const uint8_t *)data + at, n);
	}
}

void memory_read(const struct memory *m, uint64_t gpa, void *ret, uint64_t len)
{
	for (uint64_t n = 0, at = 0; at < len; at += n) {
		const uint8_t *p = part(m, gpa + at, len - at, &n);

		memcpy((uint8_t *)ret + at, p, n);
	}
}

void memory_fill(const struct memory *m, uint64_t gpa, uint8_t byte, uint64_t len)
{
	for (uint64_t n = 0, at = 0; at < len; at += n) {
		uint8_t *p = part(m, gpa + at, len - at, &n);

		memset(p, byte, n);
	}
}

bool memory_is_poison(const struct memory *m, uint64_t gpa, uint64_t len)
{
	for (uint64_t n = 0, at = 0; at < len; at += n) {
		const uint8_t *p = part(m, gpa + at, len - at, &n);

		for (uint64_t i = 0; i < n; i++)
			if (p[i] != MEMORY_POISON)
				return false;
	}
	return true;
}

uint64_t memory_sum(const struct memory *m, uint64_t gpa, uint64_t len, uint64_t sum)
{
	for (uint64_t n = 0, at = 0; at < len; at += n) {
		const uint8_t *p = part(m, gpa + at, len - at, &n);

		for (uint64_t i = 0; i < n; i++)
			sum = sum * 31 + p[i];
	}
	return sum;
}
