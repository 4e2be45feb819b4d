"""The fully convolutional nets (Long, Shelhamer & Darrell, 2015; 2017), as released."""

import functools
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from caffe import NetSpec
from caffe import layers as L
from caffe.coord_map import crop
from caffe.net_spec import Top
from caffe.proto import caffe_pb2

from . import alexnet, googlenet, squeezenet, vgg
from .blocks import fuse, score, upsample, without_dropout
from .changes import RELEASED, Changes
from .inputs import input_layers
from .losses import counted_labels, loss

STRIDE = 32  # of every family's coarsest scores


class Family(NamedTuple):
    """A classification net made fully convolutional.

    features   function that defines it, up to what the coarsest scores are taken from
    first      name of its first convolution
    skips      blobs whose scores can be added, each of half the stride of the one before
    scale      factor of the features that the coarsest scores are taken from
    kept       how the names of the first layers begin, which `fcn` can keep as they are
    rate       learning rate of the other layers before the scores where the first are kept
    odd        pooling windows are 3x3: coarse pixels lie on finer ones, not between them
    halved     but those of the image, which is first averaged to half its size; the upsampling to
               the image, an eighth of the caffemodel, then has no weights between classes
    normalize  whether the loss is averaged over the pixels, in the regime it was trained in
    margin     scores that lie before the image's first pixel at any stride of the upsampling, for
               Crop; None: `caffe.coord_map` tells. BVLC's ends at a Concat, which two families have
    """

    features: Callable[..., Top]
    first: str
    skips: tuple[str, ...] = ()
    scale: float = 1
    kept: tuple[str, ...] = ()
    rate: float = 1
    odd: bool = False
    halved: bool = False
    normalize: bool = False
    margin: int | None = None


ALEXNET = Family(alexnet.features, "conv1", odd=True, normalize=True)
VGG16 = Family(vgg.features, "conv1_1", ("pool4", "pool3"), kept=vgg.KEPT)
GOOGLENET = Family(
    googlenet.features,
    "conv1/7x7_s2",
    ("pool3/3x3_s2", "pool2/3x3_s2"),
    odd=True,
    normalize=True,
    margin=98,
)
SQUEEZENET = Family(
    squeezenet.features,
    "conv1",
    ("fire8/concat", "fire4/concat"),
    scale=squeezenet.SCALES["fire9"],
    kept=squeezenet.KEPT,
    rate=squeezenet.RATE,
    odd=True,
    halved=True,
    normalize=True,
    margin=31,
)


class Net(NamedTuple):
    """One of NETS.

    scales      the factor of each skip's features; the finest skip comes last
    fixed       only the scores learn
    modalities  what an RGB-D net sees; if several and not `late`, they are channels of one image
    late        each modality has a backbone of its own, and their scores are averaged
    renamed     name of the first convolution where the family's weights do not fit it
    changes     what it has otherwise than the released net
    """

    family: Family = VGG16
    scales: tuple[float, ...] = ()
    fixed: bool = False
    modalities: tuple[str, ...] = ()
    late: bool = False
    renamed: str | None = None
    changes: Changes = RELEASED

    @property
    def first(self) -> str:
        """Name of the first convolution, without the stream that a late fusion ends it with."""
        return self.renamed or self.family.first

    @property
    def streams(self) -> tuple[str, ...]:
        """What the names of the layers of each backbone end with."""
        return self.modalities if self.late else ("",)

    @property
    def images(self) -> dict[str, int]:
        """The image tops of the data layer, and their channels."""
        channels = {m: 1 if m == "depth" else 3 for m in self.modalities or ("color",)}
        return channels if len(channels) > 1 else {"data": channels.popitem()[1]}


_NETS = {
    "fcn-alexnet": Net(ALEXNET),
    "fcn32s": Net(),
    "fcn32s-fixed": Net(fixed=True),
    "fcn16s": Net(scales=(1,)),
    "fcn8s": Net(scales=(1, 1)),
    # So that all streams learn at one rate although their features differ in size
    "fcn8s-atonce": Net(scales=(0.01, 0.0001)),
    "fcn-googlenet": Net(GOOGLENET),
    "fcn-googlenet-16s": Net(GOOGLENET, scales=(1,)),
    "fcn-googlenet-8s": Net(GOOGLENET, scales=(1, 1)),
    "fcn32s-squeezenet": Net(SQUEEZENET),
    "fcn16s-squeezenet": Net(SQUEEZENET, scales=(squeezenet.SCALES["fire8"],)),
    "fcn8s-squeezenet": Net(
        SQUEEZENET, scales=(squeezenet.SCALES["fire8"], squeezenet.SCALES["fire4"])
    ),
    "fcn32s-color": Net(modalities=("color",)),
    "fcn32s-depth": Net(modalities=("depth",), renamed="conv1_1_d"),
    "fcn32s-hha": Net(modalities=("hha",)),
    "fcn32s-color-d": Net(modalities=("color", "depth"), renamed="conv1_1_bgrd"),
    "fcn32s-color-hha": Net(modalities=("color", "hha"), late=True),
    "fcn16s-color-hha": Net(scales=(1,), modalities=("color", "hha"), late=True),
}
NETS = tuple(name for name, net in _NETS.items() if not net.modalities)
RGBD_NETS = tuple(name for name, net in _NETS.items() if net.modalities)


