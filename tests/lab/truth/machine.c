/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct machine of a guest on real Xen, without an operating system: registers are memory,
 * interrupts come from the virtual GICv3, text goes to the emulated UART (vuart="sbsa_uart").
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tests/sim/check.h"
#include "tests/truth/transcript.h"

/* xen/include/public/arch-arm.h */
#define GICD  0x03001000ull
#define PL011 0x22000000ull

/* The first disk, as libxl places it. */
#define WINDOW		0x02000000ull
#define LINE		33

#define PL011_DR	0x00
#define PL011_FR	0x18
#define PL011_FR_TXFF	(1u << 5)

#define GICD_CTLR	0x0000
#define GICD_ISENABLER	0x0100
#define GICD_IPRIORITYR 0x0400
#define GICD_ICFGR	0x0c00
#define GICD_IROUTER	0x6000

#define PSCI_SYSTEM_OFF 0x84000008u

/* Memory that is given out; the image, its stack and xl's device tree are elsewhere. */
#define HEAP	 0x40400000ull
#define HEAP_END 0x40c00000ull

#define LINES	 1020

void machine_main(void);
void machine_interrupt(void);
_Noreturn void machine_abort(void);

static volatile unsigned raised[LINES];
static uint64_t next = HEAP;

/* What the compiler and string.h's users expect.  Byte by byte: nothing may be unaligned. */
void *memset(void *to, int c, size_t n)
{
	for (volatile uint8_t *p = to; n--; p++)
		*p = c;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	const uint8_t *q = from;

	for (volatile uint8_t *p = to; n--; p++)
		*p = *q++;
	return to;
}

static volatile uint32_t *reg32(uint64_t addr)
{
	return (volatile uint32_t *)addr;
}

static void put(const char *text)
{
	for (; *text; text++) {
		while (*reg32(PL011 + PL011_FR) & PL011_FR_TXFF)
			;
		*reg32(PL011 + PL011_DR) = (uint8_t)*text;
	}
}

void truth_line(const char *text)
{
	put(text);
	put("\n");
}

static _Noreturn void power_off(void)
{
	register uint64_t x0 __asm__("x0") = PSCI_SYSTEM_OFF;

	__asm__ volatile("hvc #0" : "+r"(x0)::"memory");
	for (;;)
		;
}

_Noreturn void machine_abort(void)
{
	truth_line("the guest has crashed");
	power_off();
}

_Noreturn void sim_check_failed(const char *file, int line, const char *condition, const char *fmt,
				...)
{
	(void)line;
	put(file);
	put(": not true: ");
	put(condition);
	put(": ");
	truth_line(fmt);
	power_off();
}

/* One instruction each, so that Xen can decode it. */
static uint64_t machine_read(struct machine *m, unsigned vcpu, uint64_t addr, unsigned size)
{
	(void)m;
	(void)vcpu;
	switch (size) {
	case 1:
		return *(volatile uint8_t *)addr;
	case 2:
		return *(volatile uint16_t *)addr;
	case 4:
		return *(volatile uint32_t *)addr;
	default:
		return *(volatile uint64_t *)addr;
	}
}

static void machine_write(struct machine *m, unsigned vcpu, uint64_t addr, unsigned size,
			  uint64_t value)
{
	(void)m;
	(void)vcpu;
	switch (size) {
	case 1:
		*(volatile uint8_t *)addr = value;
		break;
	case 2:
		*(volatile uint16_t *)addr = value;
		break;
	case 4:
		*(volatile uint32_t *)addr = value;
		break;
	default:
		*(volatile uint64_t *)addr = value;
	}
}

static void *machine_ram(struct machine *m, uint64_t gpa, uint64_t len)
{
	(void)m;
	return gpa >= HEAP && len <= HEAP_END - gpa ? (void *)gpa : NULL;
}

static uint64_t machine_alloc(struct machine *m, uint64_t bytes)
{
	uint64_t gpa = next;

	(void)m;
	next += (bytes + 4095) & ~4095ull;
	sim_check(next <= HEAP_END, "no memory left");
	memset((void *)gpa, 0, bytes);
	return gpa;
}

static unsigned machine_interrupts(struct machine *m, unsigned line)
{
	(void)m;
	return raised[line];
}

static uint64_t ticks(void)
{
	uint64_t now;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(now)::"memory");
	return now;
}

static unsigned machine_interrupt_wait(struct machine *m, unsigned line, unsigned seen,
				       int timeout_ms)
{
	uint64_t frequency, end;

	(void)m;
	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
	end = ticks() + frequency / 1000 * timeout_ms;
	while (raised[line] == seen && ticks() < end)
		__asm__ volatile("yield" ::: "memory");
	return raised[line];
}

void machine_interrupt(void)
{
	uint64_t id;

	__asm__ volatile("mrs %0, s3_0_c12_c12_0; dsb sy" : "=r"(id)::"memory"); /* ICC_IAR1_EL1 */
	if (id < LINES)
		raised[id]++;
	__asm__ volatile("msr s3_0_c12_c12_1, %0; isb" ::"r"(id) : "memory"); /* ICC_EOIR1_EL1 */
}

/* The line rises, and is ours. */
static void enable_interrupt(unsigned line)
{
	*reg32(GICD + GICD_CTLR) = 1u << 4 | 1u << 1 | 1u << 0; /* ARE_NS, group 1 */
	*(volatile uint8_t *)(GICD + GICD_IPRIORITYR + line) = 0xa0;
	*reg32(GICD + GICD_ICFGR + line / 16 * 4) |= 2u << line % 16 * 2;
	*(volatile uint64_t *)(GICD + GICD_IROUTER + 8ull * line) = 0;
	*reg32(GICD + GICD_ISENABLER + line / 32 * 4) = 1u << line % 32;
	__asm__ volatile("msr s3_0_c12_c12_5, %0; isb" ::"r"(1ull)); /* ICC_SRE_EL1 */
	__asm__ volatile("msr s3_0_c4_c6_0, %0" ::"r"(0xffull));     /* ICC_PMR_EL1 */
	__asm__ volatile("msr s3_0_c12_c12_7, %0; isb" ::"r"(1ull)); /* ICC_IGRPEN1_EL1 */
	__asm__ volatile("msr daifclr, #2" ::: "memory");
}

static const struct machine_ops ops = {
	.read = machine_read,
	.write = machine_write,
	.ram = machine_ram,
	.alloc = machine_alloc,
	.interrupts = machine_interrupts,
	.interrupt_wait = machine_interrupt_wait,
};

void machine_main(void)
{
	struct machine m = { &ops };

	enable_interrupt(LINE);
	truth_transcript(&m, WINDOW, LINE);
	power_off();
}
