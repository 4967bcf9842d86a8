/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The transcript of a guest of the simulator, on standard output. */
#include <stdio.h>

#include "tests/sim/guest.h"
#include "tests/truth/transcript.h"

void truth_line(const char *text)
{
	puts(text);
}

int main(void)
{
	struct guest *g;

	sim_start(NULL);
	g = guest_create_usual(sim_image("disk", TRUTH_DISK_BYTES, false));
	truth_transcript(&g->machine, g->disk[0].base, g->disk[0].irq);
	guest_destroy(g);
	sim_stop();
	return 0;
}
