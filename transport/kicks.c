/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transport/kicks.h"

static void kicked(struct loop_source *src)
{
	struct kick_queue *q = container_of(src, struct kick_queue, source);

	virtio_mmio_kicked(q->kicks->m, q - q->kicks->queues, src->count);
}

void kicks_close(struct kicks *k)
{
	for (unsigned i = 0; i < k->nr; i++)
		loop_remove(k->loop, &k->queues[i].source);
	if (k->nr)
		xen_kicks_close(k->m->xen, k->m->base, k->nr, k->fds);
	k->nr = 0;
}

void kicks_open(struct kicks *k, struct loop *loop, struct virtio_mmio *m)
{
	*k = (struct kicks){ .loop = loop, .m = m };
	if (!xen_kicks_open(m->xen, m->base, m->dev.nr_queues, k->fds))
		return;
	k->nr = m->dev.nr_queues;
	for (unsigned i = 0; i < k->nr; i++) {
		k->queues[i] = (struct kick_queue){ .source.ready = kicked, .kicks = k };
		if (loop_add_eventfd(loop, &k->queues[i].source, k->fds[i])) {
			kicks_close(k);
			return;
		}
	}
}
