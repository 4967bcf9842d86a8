/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transport/virtio.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

bool virtio_device_live(const struct virtio_device *dev)
{
	const struct virtio_state *s = dev->state;

	return (s->status & (VIRTIO_STATUS_DRIVER_OK | VIRTIO_STATUS_NEEDS_RESET)) ==
		       VIRTIO_STATUS_DRIVER_OK &&
	       !s->resetting;
}

void virtio_config_changed(struct virtio_device *dev)
{
	struct virtio_state *s = dev->state;

	s->config_generation++;
	/*
	 * 2.5: no notification before DRIVER_OK, nor after a reset; that driver reads it all anew.
	 */
	if (s->resetting)
		return;
	if (s->status & VIRTIO_STATUS_DRIVER_OK)
		dev->transport->interrupt(dev, VIRTIO_INTERRUPT_CONFIG);
	else
		s->config_unseen = 1;
}

int guest_fault(struct virtio_device *dev, const char *fmt, ...)
{
	struct virtio_state *s = dev->state;
	uint64_t suppressed;
	char text[256];
	va_list ap;

	s->faults++;
	if (log_limit_pass(&dev->fault_limit, &suppressed)) {
		va_start(ap, fmt);
		vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
		log_warn(&dev->subject, "guest fault: %s; the device needs a reset%s", text,
			 suppressed ? " (some such lines were held back)" : "");
	}

	if (!(s->status & VIRTIO_STATUS_NEEDS_RESET) && !s->resetting) {
		s->status |= VIRTIO_STATUS_NEEDS_RESET;
		if (s->status & VIRTIO_STATUS_DRIVER_OK)
			dev->transport->interrupt(dev, VIRTIO_INTERRUPT_CONFIG);
	}
	return -EBADMSG;
}

void guest_mistake(struct virtio_device *dev, const char *fmt, ...)
{
	uint64_t suppressed;
	char text[256];
	va_list ap;

	dev->state->bad_access++;
	if (!log_limit_pass(&dev->mistake_limit, &suppressed))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_debug(&dev->subject, "guest mistake, ignored: %s", text);
}

void guest_event(struct virtio_device *dev, const char *fmt, ...)
{
	uint64_t suppressed;
	char text[256];
	va_list ap;

	if (!log_limit_pass(&dev->event_limit, &suppressed))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_info(&dev->subject, "%s%s", text,
		 suppressed ? " (some such lines were held back)" : "");
}
