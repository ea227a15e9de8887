"""Attestations on the wire: asking pinned peers for theirs before a node starts, and answering who asks for ours.

What a peer says is checked here as far as it can be without believing it: that it was said by the key of the
connection, for this chain, and in answer to the bytes that we drew. What is made of it is sync/attested.py's.
"""

from ..chain.trust import checkpoint_at, digest_of, openings
from ..crypto.suite import ed25519_verify
from ..errors import RemoteError
from ..jam.attestation import (
    CHALLENGE_BYTES,
    MAX_ENTRIES,
    AttestationRequest,
    AttestationResponder,
    Entry,
    decode,
    encode_entries,
    signed_bytes,
)
from ..jam.events import DONE, LOST, MORE, REFUSED
from ..jam.kinds import ATTESTATION_REQUEST, DECLINED, MALFORMED, TIMED_OUT, UNSUPPORTED, class_of, protocol
from ..ports import clock, entropy
from ..ports.tcp import Waker
from ..transport.states import CLOSED, READY
from .answers import Answer, Pieces
from .bootstrap import turn_until_something_comes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..budget.profile import Profile
    from ..chain.light import LightChain
    from ..jam.framing import Stream
    from ..p2p.identity import Identity
    from ..sync.attested import Witnesses
    from .carrier import Carrier, Connection
    from .peers import Record


class Attestation:
    """What a peer signed, whole: who has it can check it, and show it to others."""

    def __init__(self, key: bytes, challenge: bytes, content: bytes) -> None:
        self.key = key
        self.challenge = challenge
        self.content = content


def read(genesis_hash: bytes, said: Attestation) -> "list[Entry]":
    """The blocks that it names. RemoteError where it is none, or not signed by that key for that chain."""
    entries, signed, signature = decode(said.content)
    if not said.key:
        raise RemoteError(MALFORMED, "its key is no Ed25519 key, so its word cannot be checked")
    if not ed25519_verify(said.key, signature, signed_bytes(genesis_hash, said.challenge, signed)):
        raise RemoteError(MALFORMED, "its attestation is not signed by it for this chain and question")
    return entries


class _Asked:
    # One pinned peer.

    def __init__(self, record: "Record", genesis_hash: bytes, patience_ms: int, now: int) -> None:
        self.name = record.name
        self.connection: "Connection" = record.carrier.dial(record, now)
        self.said: "Attestation | None" = None
        self._genesis_hash = genesis_hash
        self._challenge = entropy.random_bytes(CHALLENGE_BYTES)
        self._request = AttestationRequest()
        self._begun = False
        self._until = now + patience_ms

    def poll(self, now: int) -> "list[Entry] | None":
        # RemoteError: nothing will come of it.
        connection = self.connection
        if now >= self._until:
            self._request.cancel()
            raise RemoteError(TIMED_OUT, "did not answer in time")
        if not self._request.busy and not self._begun:
            if connection.state == CLOSED:
                raise RemoteError(connection.close_code, connection.close_reason or "the connection closed")
            if connection.state != READY:
                return None
            stream = connection.open(ATTESTATION_REQUEST)
            if stream is None:
                return None
            self._begun = True
            self._request.begin(stream, self._challenge, self._until)
        event = self._request.poll(now)
        while event == MORE:
            event = self._request.poll(now)
        if event == LOST:
            raise RemoteError(connection.close_code, connection.close_reason or "the connection closed")
        if event == REFUSED:
            raise RemoteError(0, "does not attest chain %s: it is on another one, or no gateway"
                              % self._genesis_hash[:4].hex()
                              if self._request.reset_code == UNSUPPORTED else "declined")
        if event != DONE:
            return None
        said = Attestation(connection.peer_key, self._challenge, self._request.answer)
        entries = read(self._genesis_hash, said)
        self.said = said
        return entries


