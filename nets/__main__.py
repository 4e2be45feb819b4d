"""Write the VOC nets: `python -m nets --out DIR` makes DIR/voc-NET/{train,val,deploy}.prototxt."""

import argparse
import sys
from pathlib import Path

from caffe import CaffeError
from caffe.files import prototxt, write_text
from data.datasets import DATASETS

from . import NETS, fcn, seg_data
from .data import SPLITS


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m nets", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    out = parser.parse_args(argv).out
    voc = DATASETS["voc"]
    splits = dict(zip(SPLITS, (voc.train_split, voc.val_split, None), strict=True))
    try:
        for net in NETS:
            for split, of_dataset in splits.items():
                data = seg_data(voc, of_dataset) if of_dataset else None
                path = out / f"voc-{net}" / f"{split}.prototxt"
                proto = fcn(net, split, classes=len(voc.classes), data=data)
                write_text(path, prototxt(proto))
                print(path)
    except (ValueError, OSError, CaffeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
