"""Whether a body is its header's: the extrinsic hash, computed over an encoded block (GP 0.7.2, 5.4 to 5.6).

    H_x = H(H(tickets) ++ H(preimages) ++ H(guarantees) ++ H(assurances) ++ H(disputes))

Each part is hashed as it is encoded, but that in the guarantees H(report) stands where a work report is. Of what the
parts say nothing is judged.
"""

from ..crypto.suite import blake2b_256
from ..jam.block_body import Skipper
from ..jam.events import BLOCK, HEADER, PART, REPORT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..codec.spec import Spec

_HASH = 32
_EXTRINSIC_HASH_AT = 64  # in a header: after the parent and the prior state root


class Measured:
    """The first block of data[:end], which may hold more. VerifyError where it is none, or not whole.

    `header_end` and `size` are where its header and its body end; `is_whole` says that the body is the header's.
    """

    def __init__(self, spec: "Spec", data: "bytes | bytearray", end: int) -> None:
        view = memoryview(data)
        skipper = Skipper(spec, bytearray(spec.max_header_size), end, True)
        skipper.begin()
        digests = []
        part: list[bytes | memoryview] = []
        at = since = self.header_end = 0
        in_report = False
        while skipper.event != BLOCK:
            taken = skipper.feed(view, at, end)
            at += taken
            event = skipper.event
            if event == HEADER:
                self.header_end = at
            elif event == REPORT and in_report:
                part.append(blake2b_256(view[since:at]))
            elif event in (PART, REPORT, BLOCK):
                part.append(view[since:at])
            elif not taken:
                skipper.finish()
            if event in (PART, BLOCK):
                digests.append(blake2b_256(b"".join(part)))
                part = []
            in_report ^= event == REPORT
            since = at
        self.size = at
        expected = view[_EXTRINSIC_HASH_AT : _EXTRINSIC_HASH_AT + _HASH]
        self.is_whole = blake2b_256(b"".join(digests)) == expected
