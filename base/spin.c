/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/spin.h"

#include "base/util.h"

#define SHORT	 4
#define NEED_MIN 4
#define NEED_MAX 256
#define WINS	 64 /* that make up for what was in vain */

void spin_init(struct spin *s, uint64_t max_ns)
{
	*s = (struct spin){ .max_ns = max_ns, .need = NEED_MIN };
}

void spin_slept(struct spin *s, uint64_t ns)
{
	if (ns > SHORT * s->max_ns) {
		s->short_sleeps = 0;
		return;
	}
	if (++s->short_sleeps < s->need)
		return;
	s->short_sleeps = s->wins = 0;
	s->on = true;
}

void spin_looked(struct spin *s, bool found)
{
	if (found) {
		if (++s->wins == WINS)
			s->need = NEED_MIN;
		return;
	}
	s->on = false;
	s->need = MIN(s->need * 2, (unsigned)NEED_MAX);
}