def modalities(net: str) -> tuple[str, ...]:
    """The images that an RGB-D net sees, of color, depth and hha; () for any other net."""
    return _net(net).modalities


def marks(net: str, heads: int) -> tuple[frozenset[str], int, bool]:
    """What tells the layers of a net with so many heads from the layers of other nets.

    These are the names of the first convolutions, the number of the skips' score layers, and
    whether any features are scaled. Nets with the same marks have the same layers.
    """
    kind = _net(net)
    firsts = frozenset(kind.first + stream for stream in kind.streams)
    return (
        firsts,
        len(kind.scales) * len(kind.streams) * heads,
        any(scale != 1 for scale in (kind.family.scale, *kind.scales)),
    )


def fcn(
    net: str,
    split: str,
    *,
    classes: int | dict[str, int],
    data: dict[str, Any] | None,
    width: float = 1.0,
    normalize: bool | None = None,
    score_rate: float = 1,
    keep: bool = False,
    dropout: bool = True,
    changes: Changes = RELEASED,
) -> caffe_pb2.NetParameter:
    """The net `net` (one of NETS or RGBD_NETS) for "train", "val" or "deploy".

    classes    number of classes: channels of the blob `score`; or that of each label, as
               {"sem": 33, "geo": 3}, for blobs `score_sem` and `score_geo`
    data       module, layer and param_str of the data layer; a deploy net has an Input instead
    width      scales the channels of the backbone and of fc6 and fc7
    normalize  whether the loss is averaged over the pixels, or summed ("heavy learning"); by
               default as in the released net
    score_rate learning rate of the score layers, over that of the others
    keep       whether the first layers, `kept` of the family, don't learn; of an RGB-D net, whose
               first convolution is a new one, they do
    dropout    whether the features are dropped out of in training, as in the released nets
    changes    what it has otherwise than the released net

    Raises ValueError for a net or split that there is none of, for missing `data`, and for changes
    that the net can't have.
    """
    kind = _changed(net, changes)
    labels = classes if isinstance(classes, dict) else {"label": classes}
    n = NetSpec()
    input_layers(n, split, data, size=500, images=kind.images, labels=labels)
    streams = kind.streams
    if len(kind.images) > 1 and not kind.late:
        n.data = L.Concat(*(n[image] for image in kind.images))
    image = n[streams[0] or "data"]

    @functools.cache
    def features_of(stream: str) -> Top:
        options: dict[str, Any] = {}
        if kind.family is VGG16:
            options = {"suffix": stream, "first": kind.first, "fine": changes.fine}
        return kind.family.features(n, n[stream or "data"], split, width, **options)

    for label, outputs in labels.items():
        head = "" if label == "label" else f"_{label}"
        # One by one: each stream's scores are defined right after its features.
        deepest = (
            (stream, _scaled(n, f"scale_fr{head}{stream}", features_of(stream), kind.family.scale))
            for stream in streams
        )
        coarse = _scores(n, kind, f"score_fr{head}", f"score_fused{head}", deepest, outputs)
        top = _upscore(n, kind, streams, coarse, outputs, head)
        n[f"score{head}"] = _crop(kind.family, top, image, kind.family.margin)
        if split != "deploy":
            own = changes if split == "train" else RELEASED
            n[f"loss{head}" if "loss" in n.tops else "loss"] = loss(
                n[f"score{head}"],
                counted_labels(n, label, own, data or {}, cell=STRIDE),
                normalize=kind.family.normalize if normalize is None else normalize,
                class_weights=own.class_weights,
            )
    proto = n.to_proto()
    proto.name = net
    if not changes.coarse:
        heads = ("" if label == "label" else f"_{label}" for label in labels)
        _remove_dead_ends(proto, {f"score{head}" for head in heads})
    if changes.fine:
        _renew_fc6(proto)
    for layer in proto.layer:
        for param in layer.param:
            param.lr_mult *= _rate(kind, layer.name, score_rate, keep)
    return proto if dropout else without_dropout(proto)


