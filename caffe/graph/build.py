"""From a description to layers and blobs wired together (Net::Init of net.cpp)."""

import difflib
from dataclasses import dataclass, field
from typing import NamedTuple

from ..core.blob import Blob
from ..core.errors import CaffeError, error_context
from ..core.log import LOGGER
from ..core.strict import is_strict
from ..layer_types import EXTENSIONS, REGISTRY, LayerType, layer_type_list
from ..layer_types.stand_ins import stand_in
from ..proto import caffe_pb2, forks
from ..proto.upgrade.v1 import V1_TYPES
from .assumed import assumed_shapes, lacks_source
from .other_meanings import warn_of_losses


@dataclass
class Parameter:
    """A learnable parameter: its blob, and the multipliers the solver applies."""

    blob: Blob
    spec: caffe_pb2.ParamSpec
    name: str  # as errors name it: layer and index
    groups: int = 1  # of its rows, where it is a convolution's
    connectivity: int = caffe_pb2.LayerParameter.CONNECTED  # which of its zeros stay

    @property
    def lr_mult(self) -> float:
        return self.spec.lr_mult

    @property
    def decay_mult(self) -> float:
        return self.spec.decay_mult


NEAREST = 3  # types that an error names

AUTOMATIC = "(automatic)"  # what a net calls a loss layer's top that has no name


@dataclass
class Graph:
    """A net, built: everything that running, storing and showing it needs."""

    spec: caffe_pb2.NetParameter
    layers: list[LayerType] = field(default_factory=list)
    bottoms: list[list[str]] = field(default_factory=list)  # blob names of each layer
    tops: list[list[str]] = field(default_factory=list)
    blobs: dict[str, Blob] = field(default_factory=dict)
    loss_weights: list[list[float]] = field(default_factory=list)  # of each layer's tops
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    params: list[Parameter] = field(default_factory=list)  # one for each owner of a blob
    automatic: set[str] = field(default_factory=set)  # tops without a name: no outputs, not to read
    # Names of layers whose parameters are not those of the first layer of that name
    ambiguous: list[str] = field(default_factory=list)

    def bottom(self, i: int) -> list[Blob]:
        return [self.blobs[name] for name in self.bottoms[i]]

    def top(self, i: int) -> list[Blob]:
        return [self.blobs[name] for name in self.tops[i]]

    def shown(self, name: str) -> str:
        """What scripts and logs call a blob; several may be `(automatic)`."""
        return AUTOMATIC if name in self.automatic else name


@dataclass
class _Wiring:
    """What `build` has to remember of the layers so far."""

    need: dict[str, bool] = field(default_factory=dict)  # does computing it involve learning?
    unread: dict[str, None] = field(default_factory=dict)
    shared: dict[str, Parameter] = field(default_factory=dict)
    with_params: dict[str, list[Parameter]] = field(default_factory=dict)  # by the layer's name


def build(spec: caffe_pb2.NetParameter) -> Graph:
    """Create a described net's layers, blobs and parameters.

    Raises CaffeError wherever Net::Init would abort, naming the layer.
    """
    if not is_strict():
        warn_of_losses(spec)
    graph, wiring = Graph(spec), _Wiring()
    for layer_spec in spec.layer:
        _append(graph, layer_spec, wiring)
    graph.outputs = sorted(wiring.unread)
    _skip_what_no_loss_needs(graph)
    if spec.force_backward:
        _force_backward(graph)
    set_loss_diffs(graph)
    return graph


class KnownGraph(NamedTuple):
    """As much of a net as can be built, and the places of the other layers.

    The graph's layers have parameters and its blobs shapes; it is not to be run.
    """

    graph: Graph
    failed: dict[int, str]  # layers that there is an error in, and the error
    lacking: dict[int, str]  # layers with a bottom that is not known, and its name
    assumed: dict[int, str]  # data layers without their files, whose images have a size
    absent: dict[int, str]  # other layers without their files, or their Python modules


def build_known(spec: caffe_pb2.NetParameter) -> KnownGraph:
    """As `build`, without the layers that there is an error in, and what is made of their tops."""
    graph, wiring = Graph(spec), _Wiring()
    found = KnownGraph(graph, {}, {}, {}, {})
    for i, layer_spec in enumerate(spec.layer):
        lacking = [name for name in layer_spec.bottom if name not in graph.blobs]
        if lacking:
            found.lacking[i] = lacking[0]
            try:
                _create(layer_spec, spec, AUTOMATIC)
            except CaffeError as error:
                found.failed[i] = str(error)
            continue
        layers, blobs = len(graph.layers), set(graph.blobs)
        try:
            _append(graph, layer_spec, wiring)
        except CaffeError as error:
            for name in graph.blobs.keys() - blobs:
                del graph.blobs[name]
            for of_layers in (graph.layers, graph.bottoms, graph.tops, graph.loss_weights):
                del of_layers[layers:]
            is_absent = isinstance(error, OSError | ModuleNotFoundError)
            if not (is_absent or lacks_source(layer_spec)):
                found.failed[i] = str(error)
                continue
            shapes = assumed_shapes(layer_spec)
            (found.assumed if shapes else found.absent)[i] = str(error)
            for name, shape in shapes.items():
                graph.blobs[name] = Blob(shape)
                wiring.need[name] = False
    return found


