"""What a devnet attests (jam/attestation.py): the blocks that opened its newest epochs, of those it tells are final."""

from ..chain import state_key
from ..chain.checkpoint import Checkpoint
from ..chain.epoch import UNKNOWN_SET
from ..chain.trust import digest_of
from ..jam.attestation import FINAL, MAX_ENTRIES, VOUCHED, Entry
from ..jam.kinds import ATTESTATION_REQUEST
from ..node.attesting import AttestationAnswer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..jam.framing import Stream
    from ..p2p.identity import Identity
    from .blocks import Block, Blocks
    from .serve import Server

_DEADLINE_MS = 30_000
_CHAPTERS = (4, 6, 8)  # safrole, entropy, active validators


class Attested:
    """Of one chain. It holds a block for vouched when it is as deep as its own final block, which eight others have
    been built on; for final where its validators vote. A block whose state is forgotten is not attested."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._digests: dict[bytes, bytes] = {}

    def answer(self, stream: "Stream", identity: "Identity", now: int) -> AttestationAnswer:
        """Serve one request."""
        self._server.count(ATTESTATION_REQUEST)
        genesis_hash = self._server.chain.genesis.hash
        return AttestationAnswer(stream, now + _DEADLINE_MS, identity, genesis_hash, self.entries)

    def entries(self) -> "list[Entry]":
        """The newest first."""
        chain, spec, wire = self._server.chain, self._server.spec, self._server.wire
        found: list[Entry] = []
        block: Block | None = chain.final
        while block is not None and block.state is not None and len(found) < MAX_ENTRIES:
            above = chain.block(block.parent)
            if above is None:
                break
            if spec.epoch(above.slot) < spec.epoch(block.slot):
                level = VOUCHED if chain.finality is None else FINAL
                found.append(Entry(block.slot, block.hash, UNKNOWN_SET, level, self._digest(chain, block)))
            block = above
        self._digests = {entry.header_hash: entry.digest for entry in found}
        return found if wire is None else wire.attest(found)

    def _digest(self, chain: "Blocks", block: "Block") -> bytes:
        known = self._digests.get(block.hash)
        if known is not None:
            return known
        assert block.state is not None
        values = [block.state.trie.get(state_key.chapter(number)) or b"" for number in _CHAPTERS]
        return digest_of(Checkpoint.from_state(self._server.spec, chain.genesis.hash, block.hash, block.slot, *values))
