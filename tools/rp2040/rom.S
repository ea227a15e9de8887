/* The tables of our stand-in for the RP2040's boot ROM: what lies where, and under which two letters, is in the datasheet,
 * 2.8.3. Addresses are 16 bits wide; those of code are odd, since it is Thumb code. */

    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .section .vectors, "a"
    .word 0x20041f00                /* the stack until the firmware's own */
    .word rom_fault + 1, rom_fault + 1, rom_fault + 1
    .byte 'M', 'u', 1, 2            /* the magic, and version 2: that of the chips B1 */
    .hword functions, data, rom_lookup + 1

    .macro entry first, second, what
    .byte \first, \second
    .hword \what
    .endm

    .section .rodata.functions, "a"
    .balign 4
functions:
    entry 'P', '3', rom_popcount + 1
    entry 'R', '3', rom_reverse + 1
    entry 'L', '3', rom_leading_zeros + 1
    entry 'T', '3', rom_trailing_zeros + 1
    entry 'M', 'S', rom_set + 1
    entry 'S', '4', rom_set + 1
    entry 'M', 'C', rom_copy + 1
    entry 'C', '4', rom_copy + 1
    entry 'U', 'B', rom_fault + 1
    entry 'D', 'T', rom_fault + 1
    entry 'D', 'E', rom_fault + 1
    entry 'I', 'F', rom_nothing + 1     /* the emulated flash is always connected, never busy and has no cache */
    entry 'E', 'X', rom_nothing + 1
    entry 'F', 'C', rom_nothing + 1
    entry 'C', 'X', rom_nothing + 1
    entry 'R', 'E', rom_erase + 1
    entry 'R', 'P', rom_program + 1
    .word 0

    .section .rodata.data, "a"
    .balign 4
data:
    entry 'S', 'F', rom_floats
    entry 'S', 'D', rom_doubles
    entry 'G', 'R', rom_floats
    entry 'C', 'R', rom_floats
    .word 0

    /* The emulator hears a breakpoint, does what its number says with r0 to r2, and goes on behind it (run.mjs). */
    .text
    .thumb_func
    .global rom_erase
rom_erase:
    bkpt #1
    bx lr
    .thumb_func
    .global rom_program
rom_program:
    bkpt #2
    bx lr
    .thumb_func
    .global rom_fault
rom_fault:
    bkpt #9
    b rom_fault
    .thumb_func
    .global rom_nothing
rom_nothing:
    bx lr

    /* -1, 0 or 1 of rom_compare, as the processor's flags; all registers stay. */
    .thumb_func
    .global rom_compare_flags
rom_compare_flags:
    push {r0-r3, lr}
    bl rom_compare
    cmp r0, #0
    pop {r0-r3, pc}
