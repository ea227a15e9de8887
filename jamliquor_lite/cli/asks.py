"""`--ask QUESTION` of a long-running command: a question about the state that is asked again and again, and its proved
answer printed."""

import asyncio

from ..chain.levels import VOUCHED_LEVEL
from ..errors import BudgetError, LocalError
from ..node.questions import describe, parse_question

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ..node.node import Node
    from ..node.questions import Question
    from .output import Output

_PAUSE_SECONDS = 3.0
_SHOWN_CHARACTERS = 60


def add_ask_argument(parser: "argparse.ArgumentParser") -> None:
    """`--ask`, which may be given more than once."""
    parser.add_argument(
        "--ask",
        metavar="QUESTION",
        action="append",
        default=[],
        help="ask for this again and again, e.g. 'service 0' or 'key HEX31'",
    )


def read(args: "argparse.Namespace") -> "list[Question]":
    """The questions that were given. LocalError (the user's) for one that nobody understands."""
    return [parse_question(text.split()) for text in args.ask]


async def ask(node: "Node", questions: "list[Question]", out: "Output") -> None:
    """Ask all of them, print what was proved and why something was not, pause, and so on; until it is cancelled."""
    timeout = node.profile.state_sync_timeout_ms
    while questions:
        for question in questions:
            try:
                answer = await node.ask(question.start, question.end, VOUCHED_LEVEL, 0, timeout)
            except (LocalError, BudgetError) as error:
                out.event("unanswered", question=question.text, reason=str(error))
                out.line("%s: %s" % (question.text, error))
                continue
            found = describe(question, answer, node)
            out.event("proved", **found)
            shown = str(found["shown"])
            out.line(
                "proved: %s = %s (slot %d, %s, support %d/%d, %d bytes of proof)"
                % (
                    question.text,
                    shown if len(shown) <= _SHOWN_CHARACTERS else shown[:_SHOWN_CHARACTERS] + "…",
                    found["slot"],
                    found["level"],
                    found["support"],
                    found["validators"],
                    found["proof_bytes"],
                )
            )
        await asyncio.sleep(_PAUSE_SECONDS)
