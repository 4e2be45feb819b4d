"""Write every net: `python -m nets --out DIR` makes DIR/DATASET-NET/{train,val,deploy}.prototxt.

As released, the files of NYUDv2 and SIFT Flow are trainval and test. The classification nets are
DIR/ilsvrc-NET/deploy.prototxt.
"""

import argparse
import sys
from pathlib import Path

from caffe import CaffeError
from caffe.core.files import write_text
from caffe.proto.text import prototxt

from .table import every_prototxt


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m nets",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    out = parser.parse_args(argv).out
    try:
        for path, net in every_prototxt():
            write_text(out / path, prototxt(net))
            print(out / path)
    except (ValueError, OSError, CaffeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
