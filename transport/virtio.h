/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Contract between a virtio transport (virtio_mmio.c) and a device type (daemon/disk.c), and what
 * both share: the constants of VIRTIO 1.3, the device's state, and the verdict on a guest that
 * broke the rules.
 *
 * The transport owns the registers and the life of the queues; the device owns the requests.  All
 * calls come from the worker's one thread.  Everything that must outlive the worker process is in
 * struct virtio_state and struct virtq_state, which lie in the state memfd: plain numbers of fixed
 * size, no pointers.
 */
#ifndef TRANSPORT_VIRTIO_H
#define TRANSPORT_VIRTIO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "transport/virtq.h"

/* Device status bits (2.1). */
#define VIRTIO_STATUS_ACKNOWLEDGE 0x01
#define VIRTIO_STATUS_DRIVER	  0x02
#define VIRTIO_STATUS_DRIVER_OK	  0x04
#define VIRTIO_STATUS_FEATURES_OK 0x08
#define VIRTIO_STATUS_NEEDS_RESET 0x40
#define VIRTIO_STATUS_FAILED	  0x80

/* Feature bits that belong to no device type (6). */
#define VIRTIO_F_INDIRECT_DESC	 (1ull << 28)
#define VIRTIO_F_EVENT_IDX	 (1ull << 29)
#define VIRTIO_F_VERSION_1	 (1ull << 32)
#define VIRTIO_F_ACCESS_PLATFORM (1ull << 33)
#define VIRTIO_F_RING_RESET	 (1ull << 40)

/* Reasons for an interrupt (4.2.2, InterruptStatus). */
#define VIRTIO_INTERRUPT_USED	(1u << 0)
#define VIRTIO_INTERRUPT_CONFIG (1u << 1)

/* The most queues that a device can have. */
#define VIRTIO_QUEUES_MAX 8

/* Registers and negotiation, as the guest sees them.  In the state memfd. */
struct virtio_state {
	uint32_t status;
	uint32_t resetting; /* the driver wrote 0, requests are still in flight */
	uint32_t device_features_sel;
	uint32_t driver_features_sel;
	uint64_t driver_features;
	uint32_t driver_features_excess; /* the driver set a bit above 63 */
	uint32_t queue_sel;
	uint32_t interrupt_status;
	uint32_t config_generation;
	uint32_t config_unseen; /* it changed since the last reset: to be told with DRIVER_OK */
	uint32_t pad;
	/* Counters; docs/design.md has a table of all. */
	uint64_t faults;     /* guest_fault() */
	uint64_t bad_access; /* register accesses that make no sense, ignored */
	uint64_t kicks;	     /* QueueNotify */
	uint64_t interrupts; /* raised */
	struct virtq_state queues[VIRTIO_QUEUES_MAX];
};

struct virtio_device;

/* What a device type does.  All slots are mandatory. */
struct virtio_device_ops {
	uint32_t device_id; /* 5: 2 is a block device */

	/*
	 * Copy len bytes of the configuration space from off; the transport has checked the width
	 * (1, 2, 4 or 8), not the range: bytes outside it read as zero.
	 */
	void (*read_config)(struct virtio_device *dev, unsigned off, void *buf, unsigned len);
	/* The driver wrote there.  false: nothing writable at this place. */
	bool (*write_config)(struct virtio_device *dev, unsigned off, const void *buf,
			     unsigned len);

	/* Queue q was notified.  Only remember it: the vCPU waits until this returns. */
	void (*kick)(struct virtio_device *dev, unsigned q);

	/* dev->features has changed: FEATURES_OK was set, or a reset has begun and they are 0. */
	void (*negotiated)(struct virtio_device *dev);

	/* DRIVER_OK was set: dev->features holds what was negotiated. */
	void (*start)(struct virtio_device *dev);
};

/* What a transport does for a device.  All slots are mandatory. */
struct virtio_transport_ops {
	/* Tell the driver: VIRTIO_INTERRUPT_* reasons. */
	void (*interrupt)(struct virtio_device *dev, uint32_t reasons);
	/*
	 * None of q's requests is in flight any more: finish the reset that waited for
	 * that, if any.
	 */
	void (*idle)(struct virtq *q);
};

struct virtio_device {
	const struct virtio_device_ops *ops;
	const struct virtio_transport_ops *transport;
	struct log_subject subject; /* guest and disk, for log lines */
	struct log_limit fault_limit;
	struct log_limit mistake_limit; /* its own: mistakes must not hide a fault */
	struct log_limit event_limit;
	struct virtio_state *state; /* borrowed: in the state memfd */
	uint64_t offered;	    /* features offered, constant */
	uint64_t features;	    /* negotiated; valid from FEATURES_OK on */
	unsigned nr_queues;	    /* 1 ... VIRTIO_QUEUES_MAX */
	unsigned queue_size_max;    /* power of two, <= VIRTQ_SIZE_MAX */
	unsigned inflight;	    /* heads popped and not yet given back, all queues */
	struct virtq queues[VIRTIO_QUEUES_MAX];
};

/* May the device look at its queues?  DRIVER_OK is set, it is not broken and not being reset. */
bool virtio_device_live(const struct virtio_device *dev);

/*
 * The device changed its configuration space, in whatever fields, in this one step: show the driver
 * a new generation, and tell it.
 */
void virtio_config_changed(struct virtio_device *dev);

/*
 * The guest broke a rule in a way that leaves the device without a sane state: count it, log it
 * (rate-limited), set DEVICE_NEEDS_RESET and tell the driver (2.1.2).  Harms nobody else.  Always
 * returns -EBADMSG.
 */
int guest_fault(struct virtio_device *dev, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * The guest did something useless that is safe to ignore: count it, and log it at debug level.
 */
void guest_mistake(struct virtio_device *dev, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * Something that the guest does now and then, and could do without end: log it at info level,
 * rate-limited.
 */
void guest_event(struct virtio_device *dev, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
