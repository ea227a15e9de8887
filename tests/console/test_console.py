# portable: runs on CPython and MicroPython
"""The console for a person and for a tool: each command both ways, editing, noise, and a line that nobody reads."""

from jamliquor_lite.codec import cbor, serial_frame
from jamliquor_lite.console import messages
from jamliquor_lite.console.commands import COMMANDS
from jamliquor_lite.console.console import ANSWERS, STALL_MS, Console
from jamliquor_lite.console.lines import MAX_LINE
from jamliquor_lite.console.messages import DONE, FAULT, FIELDS, ROW, STATUS, fields
from jamliquor_lite.console.output import LEAST_BYTES, Output
from jamliquor_lite.errors import LocalError
from jamliquor_lite.ports import board, entropy
from tests.console.fakes import Bench, Face, Line
from tests.support import raises, skip


def typed(command, bench=None):
    """The lines of a command's answer."""
    bench = bench or Bench()
    bench.type(command + "\r")
    found = bench.lines()
    assert found[0] == command and found[-1] == "> ", found
    return found[1:-1]


def test_every_command_answers_a_person():
    for command in COMMANDS:
        if command.name != "state":
            assert typed(command.name), command.name
    assert typed("help pools") == ["pools: " + COMMANDS[1].summary]
    assert len(typed("help")) == len(COMMANDS)


def test_every_command_answers_a_tool():
    for command in COMMANDS:
        bench = Bench()
        bench.log.add(5, "a line")
        bench.ask(command.name, *(["service", 1] if command.name == "state" else []))
        for question in bench.face.questions:
            question.is_done = True
        bench.turn(20)
        text, frames = bench.take()
        assert text == "", "nothing of it is for people"
        assert frames[-1] == [DONE, 7, len([f for f in frames if f[0] == ROW])], command.name
        if command.name not in ("status", "reset"):
            assert len(frames) > 1 and frames[0][:2] == [ROW, 7], command.name
        for frame in frames:
            assert len(cbor.dumps(frame)) <= serial_frame.MAX_BODY


def test_status_for_a_person():
    found = typed("status")
    assert found[0] == "chain    dev, clock set(system), final: not served"
    assert found[1] == "head     slot 812 vouched, support 2/6, " + "ab" * 8
    assert "STALLED" not in "".join(found)
    assert "cpu      0 ms, no limit, debt 0 (0 at most)" in found
    assert "mode     full; bytes today 0, this month 0" in found
    names = list(fields())[len(FIELDS):]
    bench = Bench()
    for name, number in (("cpu_rate", 250_000), ("cpu_total", 812), ("cpu_debt", 9_500), ("cpu_most", 30_100),
                         ("day_used", 77), ("day_bytes", 1000), ("peers_declined", 3), ("streams_shed", 2)):
        bench.face.status.budgets[names.index(name)] = number
    found = typed("status", bench)
    assert "cpu      812 ms, limit 250 ms/s, debt 9 (30 at most)" in found
    assert "mode     full; bytes today 77 of 1000, this month 0" in found
    assert "slots    3 strangers found none, 0 peers made room; for memory 2 streams and 0 peers went" in found
    bench = Bench()
    bench.face.status.stalled = 1
    assert "STALLED" in "".join(typed("status", bench))


def values_of(frames):
    names = list(fields())
    values = {}
    for kind, _, first, *rest in frames:
        if kind == STATUS:
            for offset in range(len(rest)):
                values[names[first + offset]] = rest[offset]
    return values