def _append(graph: Graph, layer_spec: caffe_pb2.LayerParameter, wiring: _Wiring) -> None:
    """Create a layer, its tops and its parameters, behind those that are there."""
    named = list(layer_spec.top)
    automatic = f"{AUTOMATIC} {len(graph.layers)}"
    layer = _create(layer_spec, graph.spec, automatic)
    if automatic in layer_spec.top:
        graph.automatic.add(automatic)
    _append_tops(graph, layer)
    for name in layer_spec.bottom:
        wiring.unread.pop(name, None)
    i = len(graph.layers)
    graph.layers.append(layer)
    graph.bottoms.append(list(layer_spec.bottom))
    graph.tops.append(list(layer_spec.top))
    wiring.unread.update(dict.fromkeys(named))
    if layer.is_input:
        graph.inputs.extend(layer_spec.top)

    with error_context(f"layer '{layer.name}' ({layer.type})"):
        layer.setup(graph.bottom(i), graph.top(i))
        layer.param_shapes = [blob.shape for blob in layer.blobs]
        layer.reshape(graph.bottom(i), graph.top(i))
    graph.loss_weights.append(_loss_weights(layer))
    needed = [wiring.need[name] and not layer.constant for name in layer_spec.bottom]
    layer.propagate_down = list(layer_spec.propagate_down) or needed
    layer.need_backward = any(needed)
    params = _append_params(graph, layer, wiring.shared)
    if params:
        of_name = wiring.with_params.setdefault(layer.name, params)
        if list(map(id, of_name)) != list(map(id, params)):
            graph.ambiguous.append(layer.name)
            LOGGER.warning("%s; a caffemodel fills the first one", _ambiguous(layer.name))
    layer.need_backward |= any(layer.param_propagate_down)
    for j, name in enumerate(layer_spec.top):
        wiring.need[name] = needed[j] if layer.pairs_tops else layer.need_backward


def check_names(graph: Graph) -> None:
    """Raise CaffeError where parameters would be lost, for a file has them by layer name."""
    if graph.ambiguous:
        raise CaffeError(
            f"{_ambiguous(graph.ambiguous[0])}; weights are stored by layer name, so rename one, "
            "or share its parameters by their names"
        )


def _ambiguous(name: str) -> str:
    return f"layer '{name}': another layer with parameters has this name"


def set_loss_diffs(graph: Graph) -> None:
    """The diff of a top with a loss weight is that weight everywhere: where backward begins.

    A diff that a script or a reshape within the blob's memory has left there stays.
    """
    for i, weights in enumerate(graph.loss_weights):
        for name, blob, weight in zip(graph.tops[i], graph.top(i), weights, strict=True):
            if not weight or not blob._diff.untouched:
                continue
            with error_context(f"layer '{graph.layers[i].name}': loss '{graph.shown(name)}'"):
                blob._diff.own(blob.shape).fill_(weight)


def _create(
    spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter, automatic: str
) -> LayerType:
    """A layer of this description; a loss that names no top is given the automatic one."""
    if not spec.HasField("phase"):
        spec.phase = net.state.phase
    if not is_strict():
        stand_in(spec, net)
    refused = is_strict() and spec.type in EXTENSIONS
    if refused or spec.type not in REGISTRY:
        error = CaffeError(f"layer '{spec.name}': {_known(spec.type)}")
        vars(error)["unknown_layer"] = spec.name  # for proto.place.in_prototxt
        raise error
    layer = REGISTRY[spec.type](spec, spec.phase)
    if layer.loss and not spec.top:
        spec.top.append(automatic)
    for what, found, (low, high) in (
        ("bottom", len(spec.bottom), layer.bottoms),
        ("top", len(spec.top), layer.tops),
    ):
        if found < low or (high is not None and found > high):
            most = "any number" if high is None else high
            wanted = low if low == high else f"{low} to {most}"
            layer.check(False, f"takes {wanted} {what} blob(s); found {found}")
    layer.check(
        len(spec.propagate_down) in (0, len(spec.bottom)),
        f"propagate_down needs one value for each of {len(spec.bottom)} bottoms; "
        f"found {len(spec.propagate_down)}",
    )
    return layer


def _known(kind: str) -> str:
    """What an error says of a layer type that there is none of."""
    if not kind:
        return "has no type, or none that can be read"
    unknown = f"unknown type '{kind}'; "
    if kind in EXTENSIONS:
        return (
            f"{unknown}it is of {EXTENSIONS[kind]}, not of Caffe 1.0, and nets are strict: "
            "caffe.set_strict(False) takes it"
        )
    if today := V1_TYPES.get(kind):
        return f'{unknown}V1 name; write "{today}" or use layers {{ type: {kind} }}'
    return (
        f"{unknown}{forks.of_type(kind) or _nearest(kind)} A script makes it known by "
        f"caffe.register_layer({kind!r}), or as a Python layer"
    )