def _changed(net: str, changes: Changes) -> Net:
    kind = _net(net)
    changes.check()
    if changes.fine and (kind.family is not VGG16 or kind.scales):
        raise ValueError(f"{net} can't be fine: pool5 has stride 1 in VGG16 without skips alone")
    if not changes.coarse and not kind.scales:
        raise ValueError(f"{net} has no skip whose scores could do without the coarse ones")
    return kind._replace(changes=changes, fixed=kind.fixed or changes.fixed)


def _net(net: str) -> Net:
    if net not in _NETS:
        raise ValueError(f"there is no net {net!r}; choose from {', '.join(_NETS)}")
    return _NETS[net]


def _scores(
    n: NetSpec, kind: Net, name: str, fused: str, features: Iterable[tuple[str, Top]], classes: int
) -> Top:
    """Scores of every stream's features; if there are several streams, their average, `fused`."""
    scores = []
    for stream, top in features:
        n[name + stream] = score(top, classes, kind.changes.score_std)
        scores.append(n[name + stream])
    if len(scores) == 1:
        return scores[0]
    n[fused] = fuse(*scores, coeff=[1 / len(scores)] * len(scores))
    return n[fused]


def _upscore(
    n: NetSpec, kind: Net, streams: tuple[str, ...], scores: Top, classes: int, head: str
) -> Top:
    """The coarsest scores, fused with those of each skip, upsampled to the image (section 4)."""
    odd, changes = kind.family.odd, kind.changes
    name = f"upscore2{head}"
    for blob, scale in zip(kind.family.skips, kind.scales, strict=False):
        layer = blob.partition("/")[0]
        n[name] = coarse = upsample(scores, classes, 2, odd, changes.upsampling)
        skip = f"score_{layer}{head}"
        features = (
            (stream, _scaled(n, f"scale_{layer}{head}{stream}", n[blob + stream], scale))
            for stream in streams
        )
        fine = _scores(n, kind, skip, skip, features, classes)
        if blob == kind.family.skips[0] and not changes.coarse:
            scores, name = fine, f"upscore_{layer}{head}"
            continue
        if odd:  # the coarse scores are as large as the fine ones, or reach a pixel further
            n[f"{name}c"] = coarse = _crop(kind.family, coarse, fine, 0)
        else:
            n[f"{skip}c"] = fine = crop(fine, coarse)
        n[f"fuse_{layer}{head}"] = scores = fuse(coarse, fine, fusion=changes.fusion)
        name = f"upscore_{layer}{head}"
    stride = STRIDE >> len(kind.scales) + changes.fine
    name = f"upscore{stride if kind.scales or changes.fine else ''}{head}"
    halved = kind.family.halved
    n[name] = upsample(scores, classes, stride, odd and not halved, apart=halved)
    return n[name]


def _crop(family: Family, top_from: Top, top_to: Top, margin: int | None) -> Top:
    """Crop layer that cuts `top_from` down to the pixels of `top_to`.

    Between scores and features of GoogLeNet and SqueezeNet there is no margin: their windows are
    odd and pooling has no padding, so all strides of the upsampling have their first pixel where
    the features do.
    """
    if family.margin is None:
        return crop(top_from, top_to)
    return L.Crop(top_from, top_to, crop_param=dict(axis=2, offset=[margin]))


def _scaled(n: NetSpec, name: str, top: Top, scale: float) -> Top:
    if scale == 1:
        return top
    n[name] = L.Scale(top, filler=dict(type="constant", value=scale), param=[dict(lr_mult=0)])
    return n[name]


def _rate(kind: Net, layer: str, score_rate: float, keep: bool) -> float:
    """Factor of a layer's learning rates."""
    if layer.startswith("score"):
        return score_rate
    if kind.fixed:
        return 0
    if not keep or kind.modalities:
        return 1
    return 0 if layer.startswith(kind.family.kept) else kind.family.rate


def _remove_dead_ends(net: caffe_pb2.NetParameter, ends: set[str]) -> None:
    """Remove the layers that no loss is computed from, nor any of the blobs `ends`."""
    needed, kept = set(ends), []
    for layer in reversed(net.layer):
        if layer.name.startswith("loss") or needed.intersection(layer.top):
            needed.update(layer.bottom)
            kept.append(layer)
    del net.layer[:]
    net.layer.extend(reversed(kept))


def _renew_fc6(net: caffe_pb2.NetParameter) -> None:
    """Let fc6 start from random values, under a name that no classifier's weights have."""
    fc6 = next(layer for layer in net.layer if layer.name == "fc6")
    fc6.name = "fc6_14x14"
    fc6.convolution_param.weight_filler.type = "msra"
