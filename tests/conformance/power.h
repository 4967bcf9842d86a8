/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model of what a power cut may leave of a disk, and of what a driver relies on (VIRTIO 1.3,
 * 5.2.6.2).
 *
 * Requests that change sectors are numbered; the number of the last one that changed a sector is
 * what the sector holds, and no two of them that are in flight have a sector in common.  Two sides
 * are followed through all events, those of the driver and those that the faults recorder has seen
 * of the storage, in the order in which they happened:
 *
 * The storage.  What an operation writes may reach the disk at any time from its beginning on,
 * sector by sector.  It is stable when a write that syncs, or an fdatasync that began after its
 * end, has ended.  If one fails, what the page cache held then is gone, and no other one brings it
 * back (Linux says so once).
 *
 * The driver.  It relies on a write that was answered with OK, if a power cut comes after that in
 * write-through mode; or after the answer to a FLUSH that was sent after the write's answer.
 * Sectors that were discarded, and those of requests in flight or failed, may hold anything that
 * was ever asked for.
 *
 * After each event, which is each place where the power may be cut, a sector must be stable with
 * what the driver relies on, or with something newer.  And the storage never writes to a sector for
 * which no request is in flight, nor after its request was answered.
 */
#ifndef TESTS_CONFORMANCE_POWER_H
#define TESTS_CONFORMANCE_POWER_H

#include "tests/conformance/ops.h"

#define POWER_SECTORS  256
#define POWER_REQUESTS 64
#define POWER_RANGES   4

struct power_request {
	uint32_t type; /* T_OUT, T_WRITE_ZEROES, T_DISCARD or T_FLUSH */
	struct blk_range range[POWER_RANGES];
	unsigned nr_ranges;
	bool through; /* write-through mode from its beginning to its end */
	uint8_t status;
	uint64_t began,
		ended; /* of faults_clock(): before it was made available, after it came back */
};

/*
 * Requests 1 ... n-1, all of which have ended, and what was recorded of their image
 * meanwhile; page_cache: that is between driver and disk.  Ends the test if any power cut
 * would have been illegal.
 */
void power_check(const struct power_request *requests, unsigned n, bool page_cache);

#endif
