"""Coverage-guided fuzzing of one target with atheris.

    python -m tests.fuzz.fuzz TARGET --runs 1000            so many inputs, the committed ones first
    python -m tests.fuzz.fuzz TARGET --seconds 300 --keep   so long; what reached new code joins the committed ones
    python -m tests.fuzz.fuzz TARGET FILE                   one input again, such as the one that a failure left
    python -m tests.fuzz.fuzz --serve                       runs that are asked for line by line (`serve`)

A failure ends with its traceback, the path of the input that brought it about, and status 77.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from . import corpus

_CHILD = "--child"
_MOST_BYTES = 600  # of an input: more would only be slower
# Long inputs early, for a script says nothing in a few bytes; 20 s without an end is a fault.
_OPTIONS = ["-seed=1", "-max_len=%d" % _MOST_BYTES, "-len_control=10", "-timeout=20"]
_MODULE = "tests.fuzz.fuzz"


def main(arguments: "list[str]") -> int:
    """The exit status."""
    if arguments == ["--serve"]:
        return serve()
    options = _read(arguments)
    if options.file:
        from .targets import TARGETS

        TARGETS[options.target](Path(options.file).read_bytes())
        return 0
    return _run(options, _child)


def serve() -> int:
    """Each line on standard input is a JSON list: a file for what is said, then the words of a run. The answer is a
    line with the run's exit status. Instrumenting the package takes seconds: it is done once, each run is a fork."""
    import atheris

    with atheris.instrument_imports(include=["jamliquor_lite"]):
        from .targets import TARGETS  # noqa: F401  (the runs find it instrumented)
    for line in sys.stdin:
        said, *words = json.loads(line)

        def fork(target: str, options: "list[str]", said: str = said) -> int:
            child = os.fork()
            if child:
                return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            _fuzz(target, options)
            raise AssertionError("atheris ends the process, or leaves with what the target raised")

        print(_run(_read(words), fork), flush=True)
    return 0


def _read(arguments: "list[str]") -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m " + _MODULE)
    parser.add_argument("target")
    parser.add_argument("file", nargs="?")
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--left", default=".", help="folder for the input of a failure")
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace, start: "Callable[[str, list[str]], int]") -> int:
    """One run, whose part with atheris `start` does in a process of its own: the exit status."""
    with tempfile.TemporaryDirectory() as work:
        found = Path(work) / "found"
        found.mkdir()
        corpus.unpack(options.target, found)
        limits = ["-runs=%d" % (options.runs or -1), "-max_total_time=%d" % options.seconds]
        left = "-artifact_prefix=%s/%s-" % (options.left, options.target)
        status = start(options.target, limits + [left, str(found)])
        if status == 0 and options.keep:
            least = Path(work) / "least"
            least.mkdir()
            corpus.unpack(options.target, least)
            status = start(options.target, ["-merge=1", str(least), str(found)])
            inputs = [path.read_bytes() for path in least.iterdir()]
            print("kept %d of %d" % (corpus.save(options.target, inputs), len(inputs)))
    return status


def _child(target: str, options: "list[str]") -> int:
    command = [sys.executable, "-m", _MODULE, _CHILD, target, *_OPTIONS, *options]
    return subprocess.run(command, check=False).returncode


def _fuzz(target: str, options: "list[str]") -> None:
    import atheris

    with atheris.instrument_imports(include=["jamliquor_lite"]):
        from .targets import TARGETS
    # Merging starts itself anew, through a shell, by the name that it is given here.
    itself = "%s -m %s %s %s" % (sys.executable, _MODULE, _CHILD, target)
    atheris.Setup([itself] + options, TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == [_CHILD]:
        _fuzz(sys.argv[2], sys.argv[3:])
    sys.exit(main(sys.argv[1:]))
