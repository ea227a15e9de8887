"""What the commands call: the monitor on a source, in the form that fits where it runs."""

import sys

from . import sources
from .asker import STATUS_MS
from .faults import Faults, Symbols


def open(  # noqa: A001
    source: str, *, record: str = "", plain: bool = False, seconds: "float | None" = None, json: bool = False,
    elf: str = "", speed: float = 1.0, status_ms: int = 0,
) -> int:
    """Watch a source (sources.py) until the user leaves, it ends, or `seconds` have passed; the exit status.

    `record` names a file to keep what comes, `plain` writes lines instead of the full screen, `json` objects; without
    a terminal it is `plain` in any case. `elf` is a firmware's, for the names of functions in a panic. `speed` is a
    replay's; `status_ms` is how often a status is asked for. Errors are LocalError: 2 for what the user can mend.
    """
    from .session import Replay, Session

    kind, rest = sources.split(source)
    faults = Faults(Symbols(elf) if elf else None)
    session: Session
    if kind == "replay":
        session = Replay(rest, faults, speed)
    else:
        session = Session(sources.make(source), faults, record, status_ms or STATUS_MS)
    if plain or json or not _has_terminal():
        from .plain import Plain

        return Plain(session, json, seconds).run()
    from .tui import run

    return run(session, seconds)


def _has_terminal() -> bool:
    # The full screen needs all: Textual draws on stderr, what is typed comes from stdin.
    if not sys.stdout.isatty() or not sys.stderr.isatty():
        return False
    if sys.stdin is None or not sys.stdin.isatty():
        print("jamliquor-lite: stdin is no terminal: lines instead of the full screen, commands are read from it",
              file=sys.stderr)
        return False
    return True
