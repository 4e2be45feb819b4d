"""The studies of sections 3.1 and 3.2: what whole images and finer scores cost in time."""

import functools
import io
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

import caffe
import nets
from caffe.proto import caffe_pb2
from data.datasets import Dataset, passes
from data.statistics import reader
from infer import shift_and_stitch
from nets.receptive_field import windows
from solvers.score import evaluate
from surgery import interp, rarefy
from surgery.random_weights import draw
from tables.published import Column, Row, Table, number
from tables.render import Cell, Filled
from tables.times import device

from .arms import plain
from .report import SOURCE, Found
from .setting import Setting
from .training import trained

ROUNDS = 3  # the fastest counts
PATCH, IMAGE, MAP = 227, 500, 10  # pixels of AlexNet's input and of an image; patches on a side
PATCHES = 10  # in a batch
FACTORS = (2, 4)  # by which scores are made finer


def seconds(work: Callable[[], object]) -> float:
    """Of the fastest of ROUNDS runs, after one that is not counted."""
    times = []
    for _ in range(1 + ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times[1:])


def amortization(setting: Setting) -> Found:
    """AlexNet on a patch and on a whole image, as section 3.1 times it: forward and backward."""
    # (name, patches that it is, images, their size, published ms forward and backward)
    cases = (
        ("a patch, in a batch", PATCHES, PATCHES, PATCH, ("1.2", "2.4")),
        ("a patch, alone", 1, 1, PATCH, ("5.4", None)),
        (f"an image, {MAP} x {MAP} patches", 1, 1, IMAGE, ("22", "37")),
    )
    net = _alexnet(setting.width)
    measured = [
        [1000 * s / share for s in _passes(net, images, size)]
        for _, share, images, size, _ in cases
    ]
    columns = (Column("forward, ms", "ours"), Column("backward, ms", "ours"))
    filled = Filled(
        Table(
            "Whole images amortize what patches have in common: AlexNet",
            columns,
            tuple(Row(name, published) for name, *_, published in cases),
            f"{SOURCE.partition(', on')[0]}, section 3.1, on a GPU",
            (f"{PATCH} x {PATCH} and {IMAGE} x {IMAGE} pixels, width {setting.width:g}.",),
        ),
        tuple(
            tuple(Cell(text or "", f"{ms:.3g}") for text, ms in zip(published, ours, strict=True))
            for (*_, published), ours in zip(cases, measured, strict=True)
        ),
        (device(),) * len(cases),
    )
    said = []
    for i, direction in enumerate(("forward", "backward")):
        published = MAP**2 * _ms(cases[0][-1][i]) / _ms(cases[2][-1][i])
        ours = MAP**2 * measured[0][i] / measured[2][i]
        verdict = "it agrees" if ours > 5 else "it does not agree"
        said.append(
            f"Claimed (3.1): {direction}, an image is more than 5 times as fast as its "
            f"{MAP**2} patches ({published:.1f} times by the published times). Seen: {ours:.1f} "
            f"times; {verdict}."
        )
    names = [name for name, *_ in cases]
    per_patch = [[*pair] for pair in measured]
    per_patch[2] = [ms / MAP**2 for ms in measured[2]]
    return Found([filled], said, _bars(filled.table.title, "ms a patch", names, per_patch))


def _ms(text: str | None) -> float:
    value = number(text)
    assert value is not None
    return value


def _alexnet(width: float) -> caffe.Net:
    """The convolutional CaffeNet without FCN's padding: fc6's map of 500 pixels is 10 x 10."""
    spec = nets.convolutional("caffenet", width=width)
    conv1 = next(layer for layer in spec.layer if layer.type == "Convolution")
    conv1.convolution_param.pad[:] = [0]
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
    draw(net)
    return net


def _passes(net: caffe.Net, images: int, size: int) -> tuple[float, float]:
    """Seconds of a forward and of a backward pass."""
    (top,) = net.outputs
    net.blobs["data"].reshape(images, 3, size, size)
    net.blobs["data"].data[...] = np.random.default_rng(0).normal(0, 60, (images, 3, size, size))

    def both() -> None:
        net.forward()
        net.blobs[top].diff[...] = 1
        net.backward()

    forward = seconds(net.forward)
    return forward, seconds(both) - forward


class Way(NamedTuple):
    """A way to finer scores: its mean IU in percent, None if as another's; milliseconds an image"""

    name: str
    mean_iu: float | None
    milliseconds: float


def finer_scores(setting: Setting) -> Found:
    """Rarefied filters, and shift-and-stitch, beside the skips: mean IU and time (3.2, 4.2)."""
    seed, data = setting.seeds[0], setting.data()
    folders = [trained(setting, plain(skips), seed) for skips in range(3)]
    weights = [f / f"{net}.caffemodel" for f, net in zip(folders, setting.stages, strict=True)]
    specs = [nets.net_for(data, net, "deploy", width=setting.width) for net in setting.stages]
    rarefied = [
        (f"rarefied by {factor}", rarefy(specs[0], factor), weights[0]) for factor in FACTORS
    ]
    image = _image(data)
    ways = []
    for name, spec, path in (*zip(setting.stages, specs, weights, strict=True), *rarefied):
        milliseconds = 1000 * _forward(_net(spec, path), image)
        val = nets.net_for(data, setting.stages[0], "val", width=setting.width)
        ways.append(
            Way(name, 100 * _mean_iu(spec, path, val, passes(data, data.val_split)), milliseconds)
        )
    net, stride = _net(specs[0], weights[0]), int(windows(specs[0])["score_fr"].stride)
    for factor in FACTORS:
        stitched = functools.partial(shift_and_stitch, net, image, factor=factor, stride=stride)
        ways.append(Way(f"shifted and stitched by {factor}", None, 1000 * seconds(stitched)))
    filled = _costs(ways, setting)
    names = [way.name for way in ways]
    png = _bars(filled.table.title, "ms an image", names, [[way.milliseconds] for way in ways])
    return Found([filled], [_verdict(ways)], png)


