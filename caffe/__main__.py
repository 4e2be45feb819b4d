"""`caffe COMMAND ...`, also `python -m caffe COMMAND ...`."""

import argparse
import importlib
import io
import shlex
import sys
import traceback
from collections.abc import Sequence

from . import __version__
from .core.errors import CaffeError, notes
from .core.log import glog
from .tools import COMMANDS, flags


def usage() -> str:
    commands = "\n".join(f"  {name:<26} {what}" for name, what in COMMANDS.items())
    return f"usage: caffe COMMAND [FLAGS]\n\n{commands}\n\nFlags: caffe COMMAND -help"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a path may hold bytes that are no text
        sys.stdout.reconfigure(errors="backslashreplace")
    name, *rest = list(sys.argv[1:] if argv is None else argv) or ["help"]
    if name in ("help", "-h", "-help", "--help"):
        print(usage())
        return 0
    if name in ("version", "-version", "--version"):
        print(f"caffe version {__version__}")
        return 0
    if name.startswith("-") and (command := next((w for w in rest if w in COMMANDS), None)):
        rest.remove(command)
        words = shlex.join(["caffe", command, name, *rest])
        print(f"error: the command comes first, its flags behind it: {words}", file=sys.stderr)
        return 1
    if name not in COMMANDS:
        print(f"error: unknown command '{name}'\n\n{usage()}", file=sys.stderr)
        return 1
    tool = importlib.import_module(f".tools.{name}", __package__)
    parser = argparse.ArgumentParser(
        f"caffe {name}",
        description=tool.__doc__,
        allow_abbrev=False,
        add_help=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-h", "--h", "--help", action="help", help="show this and leave")
    tool.arguments(parser)
    flags.glog(parser)
    args = parser.parse_args(flags.long(rest), argparse.Namespace(words=rest))
    try:
        with glog(args.minloglevel, None if args.logtostderr else args.log_dir):
            return tool.run(args) or 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if in_layer := notes(error):  # in code of the user's: where there is worth knowing
            traceback.print_exc()
            print(f"error: {in_layer[0]}: {type(error).__name__}: {error}", file=sys.stderr)
        elif isinstance(error, CaffeError | OSError | ValueError):
            if getattr(error, "speaks", True):  # of several ranks one says what they share
                print(f"error: {getattr(error, 'said_by', '')}{error}", file=sys.stderr)
        else:
            raise
        return 1


if __name__ == "__main__":
    sys.exit(main())