def test_status_for_a_tool_has_every_field():
    bench = Bench()
    status = bench.face.status
    status.bytes_in = 1 << 50
    status.budgets = [number + 1000 for number in range(len(status.budgets))]
    bench.ask("status")
    _, frames = bench.take()
    assert [frame[:2] for frame in frames[:-1]] == [[STATUS, bench.now]] * (len(frames) - 1)
    values = values_of(frames)
    assert sorted(values) == sorted(fields()) and len(values) == len(FIELDS) + len(status.budgets)
    assert values["bytes_in"] == 1 << 50 and values["best_hash"] == ("ab" * 32)[:48]
    for name in fields():
        assert getattr(status, name) in (values[name], "ab" * 32), name
    assert values["frames_size"] == 1000 and values["flash_sets"] == 1000 + len(status.budgets) - 1
    assert status.as_dict()["cpu_debt"] == values["cpu_debt"]


def longest(status):
    for name in FIELDS:
        setattr(status, name, "€" * 500 if isinstance(getattr(status, name), str) else (1 << 64) - 1)
    status.budgets = [(1 << 64) - 1] * len(status.budgets)


def test_a_status_of_the_longest_values_still_fits_its_frames():
    # In the smallest ring too, where it goes out bit by bit; and the answer is done after it.
    for options in ({}, {"ring_bytes": LEAST_BYTES}):
        bench = Bench(**options)
        longest(bench.face.status)
        bench.ask("status")
        bench.turn(20)
        _, frames = bench.take()
        assert len(values_of(frames)) == len(list(fields()))
        assert frames[-1] == [DONE, 7, 0] and bench.console.output.dropped == 0


def test_a_status_that_nobody_reads_is_counted_and_forgotten():
    bench = Bench(status_ms=100, ring_bytes=LEAST_BYTES)
    longest(bench.face.status)
    bench.line.takes = 0
    bench.turn(5, 100)
    assert bench.console.is_telling
    bench.turn(2, STALL_MS)
    assert bench.console.output.dropped > 0
    bench.line.takes = 1 << 20
    bench.turn(30, 10)
    frames = bench.take()[1]
    assert sorted(values_of(frames)) == sorted(fields()), "the next one is whole"


def test_status_again_and_again():
    bench = Bench(status_ms=500)
    bench.turn()
    assert len(bench.take()[1]) >= 1
    bench.turn()
    assert bench.take()[1] == [] and bench.console.wake_at(bench.now) == bench.now + 500
    bench.turn(1, 500)
    assert bench.take()[1][0][0] == STATUS
    bench.type("status every off\r")
    bench.take()
    bench.turn(5, 5000)
    assert bench.take()[1] == [] and bench.console.wake_at(bench.now) == -1
    bench.ask("status", "every", 100)
    assert STATUS in [frame[0] for frame in bench.take()[1]]
    assert bench.console.status_ms == 100


def test_without_a_node_there_is_no_status_and_who_asks_is_told_why():
    class NoNode:
        def __getattr__(self, name):
            raise LocalError("no node: board.conf names no peer to follow")

    bench = Bench(status_ms=100)
    bench.console.face = NoNode()
    bench.turn(5, 100)
    assert bench.take()[1] == []
    for command in ("status", "pools", "peers", "budget", "chain", "state slot"):
        assert typed(command, bench)[0] == "no node: board.conf names no peer to follow", command
    bench.ask("status")
    assert bench.take()[1] == [[FAULT, 7, "no node: board.conf names no peer to follow"]]
    assert len(typed("help", bench)) == len(COMMANDS), "the rest works"


def test_an_answer_that_the_heap_has_no_room_for():
    class Full(Face):
        def pools(self):
            yield "frames", 1, 2, 3, 4
            raise MemoryError

        def budget(self, now):
            raise MemoryError

    bench = Bench()
    bench.console.face = Full()
    assert typed("pools", bench)[-1] == typed("budget", bench)[-1] == "not enough memory for the answer"
    bench.ask("pools")
    assert bench.take()[1][-1] == [FAULT, 7, "not enough memory for the answer"]


