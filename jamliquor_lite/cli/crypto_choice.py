"""The setting `crypto`: which library computes what.

    auto                        the fastest that loads here (crypto/choice.py)
    lean                        those that take the least memory; ML-KEM-768 is loaded when a handshake needs it
    mlkem768=pqcrypto,…         as before, and these primitives by the library named; `lean` may stand among them
"""

from ..errors import LocalError

AUTO = "auto"
LEAN = "lean"


def parse(text: str) -> "tuple[bool, list[tuple[str, str]]]":
    """(lean, [(primitive, library)]). ValueError says what is allowed."""
    lean = False
    choices = []
    for word in text.split(","):
        primitive, sign, name = word.strip().partition("=")
        if not sign and primitive in (AUTO, LEAN):
            lean = lean or primitive == LEAN
        elif sign and primitive and name:
            choices.append((primitive, name))
        else:
            raise ValueError("must be `auto`, `lean`, or PRIMITIVE=LIBRARY (mlkem768=pqcrypto), with commas between")
    return lean, choices


def apply(text: str) -> None:
    """Choose, before anything is computed. LocalError (2) names what there is."""
    from ..crypto import suite

    lean, choices = parse(text)
    if lean:
        suite.lean()
    for primitive, name in choices:
        try:
            suite.select(primitive, name)
        except LocalError as error:
            raise LocalError("crypto = %s: %s" % (text, error), 2)
