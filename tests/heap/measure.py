"""The steps whose heap is measured. Runs on MicroPython, frozen; board.py starts it.

    micropython -X heapsize=56K -m measure STEP …

    imports MODULE…         what each module takes, in this order, and all together
    call PRIMITIVE          one call each of a pure primitive, as a handshake makes them
    handshake SUITE         two connections back to back in this process: both sides of a handshake
    dial SUITE PORT         the node's own carrier dials a peer on this machine; ping and identify, both ways
    idle SUITE PORT COUNT   it dials so often, and says what each connection takes that does nothing
    follow FOLDER HEADERS   a board's whole program follows so many headers of a devnet, and asks for state

A step prints `name number` lines, in bytes, and ends with status 0 when all went well. SUITE is plain or hybrid.
"""

import sys


def main(step: str, *words: str) -> None:
    """Run one step. Each kind of step has a module of its own, so that none pays for the others."""
    if step in ("dial", "idle"):
        import measure_dial as steps
    elif step == "follow":
        import measure_follow as steps
    else:
        import measure_parts as steps
    steps.STEPS[step](*words)


if __name__ == "__main__":
    main(*sys.argv[1:])
