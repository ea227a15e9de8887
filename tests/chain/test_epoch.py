# portable: runs on CPython and MicroPython
"""Marks: where they may stand, what of them headers determine, and which epoch's keys an epoch mark names."""

from jamliquor_lite.chain.epoch import TRUSTED, Epoch, check_marks, following
from jamliquor_lite.chain.header import Header
from jamliquor_lite.chain.seal import Seals
from jamliquor_lite.chain.state_value import Safrole
from jamliquor_lite.codec import cbor
from jamliquor_lite.codec.spec import TINY, Spec
from jamliquor_lite.errors import VerifyError
from tests.chain.chains import SAFROLE, start_of
from tests.data import Carried, view
from tests.data.handmade import Parts, counted, outside_in
from tests.support import raises, read, tohex, unhex, vectors

ETA = [counted(30 + i, 32) for i in range(4)]  # eta_0 to eta_3 after the parent
KEYS = counted(40, 6 * 64)
NEXT_KEYS = counted(41, 6 * 64)
MARKED_KEYS = counted(42, 6 * 64)
E, Y = TINY.epoch_length, TINY.tickets_end
OTHER = bytes(32)


def epoch_at(slot, spec=TINY, tickets=None):
    return Epoch(spec, spec.epoch(slot), ETA[1:], KEYS, NEXT_KEYS, tickets)


def mark(entropy=ETA[0], tickets_entropy=ETA[1]):
    return entropy + tickets_entropy + MARKED_KEYS


def tickets_of(spec=TINY, attempt=0):
    return [bytes([10 * (i + 1)]) * 32 + bytes([attempt]) for i in range(spec.epoch_length)]


def header_of(slot, epoch_mark=None, tickets=None, spec=TINY):
    parts = Parts(slot)
    parts.epoch_mark = epoch_mark
    parts.tickets_mark = None if tickets is None else b"".join(tickets)
    data = parts.bytes()
    return Header(spec, data, 0, len(data))


def sealer(epoch, phase):
    """The key of who seals a slot in fallback mode."""
    key = bytearray(32)
    epoch.fallback_into(phase, key, bytearray(36))
    return bytes(key)


def sealed(header, epoch, entropy):
    """eta_0 after a header whose seals are good; VerifyError for one whose seals are not."""
    after = bytearray(32)
    Seals().check(header, epoch, bytearray(entropy), after)
    return bytes(after)


def passes(parent_slot, header):
    check_marks(header, parent_slot, epoch_at(parent_slot, header.spec), ETA[0])


def broken(rule, parent_slot, header):
    assert raises(VerifyError, passes, parent_slot, header).rule == rule


def test_the_first_header_of_an_epoch_has_an_epoch_mark_and_no_other_has():
    for parent, slot in ((E - 1, E), (0, E), (E - 1, 2 * E - 1), (5, 5 * E + 3), (E + 2, 2 * E)):
        passes(parent, header_of(slot, mark()))
        broken("epoch_mark", parent, header_of(slot))
    for parent, slot in ((0, 1), (0, E - 1), (E, E + 1), (3 * E + 2, 4 * E - 1)):
        passes(parent, header_of(slot))
        broken("epoch_mark", parent, header_of(slot, mark()))


def test_the_entropies_of_an_epoch_mark_are_the_chains():
    # (6.27): eta_0 and eta_1 of the state before the block.
    passes(E - 1, header_of(E, mark()))
    for entropy, tickets_entropy in (
        (OTHER, ETA[1]), (ETA[0], OTHER), (ETA[1], ETA[0]), (ETA[1], ETA[1]), (ETA[0], ETA[2]), (ETA[0], ETA[0]),
    ):
        broken("mark_entropy", E - 1, header_of(E, mark(entropy, tickets_entropy)))


def test_a_tickets_mark_stands_where_submission_has_just_ended():
    good = outside_in(tickets_of())
    for parent, slot in ((Y - 1, Y), (0, Y), (Y - 1, E - 1), (E, 2 * E - 1), (E + Y - 1, E + Y)):
        passes(parent, header_of(slot, None, good))
        passes(parent, header_of(slot))  # whether the contest was full, headers do not say
    for parent, slot in ((0, 1), (Y - 2, Y - 1), (Y, Y + 1), (E + Y, E + Y + 1)):
        broken("tickets_mark", parent, header_of(slot, None, good))
    # Not in the first header of an epoch, even where that comes after the end of submission.
    for parent, slot in ((E - 1, E), (Y - 1, E), (E - 1, E + Y), (3, E + Y)):
        broken("tickets_mark", parent, header_of(slot, mark(), good))


def test_tickets_come_from_the_outside_in():
    tickets = tickets_of()
    good = outside_in(tickets)
    passes(Y - 1, header_of(Y, None, good))
    broken("tickets_order", Y - 1, header_of(Y, None, tickets))
    broken("tickets_order", Y - 1, header_of(Y, None, good[::-1]))
    for left in range(E):
        for right in range(left):
            swapped = list(good)
            swapped[left], swapped[right] = good[right], good[left]
            broken("tickets_order", Y - 1, header_of(Y, None, swapped))


