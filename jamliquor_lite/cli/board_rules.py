"""What must hold between the numbers of a board.toml: memory, flash, links, rates, and the role of the board."""

import re

from ..budget import check
from ..budget.profile import LINUX
from ..codec.spec import FULL
from ..const import const
from .board_schema import AREAS, CARRIERS, LINUX_BOARD, LITE, MCU, NO_VRF

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .board_file import Board

_USB = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}")
_KIB = const(1024)
_MIB = const(1024 * 1024)
_RECEIVE_BUFFER_BYTES = const(256)  # lwipopts.h: PBUF_POOL_BUFSIZE
_RECEIVE_RESERVE = const(8)  # net.c: RX_RESERVE
# Both VRFs of a header by crypto/vrf.py, in millions of instructions: MicroPython 1.26.1 of 32 bits on x86, counted by
# `valgrind --tool=lackey`; in C they are 10.8 on RV32 (tools/bench/mcu.py).
_PURE_HEADER_M = const(514)
_OF_SOCKETS = ("peers_ceiling", "handshakes", "dials", "asks", "socket_receive_bytes", "socket_send_bytes")
# What the system sends for a first packet of a neighbour that is not there: three ARP requests, where a SYN-ACK to
# elsewhere is 58 to 74 bytes; and its one error a second (board_firewall.py), Ethernet and IPv4.
_ANSWER_BYTES = const(3 * 42)
_ERROR_BYTES = const(14 + 576)
# Where each way of flashing needs a key of [flashing].
_NEEDS = {"uf2": ("usb_boot", "volume", "uf2_family", "image_kb"), "esptool": ("chip", "image_kb"),
          "mpremote": ("natmod",), "image": ("image_kb",)}


def broken(board: "Board") -> "list[str]":
    """What is wrong with numbers that are right each on its own, a line each."""
    rules = _mcu(board) if board.kind == MCU else _linux(board)
    rules += _of_links(board) + _of_role(board) + _of_flashing(board)
    return [text for holds, text in rules if not holds] or _sum(board) or _rates(board)


def _of_links(board: "Board") -> "list[tuple[bool, str]]":
    links = board.tables["links"]
    carried = any(links.get(carrier, False) for carrier in CARRIERS)
    return [
        (any(board.links()), "links: a board needs at least one"),
        (carried or not links["tcp"], "links.tcp: nothing carries it; wifi or ethernet must be true"),
        (links["tcp"] or not carried, "links.tcp: false, and wifi or ethernet is true: what would it be for?"),
        (links["tcp"] or not links.get("quic", False), "links.quic: nothing carries it without tcp"),
        (board.kind != MCU or bool(board.tables["tcp"]) == links["tcp"],
         "tcp: the table [tcp] is needed where links.tcp is true, and has no place where it is false"),
    ]


def _of_role(board: "Board") -> "list[tuple[bool, str]]":
    methods = board.tables["flashing"]["method"]
    mhz = board.number("cpu", "mhz")
    return [
        (
            board.kind != MCU or board.role != LITE or board.vrf != NO_VRF,
            "role: 'lite' needs a VRF in machine code, and vrf is 'none': in pure Python the two proofs of a header "
            f"take {_PURE_HEADER_M} million instructions, {_PURE_HEADER_M / mhz:.1f} s at {mhz} MHz and one a cycle, "
            f"of a slot of {FULL.slot_seconds} s; 'bridge' checks none",
        ),
        (
            board.vrf != "natmod" or "natmod" in board.tables["flashing"],
            "vrf: 'natmod', and flashing.natmod does not say for which machine code",
        ),
        (
            board.kind != MCU or board.vrf not in ("wheel", "compiled"),
            f"vrf: {board.vrf!r} is for boards with Linux; on a microcontroller it is in the firmware or a natmod",
        ),
        (
            board.kind == MCU or board.vrf not in ("firmware", "natmod"),
            f"vrf: {board.vrf!r} is for microcontrollers; with Linux it is a wheel, or compiled there",
        ),
        ("qemu" not in methods or bool(board.tables["qemu"]), "qemu: the table [qemu] says how QEMU makes the board"),
        (
            "qemu" not in methods or board.kind == MCU or {"cpu", "memory_mb"} <= set(board.tables["qemu"]),
            "qemu: cpu and memory_mb are needed for a board with Linux",
        ),
    ]


def _of_flashing(board: "Board") -> "list[tuple[bool, str]]":
    flashing = board.tables["flashing"]
    rules = [
        (key in flashing, f"flashing.{key}: missing; method {method!r} needs it")
        for method in flashing["method"] for key in _NEEDS.get(method, ())
    ]
    rules += [
        (bool(_USB.fullmatch(text)), f"flashing.{key}: {text!r} is given, VID:PID as '2e8a:0005' is needed")
        for key in ("usb_boot", "usb_run") for text in board.texts(key)
    ]
    if board.kind == MCU and "image_kb" in flashing:
        rules.append(
            (
                board.number("flash", "firmware_kb") <= flashing["image_kb"] <= board.number("flash", "size_kb"),
                "flashing.image_kb: an image holds at least flash.firmware_kb and at most flash.size_kb",
            )
        )
    return rules


def _rates(board: "Board") -> "list[str]":
    """What following a chain of full spec costs, against the rates and caps of the profile."""
    return [f"profile.{field}: {text}" for field, text in check.following(board.bounds(), FULL)]


def costs_of(board: "Board") -> "type[check.Costs]":
    """What objects cost there: 64-bit CPython with Linux, else a 32-bit MicroPython."""
    return check.Costs if board.kind == LINUX_BOARD else check.BoardCosts


