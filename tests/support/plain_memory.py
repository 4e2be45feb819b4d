"""Nets in plain numpy that follow the rules of BVLC Caffe's memory to the letter, for comparison.

A blob has data and diff, flat arrays as large as the blob has ever been (blob.cpp). Layers write
into them in place, and some give their tops the bottom's array (ShareData, ShareDiff in
split_layer.cpp, flatten_layer.cpp, reshape_layer.cpp, concat_layer.cpp, slice_layer.cpp). Where
several layers read a blob stands a Split (insert_splits.cpp).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

Shape = tuple[int, ...]


class Refused(Exception):
    """Caffe would abort here, or read what no rule gives; nothing has been done."""


class Undefined(Exception):
    """Caffe would read behind the end of a memory that a blob with more room shares."""


class PlainBlob:
    """A blob; `data` and `diff` are arrays that others may share."""

    def __init__(self) -> None:
        self.shape: Shape = ()
        self.capacity = 0
        self.arrays: dict[str, np.ndarray] = {}

    def reshape(self, *shape: int) -> None:
        self.shape = shape
        if math.prod(shape) > self.capacity:
            self.capacity = math.prod(shape)
            self.arrays = {part: np.zeros(self.capacity) for part in ("data", "diff")}

    def share(self, part: str, other: PlainBlob) -> None:
        self.arrays[part] = other.arrays[part]

    def view(self, part: str) -> np.ndarray:
        count = math.prod(self.shape)
        if self.arrays[part].size < count:
            raise Undefined
        return self.arrays[part][:count].reshape(self.shape)

    data = property(lambda self: self.view("data"))
    diff = property(lambda self: self.view("diff"))


@dataclass
class Spec:
    """A layer of a prototxt; `kind` its type, `body` the fields of its parameters."""

    kind: str
    name: str
    bottoms: list[str]
    tops: list[str]
    body: str = ""
    args: dict = field(default_factory=dict)  # what `body` says, for the layers here

    def text(self) -> str:
        names = [f'bottom: "{name}"' for name in self.bottoms]
        names += [f'top: "{name}"' for name in self.tops]
        return f'layer {{ name: "{self.name}" type: "{self.kind}" {" ".join(names)} {self.body} }}'


def insert_splits(specs: Sequence[Spec]) -> list[Spec]:
    """With a Split behind each top that several bottoms take."""
    maker: dict[str, tuple[int, int]] = {}
    source: dict[tuple[int, int], tuple[int, int]] = {}
    for i, spec in enumerate(specs):
        for j, name in enumerate(spec.bottoms):
            source[i, j] = maker[name]
        maker.update({name: (i, j) for j, name in enumerate(spec.tops)})
    readers = Counter(source.values())
    given: Counter[tuple[int, int]] = Counter()
    out = []
    for i, spec in enumerate(specs):
        bottoms = list(spec.bottoms)
        for j, name in enumerate(bottoms):
            made = source[i, j]
            if readers[made] > 1:
                bottoms[j] = f"{name}_{specs[made[0]].name}_{made[1]}_split_{given[made]}"
                given[made] += 1
        out.append(Spec(spec.kind, spec.name, bottoms, spec.tops, spec.body, spec.args))
        for j, name in enumerate(spec.tops):
            if readers[i, j] > 1:
                split = f"{name}_{spec.name}_{j}_split"
                tops = [f"{split}_{k}" for k in range(readers[i, j])]
                out.append(Spec("Split", split, [name], tops))
    return out


class PlainNet:
    """A net of the layer types below, all of which run backward."""

    def __init__(self, specs: Sequence[Spec]) -> None:
        self.layers = [KINDS[spec.kind](spec) for spec in insert_splits(specs)]
        self.blobs: dict[str, PlainBlob] = {}
        for layer in self.layers:
            self.blobs.update({n: PlainBlob() for n in layer.spec.tops if n not in self.blobs})
            layer.bottom = [self.blobs[name] for name in layer.spec.bottoms]
            layer.top = [self.blobs[name] for name in layer.spec.tops]
            layer.setup()
            layer.reshape()
            layer.set_loss_weight()
        self.params = {layer.spec.name: layer.params for layer in self.layers if layer.params}

    def names(self) -> list[str]:
        return [layer.spec.name for layer in self.layers]

    def reshape(self) -> None:
        self._check_forward(0, len(self.layers) - 1)
        for layer in self.layers:
            layer.reshape()

    def forward(self, first: int, last: int) -> None:
        self._check_forward(first, last)
        for layer in self.layers[first : last + 1]:
            layer.reshape()
            layer.forward()

    def backward(self, first: int, last: int) -> None:
        """From layer `first` down to `last`."""
        layers = self.layers[last : first + 1][::-1]
        for layer in layers:
            shapes = layer.top_shapes([blob.shape for blob in layer.bottom])
            layer.check(shapes == [blob.shape for blob in layer.top] and layer.may_run_backward())
        for layer in layers:
            layer.backward()

    def _check_forward(self, first: int, last: int) -> None:
        """Refuse before anything is done."""
        shapes = {name: blob.shape for name, blob in self.blobs.items()}
        for layer in self.layers[first : last + 1]:
            tops = layer.top_shapes([shapes[name] for name in layer.spec.bottoms])
            shapes.update(zip(layer.spec.tops, tops, strict=True))


class PlainLayer:
    """A layer; `bottom`, `top` and `params` are its blobs."""

    bottom: list[PlainBlob]
    top: list[PlainBlob]
    chosen: np.ndarray | None = None  # of a maximum: which one it was in the last forward

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.params: list[PlainBlob] = []

    def check(self, condition: bool) -> None:
        if not condition:
            raise Refused(self.spec.name)

    def setup(self) -> None:
        pass

    def set_loss_weight(self) -> None:
        if "loss_weight" in self.spec.args:
            self.top[0].diff[...] = self.spec.args["loss_weight"]

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        return [shapes[0]] * len(self.top)

    def reshape(self) -> None:
        shapes = self.top_shapes([blob.shape for blob in self.bottom])
        for blob, shape in zip(self.top, shapes, strict=True):
            blob.reshape(*shape)

    def share(self) -> None:
        self.top[0].share("data", self.bottom[0])
        self.top[0].share("diff", self.bottom[0])

    def forward(self) -> None:
        raise NotImplementedError

    def may_run_backward(self) -> bool:
        return True

    def backward(self) -> None:
        raise NotImplementedError


class Input(PlainLayer):
    def setup(self) -> None:
        self.top[0].reshape(*self.spec.args["shape"])

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        return [self.top[0].shape]

    def forward(self) -> None:
        pass

    backward = forward


class Power(PlainLayer):
    def forward(self) -> None:
        args = self.spec.args
        self.top[0].data[...] = self._inner() ** args["power"]

    def backward(self) -> None:
        args = self.spec.args
        slope = args["scale"] * (1 if args["power"] == 1 else 2 * self._inner())
        self.bottom[0].diff[...] = self.top[0].diff * slope

    def _inner(self) -> np.ndarray:
        return self.bottom[0].data * self.spec.args["scale"] + self.spec.args["shift"]


class ReLU(PlainLayer):
    def forward(self) -> None:
        self.top[0].data[...] = np.maximum(self.bottom[0].data, 0)

    def backward(self) -> None:
        self.bottom[0].diff[...] = self.top[0].diff * (self.bottom[0].data > 0)


class InnerProduct(PlainLayer):
    def setup(self) -> None:
        self.inputs = math.prod(self.bottom[0].shape[1:])
        for shape in ((self.spec.args["outputs"], self.inputs), (self.spec.args["outputs"],)):
            self.params.append(PlainBlob())
            self.params[-1].reshape(*shape)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(math.prod(shapes[0][1:]) == self.inputs)
        return [(shapes[0][0], self.spec.args["outputs"])]

    def forward(self) -> None:
        weight, bias = self.params
        x = self.bottom[0].data.reshape(-1, self.inputs)
        self.top[0].data[...] = x @ weight.data.T + bias.data

    def backward(self) -> None:
        weight, bias = self.params
        (x,), (y,) = self.bottom, self.top
        weight.diff[...] += y.diff.T @ x.data.reshape(-1, self.inputs)
        bias.diff[...] += y.diff.sum(0)
        x.diff[...] = (y.diff @ weight.data).reshape(x.shape)


class Eltwise(PlainLayer):
    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(shapes[0] == shapes[1])
        return [shapes[0]]

    def forward(self) -> None:
        a, b = (blob.data for blob in self.bottom)
        operation = self.spec.args["operation"]
        if operation == "MAX":
            self.chosen = a > b
        results = {"SUM": a + b, "PROD": a * b, "MAX": np.maximum(a, b)}
        self.top[0].data[...] = results[operation]

    def may_run_backward(self) -> bool:
        """The mask is one of forward's, of another shape perhaps."""
        if self.spec.args["operation"] != "MAX":
            return True
        return self.chosen is not None and self.chosen.shape == self.top[0].shape

    def backward(self) -> None:
        a, b = self.bottom
        dy = self.top[0].diff
        if self.spec.args["operation"] == "SUM":
            da, db = dy, dy
        elif self.spec.args["operation"] == "PROD":
            da, db = dy * b.data, dy * a.data
        else:
            da, db = dy * self.chosen, dy * ~self.chosen
        a.diff[...], b.diff[...] = da.copy(), db.copy()


