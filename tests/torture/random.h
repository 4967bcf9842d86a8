/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that is random comes from the seed.  Who decides has a generator of its own,
 * made from the numbers that name it, so that what one thread does changes nothing in what
 * another one decides.
 */
#ifndef TESTS_TORTURE_RANDOM_H
#define TESTS_TORTURE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/guest/driver.h"

/* A generator's state, or a number that looks random, out of two (splitmix64). */
static inline uint64_t random_mix(uint64_t a, uint64_t b)
{
	uint64_t x = a + 0x9e3779b97f4a7c15 * (b + 1);

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* 0 ... n - 1 */
static inline uint32_t random_below(uint64_t *rng, uint32_t n)
{
	return drv_random(rng) % n;
}

/* low ... high */
static inline uint32_t random_between(uint64_t *rng, uint32_t low, uint32_t high)
{
	return low + random_below(rng, high - low + 1);
}

static inline bool random_one_in(uint64_t *rng, uint32_t n)
{
	return random_below(rng, n) == 0;
}

/* 1 ... max, small ones more often: each number of bits is as likely as another. */
static inline uint32_t random_size(uint64_t *rng, uint32_t max)
{
	unsigned bits = random_below(rng, 32 - __builtin_clz(max)) + 1;
	uint32_t n = random_below(rng, 1u << (bits - 1)) + (1u << (bits - 1));

	return n < max ? n : max;
}

#endif
