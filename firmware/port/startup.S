/* From reset to main(): fences around memory, data and stack, and what happens when a fence is touched. */

        .section .start, "ax"
        .option norvc
        .global start
start:
        .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop

        /* No interrupt is ever taken: they only end WFI (hal.c). Every trap is a fault. */
        csrci   mstatus, 8
        la      t0, fault_entry
        csrw    mtvec, t0

        /* Physical memory protection, locked so that it binds machine mode too. Each entry reaches from the end of
         * the one before to the address here (TOR): the machine's own ROM, devices, flash that is not written, RAM
         * that is not executed, a guard under the stack, the stack, and nothing behind it. QEMU 7.2 keeps locked
         * entries over a reset: that is why the ROM is named, and the same values are then written to no effect. */
        li      t0, 0x00010000 >> 2
        csrw    pmpaddr0, t0
        li      t0, 0x80000000 >> 2
        csrw    pmpaddr1, t0
        la      t0, _ram_start
        srli    t0, t0, 2
        csrw    pmpaddr2, t0
        la      t0, _sguard
        srli    t0, t0, 2
        csrw    pmpaddr3, t0
        la      t0, _sstack
        srli    t0, t0, 2
        csrw    pmpaddr4, t0
        la      t0, _estack
        srli    t0, t0, 2
        csrw    pmpaddr5, t0
        li      t0, -1
        csrw    pmpaddr6, t0
        li      t0, 0x00888b88          /* guard nothing, stack rw, behind it nothing */
        csrw    pmpcfg1, t0
        li      t0, 0x8b8d8b8d          /* ROM rx, devices rw, flash rx, RAM rw */
        csrw    pmpcfg0, t0

        /* The stack is painted, so that its deepest use can be read off (virt.stack_peak). */
        li      t0, 0xbbbbbbbb
        la      t1, _sstack
        la      t2, _estack
1:      sw      t0, (t1)
        addi    t1, t1, 4
        bltu    t1, t2, 1b
        la      sp, _estack

        la      t0, _data_in_flash
        la      t1, _sdata
        la      t2, _edata
1:      bgeu    t1, t2, 2f
        lw      t3, (t0)
        sw      t3, (t1)
        addi    t0, t0, 4
        addi    t1, t1, 4
        j       1b
2:      la      t1, _sbss
        la      t2, _ebss
1:      bgeu    t1, t2, 2f
        sw      zero, (t1)
        addi    t1, t1, 4
        j       1b
2:      tail    main

        /* The stack may be what is broken, so the panic has one of its own. */
        .balign 4
fault_entry:
        csrw    mscratch, sp
        la      sp, fault_stack + FAULT_STACK_BYTES
        .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop
        csrr    a0, mcause
        csrr    a1, mepc
        csrr    a2, mtval
        mv      a3, ra
        csrr    a4, mscratch
        tail    board_fault

        .section .bss
        .balign 16
fault_stack:
        .space  FAULT_STACK_BYTES
