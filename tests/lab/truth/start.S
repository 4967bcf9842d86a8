/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest without an operating system: the header that xl wants of a kernel (Linux,
 * Documentation/arch/arm64/booting.rst), a stack, exception vectors.  The MMU stays off: everything is device
 * memory, accesses are aligned (-mstrict-align), and there is no cache to be kept coherent.
 */
	.section .head, "ax"
	.globl	_head
_head:
	b	start
	.long	0
	.quad	0x80000			/* text_offset: with RAM at 0x40000000, where truth.lds puts us */
	.quad	_end - _head		/* image_size */
	.quad	0xa			/* little-endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

start:
	ldr	x1, =_stack
	mov	sp, x1
	ldr	x1, =_bss
	ldr	x2, =_bss_end
1:	str	xzr, [x1], #8
	cmp	x1, x2
	b.lo	1b
	ldr	x1, =vectors
	msr	vbar_el1, x1
	isb
	bl	machine_main
1:	wfi
	b	1b

/* All registers that a C function may change; the interrupt handler is one. */
	.macro	save_and_call function
	sub	sp, sp, #192
	stp	x0, x1, [sp]
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x29, [sp, #144]
	str	x30, [sp, #160]
	bl	\function
	ldp	x0, x1, [sp]
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x29, [sp, #144]
	ldr	x30, [sp, #160]
	add	sp, sp, #192
	eret
	.endm

interrupt:
	save_and_call machine_interrupt

	.macro	vector target
	.balign	0x80
	b	\target
	.endm

	.balign	0x800
vectors:
	.rept	4			/* current level, SP_EL0: never */
	vector	machine_abort
	.endr
	vector	machine_abort		/* current level: synchronous */
	vector	interrupt
	vector	machine_abort
	vector	machine_abort
	.rept	8			/* lower levels: never */
	vector	machine_abort
	.endr
