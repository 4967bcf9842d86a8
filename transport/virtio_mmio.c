/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transport/virtio_mmio.h"

#include <string.h>

/* 4.2.2, table "MMIO Device Register Layout" */
enum {
	REG_MAGIC = 0x000,
	REG_VERSION = 0x004,
	REG_DEVICE_ID = 0x008,
	REG_VENDOR_ID = 0x00c,
	REG_DEVICE_FEATURES = 0x010,
	REG_DEVICE_FEATURES_SEL = 0x014,
	REG_DRIVER_FEATURES = 0x020,
	REG_DRIVER_FEATURES_SEL = 0x024,
	REG_QUEUE_SEL = 0x030,
	REG_QUEUE_SIZE_MAX = 0x034,
	REG_QUEUE_SIZE = 0x038,
	REG_QUEUE_READY = 0x044,
	REG_QUEUE_NOTIFY = 0x050,
	REG_INTERRUPT_STATUS = 0x060,
	REG_INTERRUPT_ACK = 0x064,
	REG_STATUS = 0x070,
	REG_QUEUE_DESC_LOW = 0x080,
	REG_QUEUE_DESC_HIGH = 0x084,
	REG_QUEUE_DRIVER_LOW = 0x090,
	REG_QUEUE_DRIVER_HIGH = 0x094,
	REG_QUEUE_DEVICE_LOW = 0x0a0,
	REG_QUEUE_DEVICE_HIGH = 0x0a4,
	REG_SHM_LEN_LOW = 0x0b0,
	REG_SHM_LEN_HIGH = 0x0b4,
	REG_SHM_BASE_LOW = 0x0b8,
	REG_SHM_BASE_HIGH = 0x0bc,
	REG_QUEUE_RESET = 0x0c0,
	REG_CONFIG_GENERATION = 0x0fc,
	REG_CONFIG = 0x100,
};

#define MAGIC	  0x74726976 /* "virt" */
#define VERSION	  2
#define VENDOR_ID 0x764e5858 /* "XXNv": for xvirtiod */

#define TRANSPORT_FEATURES \
	(VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1 | VIRTIO_F_RING_RESET)

/* The queue that QueueSel names, or NULL: the only way to a queue from a register. */
static struct virtq *selected_queue(struct virtio_mmio *m)
{
	uint32_t sel = m->dev.state->queue_sel;

	return sel < m->dev.nr_queues ? &m->dev.queues[sel] : NULL;
}

/* False, and counted, if the driver did not take RING_RESET. */
static bool has_queue_reset(struct virtio_mmio *m)
{
	if (m->dev.features & VIRTIO_F_RING_RESET)
		return true;
	guest_mistake(&m->dev, "QueueReset, which was not negotiated");
	return false;
}

static uint32_t read_register(struct virtio_mmio *m, unsigned off)
{
	const struct virtio_state *s = m->dev.state;
	const struct virtq *q = selected_queue(m);

	switch (off) {
	case REG_MAGIC:
		return MAGIC;
	case REG_VERSION:
		return VERSION;
	case REG_DEVICE_ID:
		return m->dev.ops->device_id;
	case REG_VENDOR_ID:
		return VENDOR_ID;
	case REG_DEVICE_FEATURES:
		return s->device_features_sel < 2 ? m->dev.offered >> 32 * s->device_features_sel
						  : 0;
	case REG_QUEUE_SIZE_MAX:
		return q ? m->dev.queue_size_max : 0;
	case REG_QUEUE_READY:
		return q ? q->state->ready : 0;
	case REG_INTERRUPT_STATUS:
		return s->interrupt_status;
	case REG_STATUS:
		return s->status;
	case REG_SHM_LEN_LOW:
	case REG_SHM_LEN_HIGH:
	case REG_SHM_BASE_LOW:
	case REG_SHM_BASE_HIGH:
		return UINT32_MAX; /* 4.2.2: no such shared memory region */
	case REG_QUEUE_RESET:
		return has_queue_reset(m) && q ? q->state->resetting : 0;
	case REG_CONFIG_GENERATION:
		return s->config_generation;
	default:
		guest_mistake(&m->dev, "read of register %#x", off);
		return 0;
	}
}

