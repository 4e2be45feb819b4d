"""What a net consists of: caffe inspect MODEL.prototxt [WEIGHTS.caffemodel] [-phase TEST]

Each layer's shapes, parameters, multiply-adds, memory and receptive field; what of it is of a fork
of Caffe, and what is unknown here; which of the weights fit. MODEL may be a folder: a line then for
each net in it, in the phase, and of the stages that its rules name with those, in which more of it
is known. A solver's prototxt will do where it holds its net.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ..core.errors import CaffeError
from ..graph.build import Graph
from ..graph.flops import forward_multiply_adds
from ..graph.receptive_field import receptive_fields
from ..graph.survey import Survey, stages_named, survey
from ..layer_types import EXTENSIONS
from ..proto import caffe_pb2
from ..proto.text import place_of
from ..proto.upgrade import SOLVER_GIVEN
from ..storage.caffemodel import read_weights
from ..storage.loading import fit
from . import flags
from .cost_table import aligned

HEADS = (
    *("layer", "type", "top shape"),
    *("parameters", "M multiply-adds", "MB", "sees", "stride"),
)
WORDS = 3
BYTES = 4  # of a value
MANY = 8  # names that are listed


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="net prototxt, or a folder of them")
    parser.add_argument("weights", nargs="?", help="caffemodel")
    flags.flag(parser, "phase", choices=("TRAIN", "TEST"), default="TEST", help="of the net (TEST)")
    flags.net_state(parser)


def run(args: argparse.Namespace) -> None:
    if Path(args.model).is_dir():
        print("\n".join(_lines(Path(args.model))) or f"{args.model}: holds no net's prototxt")
        return
    phase = caffe_pb2.Phase.Value(args.phase)
    surveyed = survey(args.model, phase, args.level, flags.stages(args))
    name = f", '{surveyed.net.name}'" if surveyed.net.name else ""
    print(f"{args.model}{name}: {_summary(surveyed)}, in {args.phase}\n")
    print(aligned([*_rows(surveyed)], WORDS))
    values = _values(surveyed.graph)
    print(
        f"\nMB: of the tops as float32, and as much again for their diffs in training; the "
        f"parameters take {_megabytes(values)}. sees: pixels of the input that a position of the "
        "top depends on"
    )
    parts = [*_extensions(surveyed), *_unknown(args.model, surveyed)]
    parts += _not_there(args.model, surveyed)
    if args.weights:
        parts += _weights(surveyed, args.weights)
    for line in parts:
        print(line)


def _lines(folder: Path) -> Iterator[str]:
    """A line for each net in a folder, in the state in which more of it is known."""
    for path in sorted(folder.rglob("*.prototxt")):
        try:
            surveyed = _best(str(path))
        except CaffeError as error:
            if SOLVER_GIVEN not in str(error):
                yield f"not taken: {error}"
            continue
        reasons = [*surveyed.known.unknown, *surveyed.failed.values()]
        if reasons:
            yield f"not taken: {path}: {_first(reasons)}"
        else:
            absent = [*surveyed.absent.values()]
            without = f", known only up to what is not there: {_first(absent)}" if absent else ""
            yield f"{path}: {_summary(surveyed)}{without}"


def _first(reasons: list[str]) -> str:
    return reasons[0] + (f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else "")


def _best(path: str) -> Survey:
    """A net in the phase, and with the stages, in which fewest layers fail, then most are there."""
    names = stages_named(path)
    stages = dict.fromkeys([(), *((name,) for name in names), tuple(names)])
    each = [
        survey(path, phase, stages=some)
        for some in stages
        for phase in (caffe_pb2.TEST, caffe_pb2.TRAIN)
    ]
    return min(each, key=lambda one: (len(one.failed), len(one.not_built), -len(one.net.layer)))


def _summary(surveyed: Survey) -> str:
    count = len(surveyed.net.layer)
    return f"{count} layer{'s' * (count != 1)}, {_values(surveyed.graph):,} parameters"


def _values(graph: Graph) -> int:
    """Values of all parameters, shared ones once."""
    return sum(param.blob.count for param in graph.params)


def _megabytes(values: int) -> str:
    return f"{values * BYTES / 1e6:,.1f} MB"


def _rows(surveyed: Survey) -> Iterator[tuple[str, ...]]:
    """The table: heads, a row for each layer, the total."""
    graph = surveyed.graph
    seen = receptive_fields(graph)
    totals: Counter[str] = Counter()
    yield HEADS
    built = iter(range(len(graph.layers)))
    for place, spec in enumerate(surveyed.net.layer):
        if place in surveyed.not_built:
            shapes = [
                _shape(graph.blobs[top].shape) if top in graph.blobs else "?" for top in spec.top
            ]
            yield spec.name, spec.type or "?", ", ".join(shapes), "?", "?", "?", "?", "?"
            continue
        i = next(built)
        layer, tops = graph.layers[i], graph.top(i)
        params = sum(blob.count for blob in layer.blobs)
        products = forward_multiply_adds(layer, graph.bottom(i), tops)
        own = [
            blob.count
            for name, blob in zip(graph.tops[i], tops, strict=True)
            if name not in graph.bottoms[i] and not layer.shares_data
        ]
        totals.update(products=products, values=sum(own))
        first = seen.get(graph.tops[i][0]) if graph.tops[i] else None
        yield (
            layer.name,
            layer.type,
            ", ".join(_shape(blob.shape) for blob in tops),
            f"{params:,}" if params else "",
            f"{products / 1e6:,.3f}" if products else "",
            f"{sum(own) * BYTES / 1e6:,.3f}" if own else "",
            _square(first.size) if first else "",
            _square(first.stride) if first else "",
        )
    yield (
        *("total", "", ""),
        f"{_values(graph):,}",
        f"{totals['products'] / 1e6:,.3f}",
        f"{totals['values'] * BYTES / 1e6:,.3f}",
        *("", ""),
    )


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _square(sides: tuple[float, float]) -> str:
    return f"{sides[0]:g}" if sides[0] == sides[1] else f"{sides[0]:g}x{sides[1]:g}"


def _extensions(surveyed: Survey) -> Iterator[str]:
    """What of the net Caffe 1.0 does not have, though it is taken."""
    used = Counter(layer.type for layer in surveyed.graph.layers if layer.type in EXTENSIONS)
    if used or surveyed.known.passed_over:
        yield "\nnot of Caffe 1.0:"
    for kind, count in sorted(used.items()):
        yield f"  {kind}, of {EXTENSIONS[kind]}: {count} layer{'s' * (count != 1)}"
    for line in surveyed.known.passed_over:
        yield f"  {line}"


def _unknown(path: str, surveyed: Survey) -> Iterator[str]:
    """What is unknown, where, what it means, and what follows from it."""
    if not (surveyed.known.unknown or surveyed.failed):
        return
    yield "\nunknown:"
    for said in surveyed.known.unknown:
        yield f"  {path}:{said}"
    for i, reason in sorted(surveyed.failed.items()):
        yield f"  {_at(path, surveyed.net.layer[i].name)}: {reason}"
    if surveyed.follows:
        names = [surveyed.net.layer[i].name for i in surveyed.follows]
        yield f"  and what is computed from it: {_listed(names)}"


def _not_there(path: str, surveyed: Survey) -> Iterator[str]:
    """Layers without their files, or their Python modules."""
    if surveyed.assumed:
        yield "\nnot there; images are as large as new_height, resize_param or crop_size:"
    for i, reason in surveyed.assumed.items():
        yield f"  {_at(path, surveyed.net.layer[i].name)}: {reason}"
    if surveyed.absent:
        yield "\nnot there; nothing behind it has a shape that is known:"
    for i, reason in surveyed.absent.items():
        yield f"  {_at(path, surveyed.net.layer[i].name)}: {reason}"


def _at(path: str, layer: str) -> str:
    """The place of a layer in a prototxt."""
    place = place_of(path, layer)
    return f"{path}:{place}" if place else path


def _weights(surveyed: Survey, path: str) -> Iterator[str]:
    """Which of a file's weights fit the net."""
    found = fit(surveyed.graph, read_weights(path), path)
    unknown = {surveyed.net.layer[i].name for i in surveyed.not_built}
    left_over = [name for name in found.left_over if name not in unknown]
    of_unknown = [name for name in found.left_over if name in unknown]
    total = len(found.fitting) + len(found.misfits) + len(found.absent)
    yield f"\n{path}: fits {len(found.fitting)} of {total} layers with parameters"
    for reason in found.misfits.values():
        yield f"  {reason}"
    if found.absent:
        yield f"  not in the file: {_listed(found.absent)}"
    if left_over:
        yield f"  only in the file: {_listed(left_over)}"
    if of_unknown:
        yield f"  of layers that are unknown here: {_listed(of_unknown)}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
    return ", ".join(names[:MANY]) + more
