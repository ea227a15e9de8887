"""Numbers over time: parts of a status, what is lost, and rings that do not grow."""

from jamliquor_lite.console import messages
from jamliquor_lite.monitor import figures
from jamliquor_lite.monitor.model import SAMPLES, Line, Model, Ring

from .fake import Face


def parts(face: Face, at: int) -> "list[list[object]]":
    return [messages.read(body) for body in messages.status(face.read(), at)]


def test_a_frame_of_a_status_is_short() -> None:
    face = Face()
    face.status.budgets = [2**40] * len(face.status.budgets)
    face.status.final = face.status.mode = "x" * 60
    bodies = list(messages.status(face.status, 2**40))
    assert max(map(len, bodies)) <= 248 and len(bodies) > 2


def test_a_status_is_complete_with_its_last_part() -> None:
    model, face = Model(), Face()
    told = [model.take_status(items) for items in parts(face, 5)]
    assert told == [False] * (len(told) - 1) + [True]
    assert model.values == {name: model.values[name] for name in messages.fields()}
    assert model.number("best_slot") == face.status.best_slot and model.text("level") == "vouched"


def test_a_part_that_is_missing_is_counted() -> None:
    model, face = Model(), Face()
    face.status.budgets = [2**30] * len(face.status.budgets)
    for number in range(10):
        items = parts(face, 100 * number)
        assert len(items) == 3
        del items[number % 3]
        for part in items:
            model.take_status(part)
    # The first of all is joined in the middle; of the others each gap is seen.
    assert model.lost == 9 and model.statuses == 7


def test_what_is_behind_our_last_field_is_no_loss() -> None:
    model, face = Model(), Face()
    for at in (100, 200):
        for part in parts(face, at):
            model.take_status(part)
        model.take_status([messages.STATUS, at, len(model.names), 1, 2])
    assert (model.lost, model.statuses) == (0, 4)


def test_nonsense_changes_nothing() -> None:
    model = Model()
    for items in ([1], [1, 2, 3], [1, "a", 0, 1], [1, 0, -1, 1], [1, 0, 10**9, 1], [1, 0, True, 1]):
        assert not model.take_status(items)
    assert not model.values and model.lost == 0


def test_samples_are_a_second_of_the_board_apart() -> None:
    model, face = Model(), Face()
    for at in range(0, 10_000, 100):
        face.set(down_total=at * 3)
        for part in parts(face, at):
            model.take_status(part)
    assert model.samples == 10 and model.series["heap"].count == 10 and model.series["down"].count == 9


def test_rates_are_of_the_boards_clock() -> None:
    model = Model()
    for at in (0, 2000):
        values = [0] * len(model.names)
        values[model.names.index("cpu_total")] = at // 10
        values[model.names.index("down_total")] = at * 5
        model.take_status([messages.STATUS, at, 0, *values])
    assert model.newest("down") == 5000.0 and model.newest("cpu") == 10.0


def test_a_board_that_began_anew_makes_no_negative_rates() -> None:
    model, face = Model(), Face()
    for at in (50_000, 51_500, 10, 1_200):
        for part in parts(face, at):
            model.take_status(part)
    assert model.restarts == 1 and min(model.series["cpu"].last(SAMPLES)) >= 0


def test_a_ring_keeps_the_newest() -> None:
    ring = Ring(4)
    for number in range(10):
        ring.put(number)
    assert ring.last(100) == [6, 7, 8, 9] and ring.last(2) == [8, 9] and ring.last(0) == []


def test_the_log_is_bounded() -> None:
    model = Model(lines=5)
    for number in range(9):
        model.put(Line(number, str(number)))
    assert [line.text for line in model.lines] == list("45678") and model.lines_put == 9


def test_peers_are_bounded() -> None:
    model = Model()
    model.take_peers([["name"]] * 1000)
    assert len(model.peers) == 64


def test_bounds_are_those_of_the_board() -> None:
    model = Model()
    model.values.update(heap_used=10, heap_free=20, cpu_rate=250_000, down_rate=0, up_rate=7, frames_count=3)
    assert dict(model.bounds()) == {"heap": 30, "cpu": 25.0, "up": 7.0, "frames": 3}


def test_numbers_as_people_read_them() -> None:
    assert [figures.size(n) for n in (0, 999, 1000, 100_000, 1 << 20, 37_000_000, 10**13)] == [
        "0 B", "999 B", "0.98 KB", "97.7 KB", "1.00 MB", "35.3 MB", "9313 GB"]
    assert [figures.span(ms) for ms in (0, 61_000, 3_700_000, 90_000_000)] == [
        "0 s", "1 m 01 s", "1 h 01 m", "1 d 01 h"]