static bool is_config_width(unsigned size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

uint64_t virtio_mmio_read(struct virtio_mmio *m, unsigned off, unsigned size)
{
	uint64_t value = 0;

	if (off < REG_CONFIG && size == 4 && off % 4 == 0)
		return read_register(m, off);
	if (off >= REG_CONFIG && is_config_width(size))
		m->dev.ops->read_config(&m->dev, off - REG_CONFIG, &value, size);
	else
		guest_mistake(&m->dev, "read of %u bytes at %#x", size, off);
	return le64toh(value);
}

/* Nothing is in flight any more: a reset that waited for that is complete now (2.4). */
static void finish_reset(struct virtio_device *dev)
{
	struct virtio_state *s = dev->state;

	if (s->resetting) {
		s->resetting = 0;
		s->status = 0;
	}
}

static void mmio_idle(struct virtq *q)
{
	q->state->resetting = 0;
	if (!q->dev->inflight)
		finish_reset(q->dev);
}

/*
 * The driver asked for a reset.  From here on the device touches nothing of the guest's but the
 * buffers of requests in flight; Status reads non-zero until those have ended, too.
 */
static void begin_reset(struct virtio_mmio *m)
{
	struct virtio_device *dev = &m->dev;
	struct virtio_state *s = dev->state;

	for (unsigned i = 0; i < dev->nr_queues; i++)
		virtq_reset(&dev->queues[i]);
	s->interrupt_status = 0;
	s->config_unseen = 0;
	s->device_features_sel = s->driver_features_sel = s->queue_sel = 0;
	s->driver_features = 0;
	s->driver_features_excess = 0;
	dev->features = 0;
	dev->ops->negotiated(dev);

	s->resetting = s->status != 0;
	if (!dev->inflight)
		finish_reset(dev);
}

/*
 * QueueReset = 1: the same for one queue (2.6.1).  QueueReset reads 1 until its requests have
 * ended.
 */
static void reset_queue(struct virtio_mmio *m, uint32_t value)
{
	struct virtq *q = selected_queue(m);

	if (!has_queue_reset(m))
		return;
	if (!q || value != 1) {
		guest_mistake(&m->dev, "QueueReset of queue %u written with %u",
			      m->dev.state->queue_sel, value);
		return;
	}
	virtq_reset(q);
	q->state->resetting = q->state->inflight != 0;
}

/* Would the device work with the features that the driver chose (2.2.2, 6.1)? */
static bool features_acceptable(const struct virtio_device *dev)
{
	const struct virtio_state *s = dev->state;

	uint64_t demanded = VIRTIO_F_VERSION_1 | (dev->offered & VIRTIO_F_ACCESS_PLATFORM);

	return !(s->driver_features & ~dev->offered) && !s->driver_features_excess &&
	       !(demanded & ~s->driver_features);
}

static void accept_features(struct virtio_device *dev)
{
	dev->features = dev->state->driver_features;
	for (unsigned i = 0; i < dev->nr_queues; i++) {
		dev->queues[i].event_idx = dev->features & VIRTIO_F_EVENT_IDX;
		dev->queues[i].indirect = dev->features & VIRTIO_F_INDIRECT_DESC;
	}
	dev->ops->negotiated(dev);
}

static void mmio_interrupt(struct virtio_device *dev, uint32_t reasons)
{
	struct virtio_mmio *m = container_of(dev, struct virtio_mmio, dev);

	dev->state->interrupt_status |= reasons;
	dev->state->interrupts++;
	xen_irq_raise(m->xen, m->irq);
}

static void write_status(struct virtio_mmio *m, uint32_t value)
{
	struct virtio_device *dev = &m->dev;
	struct virtio_state *s = dev->state;
	uint32_t added = value & ~s->status;

	if (!value) {
		begin_reset(m);
		return;
	}
	/* 2.1.1: the driver must not clear a bit; what was reached stays reached. */
	if (s->status & ~value & ~VIRTIO_STATUS_NEEDS_RESET)
		guest_mistake(dev, "status %#x written over %#x", value, s->status);

	s->status |= added &
		     (VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FAILED);
	if (added & VIRTIO_STATUS_FEATURES_OK) {
		if (features_acceptable(dev)) {
			accept_features(dev);
			s->status |= VIRTIO_STATUS_FEATURES_OK;
		} else {
			guest_event(dev, "the driver's choice of features %#llx is refused",
				    (unsigned long long)s->driver_features);
		}
	}
	if (added & VIRTIO_STATUS_DRIVER_OK) {
		if (s->status & VIRTIO_STATUS_FEATURES_OK) {
			s->status |= VIRTIO_STATUS_DRIVER_OK;
			dev->ops->start(dev);
			if (s->config_unseen)
				mmio_interrupt(dev, VIRTIO_INTERRUPT_CONFIG);
			s->config_unseen = 0;
		} else {
			guest_mistake(dev, "DRIVER_OK without FEATURES_OK");
		}
	}
}

static void write_driver_features(struct virtio_mmio *m, uint32_t value)
{
	struct virtio_state *s = m->dev.state;
	unsigned shift = 32 * s->driver_features_sel;

	if (s->status & VIRTIO_STATUS_FEATURES_OK)
		guest_mistake(&m->dev, "features written after FEATURES_OK");
	else if (s->driver_features_sel < 2)
		s->driver_features = (s->driver_features & ~(0xffffffffull << shift)) |
				     (uint64_t)value << shift;
	else
		s->driver_features_excess |= value;
}

static void set_half(uint64_t *reg, unsigned off, uint32_t value)
{
	if (off & 4)
		*reg = (uint32_t)*reg | (uint64_t)value << 32;
	else
		*reg = (*reg & ~0xffffffffull) | value;
}

/* A register of the selected queue. */
static void write_queue_register(struct virtio_mmio *m, unsigned off, uint32_t value)
{
	struct virtq *q = selected_queue(m);
	uint32_t status = m->dev.state->status;

	if (!q) {
		guest_mistake(&m->dev, "queue %u does not exist", m->dev.state->queue_sel);
		return;
	}
	if (off == REG_QUEUE_READY && !(value & 1)) {
		virtq_disable(q);
		return;
	}
	/*
	 * 3.1.1: queues are set up after FEATURES_OK; 4.2.2.2: and not while they are ready,
	 * or being reset.
	 */
	if (q->state->ready || q->state->resetting || !(status & VIRTIO_STATUS_FEATURES_OK) ||
	    status & VIRTIO_STATUS_NEEDS_RESET) {
		guest_mistake(&m->dev, "register %#x of queue %u written at status %#x, ready %u",
			      off, m->dev.state->queue_sel, status, q->state->ready);
		return;
	}

	switch (off) {
	case REG_QUEUE_READY:
		if (!virtq_enable(q))
			guest_mistake(&m->dev, "queue %u: size %u or its addresses can't be used",
				      m->dev.state->queue_sel, q->state->size);
		break;
	case REG_QUEUE_SIZE:
		q->state->size = value;
		break;
	case REG_QUEUE_DESC_LOW:
	case REG_QUEUE_DESC_HIGH:
		set_half(&q->state->desc, off, value);
		break;
	case REG_QUEUE_DRIVER_LOW:
	case REG_QUEUE_DRIVER_HIGH:
		set_half(&q->state->driver, off, value);
		break;
	case REG_QUEUE_DEVICE_LOW:
	case REG_QUEUE_DEVICE_HIGH:
		set_half(&q->state->device, off, value);
		break;
	}
}

static void notify(struct virtio_mmio *m, uint32_t value, uint64_t n)
{
	m->dev.state->kicks += n;
	/* Spurious notifications, at any status, are no fault (2.7.10.1). */
	if (value < m->dev.nr_queues && virtio_device_live(&m->dev))
		m->dev.ops->kick(&m->dev, value);
}

static void write_register(struct virtio_mmio *m, unsigned off, uint32_t value)
{
	struct virtio_state *s = m->dev.state;

	/* Only the end of the reset ends it. */
	if (s->resetting)
		return;

	switch (off) {
	case REG_DEVICE_FEATURES_SEL:
		s->device_features_sel = value;
		break;
	case REG_DRIVER_FEATURES:
		write_driver_features(m, value);
		break;
	case REG_DRIVER_FEATURES_SEL:
		s->driver_features_sel = value;
		break;
	case REG_QUEUE_SEL:
		s->queue_sel = value;
		break;
	case REG_QUEUE_SIZE:
	case REG_QUEUE_READY:
	case REG_QUEUE_DESC_LOW:
	case REG_QUEUE_DESC_HIGH:
	case REG_QUEUE_DRIVER_LOW:
	case REG_QUEUE_DRIVER_HIGH:
	case REG_QUEUE_DEVICE_LOW:
	case REG_QUEUE_DEVICE_HIGH:
		write_queue_register(m, off, value);
		break;
	case REG_QUEUE_RESET:
		reset_queue(m, value);
		break;
	case REG_QUEUE_NOTIFY:
		notify(m, value, 1);
		break;
	case REG_INTERRUPT_ACK:
		/* The line is edge-triggered: nothing to lower. */
		s->interrupt_status &= ~value;
		break;
	case REG_STATUS:
		write_status(m, value);
		break;
	default:
		guest_mistake(&m->dev, "write of register %#x", off);
	}
}

void virtio_mmio_write(struct virtio_mmio *m, unsigned off, unsigned size, uint64_t value)
{
	uint64_t le = htole64(value);

	if (off < REG_CONFIG && size == 4 && off % 4 == 0)
		write_register(m, off, value);
	else if (off < REG_CONFIG || !is_config_width(size) ||
		 !m->dev.ops->write_config(&m->dev, off - REG_CONFIG, &le, size))
		guest_mistake(&m->dev, "write of %u bytes at %#x", size, off);
}

void virtio_mmio_kicked(struct virtio_mmio *m, unsigned q, uint64_t n)
{
	if (!m->dev.state->resetting)
		notify(m, q, n);
}

static const struct virtio_transport_ops mmio_transport = {
	.interrupt = mmio_interrupt,
	.idle = mmio_idle,
};

void virtio_mmio_init(struct virtio_mmio *m, struct xen_domain *xen, struct guest_mem *mem,
		      uint64_t base, uint32_t irq)
{
	struct virtio_device *dev = &m->dev;

	m->xen = xen;
	m->base = base;
	m->irq = irq;
	dev->transport = &mmio_transport;
	dev->offered |= TRANSPORT_FEATURES;
	/* The driver's addresses are no guest-physical ones then (6). */
	if (!mem->in_place)
		dev->offered |= VIRTIO_F_ACCESS_PLATFORM;
	for (unsigned i = 0; i < dev->nr_queues; i++)
		virtq_init(&dev->queues[i], dev, &dev->state->queues[i], mem);
}

void virtio_mmio_fini(struct virtio_mmio *m)
{
	for (unsigned i = 0; i < m->dev.nr_queues; i++)
		virtq_fini(&m->dev.queues[i]);
}
