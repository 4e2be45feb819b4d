"""What finer scores cost: rarefied filters and shift-and-stitch beside skips (3.2, 4.2)."""

import functools
from collections.abc import Sequence
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
from tables.published import Column, Row, Table
from tables.render import Cell, Filled
from tables.times import device

from .arms import plain
from .report import Found
from .setting import Setting
from .timing import bars, seconds
from .training import trained_weights

FACTORS = (2, 4)  # by which scores are made finer
WHO = ("rarefied filters", "skips")


class Way(NamedTuple):
    """A way to finer scores: mean IU in percent (None: as another's), milliseconds an image."""

    name: str
    mean_iu: float | None
    milliseconds: float


def finer_scores(setting: Setting) -> Found:
    """Rarefied filters, and shift-and-stitch, beside the skips: mean IU and time (3.2, 4.2)."""
    seed, data = setting.seeds[0], setting.data()
    weights = [trained_weights(setting, plain(skips), seed) for skips in range(3)]
    specs = [nets.net_for(data, net, "deploy", width=setting.width) for net in setting.stages]
    rarefied = [
        (f"rarefied by {factor}", rarefy(specs[0], factor), weights[0]) for factor in FACTORS
    ]
    image = _image(data)
    val = nets.net_for(data, setting.stages[0], "val", width=setting.width)
    images = passes(data, data.val_split)
    ways = [
        Way(name, 100 * _mean_iu(spec, path, val, images), _milliseconds(_net(spec, path), image))
        for name, spec, path in (*zip(setting.stages, specs, weights, strict=True), *rarefied)
    ]
    net, stride = _net(specs[0], weights[0]), int(windows(specs[0])["score_fr"].stride)
    for factor in FACTORS:
        stitched = functools.partial(shift_and_stitch, net, image, factor=factor, stride=stride)
        ways.append(Way(f"shifted and stitched by {factor}", None, 1000 * seconds(stitched)[0]))
    filled = _costs(ways, setting)
    names = [way.name for way in ways]
    png = bars(filled.table.title, "ms an image", names, [[way.milliseconds] for way in ways])
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


def _milliseconds(net: caffe.Net, image: np.ndarray) -> float:
    """Of a forward pass, from an image to its scores."""
    net.blobs["data"].reshape(1, *image.shape)
    net.blobs["data"].data[...] = image
    return 1000 * seconds(lambda: net.forward()["score"].sum())[0]


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
    costs = [_cost(way, coarsest) for way in others]
    skips, rarefied = (
        min((cost for cost in of if cost is not None), default=None)
        for of in (costs[:2], costs[2:])
    )
    if skips is None:
        verdict = "no skip improved anything, so that nothing is decided"
    elif rarefied is None or rarefied > skips:
        verdict = "it agrees"
    else:
        verdict = "it does not agree"
    seen = ("no improvement" if cost is None else f"{cost:.1f} ms" for cost in (rarefied, skips))
    return (
        "Claimed (4.2): the ratio of cost to improvement of shift-and-stitch is worse than that of "
        "layer fusion. Seen, at best, for a point of mean IU: "
        f"{'; '.join(f'{who}, {what}' for who, what in zip(WHO, seen, strict=True))}; {verdict}."
    )
