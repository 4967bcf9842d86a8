/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The block device of VIRTIO 1.3, 5.2: what goes over the wire. */
#ifndef DAEMON_VIRTIO_BLK_H
#define DAEMON_VIRTIO_BLK_H

#include <stdint.h>

#include "base/le.h"

/* The unit of sector numbers, whatever the block size (5.2.2). */
#define SECTOR_SHIFT 9
#define SECTOR_SIZE  (1u << SECTOR_SHIFT)

/* 5.2.1 */
#define VIRTIO_ID_BLOCK 2

/* 5.2.3 */
#define VIRTIO_BLK_F_SIZE_MAX	  (1ull << 1)
#define VIRTIO_BLK_F_SEG_MAX	  (1ull << 2)
#define VIRTIO_BLK_F_RO		  (1ull << 5)
#define VIRTIO_BLK_F_BLK_SIZE	  (1ull << 6)
#define VIRTIO_BLK_F_FLUSH	  (1ull << 9)
#define VIRTIO_BLK_F_TOPOLOGY	  (1ull << 10)
#define VIRTIO_BLK_F_CONFIG_WCE	  (1ull << 11)
#define VIRTIO_BLK_F_MQ		  (1ull << 12)
#define VIRTIO_BLK_F_DISCARD	  (1ull << 13)
#define VIRTIO_BLK_F_WRITE_ZEROES (1ull << 14)

/* 5.2.6: request types and results */
enum {
	VIRTIO_BLK_T_IN = 0,
	VIRTIO_BLK_T_OUT = 1,
	VIRTIO_BLK_T_FLUSH = 4,
	VIRTIO_BLK_T_GET_ID = 8,
	VIRTIO_BLK_T_DISCARD = 11,
	VIRTIO_BLK_T_WRITE_ZEROES = 13,
};

enum {
	VIRTIO_BLK_S_OK = 0,
	VIRTIO_BLK_S_IOERR = 1,
	VIRTIO_BLK_S_UNSUPP = 2,
};

struct virtio_blk_header {
	le32 type;
	le32 reserved;
	le64 sector;
};

/* Payload of DISCARD and WRITE_ZEROES. */
struct virtio_blk_range {
	le64 sector;
	le32 num_sectors;
	le32 flags;
};

#define VIRTIO_BLK_RANGE_F_UNMAP 1

/* 5.2.4, up to what the offered features make valid; the rest reads as zero. */
struct virtio_blk_config {
	le64 capacity;
	le32 size_max;
	le32 seg_max;
	uint8_t geometry[4];
	le32 blk_size;
	uint8_t physical_block_exp;
	uint8_t alignment_offset;
	le16 min_io_size;
	le32 opt_io_size;
	uint8_t writeback;
	uint8_t unused0;
	le16 num_queues;
	le32 max_discard_sectors;
	le32 max_discard_seg;
	le32 discard_sector_alignment;
	le32 max_write_zeroes_sectors;
	le32 max_write_zeroes_seg;
	uint8_t write_zeroes_may_unmap;
	uint8_t unused1[3];
};

#endif