def test_tables_for_a_person():
    assert typed("pools") == [
        "pool                bytes   count   free   fewest",
        "frames              65537      48     47       40",
        "stream_chunks       16384     256    256      250",
    ]
    assert typed("peers")[1].split() == ["12D3KooWHXkT", "out", "connected", "hybrid", "12", "0", "34", "2",
                                          "192.0.2.7:4001"]
    assert typed("budget") == [
        "what                       used       bound      debt  put off  unit",
        "peers                         1          16         0        0  connections",
        "cpu headers                 812          25         3        7  ms",
    ]
    assert typed("chain 2")[1:] == [
        "       812  vouched                  2  " + "00" * 32, "       811  vouched                  2  " + "01" * 32]


def test_the_checkpoint_is_a_string_to_be_copied():
    assert typed("checkpoint") == ["JLC1:" + "A" * 173]
    bench = Bench()
    bench.ask("checkpoint")
    assert bench.take()[1] == [[ROW, 7, "trust", "JLC1:" + "A" * 173], [DONE, 7, 1]]
    assert typed("checkpoint now") == ["`now`: this command takes no words"]
    bench = Bench()
    assert "attested" not in "".join(typed("status", bench))
    bench.face.status.attested = "2/3"
    assert "trust    vouched slot 0, root slot 0, 0 headers kept, attested 2/3" in typed("status", bench)


def test_a_proved_value_for_a_person():
    bench = Bench()
    bench.type("state service 1 --level sealed --support 3\r")
    assert bench.lines() == ["state service 1 --level sealed --support 3", ""], "nothing is known yet"
    assert bench.console.wake_at(bench.now) >= 0, "it looks again"
    bench.face.questions[0].is_done = True
    bench.turn(12)
    found = bench.lines()
    assert found[0] == "service 1 = a service" and found[1].split() == ["0", bytes(range(32)).hex()]
    assert found[5] == ("proved by header 0202020202020202 of slot 801: sealed, support 3/6, 11 slots behind the head, "
                        "1088 bytes of proof, from 12D3KooWHXkT")
    assert found[6:] == ["> "]


def test_a_long_value_for_a_tool_comes_in_pieces():
    bench = Bench()
    bench.face.value = bytes(1000)
    bench.ask("state", "service", 1)
    bench.face.questions[0].is_done = True
    bench.turn(20)
    rows = bench.take()[1]
    assert [ROW, 7, "length", 1000] in rows
    pieces = [row for row in rows if row[2:3] == ["value"]]
    assert b"".join([piece[4] for piece in pieces]) == bytes(1000) and pieces[1][3] == len(pieces[0][4])
    assert [ROW, 7, "level", "vouched"] in rows


def test_why_there_is_no_proved_value_is_one_line():
    bench = Bench()
    bench.type("state service 1\r")
    bench.take()
    bench.face.questions[0].error = "no peer gave a proved answer"
    bench.face.questions[0].is_done = True
    bench.turn(3)
    assert bench.lines() == ["no peer gave a proved answer", "> "]
    bench.ask("state", "service", 1)
    bench.face.questions[1].error = "nobody"
    bench.face.questions[1].is_done = True
    bench.turn(3)
    assert bench.take()[1] == [[FAULT, 7, "nobody"]]


def test_the_mode_is_asked_for_and_chosen():
    assert typed("mode") == ["full, wanted auto"]
    bench = Bench()
    assert typed("mode idle", bench) == ["full, wanted idle"] and bench.face.wanted == "idle"
    bench.ask("mode")
    assert bench.take()[1] == [[ROW, 7, "full", "idle"], [DONE, 7, 1]]


