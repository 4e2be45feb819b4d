"""Whether an exported net computes what the net computes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..core.errors import CaffeError
from .half import rounded
from .sizes import (
    OpenAxes,
    Shapes,
    axes_to_open,
    own_shapes,
    sizes_to_try,
    smaller,
    without_sizes,
)

if TYPE_CHECKING:
    from ..net import Net

TOLERANCE = 1e-4  # of the largest value of an output

Arrays = dict[str, np.ndarray]  # by blob
Runs = Callable[[Arrays], Arrays]  # the inputs in, the outputs out but for inputs that none reads


class Exported(NamedTuple):
    """What is known of a file that was written.

    differences: the largest one from the net, relative to the output's largest value, for each size
    of the first input that was tried. runtimes: where; refusals: what is installed and does not
    take the file, and why. rounding: of a file with float16 weights, the largest difference that
    those make at the net's own size, in the same measure.
    """

    differences: dict[tuple[int, ...], float]
    runtimes: tuple[str, ...]
    refusals: Mapping[str, str]
    open_axes: OpenAxes
    rounding: float | None

    def report(self) -> list[str]:
        """What was found, in lines for a reader."""
        where = " and ".join(self.runtimes)
        lines = [
            f"{shape}: agrees with the net within {value:.1e} of the largest output, in {where}"
            for shape, value in self.differences.items()
        ]
        lines += [f"{name} does not take it: {why}" for name, why in self.refusals.items()]
        if self.rounding is not None:
            lines.append(
                "weights are float16, inputs and outputs float32; rounding the weights changes "
                f"outputs by {self.rounding:.1e} of the largest"
            )
        return lines


class Made(NamedTuple):
    """The content of a file, where it runs, and by name what does not take it, and why.

    In `runtimes` it must agree with the net; in `others` it is tried, and a refusal tells if not.
    """

    content: bytes
    runtimes: Mapping[str, Runs]
    refusals: Mapping[str, str] = {}
    others: Mapping[str, Runs] = {}


def made(
    net: Net, batch: bool, half: bool, make: Callable[[Net, OpenAxes], Made]
) -> tuple[bytes, Exported]:
    """What `make` makes of the net, checked; open in as many axes as that goes well with.

    A layer may have another form at each height and width (SPP has), or a runtime its limits: then
    these are not left open. batch, half: as onnx.export takes them; half: `make` finds the net with
    its rounded weights. Raises CaffeError.
    """
    if not net.inputs:
        raise CaffeError(f"net '{net.name}' has no inputs; export a deploy prototxt")
    open_axes = axes_to_open(net, batch)
    try:
        return _made(net, open_axes, half, make)
    except CaffeError:
        closed = without_sizes(open_axes)
        if closed == open_axes:
            raise
        return _made(net, closed, half, make)


def _made(
    net: Net,
    open_axes: OpenAxes,
    half: bool,
    make: Callable[[Net, OpenAxes], Made],
) -> tuple[bytes, Exported]:
    sizes = sizes_to_try(own_shapes(net), open_axes)
    less = smaller(net, open_axes)
    exact = outputs(net, examples(net, sizes[0])) if half else {}
    with rounded(net._graph) if half else nullcontext():
        content, runtimes, refused, others = make(net, open_axes)
        refusals = dict(refused)
        found = {where: _differences(net, sizes, runs, where) for where, runs in runtimes.items()}
        for where, runs in runtimes.items():
            for shapes in less:
                inputs = examples(net, shapes)
                try:
                    theirs = _ran(net, inputs, runs, where)
                except CaffeError as error:  # no wrong numbers: it stays open
                    refusals[f"{where} at {_first(shapes)}"] = str(error)
                else:
                    found[where][_first(shapes)] = _from_net(net, inputs, theirs, where)
        for where, runs in others.items():
            try:
                found[where] = _differences(net, [*sizes, *less], runs, where)
            except CaffeError as error:
                refusals[where] = str(error)
        rounding = None
        if half:
            rounding = farthest(outputs(net, examples(net, sizes[0])), exact, ranked_outputs(net))
    differences: dict[tuple[int, ...], float] = {}
    for shape, value in [pair for each in found.values() for pair in each.items()]:
        differences[shape] = max(differences.get(shape, 0), value)
    return content, Exported(differences, tuple(found), refusals, open_axes, rounding)


def _differences(
    net: Net, sizes: list[Shapes], runs: Runs, where: str
) -> dict[tuple[int, ...], float]:
    """By the shape of the first input."""
    return {_first(shapes): difference(net, shapes, runs, where) for shapes in sizes}


def _first(shapes: Shapes) -> tuple[int, ...]:
    return next(iter(shapes.values()))


def difference(net: Net, shapes: Shapes, runs: Runs, where: str) -> float:
    """Runs both on inputs of these shapes; the largest difference, relative to the largest output.

    where: what `runs` runs in, for errors. Raises CaffeError where they differ by more than
    TOLERANCE. The net has the shapes from before then, other values.
    """
    inputs = examples(net, shapes)
    return _from_net(net, inputs, _ran(net, inputs, runs, where), where)


def _ran(net: Net, inputs: Arrays, runs: Runs, where: str) -> Arrays:
    """What the inputs lead to there, with those that are outputs too."""
    with running(net, where):
        return inputs | runs(inputs)


def _from_net(net: Net, inputs: Arrays, theirs: Arrays, where: str) -> float:
    """As `difference`, of what the inputs have led to there."""
    ours = outputs(net, inputs)
    for name, value in ours.items():
        if theirs[name].shape != value.shape:
            raise CaffeError(
                f"net '{net.name}': output '{name}' has shape {theirs[name].shape} in {where}, "
                f"{value.shape} in the net, for inputs of shapes "
                f"{', '.join(str(given.shape) for given in inputs.values())}; where that follows "
                "from whether an axis is 1, leave the axis closed (no -batch)"
            )
    worst = farthest(theirs, ours, ranked_outputs(net))
    if not worst <= TOLERANCE:
        raise CaffeError(
            f"net '{net.name}': in {where} the outputs differ by {worst:g} of the largest "
            f"value (allowed: {TOLERANCE:g})"
        )
    return worst


@contextmanager
def running(net: Net, where: str) -> Iterator[None]:
    """Makes a CaffeError of what a runtime raises inside."""
    try:
        yield
    except Exception as error:  # of the runtimes' many kinds
        reason = " ".join(str(error).split())
        raise CaffeError(f"net '{net.name}': {where} does not run it: {reason}") from None


def ranked_outputs(net: Net) -> set[str]:
    """The blobs whose rows are in the order of scores."""
    layers = zip(net._graph.layers, net._graph.tops, strict=True)
    return {name for layer, tops in layers if layer.ranks_rows for name in tops}


def farthest(theirs: Arrays, ours: Arrays, ranked: Collection[str] = ()) -> float:
    """The largest difference of an output, relative to the largest of its values in `ours`.

    The same infinity, and NaN in both, are no difference; NaN in one of them is one of NaN. A row
    of a `ranked` output is compared with the nearest one, wherever that stands.
    """
    found = []
    for name, value in ours.items():
        measure = _rows_apart if name in ranked else _apart
        apart = measure(theirs[name], value)
        scale = float(np.abs(value[np.isfinite(value)]).max(initial=1e-30))
        found.append(apart.max(initial=0) / scale)
    return float(np.max(found, initial=0))


def _apart(theirs: np.ndarray, ours: np.ndarray) -> np.ndarray:
    same = (theirs == ours) | (np.isnan(theirs) & np.isnan(ours))
    with np.errstate(invalid="ignore"):
        return np.where(same, 0, np.abs(theirs - ours))


def _rows_apart(theirs: np.ndarray, ours: np.ndarray) -> np.ndarray:
    """How far each row is from the nearest of the other's, for both."""
    one, other = (each.reshape(-1, each.shape[-1]) for each in (theirs, ours))
    apart = _apart(one[:, None], other[None]).max(2)
    return np.concatenate([apart.min(0), apart.min(1)])