def _nearest(kind: str) -> str:
    """The types that are spelled most alike, of all hundreds."""
    types = {name.lower(): name for name in layer_type_list()}
    meant = difflib.get_close_matches(kind.lower(), types, cutoff=0.7)
    if meant:
        return f"did you mean {' or '.join(types[name] for name in meant)}?"
    near = difflib.get_close_matches(kind.lower(), types, n=NEAREST, cutoff=0)
    return (
        f"nearest are {', '.join(types[name] for name in near)}; caffe.layer_type_list() has all."
    )


def _append_tops(graph: Graph, layer: LayerType) -> None:
    for j, name in enumerate(layer.spec.top):
        in_place = j < len(layer.spec.bottom) and layer.spec.bottom[j] == name
        if in_place:
            continue
        if name in graph.blobs:
            makers = [
                f"layer '{other.name}'"
                for other, tops in zip(graph.layers, graph.tops, strict=True)
                if name in tops
            ]  # none, where it is assumed of a layer whose file is not there
            layer.check(
                False,
                f"top blob '{name}' is made already by {(*makers, 'a layer above')[0]}; a blob may "
                "be made twice only in place (the same name as bottom and top)",
            )
        layer.check(
            name not in layer.spec.top[:j], f"names top blob '{name}' twice; tops must differ"
        )
    for name in layer.spec.top:
        graph.blobs.setdefault(name, Blob())


def _loss_weights(layer: LayerType) -> list[float]:
    weights, tops = list(layer.spec.loss_weight), len(layer.spec.top)
    if not weights and layer.loss:
        weights = [1.0] + [0.0] * (tops - 1)
    layer.check(
        len(weights) in (0, tops),
        f"loss_weight needs one value for each of {tops} tops; found {len(weights)}",
    )
    return weights or [0.0] * tops


def _append_params(graph: Graph, layer: LayerType, shared: dict[str, Parameter]) -> list[Parameter]:
    """Register the layer's blobs as parameters; a name seen before shares that blob.

    What comes back: the parameter of each blob.
    """
    specs, params = layer.spec.param, []
    layer.check(
        len(specs) <= len(layer.blobs),
        f"has {len(layer.blobs)} parameter(s), but {len(specs)} param {{ }} are given",
    )
    for i, blob in enumerate(layer.blobs):
        spec = caffe_pb2.ParamSpec()
        if i < len(specs):
            spec.CopyFrom(specs[i])
        layer.param_propagate_down.append(spec.lr_mult != 0)
        owner = shared.get(spec.name) if spec.name else None
        if owner is None:
            param = Parameter(
                *(blob, spec, f"{layer.name}[{i}]"),
                groups=max(layer.spec.convolution_param.group, 1),
                connectivity=0 if i else layer.spec.connectivity_mode,
            )
            graph.params.append(param)
            params.append(param)
            if spec.name:
                shared[spec.name] = param
            continue
        params.append(owner)
        strict = spec.share_mode == caffe_pb2.ParamSpec.STRICT
        layer.check(
            blob.shape == owner.blob.shape if strict else blob.count == owner.blob.count,
            f"shares parameter '{spec.name}' with {owner.name}, whose shape is "
            f"{owner.blob.shape}, not {blob.shape}",
        )
        blob.share_data(owner.blob)
        blob.share_diff(owner.blob)
        for mult in ("lr_mult", "decay_mult"):
            if not spec.HasField(mult):
                continue
            if not owner.spec.HasField(mult):
                setattr(owner.spec, mult, getattr(spec, mult))
            layer.check(
                getattr(spec, mult) == getattr(owner.spec, mult),
                f"shares parameter '{spec.name}' with {owner.name}, whose {mult} is "
                f"{getattr(owner.spec, mult):g}, not {getattr(spec, mult):g}",
            )
    return params


def _skip_what_no_loss_needs(graph: Graph) -> None:
    """From the losses backwards: layers that lead to no loss do not run backward."""
    under_loss: set[str] = set()
    skip: set[str] = set()
    for i in reversed(range(len(graph.layers))):
        layer = graph.layers[i]
        losses = [
            bool(weight) or name in under_loss
            for name, weight in zip(graph.tops[i], graph.loss_weights[i], strict=True)
        ]
        if layer.need_backward and all(name in skip for name in graph.tops[i]):
            layer.need_backward = False
            layer.propagate_down = [False] * len(layer.propagate_down)
        if not any(losses):
            layer.need_backward = False
            layer.propagate_down = [False] * len(layer.propagate_down)
        for name, down in zip(graph.bottoms[i], layer.propagate_down, strict=True):
            if any(losses):
                under_loss.add(name)
            if not down:
                skip.add(name)


def _force_backward(graph: Graph) -> None:
    for layer in graph.layers:
        layer.need_backward = True
        layer.propagate_down = [
            down or layer.diff_bottoms(j) for j, down in enumerate(layer.propagate_down)
        ]
        layer.param_propagate_down = [True] * len(layer.param_propagate_down)
