"""What `board list`, `board show` and `board check` say of a board: tables for a person, and values for JSON."""

from ..budget import check
from ..codec.spec import FULL
from .board_rules import costs_of
from .board_schema import CARRIERS, MCU
from .output import columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .board_file import Board

_DAY_S = 86_400
_TRIED = {
    "hardware": "on the board itself",
    "emulated": "in an emulator, on no real chip",
    "built": "what goes onto it was built and checked in structure, and never ran",
    "none": "not at all: these are numbers of datasheets",
}


class Sum:
    """What a board's node takes of what there is, at most and in bytes. `serves`: as a gateway, with as many peers as
    may be asked for."""

    def __init__(self, board: "Board", serves: bool = False) -> None:
        bounds = board.bounds()
        if serves:
            bounds.max_peers = bounds.peers_ceiling
        has_quic = bool(board.tables["links"].get("quic", False))
        self.rows = check.rows(bounds, costs_of(board), has_quic, serves)
        self.code = bounds.code_bytes
        self.pools = check.total(self.rows)
        self.there = bounds.memory_bytes

    def lines(self) -> "Iterator[str]":
        """A line for each part, the largest first, and the sum."""
        for what, count, size in sorted(self.rows, key=lambda row: -row[1] * row[2]):
            yield "%12d  %s" % (count * size, what if count == 1 else f"{what}, {count} x {size}")
        yield "%12d  the interpreter and the code" % self.code
        yield "%12d  in all, of %d" % (self.code + self.pools, self.there)

    def value(self) -> "dict[str, Any]":
        """For JSON."""
        rows = [{"what": what, "count": count, "bytes": size} for what, count, size in self.rows]
        return {"rows": rows, "code": self.code, "pools": self.pools, "all": self.code + self.pools, "of": self.there}


def table(boards: "list[Board]") -> "Iterator[str]":
    """`board list`: a line for each board, under headings."""
    head = ("BOARD", "PROCESSOR", "RAM", "FOR NODE", "LINKS", "VRF", "FLASHED BY", "TRIED")
    yield from columns([head, *(_row(board) for board in boards)])


def _row(board: "Board") -> "tuple[str, ...]":
    n = board.number
    cores = n("cpu", "cores") if board.kind != MCU else 1
    return (
        board.name,
        "%s%s %d MHz" % ("%d x " % cores if cores > 1 else "", board.tables["cpu"]["arch"], n("cpu", "mhz")),
        _ram(board),
        _size(board.bounds().memory_bytes),
        _links(board),
        board.vrf,
        ", ".join(board.texts("method")),
        board.tried,
    )


def summary(board: "Board") -> "dict[str, Any]":
    """`board list --json` and `board show --json`."""
    bounds = board.bounds()
    found: "dict[str, Any]" = {
        "name": board.name, "kind": board.kind, "role": board.role, "vrf": board.vrf, "tried": board.tried,
        "tables": {table: dict(keys) for table, keys in board.tables.items() if keys},
        "profile": board.numbers(),
        "memory_bytes": bounds.memory_bytes, "cpu_permille": bounds.cpu_permille,
        "max_download_rate": bounds.max_download_rate, "max_upload_rate": bounds.max_upload_rate,
    }
    if board.kind == MCU:
        found["flash"] = {
            area: {"offset": offset, "bytes": size} for area, (offset, size) in _map(board).items()
        }
    return found


