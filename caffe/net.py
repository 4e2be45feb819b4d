"""caffe.Net: a net as scripts see it, and the passes over its layers."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from .core.blob import Blob, BlobVec
from .core.boost import DtypeVec, IntVec, LayerVec, StringVec, Unpicklable, read_only
from .core.errors import CaffeError, caffe_error
from .core.files import PathLike
from .core.log import LOGGER
from .core.named_blobs import NetBlobs, NetParams
from .engine.inference import FastForward
from .engine.layerwise import Hook, Layerwise
from .engine.schedule import losses
from .graph import canonical
from .graph.build import Graph, build
from .proto import caffe_pb2
from .proto.text import in_prototxt
from .proto.upgrade import read_net
from .storage import caffemodel, hdf5_model
from .storage.content import net_content
from .storage.loading import load, share

if TYPE_CHECKING:
    from .export.torch_module import NetModule

AS_WRITTEN = "it is as the prototxt says: change that, and open the net again"


class Net(Unpicklable):
    """pycaffe's Net: `Net(prototxt, phase)`, `Net(prototxt, weights, phase)`, or with keywords.

    blobs: OrderedDict of blob name to Blob; params: of layer name to its parameter blobs.
    level and stages add to the `state` of the prototxt. Raises CaffeError for a prototxt or weights
    that Caffe would refuse.
    """

    def __init__(
        self,
        network_file: PathLike,
        phase: int | PathLike | None = None,
        level: int | None = None,
        stages: Sequence[str] | None = None,
        weights: PathLike | None = None,
    ) -> None:
        if isinstance(phase, str | os.PathLike) and weights is None:  # Net(file, weights, phase)
            weights, phase, level = phase, level, None
            for source, line in (
                ("_caffe.cpp:139", "DEPRECATION WARNING - deprecated use of Python interface"),
                ("_caffe.cpp:140", 'Use this instead (with the named "weights" parameter):'),
                ("_caffe.cpp:142", f"Net('{network_file}', {phase}, weights='{weights}')"),
            ):
                LOGGER.warning("%s", line, extra={"source": source})
        if isinstance(level, str | os.PathLike):
            raise caffe_error(
                TypeError,
                f"the third argument is the level; give weights by name: Net({network_file!r}, "
                f"{phase!r}, weights={level!r})",
            )
        if (
            phase not in (caffe_pb2.TRAIN, caffe_pb2.TEST)
            or not isinstance(level, int | None)
            or isinstance(stages, str)
        ):
            raise caffe_error(
                TypeError,
                "use Net(file, phase), Net(file, weights, phase) or Net(file, phase, weights=...), "
                "with phase caffe.TRAIN or caffe.TEST and stages a list; "
                f"found phase {phase!r}, level {level!r}, weights {weights!r}, stages {stages!r}",
            )
        spec = read_net(network_file)
        state = caffe_pb2.NetState()
        state.CopyFrom(spec.state)
        state.MergeFrom(caffe_pb2.NetState(phase=phase, level=level or 0, stage=stages or []))
        with in_prototxt(network_file):
            self._init(spec, state)
        if weights is not None:
            self.copy_from(weights)

    @classmethod
    def from_proto(cls, spec: caffe_pb2.NetParameter, state: caffe_pb2.NetState) -> Net:
        """A net from a NetParameter message, in the given state."""
        net = cls.__new__(cls)
        net._init(spec, state)
        return net

    def _init(self, spec: caffe_pb2.NetParameter, state: caffe_pb2.NetState) -> None:
        described = canonical.describe(spec, state)
        described.state.CopyFrom(state)
        self._graph: Graph = build(described)
        layers = self._graph.layers
        self._names = [layer.name for layer in layers]
        # Of several "(automatic)" the last is shown, in the place of the first.
        self._blobs_by_name = NetBlobs(
            dict(zip(self._blob_names, self._graph.blobs.values(), strict=True))
        )
        self._params_by_layer = NetParams(
            {layer.name: layer.blobs for layer in layers if layer.blobs}
        )
        self._layers = LayerVec(getattr(layer, "instance", layer) for layer in layers)
        self._fast = FastForward(self._graph)
        self._layerwise = Layerwise(self._graph, spec.debug_info)

    # What a net consists of.

    @read_only(AS_WRITTEN)
    def name(self) -> str:
        return self._graph.spec.name

    @read_only("write the values: net.blobs['x'].data[...] = array")
    def blobs(self) -> OrderedDict[str, Blob]:
        return self._blobs_by_name

    @read_only("write the values: net.params['x'][0].data[...] = array")
    def params(self) -> OrderedDict[str, BlobVec]:
        return self._params_by_layer

    @read_only(AS_WRITTEN)
    def layers(self) -> LayerVec:
        """The layers in order; a Python layer is the user's own object."""
        return self._layers

    @read_only(AS_WRITTEN)
    def layer_dict(self) -> OrderedDict:
        return OrderedDict(zip(self._names, self.layers, strict=True))

    @read_only(AS_WRITTEN)
    def inputs(self) -> list[str]:
        return list(self._graph.inputs)

    @read_only(AS_WRITTEN)
    def outputs(self) -> list[str]:
        return list(self._graph.outputs)

    @read_only(AS_WRITTEN)
    def top_names(self) -> OrderedDict[str, list[str]]:
        shown = ([*map(self._graph.shown, tops)] for tops in self._graph.tops)
        return OrderedDict(zip(self._names, shown, strict=True))

    @read_only(AS_WRITTEN)
    def bottom_names(self) -> OrderedDict[str, list[str]]:
        return OrderedDict(zip(self._names, self._graph.bottoms, strict=True))

    @read_only(AS_WRITTEN)
    def blob_loss_weights(self) -> OrderedDict[str, float]:
        return OrderedDict(zip(self._blob_names, self._blob_loss_weights, strict=True))

    # pycaffe's spelling of the same, which scripts of its time use.

    @property
    def _layer_names(self) -> StringVec:
        return StringVec(self._names)

    @property
    def _blob_names(self) -> StringVec:
        return StringVec(map(self._graph.shown, self._graph.blobs))

    @property
    def _blobs(self) -> BlobVec:
        return BlobVec(self._graph.blobs.values())

    @property
    def _blob_loss_weights(self) -> DtypeVec:
        weights = dict.fromkeys(self._graph.blobs, 0.0)
        for tops, values in zip(self._graph.tops, self._graph.loss_weights, strict=True):
            weights.update(zip(tops, values, strict=True))
        return DtypeVec(weights.values())

    @property
    def _inputs(self) -> IntVec:
        return self._ids(self._graph.inputs)

    @property
    def _outputs(self) -> IntVec:
        return self._ids(self._graph.outputs)

    def _bottom_ids(self, i: int) -> IntVec:
        return self._ids(self._graph.bottoms[i])

    def _top_ids(self, i: int) -> IntVec:
        return self._ids(self._graph.tops[i])

    def _ids(self, names: Iterable[str]) -> IntVec:
        ids = {name: i for i, name in enumerate(self._graph.blobs)}
        return IntVec(ids[name] for name in names)

    # Passes.

    def forward(
        self,
        blobs: Iterable[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **inputs: np.ndarray,
    ) -> dict[str, np.ndarray]:
        """Run the layers from `start` to `end` (all by default), inputs set from keywords first.

        Returns the data of the outputs (with `end`: of that layer's tops) and of `blobs`.
        """
        first = self._index(start) if start is not None else 0
        last = self._index(end) if end is not None else len(self._names) - 1
        names = [*self._graph.tops[last]] if end is not None else self.outputs
        names = [*map(self._graph.shown, names), *(blobs or ())]
        self._set(inputs, self.inputs, "data", "input")
        self._forward(first, last, names)
        return {name: self._blob(name).data for name in names}

    def backward(
        self,
        diffs: Iterable[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **top_diffs: np.ndarray,
    ) -> dict[str, np.ndarray]:
        """Run backward from layer `start` down to `end`, output diffs set from keywords first.

        Returns the diff of the inputs (with `end`: of that layer's bottoms) and of `diffs`.
        """
        first = self._index(start) if start is not None else len(self._names) - 1
        last = self._index(end) if end is not None else 0
        names = self._graph.bottoms[last] if end is not None else self._graph.inputs
        self._set(top_diffs, self.outputs, "diff", "output")
        self._backward(first, last)
        return {name: self._blob(name).diff for name in [*names, *(diffs or ())]}

    def forward_all(
        self, blobs: Iterable[str] | None = None, **inputs: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Run forward over any number of inputs, a batch at a time; returns copies, stacked."""
        total = self._items(inputs)
        outs: dict[str, list[np.ndarray]] = {}
        for batch in self._batch(inputs):
            _append(outs, self.forward(blobs, None, None, **batch))
        return _stacked(outs, total)

    def forward_backward_all(
        self,
        blobs: Iterable[str] | None = None,
        diffs: Iterable[str] | None = None,
        **inputs_and_diffs: np.ndarray,
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """As forward_all, with a backward pass for each batch; keywords name inputs and outputs."""
        inputs = {k: v for k, v in inputs_and_diffs.items() if k in self.inputs}
        top_diffs = {k: v for k, v in inputs_and_diffs.items() if k in self.outputs}
        total = self._items(inputs_and_diffs)
        outs: dict[str, list[np.ndarray]] = {}
        all_diffs: dict[str, list[np.ndarray]] = {}
        nothing: dict[str, np.ndarray] = {}
        batches = zip_longest(self._batch(inputs), self._batch(top_diffs), fillvalue=nothing)
        for batch, diff_batch in batches:
            _append(outs, self.forward(blobs, None, None, **batch))
            _append(all_diffs, self.backward(diffs, None, None, **diff_batch))
        return _stacked(outs, total), _stacked(all_diffs, total)

    def reshape(self) -> None:
        """Bring all blobs' shapes in step with the inputs' (forward does this by itself)."""
        self._layerwise.reshape()

    def clear_param_diffs(self) -> None:
        """Set all parameter diffs to zero; backward adds to them."""
        for param in self._graph.params:
            param.blob._diff.clear()

    def before_forward(self, hook: Hook) -> None:
        """Call hook(i) before each layer's forward, i the layer's place in `layers`."""
        self._layerwise.before_forward.append(hook)

    def after_forward(self, hook: Hook) -> None:
        """Call hook(i) after each layer's forward."""
        self._layerwise.after_forward.append(hook)

    def before_backward(self, hook: Hook) -> None:
        """Call hook(i) before each layer's backward."""
        self._layerwise.before_backward.append(hook)

    def after_backward(self, hook: Hook) -> None:
        """Call hook(i) after each layer's backward."""
        self._layerwise.after_backward.append(hook)

    def set_debug_info(self, on: bool) -> None:
        """Log mean absolute values of every layer in every pass, as the net's `debug_info` says."""
        self._layerwise.debug_info = on

    def _check_fed(self) -> None:
        """Raise CaffeError where a layer stands in for one that reads data, and there are none."""
        for i, layer in enumerate(self._graph.layers):
            layer.check_fed(self._graph.top(i))

    def _forward_backward(self) -> float:
        """Both passes over all layers; returns the loss (Net::ForwardBackward)."""
        last, sources = len(self._names) - 1, self._layerwise.sources
        loss = self._layerwise.forward(range(sources))
        with self._layerwise.threads():
            loss += self._layerwise.forward(range(sources, last + 1))
            self._backward(last, 0)
        self._layerwise.log_totals()
        return loss

    def _forward(self, first: int, last: int, wanted: Iterable[str] = ()) -> float:
        """Run layers first..last; returns the weighted sum of their losses.

        The blobs in `wanted` will be read. A pass over all layers that nobody watches may take the
        fast path (engine/inference.py).
        """
        self._check_range(first, last)
        layers = range(first, last + 1)
        everything = len(layers) == len(self._names)
        if not everything or self._layerwise.is_watched() or not self._fast.applies():
            return self._layerwise.forward(layers)
        for layer in self._graph.layers:
            if layer.param_shapes:
                layer.check_params()
        shown = {*self._graph.outputs, *losses(self._graph), *wanted}
        self._fast.forward(shown & self._graph.blobs.keys())
        return sum(map(self._layerwise.loss, layers))

    def _backward(self, first: int, last: int) -> None:
        """Run backward from layer `first` down to `last`."""
        self._check_range(last, first)
        self._fast.give_up()
        self._layerwise.backward(range(first, last - 1, -1))

    def _check_range(self, low: int, high: int) -> None:
        if low < 0 or high >= len(self._names):
            raise CaffeError(
                f"net '{self.name}' has layers 0 to {len(self._names) - 1}; "
                f"found a pass over {low} to {high}"
            )

    # Input of a net whose first layer is MemoryData.

    def set_input_arrays(self, data: np.ndarray, labels: np.ndarray) -> None:
        """Let the MemoryData layer read data (N, C, H, W) and labels (N,) from now on.

        Both float32 and contiguous, N a multiple of the batch size; the arrays are used in place.
        Raises CaffeError for anything else, or a net without such a layer in front.
        """
        if labels.ndim == 1:
            labels = np.ascontiguousarray(labels[:, np.newaxis, np.newaxis, np.newaxis])
        self._set_input_arrays(data, labels)

    def _set_input_arrays(self, data: np.ndarray, labels: np.ndarray) -> None:
        self._graph.layers[0].set_input_arrays(data, labels)

    # Parameters.

    def copy_from(self, weights: PathLike) -> None:
        """Load a caffemodel by layer name; layers that only one side has are left alone.

        A name that ends in .h5 is an HDF5 file's. Raises CaffeError for a file that is no whole
        caffemodel, or a shape that does not fit; nothing is loaded then.
        """
        load(self._graph, caffemodel.read_weights(weights), weights)

    def load_hdf5(self, path: PathLike) -> None:
        """As copy_from, of an HDF5 file whatever its name."""
        load(self._graph, hdf5_model.read_weights_hdf5(path), path)

    def share_with(self, other: Net) -> None:
        """Use the other net's parameters from now on, layer by layer by name.

        Raises CaffeError, and shares none, where those of a layer have other shapes; a TypeError
        too for what is no Net.
        """
        if not isinstance(other, Net):
            raise caffe_error(
                TypeError, f"share_with takes a Net; found {other!r}; of a solver give solver.net"
            )
        share(self._graph, other._graph)

    def save(self, path: PathLike) -> None:
        """Write a caffemodel; an older file of that name stays whole until it is complete."""
        caffemodel.write_weights(path, net_content(self._graph))

    def save_hdf5(self, path: PathLike, write_diff: bool = False) -> None:
        """As save, in HDF5 whatever the name; with the diffs if asked for."""
        hdf5_model.write_weights_hdf5(path, net_content(self._graph, write_diff))

    def to_torch(self) -> NetModule:
        """The net as a torch.nn.Module with a copy of the parameters, see NetModule.

        Raises CaffeError for a net with data layers or Python layers.
        """
        from .export.torch_module import NetModule

        return NetModule(self._graph)

    # Helpers.

    def _index(self, name: str) -> int:
        if name not in self._names:
            raise caffe_error(
                ValueError, f"net '{self.name}' has no layer '{name}'; it has {self._names}"
            )
        return self._names.index(name)

    def _blob(self, name: str) -> Blob:
        if name not in self.blobs:
            raise caffe_error(
                KeyError, f"net '{self.name}' has no blob '{name}'; it has {list(self.blobs)}"
            )
        return self.blobs[name]

    def _set(self, given: dict[str, np.ndarray], names: list[str], part: str, kind: str) -> None:
        if given and set(given) != set(names):
            raise CaffeError(
                f"net '{self.name}': {kind} arguments must be {names}; found {list(given)}"
            )
        for name, value in given.items():
            blob = self._blob(name)
            if np.shape(value)[:1] != blob.shape[:1]:
                raise CaffeError(
                    f"{kind} '{name}': batch {np.shape(value)[:1]} does not match the blob's "
                    f"shape {blob.shape}; reshape the blob first"
                )
            try:
                getattr(blob, part)[...] = value
            except ValueError:
                raise caffe_error(
                    ValueError,
                    f"{kind} '{name}': an array of shape {np.shape(value)} does not fit the blob's "
                    f"shape {blob.shape}; reshape the blob first",
                ) from None

    def _items(self, arrays: dict[str, np.ndarray]) -> int:
        lengths = {name: len(array) for name, array in arrays.items()}
        if len(set(lengths.values())) != 1:
            raise CaffeError(
                f"net '{self.name}': give arrays of one length for {self.inputs}; found {lengths}"
            )
        return next(iter(lengths.values()))

    def _batch(self, blobs: dict[str, np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
        """The arrays batch by batch, the last one filled up with zeros; no batch of no arrays."""
        total = max((len(array) for array in blobs.values()), default=0)
        size = next(iter(self._graph.blobs.values())).shape[0]
        for at in range(0, total, size):
            batch = {name: np.asarray(array[at : at + size]) for name, array in blobs.items()}
            missing = at + size - total
            if missing > 0:
                for name, part in batch.items():
                    batch[name] = np.pad(part, [(0, missing)] + [(0, 0)] * (part.ndim - 1))
            yield batch


def _append(lists: dict[str, list[np.ndarray]], arrays: dict[str, np.ndarray]) -> None:
    for name, array in arrays.items():
        lists.setdefault(name, []).extend(np.atleast_1d(array).copy())


def _stacked(lists: dict[str, list[np.ndarray]], total: int) -> dict[str, np.ndarray]:
    """The lists as arrays, without what the last batch was filled up with."""
    return {name: np.asarray(values)[:total] for name, values in lists.items()}
