"""Write every net: `python -m nets --out DIR` makes DIR/DATASET-NET/{train,val,deploy}.prototxt.

As released, the files of NYUDv2 and SIFT Flow are trainval and test. The classification nets are
DIR/ilsvrc-NET/deploy.prototxt.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import command_line
from caffe.core.files import write_text
from caffe.proto.text import prototxt

from .experiments import every_prototxt


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m nets", __doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    return command_line.run(write, parser.parse_args(argv).out)


def write(out: Path) -> None:
    """Write every net below the folder `out`, and print the path of each."""
    for path, net in every_prototxt():
        write_text(out / path, prototxt(net))
        print(out / path)


if __name__ == "__main__":
    sys.exit(main())
