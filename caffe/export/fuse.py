"""BatchNorm, BN, Scale and Bias as part of the layer before them, whose weights they scale."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from ..core.files import PathLike
from ..graph.canonical import filtered
from ..layer_types import LayerType
from ..layer_types.base import Affine, Shape
from ..layer_types.scaled import scaled
from ..net import Net
from ..proto import caffe_pb2
from ..proto.upgrade import read_net

Place = tuple[int, int]  # a layer, and which of its tops


class Fused(NamedTuple):
    """A net without the layers that could be worked into others."""

    spec: caffe_pb2.NetParameter
    net: Net
    gone: dict[str, str]  # the layers that it has no more, and those that do their work
    left: dict[str, str]  # the layers that scale and shift and are still there, and why

    def report(self) -> list[str]:
        """What became of the layers, in lines for a reader."""
        lines = [f"{name}: left as it is, for {why}" for name, why in self.left.items()]
        into = len(set(self.gone.values()))
        return [*lines, f"{len(self.gone)} layer(s) fused into {into}"]


class Found(NamedTuple):
    """What goes of a net's layers, by their places in it."""

    work: dict[int, list[int]]  # of a product those that go, in their order
    left: dict[int, str]


def fuse_batchnorm(model: PathLike, weights: PathLike) -> Fused:
    """The net of a prototxt in TEST, with scales and shifts worked into weights and biases.

    A layer goes that multiplies each channel by a number and adds one (BatchNorm and BN by the
    running statistics, Scale, Bias), where it takes the top of a Convolution, Deconvolution or
    InnerProduct, or of another layer that goes, and nothing else reads that. The new weights are
    computed in float64 and rounded once. Raises CaffeError for files that Net would refuse.
    """
    net = Net(model, caffe_pb2.TEST, weights=weights)
    spec = filtered(read_net(model), net._graph.spec.state)
    layers = _built(net, spec)
    found = _found(spec, layers)
    fused = _without(spec, found.work)
    new = Net.from_proto(fused, net._graph.spec.state)
    for name, blobs in new.params.items():
        for blob, values in zip(blobs, net.params[name], strict=False):
            blob.data[...] = values.data
    for product, others in found.work.items():
        layer, shape = layers[product]
        params = [blob.data_tensor().double() for blob in layer.blobs]
        values = scaled(layer, shape, params, [_affine(*layers[i]) for i in others])
        for blob, value in zip(new.params[spec.layer[product].name], values, strict=True):
            blob.data[...] = value.float().cpu().numpy()
    names = [layer.name for layer in spec.layer]
    gone = {names[i]: names[p] for p, others in found.work.items() for i in others}
    return Fused(fused, new, gone, {names[i]: why for i, why in found.left.items()})


def _built(net: Net, spec: caffe_pb2.NetParameter) -> list[tuple[LayerType, Shape]]:
    """The layers of the description as the net has them, and the shapes of their first bottoms."""
    graph = net._graph
    built = iter(zip(graph.layers, graph.bottoms, strict=True))  # with Splits between
    found = []
    for layer in spec.layer:
        own, bottoms = next(each for each in built if each[0].name == layer.name)
        found.append((own, graph.blobs[bottoms[0]].shape if bottoms else ()))
    return found


def _affine(layer: LayerType, shape: Shape) -> Affine:
    affine = layer.affine(shape)
    assert affine is not None  # what _found has found
    return affine


def _found(spec: caffe_pb2.NetParameter, layers: list[tuple[LayerType, Shape]]) -> Found:
    made_by: dict[str, Place] = {}  # blob, as it is at this layer
    source: dict[int, Place] = {}  # of a layer, what its first bottom is
    readers: Counter[Place] = Counter()
    for i, layer in enumerate(spec.layer):
        places = [made_by[name] for name in layer.bottom]
        if places:
            source[i] = places[0]
        readers.update(places)
        made_by.update({name: (i, j) for j, name in enumerate(layer.top)})

    found = Found({}, {})
    ends: dict[Place, int] = {}  # what a product leads to, by itself or by layers that go
    for i, (own, shape) in enumerate(layers):
        axis = own.output_axis(shape)
        if axis is not None and len(own.spec.top) == 1:
            ends[i, 0] = i
        affine = own.affine(shape)
        if affine is None:
            continue
        place = source[i]
        why = _obstacle(spec, layers, affine, ends.get(place), place, readers[place])
        if why:
            found.left[i] = why
        else:
            product = ends[i, 0] = ends.pop(place)
            found.work.setdefault(product, []).append(i)
    return found


def _obstacle(
    spec: caffe_pb2.NetParameter,
    layers: list[tuple[LayerType, Shape]],
    affine: Affine,
    product: int | None,
    place: Place,
    readers: int,
) -> str:
    """Why a layer on this top cannot go; "" where it can."""
    maker = spec.layer[place[0]]
    if product is None:
        return f"'{maker.name}' ({maker.type}) is no layer whose weights could be scaled"
    if readers > 1:
        return f"{readers - 1} more layer(s) read '{maker.top[place[1]]}'"
    layer, shape = layers[product]
    if any(param.name for param in layer.spec.param):
        return f"'{layer.name}' shares its weights by name"
    if affine.axis not in (None, layer.output_axis(shape)):
        return f"it goes along another axis than the outputs of '{layer.name}'"
    return ""


def _without(spec: caffe_pb2.NetParameter, work: dict[int, list[int]]) -> caffe_pb2.NetParameter:
    """The description without the layers that go; products make what the last of those made."""
    gone = {i for others in work.values() for i in others}
    new = caffe_pb2.NetParameter()
    new.CopyFrom(spec)
    new.ClearField("layer")
    for i, layer in enumerate(spec.layer):
        if i in gone:
            continue
        kept = new.layer.add()
        kept.CopyFrom(layer)
        if i in work:
            kept.top[0] = spec.layer[work[i][-1]].top[0]
            for param in (kept.convolution_param, kept.inner_product_param):
                if param.HasField("bias_term"):
                    param.ClearField("bias_term")  # there is one by default
    return new