def sheet(board: "Board") -> "Iterator[str]":
    """`board show`: numbers, budgets, how to flash it, and what was tried."""
    n, bounds = board.number, board.bounds()
    rows = [
        ("processor", "%s, %d MHz%s" % (
            board.tables["cpu"]["arch"], n("cpu", "mhz"),
            ", %d cores" % n("cpu", "cores") if board.kind != MCU else ", %d %% of it for the node" % n(
                "cpu", "share_percent"))),
        ("memory", "%s, of it for the node %s" % (_ram(board), _size(bounds.memory_bytes))),
        ("links", _links(board)),
        ("role", "%s, VRF: %s" % (board.role, board.vrf)),
        ("tried", _TRIED[board.tried]),
        ("", ""),
        ("CPU", "%g %% of a core" % (bounds.cpu_permille / 10)),
        ("received", _rate(bounds.max_download_rate, check.Day(FULL).down)),
        ("sent", _rate(bounds.max_upload_rate, check.Day(FULL).up)),
        ("peers", "%d, at most %d may be asked for" % (bounds.max_peers, bounds.peers_ceiling)),
        ("fork tree", "%d headers" % bounds.tree_headers),
    ]
    for name, taken in sums(board):
        rows.append((name, "at most %d bytes of code and %d of pools, tables and queues, of %d" % (
            taken.code, taken.pools, taken.there)))
    if board.kind == MCU:
        rows.append(("", ""))
        for area, (at, size) in _map(board).items():
            rows.append(("flash", "%7d KB  at 0x%06x  %s" % (size // 1024, at, area)))
    else:
        stops = board.tables["stops"]
        rows.append(("stops", "MemoryMax %s, CPUQuota %d %%, %d threads, %d files: `board unit %s`" % (
            _size(bounds.memory_bytes + (stops["kernel_mb"] << 20)), stops["cpu_percent"], stops["tasks"],
            stops["files"], board.name)))
    rows.append(("", ""))
    rows += [("to flash" if not at else "", "%d. %s" % (at + 1, step)) for at, step in enumerate(board.texts("steps"))]
    yield board.name
    last = ""
    for name, text in rows:
        yield ("  %-12s%s" % (name if name != last else "", text)).rstrip()
        last = name


def verdict(board: "Board") -> str:
    """`board check`: that it fits, with the numbers, in a line."""
    bounds = board.bounds()
    _, taken = sums(board)[-1]
    text = "%s: fits; memory: code %d + pools %d = %d of %d bytes" % (
        board.name, taken.code, taken.pools, taken.code + taken.pools, taken.there)
    if board.kind == MCU:
        firmware = board.number("flash", "firmware_kb")
        areas = board.disk_bytes() // 1024
        text += "; flash: firmware %d + areas %d = %d of %d KB" % (
            firmware, areas, firmware + areas, board.number("flash", "size_kb"))
    day = check.Day(FULL)
    for name, rate, cost in (("down", bounds.max_download_rate, day.down), ("up", bounds.max_upload_rate, day.up)):
        text += "; %s: following takes %d of %s B/s" % (name, cost // _DAY_S + 1, rate or "any number of")
    return text


def sums(board: "Board") -> "list[tuple[str, Sum]]":
    """As what it may run, and what that takes; the largest last."""
    return [("run", Sum(board))] if board.kind == MCU else [("run", Sum(board)), ("gateway", Sum(board, serves=True))]


def _map(board: "Board") -> "dict[str, tuple[int, int]]":
    """(offset in the chip, size) in bytes of the firmware and the areas behind it."""
    firmware = board.number("flash", "firmware_kb") * 1024
    return {
        "firmware": (0, firmware),
        **{area: (firmware + offset, size) for area, (offset, size) in board.flash().items()},
    }


def _links(board: "Board") -> str:
    """Those of [links], with what carries TCP in its place."""
    links = board.tables["links"]
    carriers = [kind for kind in CARRIERS if links.get(kind, False)]
    return ", ".join([*carriers, *(kind for kind in board.links() if kind != "tcp")])


def _ram(board: "Board") -> str:
    if board.kind == MCU:
        return "%d KB" % board.number("memory", "ram_kb")
    return "%d MB" % board.number("memory", "ram_mb")


def _size(count: int) -> str:
    return "%g MiB" % (count / (1 << 20)) if count >= 1 << 20 else "%g KiB" % (count / 1024)


def _rate(cap: int, day: int) -> str:
    cost = "following a chain of full spec takes %d" % (day // _DAY_S + 1)
    return "at most %d bytes a second; %s" % (cap, cost) if cap else "no cap; %s bytes a second" % cost
