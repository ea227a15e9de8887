/* What of MicroPython this firmware has: what the node and its tests use; all else would be flash. */

#include <alloca.h>
#include <stdint.h>
#include "board_config.h"

#define MICROPY_HW_BOARD_NAME               BOARD_NAME
#define MICROPY_HW_MCU_NAME                 "rv32imac"
#define MICROPY_PY_SYS_PLATFORM             "qemu-virt"

#define MICROPY_CONFIG_ROM_LEVEL            (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)

/* The interpreter. */
#define MICROPY_ENABLE_GC                   (1)
#define MICROPY_MALLOC_USES_ALLOCATED_SIZE  (1)
#define MICROPY_ENABLE_EMERGENCY_EXCEPTION_BUF (1)
#define MICROPY_EMERGENCY_EXCEPTION_BUF_SIZE (256)     /* a traceback even where the heap is locked or full */
#define MICROPY_LONGINT_IMPL                (MICROPY_LONGINT_IMPL_MPZ)
/* The node reckons in whole numbers; numbers with a point would take 24 KB. Their literals are syntax errors here. */
#define MICROPY_FLOAT_IMPL                  (MICROPY_FLOAT_IMPL_NONE)
#define MICROPY_PY_MATH                     (0)
#define MICROPY_MEM_STATS                   (0)
#define MICROPY_QSTR_BYTES_IN_HASH          (1)
#define MICROPY_PERSISTENT_CODE_LOAD        (1)
#define MICROPY_READER_VFS                  (1)
#define MICROPY_KBD_EXCEPTION               (1)
#define MICROPY_ENABLE_SCHEDULER            (1)
#define MICROPY_SCHEDULER_STATIC_NODES      (1)
#define MICROPY_STACK_CHECK                 (1)
/* No code runs from RAM (startup.S), so none is made: no native, viper or assembler functions. */
#define MICROPY_EMIT_RV32                   (0)
#define MICROPY_EMIT_INLINE_RV32            (0)

/* A loop of Python code looks after the network as well, or a long one would stall every connection. */
#define MICROPY_VM_HOOK_LOOP                board_poll_now_and_then();

/* Source text is compiled on the host: tools/board_image.py does so with what it puts on a disk. The compiler and the
 * REPL would take 35 KB here. (MicroPython's makefiles would have it for frozen text, of which there is none.) */
#define MICROPY_ENABLE_COMPILER             (0)
#define MICROPY_HELPER_REPL                 (0)
#define MICROPY_PY_BUILTINS_INPUT           (0)
#undef MICROPY_MODULE_FROZEN_STR
#define MICROPY_MODULE_FROZEN_STR           (0)

/* Off: nothing uses them. */
#define MICROPY_PY_BUILTINS_HELP            (0)
#ifndef MICROPY_PY_DEFLATE
#define MICROPY_PY_DEFLATE                  (0)
#endif
#define MICROPY_PY___FILE__                 (0)
#define MICROPY_PY_FRAMEBUF                 (0)
#define MICROPY_PY_HEAPQ                    (0)
#define MICROPY_PY_JSON                     (0)
#define MICROPY_PY_PLATFORM                 (0)
#define MICROPY_PY_RE                       (0)
#define MICROPY_PY_UCTYPES                  (0)
#define MICROPY_PY_HASHLIB_SHA1             (0)
#define MICROPY_PY_HASHLIB_MD5              (0)
#define MICROPY_PY_MICROPYTHON_RINGIO       (0)
#define MICROPY_PY_COLLECTIONS_ORDEREDDICT  (0)
#define MICROPY_PY_BUILTINS_STR_CENTER      (0)
#define MICROPY_PY_BUILTINS_POW3            (0)
#define MICROPY_PY_BUILTINS_ROUND_INT       (0)
#define MICROPY_PY_BUILTINS_SLICE_ATTRS     (0)
#define MICROPY_PY_BUILTINS_SLICE_INDICES   (0)
#define MICROPY_PY_BUILTINS_RANGE_ATTRS     (0)
#define MICROPY_PY_SYS_STDIO_BUFFER         (0)
#define MICROPY_PY_SYS_PS1_PS2              (0)
#define MICROPY_PY_MACHINE_PIN_BASE         (0)
#define MICROPY_PY_MACHINE_SIGNAL           (0)
#define MICROPY_PY_MACHINE_PULSE            (0)

/* Modules. */
#define MICROPY_PY_ASYNCIO                  (1)
#define MICROPY_PY_SELECT                   (1)
#define MICROPY_PY_HASHLIB_SHA256           (1)
#define MICROPY_PY_TIME                     (1)
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (1)
#define MICROPY_PY_TIME_TIME_TIME_NS        (1)
#define MICROPY_PY_TIME_INCLUDEFILE         "modtime_port.c"
#define MICROPY_EPOCH_IS_1970               (1)
#define MICROPY_PY_OS_URANDOM               (1)
#define MICROPY_PY_RANDOM_SEED_INIT_FUNC    (entropy_weak32())
#define MICROPY_PY_OS_INCLUDEFILE           "modos_port.c"
#define MICROPY_PY_MACHINE                  (1)
#define MICROPY_PY_MACHINE_INCLUDEFILE      "modmachine_port.c"
#define MICROPY_PY_MACHINE_RESET            (1)
#define MICROPY_PY_MACHINE_MEMX             (1)
#define MICROPY_PY_MACHINE_WDT              (1)
#define MICROPY_PY_MACHINE_WDT_INCLUDEFILE  "machine_wdt_port.c"
#define MICROPY_VFS                         (1)
#define MICROPY_PY_NETWORK                  (1)
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT "jamliquor"
#define MICROPY_PY_SOCKET                   (1)
#define MICROPY_PY_LWIP_SOCK_RAW            (0)
#define MICROPY_PY_WEBSOCKET                (0)
#define MICROPY_PY_WEBREPL                  (0)

extern const struct _mp_obj_type_t network_lan_type;
#define MICROPY_PORT_NETWORK_INTERFACES     { MP_ROM_QSTR(MP_QSTR_LAN), MP_ROM_PTR(&network_lan_type) },

void board_poll_now_and_then(void);
uint32_t entropy_weak32(void);

/* The processor. */
typedef int32_t mp_int_t;
typedef uint32_t mp_uint_t;
typedef long mp_off_t;
#define MP_SSIZE_MAX                        (0x7fffffff)
#define UINT_FMT                            "%lu"
#define INT_FMT                             "%ld"
#define HEX_FMT                             "%lx"
#define MP_NEED_LOG2                        (1)
#define MP_STATE_PORT                       MP_STATE_VM