class Attesting:
    """Asks pinned peers once, as many at a time as `dials` of the profile. `said` has what each signed, by its name."""

    def __init__(self, carriers: "list[Carrier]", genesis_hash: bytes, profile: "Profile",
                 each_turn: "Callable[[], None] | None" = None) -> None:
        self.said: "dict[str, Attestation]" = {}
        self._carriers = carriers
        self._genesis_hash = genesis_hash
        self._profile = profile
        self._each_turn = each_turn
        self._waker = Waker()

    async def run(self, peers: "list[Record]", witnesses: "Witnesses") -> None:
        """Have the witnesses hear what these peers attest, or why they do not. The carriers are opened here and given
        back."""
        for carrier in self._carriers:
            terms = getattr(carrier, "terms", None)  # of the lite network; JAM's own has no attestations
            if terms is not None:
                name = protocol(ATTESTATION_REQUEST, self._genesis_hash[:4].hex())
                terms.speak(name, ATTESTATION_REQUEST, class_of(ATTESTATION_REQUEST, True))
            carrier.open(self._waker)
        try:
            waiting = list(peers)
            asked: "list[_Asked]" = []
            while waiting or asked:
                while waiting and len(asked) < self._profile.dials:
                    asked.append(_Asked(waiting.pop(0), self._genesis_hash, self._patience(), clock.ticks_ms()))
                asked = [one for one in asked if not self._heard(one, witnesses)]
                if asked:
                    await turn_until_something_comes(self._carriers, self._waker, self._each_turn)
        finally:
            for carrier in self._carriers:
                carrier.close()
                carrier.flush(clock.ticks_ms())
                carrier.release()

    def _patience(self) -> int:
        return self._profile.handshake_timeout_ms + self._profile.state_sync_timeout_ms

    def _heard(self, one: _Asked, witnesses: "Witnesses") -> bool:
        # Whether this peer is through.
        try:
            entries = one.poll(clock.ticks_ms())
        except RemoteError as error:
            witnesses.fails(one.name, str(error))
            one.connection.close(error.code, "no attestation")
            return True
        if entries is None:
            return False
        assert one.said is not None
        self.said[one.name] = one.said
        one.connection.close(0, "that was all")
        witnesses.heard(one.name, entries)
        return True


class Openings:
    """The blocks that a light chain attests. Their digests are computed when they are first asked for, and kept."""

    def __init__(self, chain: "LightChain") -> None:
        self._chain = chain
        self._digests: "list[tuple[bytes, bytes]]" = []  # (header hash, digest) of those attested last

    def entries(self) -> "list[Entry]":
        """As an answer has them."""
        chain = self._chain
        tree = chain.tree
        known = dict(self._digests)
        found = []
        for row in openings(chain, MAX_ENTRIES):
            header_hash = tree.hash(row)
            start = checkpoint_at(chain, row)
            digest = known.get(header_hash) or digest_of(start)
            found.append(Entry(tree.slots[row], header_hash, start.grandpa_set_id, chain.levels.level(row), digest))
        self._digests = [(entry.header_hash, entry.digest) for entry in found]
        return found


class AttestationAnswer(Answer):
    """One request of a peer. `entries` gives what is attested, None where nothing is, and the request declined."""

    def __init__(self, stream: "Stream", deadline: int, identity: "Identity", genesis_hash: bytes,
                 entries: "Callable[[], list[Entry] | None]") -> None:
        self.responder: AttestationResponder = AttestationResponder()
        Answer.__init__(self, stream, deadline)
        self._identity = identity
        self._genesis_hash = genesis_hash
        self._entries = entries

    def asked(self, now: int) -> None:
        """As in Answer, with one signature."""
        responder = self.responder
        entries = self._entries()
        if entries is None:
            responder.refuse(DECLINED)
            return
        said = encode_entries(entries)
        signed = signed_bytes(self._genesis_hash, responder.challenge, said)
        content = said + self._identity.sign(signed)
        responder.answer((len(content),))
        self._pieces = Pieces([content])
