"""What a board.toml may say: the tables and keys of each kind of board, and what each may be on its own.

A key is `(type, least, most)`: of a number its value, of a text its length, of a list how many texts it has. CHOICES
has those that are one of a few words. What must hold between keys is in board_rules.py.
"""

from ..const import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    Key = tuple[type, int, int]
    Schema = dict[str, dict[str, Key]]

MCU = "mcu"  # a microcontroller with a firmware of ours: what a file is that names no kind
LINUX_BOARD = "linux"  # a computer that runs Linux, and the node beside other things
AREAS = ("fs", "sets", "scratch", "tree")  # in the order in which they lie on the flash
ROUTES = ("tcp", "quic", "serial")  # of [links], what a node can dial; the others are what carries TCP
CARRIERS = ("wifi", "ethernet")

LITE, BRIDGE = "lite", "bridge"
NO_VRF = "none"
# In the order of how much it says. "hardware": the board itself ran a node; "emulated": an emulator of the board, or of
# its chip, did; "built": what goes onto it was made and checked in structure; "none": its numbers alone are known.
TRIED = ("hardware", "emulated", "built", "none")
METHODS = ("uf2", "esptool", "mpremote", "ssh", "image", "qemu")
_SCRATCH_LEAST_KB = const(68)  # a header with a full-spec epoch mark is 65,833 bytes

# Beside the tables. Where the VRF in machine code comes from: it is in the firmware, a native module that MicroPython
# loads, a wheel that pip installs, or our C, compiled on the board by its own compiler. "none": pure Python.
TOP: "dict[str, tuple[str, ...]]" = {
    "role": (LITE, BRIDGE),
    "vrf": ("firmware", "natmod", "wheel", "compiled", NO_VRF),
    "tried": TRIED,
}

CHOICES: "dict[str, tuple[str, ...]]" = {
    "flashing.method": METHODS,
    "flashing.natmod": ("rv32imc", "armv6m", "armv7m", "armv7emsp"),
    "qemu.system": ("riscv32", "riscv64", "aarch64"),
}

# How a board gets its software, and how flash and monitor know it when it is plugged in.
_FLASHING: "dict[str, Key]" = {
    "method": (list, 1, 6),  # the first is what `flash` takes unless told otherwise
    "usb_boot": (list, 0, 8),  # VID:PID of the boot loader, "2e8a:000f"
    "usb_run": (list, 0, 8),  # and of the running firmware's serial port
    "volume": (str, 1, 11),  # the label of the boot loader's drive (FAT: 11 characters)
    "uf2_family": (int, 1, 0xFFFF_FFFF),
    "chip": (str, 1, 16),  # as esptool names it
    "image_kb": (int, 16, 16_777_216),  # the largest image that fits
    "natmod": (str, 1, 16),  # the machine code of native modules, as mpy_ld names it
    "steps": (list, 1, 8),  # what a person does, a sentence each
}
_QEMU: "dict[str, Key]" = {
    "system": (str, 1, 16),  # qemu-system-…
    "machine": (str, 1, 32),
    "cpu": (str, 1, 64),
    "memory_mb": (int, 32, 65_536),
}
# Optional keys, by table; every other is needed. Tables in OPTIONAL_TABLES may be missing as a whole.
OPTIONAL: "dict[str, tuple[str, ...]]" = {
    "links": CARRIERS,
    "tcp": ("memory_bytes", "receive_buffers"),
    "flashing": tuple(key for key in _FLASHING if key not in ("method", "steps")),
    "qemu": ("cpu", "memory_mb"),
}
OPTIONAL_TABLES = ("qemu", "tcp")

# kind: table: key: (type, least, most)
SCHEMAS: "dict[str, Schema]" = {
    MCU: {
        "cpu": {"arch": (str, 1, 32), "mhz": (int, 1, 10_000), "share_percent": (int, 1, 100)},
        "memory": {"ram_kb": (int, 64, 2048), "stack_kb": (int, 2, 256), "heap_kb": (int, 16, 2048)},
        "links": {"tcp": (bool, 0, 1), "serial": (bool, 0, 1), "wifi": (bool, 0, 1), "ethernet": (bool, 0, 1)},
        "tcp": {
            "connections": (int, 1, 64),
            "segment_bytes": (int, 536, 1460),  # RFC 879 and Ethernet
            "send_bytes": (int, 1072, 65_535),
            "receive_bytes": (int, 1072, 65_535),
            "memory_bytes": (int, 2048, 60_000),  # lwIP counts them in 16 bits
            "receive_buffers": (int, 16, 512),
        },
        "watchdog": {"timeout_ms": (int, 1000, 600_000)},
        "flash": {
            "size_kb": (int, 512, 1_000_000),
            "sector_bytes": (int, 4096, 4096),  # what the port's block device has
            "firmware_kb": (int, 128, 4096),  # the linker script's FLASH
            "fs_kb": (int, 32, 1_000_000),
            "sets_kb": (int, 32, 1_000_000),
            "scratch_kb": (int, _SCRATCH_LEAST_KB, 1_000_000),
            "tree_kb": (int, 16, 8_000),
        },
        "flashing": _FLASHING,
        "qemu": _QEMU,
    },
    LINUX_BOARD: {
        "cpu": {"arch": (str, 1, 32), "cores": (int, 1, 1024), "mhz": (int, 1, 10_000)},
        "memory": {"ram_mb": (int, 32, 1_048_576), "system_mb": (int, 8, 1_048_576)},
        "links": {
            "tcp": (bool, 0, 1), "quic": (bool, 0, 1), "serial": (bool, 0, 1), "wifi": (bool, 0, 1),
            "ethernet": (bool, 0, 1),
        },
        # The hard stops beneath the node's own budgets, which the unit file sets: see board_unit.py.
        "stops": {
            "cpu_percent": (int, 1, 102_400),
            "kernel_mb": (int, 1, 65_536),
            "tasks": (int, 8, 4096),
            "files": (int, 64, 65_536),
        },
        # What the firewall lets through before the node sees it: see board_firewall.py.
        "firewall": {
            "new_per_second": (int, 1, 100_000),
            "new_burst": (int, 1, 100_000),
            "source_new_per_second": (int, 1, 100_000),
            "source_new_burst": (int, 1, 100_000),
            "source_connections": (int, 1, 65_536),
            "datagrams_per_second": (int, 100, 10_000_000),
            "datagrams_burst": (int, 100, 10_000_000),
            "sources": (int, 16, 1_000_000),
        },
        "flashing": _FLASHING,
        "qemu": _QEMU,
    },
}