def test_bad_words_are_one_line():
    for command, complaint in (
        ("stats", "unknown command `stats`: `help` lists them"),
        ("STATUS", "unknown command `STATUS`"),
        ("status now", "`now`: allowed are fields, every MS, every off"),
        ("status every 99", "status every `99`: must be a whole number, 100 to 3600000"),
        ("status every -5", "status every `-5`"),
        ("pools 3", "`3`: this command takes no words"),
        ("chain 0", "headers `0`: must be a whole number, 1 to 32"),
        ("chain 1 2", "`2`: one number is enough"),
        ("chain 99999999999999999999", "must be a whole number"),
        ("log many", "lines `many`"),
        ("log since -1", "log since `-1`"),
        ("state storage", "storage: allowed are service ID"),
        ("state service 1 --level", "`--level`: allowed are --level LEVEL, --support K, --seconds N"),
        ("state service 1 --support 99999", "--support `99999`: must be a whole number, 0 to 65535"),
        ("state service 1 --seconds 0", "--seconds `0`"),
        ("mode slow", "mode `slow`: must be full, idle or auto"),
        ("mode full idle", "`idle`: one of full, idle, auto is enough"),
        ("reset now", "`now`: this command takes no words"),
        ("help me", "unknown command `me`"),
        ("help " + "x" * 100, "unknown command `" + "x" * 32 + "...`"),
        ("a " * 20, "a command has at most 16 words"),
    ):
        bench = Bench()
        bench.type(command + "\r")
        found = bench.lines()
        assert found[-1] == "> " and len(found) == 3 and complaint in found[1], (command, found)
        assert bench.face.resets == 0
        bench.ask(*command.split())
        frames = bench.take()[1]
        assert len(frames) == 1 and frames[0][:2] == [FAULT, 7] and complaint in frames[0][2], command


def test_an_empty_line_is_another_prompt():
    bench = Bench()
    bench.type("\r\n   \r\n\n")
    assert bench.lines() == ["", ">    ", "> ", "> "]


def test_editing():
    for keys in (
        "statsu\x7f\x7fus\r",
        "\x7f\x08status\r",
        "garbage\x15status\r",
        "\x1b[Astatus\x1b[3~\x1bOC\r",
        "sta\ttus\n",
        "nonsense\x03status\r\n",
    ):
        bench = Bench()
        bench.type(keys)
        found = bench.lines()
        assert "head     slot 812" in "".join(found), (keys, found)
    bench = Bench()
    bench.type("ab\x7f")
    assert bench.lines() == ["ab\b \b"]
    bench.type("c\x15")
    assert bench.lines() == ["c\b \b\b \b"]


def test_what_is_too_long_or_unreadable_does_nothing_and_says_so():
    for keys, complaint in (
        ("reset" + " " * MAX_LINE + "\r", "a line has at most 160 characters"),
        ("\x05reset\r", "unreadable bytes: the line was dropped"),
    ):
        bench = Bench()
        bench.type(keys)
        assert bench.lines()[-2:] == [complaint, "> "]
        bench.turn(3, 1000)
        assert bench.face.resets == 0
        assert "head     slot" in typed("status", bench)[1]
    bench = Bench()
    bench.put(b"\xc3\xa9reset\r" * 10)
    assert bench.lines().count("unreadable bytes: the line was dropped") == 1, "one complaint a second"
    assert bench.console.editor.unreadable == 10
    bench.put(b"\xff\xfe\x15pools\r")
    assert "frames" in "".join(bench.lines()), "Ctrl-U begins anew"


def test_frames_in_the_middle_of_a_line():
    bench = Bench()
    bench.type("sta")
    bench.ask("pools")
    bench.type("tus\r")
    text, frames = bench.take()
    assert text.split("\r\n")[0] == "status" and "head     slot" in text
    assert [frame[0] for frame in frames] == [ROW, ROW, DONE]


def test_what_is_typed_while_an_answer_waits_shows_behind_it():
    bench = Bench()
    bench.type("state service 1\r")
    bench.take()
    bench.type("poo")
    assert bench.lines() == [""]
    bench.face.questions[0].is_done = True
    bench.turn(12)
    assert bench.lines()[-1] == "> poo"
    bench.type("ls\r")
    assert bench.lines()[0] == "ls"