def outputs(net: Net, inputs: Arrays) -> Arrays:
    """Copies of the net's outputs for inputs of any shape that it takes; its own shapes stay.

    A recurrent layer starts from zeros, as in a file, which has no memory of the last run.
    """
    for layer in net._graph.layers:
        layer.reset()
    before = {name: net.blobs[name].shape for name in inputs}
    for name, value in inputs.items():
        net.blobs[name].reshape(*value.shape)
    found = {name: value.copy() for name, value in net.forward(None, None, None, **inputs).items()}
    for name, shape in before.items():
        net.blobs[name].reshape(*shape)
    return found


def examples(net: Net, shapes: Shapes) -> Arrays:
    """Inputs of these shapes, always the same: normally distributed, or as a layer needs them."""
    rng = np.random.RandomState(0)
    graph = net._graph
    found = {name: rng.randn(*shape).astype(np.float32) for name, shape in shapes.items()}
    blobs = dict(shapes)
    of_input = {name: name for name in shapes}  # blobs that are an input, also behind Splits
    for layer, bottoms, tops in zip(graph.layers, graph.bottoms, graph.tops, strict=True):
        if layer.is_input:
            continue
        below = [blobs[name] for name in bottoms]
        blobs.update(zip(tops, layer.top_shapes(below), strict=True))
        if layer.is_split and bottoms[0] in of_input:
            of_input.update(dict.fromkeys(tops, of_input[bottoms[0]]))
        for i, name in enumerate(bottoms):
            values = layer.example_bottom(i, below, rng) if name in of_input else None
            if values is not None:
                found[of_input[name]] = values.astype(np.float32).reshape(below[i])
    return found
