"""A net with its BatchNorm, BN, Scale and Bias layers worked into the layers before them.

    python -m surgery.fuse_batchnorm MODEL WEIGHTS OUT_MODEL OUT_WEIGHTS

MODEL is a deploy prototxt, WEIGHTS its caffemodel; what is written is plain Caffe where they are.
"""

from collections.abc import Sequence
from pathlib import Path

import command_line


def fuse_batchnorm(model: Path, weights: Path, out_model: Path, out_weights: Path) -> list[str]:
    """Write prototxt and caffemodel of the fused net; returns what became of the layers, in lines.

    Its outputs are the net's to rounding. Layers that are left are named, with the reason. Raises
    caffe.CaffeError for files that Net would refuse.
    """
    import caffe.export.fuse
    from caffe.core.files import write_text
    from caffe.proto.text import prototxt

    fused = caffe.export.fuse.fuse_batchnorm(model, weights)
    write_text(out_model, prototxt(fused.spec))
    fused.net.save(out_weights)
    return fused.report()


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m surgery.fuse_batchnorm", __doc__)
    for name in ("model", "weights", "out_model", "out_weights"):
        parser.add_argument(name, type=Path, metavar=name.upper())
    args = parser.parse_args(argv)
    return command_line.run(_fuse, args.model, args.weights, args.out_model, args.out_weights)


def _fuse(model: Path, weights: Path, out_model: Path, out_weights: Path) -> None:
    for line in fuse_batchnorm(model, weights, out_model, out_weights):
        print(line)


if __name__ == "__main__":
    raise SystemExit(main())