class Concat(PlainLayer):
    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(all(s[:1] + s[2:] == shapes[0][:1] + shapes[0][2:] for s in shapes))
        return [(shapes[0][0], sum(shape[1] for shape in shapes), *shapes[0][2:])]

    def reshape(self) -> None:
        super().reshape()
        if len(self.bottom) == 1:
            self.share()

    def forward(self) -> None:
        if len(self.bottom) > 1:
            self.top[0].data[...] = np.concatenate([blob.data for blob in self.bottom], 1)

    def backward(self) -> None:
        if len(self.bottom) > 1:
            at = 0
            for blob in self.bottom:
                blob.diff[...] = self.top[0].diff[:, at : at + blob.shape[1]]
                at += blob.shape[1]


class Slice(PlainLayer):
    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        self.check(shape[1] % len(self.top) == 0)
        return [(shape[0], shape[1] // len(self.top), *shape[2:])] * len(self.top)

    def reshape(self) -> None:
        super().reshape()
        if len(self.top) == 1:
            self.share()

    def forward(self) -> None:
        if len(self.top) > 1:
            parts = np.split(self.bottom[0].data, len(self.top), 1)
            for part, blob in zip(parts, self.top, strict=True):
                blob.data[...] = part

    def backward(self) -> None:
        if len(self.top) > 1:
            self.bottom[0].diff[...] = np.concatenate([blob.diff for blob in self.top], 1)


class Reshape(PlainLayer):
    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        return [(shapes[0][0], math.prod(shapes[0][1:]), 1)]

    def reshape(self) -> None:
        super().reshape()
        self.share()

    def forward(self) -> None:
        pass

    backward = forward


class Flatten(PlainLayer):
    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        return [(shapes[0][0], math.prod(shapes[0][1:]))]

    def forward(self) -> None:
        self.top[0].share("data", self.bottom[0])

    def backward(self) -> None:
        self.bottom[0].share("diff", self.top[0])


class Split(PlainLayer):
    def forward(self) -> None:
        for blob in self.top:
            blob.share("data", self.bottom[0])

    def backward(self) -> None:
        self.bottom[0].diff[...] = sum(blob.diff for blob in self.top)


CORNERS = ((0, 0), (0, 1), (1, 0), (1, 1))


def corners(x: np.ndarray) -> np.ndarray:
    """Of all windows of 2 x 2, one by one the CORNERS."""
    h, w = x.shape[2] - 1, x.shape[3] - 1
    return np.stack([x[:, :, i : i + h, j : j + w] for i, j in CORNERS])


class Convolution(PlainLayer):
    """Kernels of 2 x 2 at a stride of 1."""

    def setup(self) -> None:
        self.channels, outputs = self.bottom[0].shape[1], self.spec.args["outputs"]
        for shape in ((outputs, self.channels, 2, 2), (outputs,)):
            self.params.append(PlainBlob())
            self.params[-1].reshape(*shape)

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        self.check(len(shape) == 4 and shape[1] == self.channels and min(shape[2:]) > 1)
        return [(shape[0], self.spec.args["outputs"], shape[2] - 1, shape[3] - 1)]

    def forward(self) -> None:
        weight, bias = (param.data for param in self.params)
        y = np.zeros(self.top[0].shape) + bias[:, np.newaxis, np.newaxis]
        for (i, j), x in zip(CORNERS, corners(self.bottom[0].data), strict=True):
            y += np.einsum("oc,nchw->nohw", weight[:, :, i, j], x)
        self.top[0].data[...] = y

    def backward(self) -> None:
        weight, bias = self.params
        dy = self.top[0].diff
        h, w = dy.shape[2:]
        dx = np.zeros(self.bottom[0].shape)
        for (i, j), x in zip(CORNERS, corners(self.bottom[0].data), strict=True):
            weight.diff[:, :, i, j] += np.einsum("nohw,nchw->oc", dy, x)
            dx[:, :, i : i + h, j : j + w] += np.einsum(
                "oc,nohw->nchw", weight.data[:, :, i, j], dy
            )
        bias.diff[...] += dy.sum((0, 2, 3))
        self.bottom[0].diff[...] = dx


class Pooling(PlainLayer):
    """Windows of 2 x 2 at a stride of 1, of maxima or means."""

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        (shape,) = shapes
        self.check(len(shape) == 4 and min(shape[2:]) > 1)
        return [(*shape[:2], shape[2] - 1, shape[3] - 1)]

    def forward(self) -> None:
        xs = corners(self.bottom[0].data)
        if self.spec.args["pool"] == "MAX":
            self.chosen = xs.argmax(0)
            self.top[0].data[...] = xs.max(0)
        else:
            self.top[0].data[...] = xs.mean(0)

    def may_run_backward(self) -> bool:
        """The mask is one of forward's, of another shape perhaps."""
        if self.spec.args["pool"] != "MAX":
            return True
        return self.chosen is not None and self.chosen.shape == self.top[0].shape

    def backward(self) -> None:
        (x,), (y,) = self.bottom, self.top
        h, w = y.shape[2:]
        dx = np.zeros(x.shape)
        for k, (i, j) in enumerate(CORNERS):
            share = self.chosen == k if self.spec.args["pool"] == "MAX" else 0.25
            dx[:, :, i : i + h, j : j + w] += y.diff * share
        x.diff[...] = dx


class Silence(PlainLayer):
    def forward(self) -> None:
        pass

    def backward(self) -> None:
        for blob in self.bottom:
            blob.diff[...] = 0


class Reduction(PlainLayer):
    """The sum of everything."""

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        return [()]

    def forward(self) -> None:
        self.top[0].data[...] = self.bottom[0].data.sum()

    def backward(self) -> None:
        self.bottom[0].diff[...] = self.top[0].diff


KINDS: dict[str, type[PlainLayer]] = {
    cls.__name__: cls
    for cls in (
        *(Input, Power, ReLU, InnerProduct, Eltwise, Concat, Slice, Reshape, Flatten, Split),
        *(Convolution, Pooling, Silence, Reduction),
    )
}
