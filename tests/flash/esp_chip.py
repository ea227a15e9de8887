"""An Espressif chip in its boot loader, as esptool sees it on a serial line: the ROM's commands, esptool's own stub
taken and "started", and a flash that is kept here (docs.espressif.com, esptool, "Serial Protocol").

    with EspChip("esp32c3") as chip: …       `chip.port`; `chip.flash` is what was written

It runs no code of the chip: the stub's commands are answered by this file.
"""

import hashlib
import os
import pty
import select
import struct
import threading
import tty
import zlib

from jamliquor_lite.flash import esp
from tests import terminals

FLASH_BYTES = 4 << 20
_END, _ESCAPE = 0xC0, 0xDB
_SYNC, _MEM_BEGIN, _MEM_END, _MEM_DATA = 0x08, 0x05, 0x06, 0x07
_FLASH_BEGIN, _FLASH_DATA, _FLASH_END = 0x02, 0x03, 0x04
_WRITE_REG, _READ_REG, _SPI_PARAMS, _SPI_ATTACH, _BAUD = 0x09, 0x0A, 0x0B, 0x0D, 0x0F
_DEFL_BEGIN, _DEFL_DATA, _DEFL_END, _MD5, _SECURITY = 0x10, 0x11, 0x12, 0x13, 0x14
_ERASE_FLASH, _ERASE_REGION, _READ_FLASH, _RUN_USER = 0xD0, 0xD1, 0xD2, 0xD3
_ROM_SAYS = 0x20120707  # to a sync, where the stub says 0
_FLASH_ID = 0x16_40_20  # 4 MB, in the order in which a flash says it


class EspChip:
    """See above. `worn` is an address whose byte does not take what is written; after `unplug_after` bytes of flash it
    is unplugged; while it `hangs` it takes nothing once it is erased."""

    def __init__(self, chip: str, worn: int = -1, unplug_after: int = -1, hangs: bool = False) -> None:
        self.flash = bytearray(b"\xaa" * FLASH_BYTES)  # what was there before
        self.erased = False
        self.hangs = hangs
        self.commands: "list[int]" = []
        self._number = esp.CHIP_IDS[chip]
        self._worn = worn
        self._unplug_after = unplug_after
        self._in_stub = False
        self._at = 0
        self._inflate = zlib.decompressobj()
        self._registers: "dict[int, int]" = {}
        self._outer, self._inner = pty.openpty()
        tty.setraw(self._inner)
        self.port = os.ttyname(self._inner)
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "EspChip":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_ending.set()
        self._thread.join()

    def _serve(self) -> None:
        packet = bytearray()
        is_escaped = False
        while not self._is_ending.is_set():
            if self.hangs and self.erased:
                self._is_ending.wait()
            if not select.select([self._outer], [], [], 0.05)[0]:
                continue
            for byte in os.read(self._outer, 4096):
                if byte == _END:
                    if packet:
                        self._take(bytes(packet))
                    packet.clear()
                elif byte == _ESCAPE:
                    is_escaped = True
                else:
                    packet.append({0xDC: _END, 0xDD: _ESCAPE}[byte] if is_escaped else byte)
                    is_escaped = False
                if self._is_ending.is_set():
                    break
        terminals.unplug(self._outer, self.port)
        os.close(self._inner)

    def _take(self, packet: bytes) -> None:
        if len(packet) < 8 or packet[0]:
            return
        command, data = packet[1], packet[8:]
        self.commands.append(command)
        value, answer = self._do(command, data)
        status = bytes(2 if self._in_stub and command != _MEM_END else 4)
        for _ in range(8 if command == _SYNC else 1):
            self._send(struct.pack("<BBHI", 1, command, len(answer) + len(status), value) + answer + status)
        if command == _MEM_END:
            self._in_stub = True
            self._send(b"OHAI")

    def _do(self, command: int, data: bytes) -> "tuple[int, bytes]":
        """(the value of the answer, its bytes)."""
        if command == _SYNC:
            return 0 if self._in_stub else _ROM_SAYS, b""
        if command == _READ_REG:
            return self._registers.get(*struct.unpack_from("<I", data)[:1], 0), b""
        if command == _WRITE_REG:
            address, value = struct.unpack_from("<2I", data)
            self._registers[address] = value & ~(1 << 18)  # a command of the flash is done at once
            if value & 1 << 18:
                self._registers[address + 0x58] = _FLASH_ID
        elif command == _SECURITY:
            return 0, struct.pack("<IB7sII", 0, 0, bytes(7), self._number, 0)
        elif command == _ERASE_FLASH:
            self.flash[:] = b"\xff" * FLASH_BYTES
            self.erased = True
        elif command in (_FLASH_BEGIN, _DEFL_BEGIN):
            self._at = struct.unpack_from("<4I", data)[3]
            self._inflate = zlib.decompressobj()
        elif command == _FLASH_DATA:
            self._program(data[16:])
        elif command == _DEFL_DATA:
            self._program(self._inflate.decompress(data[16:]))
        elif command == _MD5:
            at, size = struct.unpack_from("<2I", data)
            return 0, hashlib.md5(self.flash[at : at + size]).digest()
        return 0, b""

    def _program(self, data: bytes) -> None:
        self.flash[self._at : self._at + len(data)] = data
        if self._at <= self._worn < self._at + len(data):
            self.flash[self._worn] ^= 1
        self._at += len(data)
        if 0 <= self._unplug_after < self._at:
            self._is_ending.set()

    def _send(self, packet: bytes) -> None:
        body = packet.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
        os.write(self._outer, b"\xc0" + body + b"\xc0")
