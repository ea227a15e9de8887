# portable: runs on CPython and MicroPython
"""The header range over the carriers that both interpreters have, and what fits one answer."""

from jamliquor_lite.codec.natural import encode
from jamliquor_lite.codec.spec import FULL
from jamliquor_lite.jam.events import DONE
from jamliquor_lite.jam.header_request import MAX_ANSWER_BYTES, HeaderRequest, Packer
from tests.fake_carrier import Dice, Pair
from tests.jam import scenarios_header_request
from tests.jam.blocks import header
from tests.jam.carriers import over_all
from tests.jam.drive import raw_peer, run
from tests.jam.scenarios_header_request import Seen, answer, ask


def test_every_scenario_over_every_carrier():
    for scenario in scenarios_header_request.SCENARIOS:
        try:
            over_all(scenario)
        except Exception:
            print("scenario:", scenario.__name__)
            raise


def test_any_header_of_the_full_spec_fits_an_answer():
    assert FULL.max_header_size == 98577
    assert len(encode(FULL.max_header_size)) + FULL.max_header_size <= MAX_ANSWER_BYTES
    mark = header(FULL, Dice(3), True)
    assert len(mark) == 65833
    packer = Packer(4)
    assert packer.add(mark) and not packer.add(mark) and packer.add(mark[:297])
    assert len(packer.pieces) == 4 and packer.size == 3 + len(mark) + 2 + 297


def test_an_answer_is_packed_to_either_bound():
    head = header(FULL, Dice(5))
    assert len(head) == 297
    packer = Packer(3)
    assert [packer.add(head) for _ in range(5)] == [True, True, True, False, False]
    packer = Packer(0xFFFFFFFF)
    count = 0
    while packer.add(head):
        count += 1
    assert count == MAX_ANSWER_BYTES // 299 == 438 and packer.size == 438 * 299
    assert len(b"".join(packer.pieces)) == packer.size
    assert not Packer(0).add(head)


def test_the_whole_of_a_mark_of_the_full_spec_is_received():
    # Once, over a carrier that carries all it can: the scenarios see to the cuts.
    pair = Pair(window=4096)
    mark = header(FULL, Dice(3), True)
    request = HeaderRequest(FULL, bytearray(FULL.max_header_size))
    ask(pair, request, maximum=1)
    seen = Seen(request)
    assert run(pair, request, [raw_peer(pair, answer([mark]))], seen) == DONE
    assert seen.found == [mark]