def test_a_ticket_is_there_once():
    for rank in range(1, E):
        tickets = tickets_of()
        tickets[rank] = tickets[rank - 1]
        broken("tickets_order", Y - 1, header_of(Y, None, outside_in(tickets)))
        tickets[rank] = tickets[rank - 1][:32] + b"\1"  # another attempt makes another id
        broken("tickets_order", Y - 1, header_of(Y, None, outside_in(tickets)))


def test_a_ticket_is_of_an_attempt_that_there_is():
    for attempt in range(TINY.attempts):
        passes(Y - 1, header_of(Y, None, outside_in(tickets_of(TINY, attempt))))
    for place in range(E):
        for attempt in (TINY.attempts, 255):
            tickets = tickets_of()
            tickets[place] = tickets[place][:32] + bytes([attempt])
            broken("tickets_order", Y - 1, header_of(Y, None, outside_in(tickets)))


def test_an_odd_number_of_tickets_has_a_middle():
    for length in (2, 3, 5, 7):
        spec = Spec("odd", 6, length, length - 1, 2, 3)
        good = outside_in(tickets_of(spec))
        passes(length - 2, header_of(length - 1, None, good, spec))
        good[0], good[1] = good[1], good[0]
        broken("tickets_order", length - 2, header_of(length - 1, None, good, spec))


def test_the_epoch_that_follows_takes_over_what_was_named():
    tickets = b"".join(outside_in(tickets_of()))
    above = epoch_at(Y)
    above.keys_from = above.tickets_from = 3
    assert above.pending and above.keys.whole() == KEYS
    made = following(above, header_of(E, mark()), E - 1, ETA[0], tickets)
    assert made.index == 1 and made.spec is TINY
    assert made.entropy == [ETA[0], ETA[1], ETA[2]]
    assert made.keys.whole() == NEXT_KEYS and made.next_keys.whole() == MARKED_KEYS
    assert made.tickets.whole() == tickets and made.fallback_keys is None
    assert made.keys_from == made.tickets_from == made.first == TRUSTED, "the caller says what they rest on"


def test_tickets_are_of_no_use_after_an_epoch_without_blocks():
    tickets = b"".join(outside_in(tickets_of()))
    for slot in (E, 2 * E - 1):
        assert following(epoch_at(0), header_of(slot, mark()), Y, ETA[0], tickets).tickets.whole() == tickets
        assert following(epoch_at(0), header_of(slot, mark()), Y, ETA[0], None).tickets is None
    for slot in (2 * E, 3 * E + 5):
        made = following(epoch_at(0), header_of(slot, mark()), Y, ETA[0], tickets)
        assert made.tickets is None and made.index == slot // E
        assert made.keys.whole() == NEXT_KEYS, "one change of sets, however many epochs were skipped"


def test_an_epoch_looks_its_validators_up():
    keys = b"".join([bytes([author + 1]) * 32 + bytes([author + 2]) * 32 for author in range(6)])
    epoch = Epoch(TINY, 0, ETA[1:], keys, keys, b"".join(tickets_of()))
    key = bytearray(32)
    for author in range(6):
        epoch.key_into(author, key)
        assert key == bytes([author + 1]) * 32 and epoch.index_of(key) == author
    # The last Ed25519 key is nobody's Bandersnatch key, and a run across two fields is none either.
    assert epoch.index_of(bytes([7]) * 32) == -1
    assert epoch.index_of(keys[16:48]) == -1
    for phase, ticket in enumerate(tickets_of()):
        found = bytearray(33)
        epoch.ticket_into(phase, found)
        assert found == ticket


def test_pending_is_what_rests_on_somebodys_word():
    epoch = epoch_at(0)
    assert not epoch.pending
    epoch.keys_from = 0
    assert epoch.pending
    epoch.keys_from, epoch.tickets_from = TRUSTED, 0
    assert epoch.pending


def test_fallback_keys_are_those_that_the_genesis_state_lists():
    start = Carried().checkpoint()
    listed = Safrole(TINY, Carried().genesis_state[SAFROLE]).fallback_keys
    assert start.fallback_keys == listed and len(listed) == 32 * E
    computed = Epoch(TINY, 0, list(start.entropy[1:]), start.keys, start.next_keys, None)
    for phase in range(E):
        assert sealer(computed, phase) == listed[32 * phase : 32 * phase + 32]
    other = Epoch(TINY, 0, list(start.entropy[1:]), start.keys, start.next_keys, None, listed[32:] + listed[:32])
    assert sealer(other, 0) == listed[32:64], "what is listed is not computed again"


# Which epoch's keys does the epoch mark of epoch e name?
#
# GRAY_PAPER  GP 0.7.2 (6.13), (6.27): the mark names gamma_k', which becomes kappa at the next change of epochs. So
#             the headers of e + 1 are sealed, and its blocks voted for, by the keys that the mark of e names.
# AT_ONCE     The other reading, which the draft on finality (pull request 6 of jam-np) allows where it speaks of the
#             validators that the epoch's marker names: the keys in the mark of e are those of e itself.


