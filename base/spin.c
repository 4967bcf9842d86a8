/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/spin.h"

#include "base/util.h"

#define SHORT	 4
#define NEED_MIN 4
#define NEED_MAX 256
#define CREDIT	 8  /* times max_ns: the balance at first, and at most */
#define WINS	 64 /* that make up for what was in vain */

void spin_init(struct spin *s, uint64_t max_ns)
{
	*s = (struct spin){ .max_ns = max_ns, .need = NEED_MIN };
}

void spin_slept(struct spin *s, uint64_t ns)
{
	if (!s->max_ns || ns > SHORT * s->max_ns) {
		s->short_sleeps = 0;
		return;
	}
	if (++s->short_sleeps < s->need)
		return;
	s->short_sleeps = s->wins = 0;
	s->balance = CREDIT * s->max_ns;
	s->on = true;
}

void spin_looked(struct spin *s, bool found, uint64_t ns)
{
	/* What a sleep costs all who take part in it is not known: half of max_ns, say. */
	s->balance += (int64_t)(found ? s->max_ns / 2 : 0) - (int64_t)ns;
	s->balance = MIN(s->balance, (int64_t)(CREDIT * s->max_ns));
	if (found && s->balance >= 0) {
		if (++s->wins == WINS)
			s->need = NEED_MIN;
		return;
	}
	s->on = false;
	s->need = MIN(s->need * 2, (unsigned)NEED_MAX);
}
