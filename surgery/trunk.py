"""A trained FCN without its scores: what the first stage on other classes may start from.

python -m surgery.trunk FCN.caffemodel TRUNK.caffemodel
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import caffe
import command_line
import nets
from caffe.proto import caffe_pb2
from caffe.storage.caffemodel import blob_shapes

NEW = ("score", "scale_", "upscore", "fuse_")  # how the layers begin that depend on the classes


def trunk(source: Path, target: Path) -> list[str]:
    """Write the caffemodel `source` without the layers of its classes; the layers that are kept.

    Raises FileNotFoundError if it is missing, ValueError if it is none of nets.NETS or RGBD_NETS.
    """
    if not source.is_file():
        raise FileNotFoundError(f"{source}: no such caffemodel")
    try:
        net, classes, width = nets.net_of_shapes(blob_shapes(source))
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None
    spec = nets.fcn(net, "deploy", classes=classes, data=None, width=width)
    kept = [layer for layer in spec.layer if not layer.name.startswith(NEW)]
    proto = caffe_pb2.NetParameter(name=f"{net}-trunk", layer=kept)
    built = caffe.Net.from_proto(proto, caffe_pb2.NetState(phase=caffe.TEST))
    built.copy_from(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    built.save(target)
    return list(built.params)


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m surgery.trunk", __doc__)
    parser.add_argument("source", type=Path, metavar="FCN")
    parser.add_argument("target", type=Path, metavar="DST")
    args = parser.parse_args(argv)
    return command_line.run(_write, args.source, args.target)


def _write(source: Path, target: Path) -> None:
    print(f"kept: {', '.join(trunk(source, target))}")
    print(f"written: {target}")


if __name__ == "__main__":
    sys.exit(main())