def test_news_do_not_eat_what_is_being_typed():
    bench = Bench()
    bench.console.tell("peer came")
    bench.turn()
    assert bench.lines() == ["peer came", ""]
    bench.type("sta")
    bench.console.tell("peer left")
    bench.turn()
    assert bench.lines() == ["sta", "peer left", "> sta"]
    bench.type("tus\r")
    assert "head     slot" in "".join(bench.lines())


def test_a_tool_is_answered_while_a_person_waits():
    bench = Bench()
    bench.type("state service 1\rpools\r")
    bench.take()
    bench.ask("pools")
    assert [frame[0] for frame in bench.take()[1]] == [ROW, ROW, DONE]
    bench.face.questions[0].is_done = True
    bench.turn(20)
    text = "\n".join(bench.lines())
    assert text.index("proved by") < text.index("stream_chunks"), "people are answered in the order they asked"


def test_only_so_many_answers_at_once():
    bench = Bench()
    for _ in range(ANSWERS + 1):
        bench.ask("state", "service", 1)
    assert bench.take()[1] == [[FAULT, 7, "%d answers are on their way: try again" % ANSWERS]]
    assert len(bench.face.questions) == ANSWERS


def test_reset_tells_before_it_does():
    bench = Bench()
    bench.type("reset\r")
    assert bench.lines()[1] == "restarting" and bench.face.resets == 1
    bench = Bench()
    bench.line.takes = 0
    bench.type("reset\r")
    assert bench.face.resets == 0
    bench.turn(1, 500)
    assert bench.face.resets == 1, "nobody reads: it restarts all the same"
    bench.turn(5, 500)
    assert bench.face.resets == 1
    bench = Bench()
    bench.face.reset = None
    bench.type("reset\r")
    assert "runs on none" in bench.lines()[1]


def test_the_log():
    bench = Bench()
    for number in range(6):
        bench.log.add(1000 * number, "event %d" % number)
    assert [line.split() for line in typed("log", bench)[1:]] == [
        ["%d" % n, "%d" % (1000 * n), "event", "%d" % n] for n in range(2, 6)]
    assert len(typed("log 2", bench)) == 3
    bench.ask("log", "since", 5)
    assert bench.take()[1] == [[ROW, 7, 5, 5000, "event 5"], [DONE, 7, 1]]
    bench.log.add(0, "x" * 100)
    assert typed("log 1", bench)[1].endswith("xxx>")
    bench.log.add(0, "\xe9" * 100)
    bench.log.add(0, "one\x1b[2J\r\nreset")
    assert typed("log 1", bench)[1].endswith("one?[2J??reset"), "no event moves a person's cursor"


def test_a_line_that_nobody_reads():
    bench = Bench(ring_bytes=LEAST_BYTES)
    bench.face.heads = 32
    bench.line.takes = 0
    bench.type("chain 32\r")
    assert bench.console.output.size <= LEAST_BYTES
    before = bench.console.output.dropped
    bench.turn(3, STALL_MS)
    assert bench.console.output.dropped > before + 20 and not bench.console._answers
    for _ in range(50):
        bench.type("status\r")
        bench.ask("pools")
        bench.turn(1, STALL_MS)
    assert bench.console.output.size <= LEAST_BYTES
    bench.line.takes = 1 << 20
    bench.turn(3)
    bench.lines()
    assert "head     slot" in typed("status", bench)[1], "whoever comes back is answered"
    assert bench.line.watched == (True, False)


def test_a_slow_line_gets_everything():
    bench = Bench(ring_bytes=LEAST_BYTES)
    bench.face.heads = 32
    bench.line.takes = 1
    bench.type("chain 32\r")
    assert bench.line.watched == (True, True)
    for _ in range(5000):
        bench.turn(1, 1)
    assert len(bench.lines()) == 35 and bench.console.output.dropped == 0


