"""Writes the best chain as files, one Gray Paper block each: 00000000.bin is the genesis, then by block number."""

import os

from .blocks import Block, Blocks


class Exporter:
    """Keeps a folder like the best chain. A reorganisation rewrites the blocks that it replaced."""

    def __init__(self, folder: str) -> None:
        os.makedirs(folder, exist_ok=True)
        self._folder = folder
        self._written: list[bytes] = []

    def update(self, chain: Blocks) -> None:
        """Write what is new. OSError when that cannot be."""
        fresh: list[Block] = []
        block: Block | None = chain.best
        while block is not None and not self._has(block):
            fresh.append(block)
            block = chain.block(block.parent)
        for number in range(chain.best.number + 1, len(self._written)):
            os.unlink(self._path(number))
        if fresh:
            del self._written[fresh[-1].number :]
        for block in reversed(fresh):
            with open(self._path(block.number), "wb") as file:
                file.write(block.encode())
            self._written.append(block.hash)

    def _has(self, block: Block) -> bool:
        return block.number < len(self._written) and self._written[block.number] == block.hash

    def _path(self, number: int) -> str:
        return os.path.join(self._folder, f"{number:08d}.bin")
