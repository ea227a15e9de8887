"""Watches a board: what its console says, as lines, as numbers over time, on a full screen. CPython only.

    sources      where bytes come from: a serial port, a socket, a pseudo-terminal
    decoder      bytes -> lines of text and bodies of frames
    model        what the frames say, and how it went lately, in rings that do not grow
    asker        what is asked of the board, and when again
    session      the four of them together, and the connection made again when it is lost
    recording    what came, in a file; and from a file, as if it came now
    faults       what a panic means, and what a traceback is about
    plain, tui   lines for pipes and scripts; the full screen
    plot         a recording as a picture
    app          `open`: what the commands call
"""