def _image(data: Dataset) -> np.ndarray:
    """(3, H, W) float32, BGR less the mean: the first of the validation set."""
    layer = reader(data, data.val_split)
    return layer.load_entry(0, "")[0]


def _net(spec: caffe_pb2.NetParameter, weights: Path) -> caffe.Net:
    """A net with weights from a file; its upsampling interpolates where that has none."""
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
    interp(net, [layer for layer in net.params if layer.startswith("upscore")])
    net.copy_from(weights)
    return net


def _forward(net: caffe.Net, image: np.ndarray) -> float:
    net.blobs["data"].reshape(1, *image.shape)
    net.blobs["data"].data[...] = image
    return seconds(lambda: net.forward()["score"].sum())


def _mean_iu(
    spec: caffe_pb2.NetParameter, weights: Path, val: caffe_pb2.NetParameter, images: int
) -> float:
    """That of a deploy net, as a fraction, on the images of a val net, whose labels it takes."""
    scored = caffe_pb2.NetParameter(name=spec.name)
    scored.layer.extend([val.layer[0], *spec.layer[1:], val.layer[-1]])
    return evaluate(_net(scored, weights), images).scores.mean_iu


def _costs(ways: Sequence[Way], setting: Setting) -> Filled:
    """A row a way: its mean IU and time, and what it has more of both than the coarsest net."""
    columns = ("mean IU", "ms an image", "points gained", "times the time", "ms a point")
    cells = [_cells(way, ways[0]) for way in ways]
    rows = tuple(Row(way.name, (None,) * len(columns)) for way in ways)
    note = (
        f"{setting.dataset.title}, images downscaled by {setting.downscale}, seed "
        f"{setting.seeds[0]}. Shifting and stitching gives the rarefied net's scores."
    )
    title = "Finer scores: rarefied filters, shift-and-stitch, skips"
    named = tuple(Column(name, "ours") for name in columns)
    return Filled(Table(title, named, rows, None, (note,)), tuple(cells), (device(),) * len(ways))


def _cells(way: Way, coarsest: Way) -> tuple[Cell, ...]:
    mean_iu = gain = ""
    if way.mean_iu is not None and coarsest.mean_iu is not None:
        mean_iu, gain = f"{way.mean_iu:.1f}", f"{way.mean_iu - coarsest.mean_iu:+.1f}"
    cost = _cost(way, coarsest)
    texts = (
        mean_iu,
        f"{way.milliseconds:.1f}",
        "" if way == coarsest else gain,
        f"{way.milliseconds / coarsest.milliseconds:.2f}",
        "" if cost is None else f"{cost:.1f}",
    )
    return tuple(Cell(ours=text) for text in texts)


def _cost(way: Way, coarsest: Way) -> float | None:
    """Milliseconds a point of mean IU that a way has more than the coarsest net; None: no more."""
    if way.mean_iu is None or coarsest.mean_iu is None or way.mean_iu <= coarsest.mean_iu:
        return None
    return (way.milliseconds - coarsest.milliseconds) / (way.mean_iu - coarsest.mean_iu)


def _verdict(ways: Sequence[Way]) -> str:
    """What was claimed of the cost of an improvement, what was seen, whether it agrees."""
    coarsest, *others = [way for way in ways if way.mean_iu is not None]
    skips = [cost for way in others[:2] if (cost := _cost(way, coarsest)) is not None]
    finer = [cost for way in others[2:] if (cost := _cost(way, coarsest)) is not None]
    worst_skip = f"{min(skips):.1f} ms a point" if skips else "no improvement"
    best_finer = f"{min(finer):.1f} ms a point" if finer else "no improvement"
    agrees = bool(skips) and (not finer or min(finer) > min(skips))
    return (
        "Claimed (4.2): the ratio of cost to improvement of shift-and-stitch is worse than that of "
        f"layer fusion. Seen: rarefied filters, {best_finer}; skips, {worst_skip}; "
        f"{'it agrees' if agrees else 'it does not agree'}."
    )


def _bars(title: str, unit: str, names: Sequence[str], groups: Sequence[Sequence[float]]) -> bytes:
    """A PNG of bars: a group a name, in it forward and, if there is one, backward."""
    from matplotlib.figure import Figure  # here: it takes a second

    drawn = Figure(figsize=(9, 0.6 * len(names) + 1.5), layout="constrained")
    axes = drawn.add_subplot()
    kinds = ("forward", "backward")[: len(groups[0])]
    for i, kind in enumerate(kinds):
        height = 0.8 / len(kinds)
        places = [row + i * height for row in range(len(names))]
        axes.barh(places, [group[i] for group in groups], height, label=kind)
    axes.set(title=title, xlabel=unit, yticks=range(len(names)))
    axes.set_yticklabels(list(names))
    axes.invert_yaxis()
    axes.legend()
    png = io.BytesIO()
    drawn.savefig(png, format="png", dpi=110)
    return png.getvalue()