def test_whole_lines_or_nothing():
    output, line = Output(LEAST_BYTES), Line()
    line.takes = 0
    while output.line("0123456789"):
        pass
    assert output.dropped == 1 and output.size == LEAST_BYTES // 12 * 12
    assert not output.frame(b"body" * 20) and output.dropped == 2
    line.takes = 7
    assert output.drain(line)
    while output.drain(line):
        pass
    assert bytes(line.outgoing) == b"0123456789\r\n" * (LEAST_BYTES // 12)
    assert output.frame(b"x" * serial_frame.MAX_BODY)
    raises(ValueError, Output, 511)


def test_frames_that_are_no_requests_are_counted_only():
    bench = Bench()
    for body in (b"\xff", b"\x80", b"\x01", cbor.dumps({}), cbor.dumps(["x"]), cbor.dumps([STATUS, 1, 2]),
                 cbor.dumps([0]), cbor.dumps([0, -1, "reset"]), cbor.dumps([0, 1 << 30, "reset"]),
                 cbor.dumps([0, "1", "reset"]), cbor.dumps([0, True, "reset"]), cbor.dumps([[[[0]]]])):
        before = bench.console.refused
        bench.put(serial_frame.encode(body))
        assert bench.console.refused == before + 1, body
    for items, complaint in (([0, 7], "without a command"), ([0, 7, b"reset"], "a request is a list"),
                             ([0, 7, ["reset"]], "a request is a list"), ([0, 7, "log", None], "a request is a list"),
                             ([0, 7, ""], "unknown command ``"), ([0, 7, "re\nset"], "unknown command `re?set`")):
        bench.take()
        bench.put(serial_frame.encode(cbor.dumps(items)))
        frames = bench.take()[1]
        assert len(frames) == 1 and frames[0][:2] == [FAULT, 7] and complaint in frames[0][2], items
    assert bench.face.resets == 0


def test_a_mebibyte_of_noise_loses_no_request_behind_it():
    if board.HEAP_BYTES:
        skip("tests/device sends it to the board's UART")
    bench = Bench()
    bench.log.add(0, "a line")
    cut = serial_frame.encode(messages.request(1, "reset"))
    for number in range(256):
        bench.put(entropy.random_bytes(4096))
        bench.put(cut[: number % (len(cut) - 1)])  # without its last zero alone it is whole
        bench.take()
        bench.put(serial_frame.encode(messages.request(1000 + number, "log", (1,))))
        assert [frame[:2] for frame in bench.take()[1]] == [[ROW, 1000 + number], [DONE, 1000 + number]], number
    assert bench.face.resets == 0 and bench.console.sorter.frames >= 256
    bench.type("\x15log 1\r")
    assert "a line" in "".join(bench.lines())


def test_rows_are_cut_until_they_fit():
    long = messages.row(1, ("name", "x" * 1000, "y" * 10))
    items = messages.read(long)
    assert len(long) <= serial_frame.MAX_BODY and items[2] == "name" and items[4] == "y" * 10
    assert len(messages.row(1, ("€" * 500, b"z" * 500))) <= serial_frame.MAX_BODY
    assert len(messages.row(1, tuple([1 << 63] * 100))) <= serial_frame.MAX_BODY
    raises(LocalError, messages.request, 1, "state", ("x" * 300,))


def test_typing_and_noise_allocate_nothing():
    try:
        import micropython

        micropython.heap_lock  # noqa: B018
    except (ImportError, AttributeError):
        skip("only MicroPython can lock its heap")
    line = Line()
    line.takes = 0
    console = Console(line, Face())
    noise = b"\x00\xff\x80stat\x7f\x15\x1b[A\x03\xe9\x07more" + serial_frame.encode(b"\xff")[:-3] + b"\x00 status \x15"
    console.feed(noise, 0, len(noise), 1)
    micropython.heap_lock()
    try:
        for _ in range(20):
            console.feed(noise, 0, len(noise), 1)
    finally:
        micropython.heap_unlock()
    assert console.sorter.broken > 0
