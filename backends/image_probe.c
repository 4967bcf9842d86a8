/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backends/image_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/util.h"

#define SECTOR_SIZE    512
#define BLOCK_SIZE_MAX 4096
#define FILE_BLOCK     4096 /* what file systems and the page cache work in */

static bool is_sane_block(uint64_t v, uint64_t max)
{
	return is_power_of_2(v) && v >= SECTOR_SIZE && v <= max;
}

static unsigned ask_statx(int fd)
{
#ifdef STATX_DIOALIGN
	struct statx sx;

	/* An old kernel leaves the bit out of the mask; offset_align 0 is "no O_DIRECT". */
	if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &sx) < 0)
		return 0;
	if (sx.stx_mask & STATX_DIOALIGN && sx.stx_dio_mem_align <= FILE_BLOCK)
		return sx.stx_dio_offset_align;
#else
	(void)fd;
#endif
	return 0;
}

static unsigned try_reading(int fd)
{
	static const unsigned sizes[] = { SECTOR_SIZE, FILE_BLOCK };
	_cleanup_(freep) void *buf = NULL;

	if (posix_memalign(&buf, FILE_BLOCK, FILE_BLOCK))
		return 0;
	/* Only EINVAL is about alignment: a disk with a bad first block can be direct as well. */
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		if (pread(fd, buf, sizes[i], 0) >= 0 || errno != EINVAL)
			return sizes[i];
	return 0;
}

unsigned image_probe_direct_align(int fd, const struct stat *st)
{
	unsigned align;
	int logical;

	align = ask_statx(fd);
	if (!align && S_ISBLK(st->st_mode) && ioctl(fd, BLKSSZGET, &logical) == 0)
		align = logical;
	if (!align)
		align = try_reading(fd);
	if (align && align < SECTOR_SIZE)
		align = SECTOR_SIZE;
	return is_sane_block(align, IMAGE_DIRECT_ALIGN_MAX) ? align : 0;
}

/* A number from the device's request queue in sysfs; a partition has its disk's. */
static uint64_t queue_limit(dev_t dev, const char *name)
{
	static const char *const formats[] = { "/sys/dev/block/%u:%u/queue/%s",
					       "/sys/dev/block/%u:%u/../queue/%s" };
	char path[128];
	uint64_t v = 0;
	FILE *f = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(formats) && !f; i++) {
		snprintf(path, sizeof(path), formats[i], major(dev), minor(dev), name);
		f = fopen(path, "re");
	}
	if (!f)
		return 0;
	if (fscanf(f, "%" SCNu64, &v) != 1)
		v = 0;
	fclose(f);
	return v;
}

static void probe_device(int fd, const struct stat *st, bool discard, struct image_info *info)
{
	bool zeroes = queue_limit(st->st_rdev, "write_zeroes_max_bytes");
	unsigned physical, optimal;
	int logical;

	info->caps |= IMAGE_BLOCK_DEVICE;
	if (ioctl(fd, BLKSSZGET, &logical) == 0 && is_power_of_2(logical))
		info->block_size = MIN(logical, BLOCK_SIZE_MAX);
	if (ioctl(fd, BLKPBSZGET, &physical) == 0)
		info->physical_block_size = physical;
	if (ioctl(fd, BLKIOOPT, &optimal) == 0)
		info->optimal_io_size = optimal;
	if (info->caps & IMAGE_READ_ONLY)
		return;

	info->caps |= IMAGE_ZERO_RANGE; /* the kernel writes zeroes if the device can't */
	if (zeroes)
		info->caps |= IMAGE_PUNCH_HOLE;
	if (discard && (zeroes || queue_limit(st->st_rdev, "discard_max_bytes"))) {
		info->caps |= IMAGE_DISCARD;
		info->discard_granularity = queue_limit(st->st_rdev, "discard_granularity");
	}
}

/*
 * Punching a hole where there is nothing, beyond the end, does nothing where it works.  Zeroing a
 * range there would allocate blocks (ext4, xfs), so that is left to be found out by doing it.
 */
static bool can_punch_holes(int fd, const struct stat *st)
{
	off_t beyond = (st->st_size / FILE_BLOCK + 1) * FILE_BLOCK;

	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, beyond, FILE_BLOCK) == 0;
}

static void probe_file(int fd, const struct stat *st, bool discard, struct image_info *info)
{
	if (info->caps & IMAGE_READ_ONLY)
		return;

	info->caps |= IMAGE_ZERO_RANGE;
	if (!can_punch_holes(fd, st))
		return;
	info->caps |= IMAGE_PUNCH_HOLE;
	if (discard) {
		info->caps |= IMAGE_DISCARD;
		info->discard_granularity = st->st_blksize;
	}
}

void image_probe(int fd, const struct stat *st, bool read_only, bool discard,
		 struct image_info *info)
{
	/*
	 * Files have 512-byte blocks whatever O_DIRECT asks for: partition tables count in blocks,
	 * so an image must not change when it moves to another file system.
	 */
	info->caps = read_only ? IMAGE_READ_ONLY : 0;
	info->block_size = SECTOR_SIZE;
	info->physical_block_size = FILE_BLOCK;
	info->optimal_io_size = 0;
	info->discard_granularity = 0;

	if (S_ISBLK(st->st_mode))
		probe_device(fd, st, discard, info);
	else
		probe_file(fd, st, discard, info);

	if (!is_sane_block(info->physical_block_size, IMAGE_DIRECT_ALIGN_MAX) ||
	    info->physical_block_size < info->block_size)
		info->physical_block_size = info->block_size;
	if (info->optimal_io_size % info->block_size)
		info->optimal_io_size = 0;
	if (info->discard_granularity % info->block_size)
		info->discard_granularity = 0;
}