def _sum(board: "Board") -> "list[str]":
    """What check.py says of the profile, as few peers as it begins with and as many as may be asked for."""
    bounds = board.bounds()
    costs = costs_of(board)
    links = board.tables["links"]
    serves = board.kind == LINUX_BOARD
    found = check.faults(bounds, costs, links.get("quic", False), False)
    if not found and serves:
        bounds.max_peers = bounds.peers_ceiling
        found = check.faults(bounds, costs, links.get("quic", False), serves)
    return [f"profile.{field}: {text}" for field, text in found]


def _mcu(board: "Board") -> "list[tuple[bool, str]]":
    n = board.number
    rules = [
        (
            n("memory", "stack_kb") + n("memory", "heap_kb") < n("memory", "ram_kb"),
            "memory: stack_kb and heap_kb leave nothing of ram_kb for the firmware's own data",
        ),
        (
            not board.is_emulated or n("memory", "ram_kb") % 4 == 0,
            "memory.ram_kb: the machine has pages of 4 KB, so a multiple of 4 is needed",
        ),
        (
            n("flash", "firmware_kb") * _KIB + board.disk_bytes() <= n("flash", "size_kb") * _KIB,
            "flash: the firmware and the areas together are larger than size_kb",
        ),
    ]
    if board.tables["tcp"]:
        rules += _of_tcp(board)
    rules += [
        (n("flash", area + "_kb") % 4 == 0, f"flash.{area}_kb: a multiple of 4, the sector's size, is needed")
        for area in AREAS
    ]
    rules += [
        (key not in board.profile, f"profile.{key}: {table} says it")
        for key, table in (("memory_bytes", "memory.heap_kb"), ("cpu_permille", "cpu.share_percent"))
    ]
    return rules


def _of_tcp(board: "Board") -> "list[tuple[bool, str]]":
    n = board.number
    peers = board.profile.get("max_peers", LINUX.max_peers)
    rules = [
        (
            n("tcp", "send_bytes") >= 2 * n("tcp", "segment_bytes"),
            "tcp.send_bytes: fewer than two segments wait for a delayed ACK each time",
        ),
        (
            n("tcp", "receive_bytes") >= 2 * n("tcp", "segment_bytes"),
            "tcp.receive_bytes: fewer than two segments are acknowledged late each time",
        ),
        (peers < n("tcp", "connections"), "profile.max_peers: one more of tcp.connections is needed than peers"),
    ]
    if board.is_emulated:  # our own port; elsewhere lwIP is MicroPython's or the vendor's
        rules += [
            (
                n("tcp", "receive_bytes") <= (n("tcp", "receive_buffers") - _RECEIVE_RESERVE) * _RECEIVE_BUFFER_BYTES,
                "tcp.receive_buffers: too few for one connection's receive_bytes",
            ),
            (
                n("tcp", "memory_bytes") >= n("tcp", "connections") * n("tcp", "segment_bytes"),
                "tcp.memory_bytes: less than a segment for each connection, so that one can stop another",
            ),
        ]
    return rules


def _linux(board: "Board") -> "list[tuple[bool, str]]":
    n, firewall = board.number, board.tables["firewall"]
    memory = board.profile.get("memory_bytes", 0)
    cpu = board.profile.get("cpu_permille", LINUX.cpu_permille)
    ram = (n("memory", "ram_mb") - n("memory", "system_mb")) * _MIB
    all_of_it = memory + n("stops", "kernel_mb") * _MIB
    found = {name: board.profile.get(name, getattr(LINUX, name)) for name in _OF_SOCKETS}
    sockets = found["peers_ceiling"] + found["handshakes"] + found["dials"] + found["asks"]
    # The kernel books twice what is asked of it, for its own headers (socket(7)); QUIC has one socket.
    buffers = 2 * (sockets + 1) * (found["socket_receive_bytes"] + found["socket_send_bytes"])
    answers = firewall["new_per_second"] * _ANSWER_BYTES + _ERROR_BYTES
    return [
        (
            found["socket_receive_bytes"] > 0 and found["socket_send_bytes"] > 0,
            "profile.socket_receive_bytes, profile.socket_send_bytes: missing; the system's own may be megabytes",
        ),
        (
            buffers <= n("stops", "kernel_mb") * _MIB,
            f"stops.kernel_mb: {sockets + 1} sockets may hold {buffers} bytes, and it is {n('stops', 'kernel_mb')} MiB",
        ),
        (memory > 0, "profile.memory_bytes: missing; it is what the whole node may take"),
        (
            all_of_it <= ram,
            f"profile.memory_bytes: with stops.kernel_mb it is {all_of_it} bytes, "
            f"and memory.ram_mb less memory.system_mb leave {ram}",
        ),
        (
            n("stops", "cpu_percent") * 10 >= cpu,
            f"stops.cpu_percent: {n('stops', 'cpu_percent')} would stop the node below its own budget, "
            f"profile.cpu_permille = {cpu}",
        ),
        (
            n("stops", "cpu_percent") <= 100 * n("cpu", "cores"),
            f"stops.cpu_percent: cpu.cores = {n('cpu', 'cores')} have no more than {100 * n('cpu', 'cores')}",
        ),
        (
            firewall["source_new_per_second"] <= firewall["new_per_second"],
            "firewall.source_new_per_second: more than new_per_second allows all of them together",
        ),
        (
            not board.profile.get("max_upload_rate", 0) or board.profile.get("system_upload_rate", 0) >= answers,
            f"profile.system_upload_rate: the system's answers to floods take up to {answers} bytes a second at "
            f"firewall.new_per_second = {firewall['new_per_second']}",
        ),
    ]