def _gray_paper(epoch, header):
    return epoch.next_keys


def _at_once(epoch, header):
    return header.mark_keys


def sealed_under(reading, start, headers):
    """Of each epoch after the first: how many headers seal under the reading's keys, and how many there are.

    Entropy goes on by the Gray Paper's reading in any case, so that each epoch is a test of its own.
    """
    epoch = Epoch(start.spec, start.spec.epoch(start.slot), list(start.entropy[1:]), start.keys, start.next_keys,
                  start.tickets, start.fallback_keys)
    entropy, parent_slot, marked, counts = start.entropy[0], start.slot, None, {}
    asked = epoch
    for header in headers:
        if header.epoch_mark:
            above, epoch = epoch, following(epoch, header, parent_slot, entropy, marked)
            asked = Epoch(epoch.spec, epoch.index, epoch.entropy, reading(above, header), header.mark_keys,
                          epoch.tickets)
            marked = None
        if header.tickets_mark:
            marked = header.tickets
        if asked is not epoch and epoch.index > start.spec.epoch(start.slot):
            good, every = counts.get(epoch.index, (0, 0))
            try:
                sealed(header, asked, entropy)
                good += 1
            except VerifyError as error:
                assert error.rule in ("seal", "fallback", "offender", "ticket")
            counts[epoch.index] = (good, every + 1)
        entropy = sealed(header, epoch, entropy)
        parent_slot = header.slot
    return counts


def test_an_epoch_mark_names_the_keys_of_the_next_epoch_and_not_of_its_own():
    data = Carried()
    headers = [view(one) for one in data.headers[:38]]  # two headers into the third change of sets
    start = data.checkpoint()
    named = [header.mark_keys for header in headers if header.epoch_mark]
    assert len(named) == 3 and len(set(named + [start.keys, start.next_keys])) == 5, "no set comes twice"
    for good, every in sealed_under(_gray_paper, start, headers).values():
        assert good == every > 1
    wrong = sealed_under(_at_once, start, headers)
    assert sorted(wrong) == [1, 2, 3]
    for good, every in wrong.values():
        assert good < every, "an epoch that the other reading explains as well"
    # Sets overlap, so that somebody may stand in both at the same place; it is not the rule.
    assert 3 * sum([good for good, _ in wrong.values()]) < sum([every for _, every in wrong.values()])


def labels(names):
    """Validators' keys, known by the first two bytes that the vector gives each."""
    return b"".join([unhex(name) + bytes(62) for name in names.split()])


def test_the_published_vector_of_a_change_of_sets_goes_by_the_same_reading():
    # w3f/jamtestvectors at 255997c, stf/safrole/tiny/enact-epoch-change-with-no-tickets-4: from slot 10 to 15, three
    # orders of the same six keys. Whom its posterior gamma_s has for the slots of epoch 1 depends on the order.
    eta = [unhex(text) for text in (
        "f164ce89b10488598cb295e4eef273fb8977722f4d6b2754b970ac77b45fa29b",
        "ee155ace9c40292074cb6aff8c9ccdd273c81648ff1149ef36bcea6ebb8a3e25",
        "bb30a42c1e62f0afda5f0a4e8a562f7a13a24cea00ee81917b86b89e801314aa",
        "e88bd757ad5b9bedf372d8d3f0cf6c962a469db61a265f6418e1ffed86da29ec")]
    active = labels("2105 0746 151e ff71 dee6 9326")
    pending = labels("ff71 dee6 9326 0746 151e 2105")
    marked = labels("9326 2105 ff71 151e dee6 0746")
    sealers = "9326 dee6 2105 ff71 ff71 0746 dee6 2105 dee6 dee6 151e dee6".split()
    above = Epoch(TINY, 0, eta[1:], active, pending, None)
    header = header_of(15, eta[0] + eta[1] + marked)
    check_marks(header, 10, above, eta[0])
    made = following(above, header, 10, eta[0], None)
    assert made.entropy == eta[:3] and made.next_keys.whole() == marked
    for reading, right in ((_gray_paper, True), (_at_once, False)):
        epoch = Epoch(TINY, 1, made.entropy, reading(above, header), marked, None)
        assert ([tohex(sealer(epoch, phase)[:2]) for phase in range(E)] == sealers) == right


def test_recorded_chains_allow_both_readings_since_their_sets_never_change():
    recorded = cbor.loads(read(vectors("chain_safrole.cbor")))
    start = start_of(TINY, recorded["genesis"]["header"], recorded["genesis"]["state"])
    headers = [Header(TINY, block["block"]) for block in recorded["blocks"]]
    named = [header.mark_keys for header in headers if header.epoch_mark]
    assert len(named) >= 4 and set(named) == {start.keys} == {start.next_keys}
    for reading in (_gray_paper, _at_once):
        assert sealed_under(reading, start, headers[:14]) == {1: (3, 3)}
