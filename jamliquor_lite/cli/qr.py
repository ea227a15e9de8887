"""A QR code as lines of a terminal: two rows of modules in a line, by half blocks.

Readers want dark modules on a light ground. Where the terminal takes colours, both are set, so that its own do not
matter; else the light modules are the ones that are drawn, which is right on a dark terminal.
"""

from ..const import const

_QUIET = const(4)  # modules of light ground on every side, as the standard asks for
_BLACK_ON_WHITE = "\x1b[38;5;16;48;5;231m"
_END = "\x1b[0m"
# What is drawn of (upper, lower), where a drawn module is the terminal's foreground.
_HALVES = {(False, False): " ", (True, False): "\u2580", (False, True): "\u2584", (True, True): "\u2588"}


def lines(text: str, has_colours: bool) -> "list[str]":
    """The code of `text`, in capitals, digits and `:`, as lines of one width: 61 columns for a signed trust string."""
    import segno

    rows = [[bool(module) for module in row] for row in segno.make(text, error="l", micro=False).matrix]
    width = len(rows) + 2 * _QUIET
    side = [False] * _QUIET
    light = [False] * width
    rows = [light] * _QUIET + [side + row + side for row in rows] + [light] * _QUIET
    if len(rows) % 2:
        rows.append(light)
    found = []
    for at in range(0, len(rows), 2):
        pairs = zip(rows[at], rows[at + 1])
        if has_colours:
            found.append(_BLACK_ON_WHITE + "".join([_HALVES[pair] for pair in pairs]) + _END)
        else:
            found.append("".join([_HALVES[not upper, not lower] for upper, lower in pairs]))
    return found
