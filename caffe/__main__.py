"""`caffe COMMAND ...`, also `python -m caffe COMMAND ...`."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from .errors import CaffeError
from .tools import COMMANDS


def usage() -> str:
    commands = "\n".join(f"  {name:<26} {what}" for name, what in COMMANDS.items())
    return f"usage: caffe COMMAND [FLAGS]\n\n{commands}\n\nFlags: caffe COMMAND -help"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    name, *rest = list(sys.argv[1:] if argv is None else argv) or ["help"]
    if name not in COMMANDS:
        asked = name in ("help", "-h", "-help", "--help")
        print(usage(), file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 1
    tool = importlib.import_module(f".tools.{name}", __package__)
    parser = argparse.ArgumentParser(
        f"caffe {name}",
        description=tool.__doc__,
        allow_abbrev=False,
        add_help=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-h", "-help", "--help", action="help", help="show this and leave")
    tool.arguments(parser)
    args = parser.parse_args(rest)
    try:
        return tool.run(args) or 0
    except (CaffeError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
