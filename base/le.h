/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Little-endian fields that the guest shares with us (VIRTIO 1.3, 1.4 "le16, le32, le64").
 *
 * The types cannot be used by accident: arithmetic on them does not compile, and each load or
 * store happens exactly once.  Ordering is in the name of the function; who pairs with whom is
 * said where it is called.  A guest may change such a field at any time: load it once, check the
 * copy, use the copy.
 */
#ifndef BASE_LE_H
#define BASE_LE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

typedef struct {
	uint16_t raw;
} le16;

typedef struct {
	uint32_t raw;
} le32;

typedef struct {
	uint64_t raw;
} le64;

/*
 * Copy n bytes out of (unaligned) shared memory, once: the barrier keeps the compiler from reading
 * the original again in place of the copy.
 */
static inline void le_fetch(void *dst, const void *shared, size_t n)
{
	memcpy(dst, shared, n);
	__asm__ volatile("" ::: "memory");
}

static inline uint16_t le16_load(const le16 *p)
{
	return le16toh(__atomic_load_n(&p->raw, __ATOMIC_RELAXED));
}

static inline uint16_t le16_load_acquire(const le16 *p)
{
	return le16toh(__atomic_load_n(&p->raw, __ATOMIC_ACQUIRE));
}

static inline void le16_store(le16 *p, uint16_t v)
{
	__atomic_store_n(&p->raw, htole16(v), __ATOMIC_RELAXED);
}

static inline void le16_store_release(le16 *p, uint16_t v)
{
	__atomic_store_n(&p->raw, htole16(v), __ATOMIC_RELEASE);
}

static inline uint32_t le32_load(const le32 *p)
{
	return le32toh(__atomic_load_n(&p->raw, __ATOMIC_RELAXED));
}

static inline void le32_store(le32 *p, uint32_t v)
{
	__atomic_store_n(&p->raw, htole32(v), __ATOMIC_RELAXED);
}

static inline uint64_t le64_load(const le64 *p)
{
	return le64toh(__atomic_load_n(&p->raw, __ATOMIC_RELAXED));
}

static inline void le64_store(le64 *p, uint64_t v)
{
	__atomic_store_n(&p->raw, htole64(v), __ATOMIC_RELAXED);
}

#endif
