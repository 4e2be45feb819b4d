"""The authors' published FCNs, from wherever they still can be had.

    python -m surgery.weights NAME [--source SOURCE] [--file FILE]

NAME is NET-DATASET, as fcn8s-voc. Writes data/weights/NAME.caffemodel and beside it NAME.json, what
its outputs mean. Sources are tried one after another; --source names the only one, --file is a
local copy.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import command_line
import nets
from data.datasets import DATASETS, ROOT
from data.meaning import write_meaning
from data.weight_sources import WEIGHTS, Input

from .compare_layers import filled
from .sources import add_source_options, from_first, read_for_caffe

WIDTH = 1.0  # of what was published; tests have narrower nets


def weights_of(name: str, source: str | None = None, file: Path | None = None) -> Path:
    """The caffemodel of one of WEIGHTS, fetched and converted unless it is there already.

    source and file are those of `sources.from_first`; with either it is written anew. Raises
    ValueError for a name that there is none of, OSError where no source could be used.
    """
    if name not in WEIGHTS:
        raise ValueError(
            f"there are no published weights {name!r}; choose from {', '.join(WEIGHTS)}"
        )
    target = ROOT / "weights" / f"{name}.caffemodel"
    if not target.exists() or source or file:
        use = partial(convert, name, target)
        from_first(
            name,
            WEIGHTS[name],
            target.parent,
            use,
            command=f"make weights-{name}",
            source=source,
            file=file,
        )
    return target


def convert(name: str, target: Path, path: Path, given: Input | None) -> None:
    """Write the caffemodel `target`, and its NET.json, of the file `path` that has one of WEIGHTS.

    given is what `sources.read_for_caffe` takes. Raises ValueError or caffe.CaffeError where the
    file does not hold the net.
    """
    kind, _, dataset = name.rpartition("-")
    layers, _ = read_for_caffe(path, given)
    spec = nets.net_for(dataset, kind, "deploy", width=WIDTH)
    net = filled(spec, layers, f"{path}: not the weights of {name}")
    trained_on = DATASETS[dataset]
    mean = (given and given.mean) or trained_on.mean
    target.parent.mkdir(parents=True, exist_ok=True)
    write_meaning(target.with_suffix(".json"), dataclasses.replace(trained_on, mean=mean))
    net.save(target)


def main(argv: Sequence[str] | None = None) -> int:
    parser = command_line.parser("python -m surgery.weights", __doc__)
    parser.add_argument("name", metavar="NAME", help=", ".join(WEIGHTS))
    add_source_options(parser)
    args = parser.parse_args(argv)
    return command_line.run(_print_path, args.name, args.source, args.file)


def _print_path(name: str, source: str | None, file: Path | None) -> None:
    print(f"written: {weights_of(name, source, file)}")


if __name__ == "__main__":
    sys.exit(main())
