"""What the tests of flashing share: targets as board.toml has them, a drive of a boot loader."""

from pathlib import Path

from jamliquor_lite.cli import board_file, boards
from jamliquor_lite.cli.board_schema import LINUX_BOARD, MCU
from jamliquor_lite.flash.plan import Progress, Target

INFO = "UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n"
INFO_2350 = "UF2 Bootloader v1.0\nModel: Raspberry Pi RP2350\nBoard-ID: RP2350\n"
# A module `network` of MicroPython, whose radio is in reach of one network.
NETWORK = """
class WLAN:
    IF_STA = 0
    def __init__(self, kind):
        self.joined = False
    def active(self, on):
        pass
    def connect(self, ssid, password):
        self.joined = (ssid, password) == ("Home", "correct horse")
    def isconnected(self):
        return self.joined
    def ifconfig(self):
        return ("192.0.2.9", "", "", "")
"""


def target(name: str) -> Target:
    """The board of this name."""
    board = boards.find(name)
    module = board_file.module(board) if board.kind == MCU else ""
    return Target(name, board.tables["flashing"], board.kind == LINUX_BOARD, module)


def drive(folder: Path, info: str = INFO) -> Path:
    """A folder that looks like a boot loader's drive."""
    folder.mkdir()
    (folder / "INFO_UF2.TXT").write_text(info)
    return folder


class Lines:
    """A stream that keeps what is written, and is no terminal."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


def progress() -> "tuple[Progress, Lines]":
    out = Lines()
    return Progress(out), out  # type: ignore[arg-type]
