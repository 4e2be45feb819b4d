"""Laws of caffe/engine/border.py: what surrounds an image is around a small blank image too."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, drawn
from support.net_text import input_layer, net_of
from support.plain_path import close, conv, image, layer, plain, ran_fast, scale_of, twins
from torch.utils._python_dispatch import TorchDispatchMode

import caffe
from caffe.engine import border, bounds, plan, regions, schedule

# ---- Stacks of windows ----


def window(kernel: tuple, stride: tuple, pad: tuple, dilation: tuple = (1, 1)) -> str:
    names = {"kernel": kernel, "stride": stride, "pad": pad}
    body = " ".join(
        f"{n}_{axis}: {v}" for n, of in names.items() for axis, v in zip("hw", of, strict=True)
    )
    return body + "".join(f" dilation: {d}" for d in dilation)


def both_axes(of: st.SearchStrategy) -> st.SearchStrategy:
    return st.tuples(of, of)


class Stack:
    """The text of a net of windows on one blob; `tip` is the blob that goes on."""

    def __init__(self, draw_) -> None:
        self.draw = draw_
        self.size = draw_(both_axes(st.integers(3, 24)))
        self.text = input_layer("data", draw_(st.integers(1, 2)), 2, *self.size)
        self.tip, self.count = "data", 0
        self.stride = 1

    def of(self, *choices):
        return self.draw(st.sampled_from(choices))

    def name(self) -> str:
        self.count += 1
        return f"b{self.count}"

    def conv(self, body: str) -> None:
        name = self.name()
        self.text += conv(name, self.tip, f"num_output: 2 {body}")
        self.tip = name

    def strides(self) -> tuple[int, int]:
        found = self.draw(both_axes(st.integers(1, 3 if self.stride <= 2 else 1)))
        self.stride *= max(found)
        return found

    def padded(self) -> None:
        """What most of the border comes from."""
        pad = self.draw(both_axes(st.integers(5, 30)))
        self.conv(window(self.draw(both_axes(st.integers(1, 4))), self.of((1, 1), (2, 1)), pad))

    def convolution(self) -> None:
        kernel, pad = self.draw(both_axes(st.integers(1, 4))), self.draw(both_axes(PADS))
        dilation = self.draw(both_axes(st.sampled_from([1, 1, 2])))
        bias = self.of("", "", "bias_term: false")
        self.conv(f"{window(kernel, self.strides(), pad, dilation)} {bias}")

    def pooling(self) -> None:
        stride = self.strides()
        more = self.draw(both_axes(st.integers(0, 2)))
        h, w = (s + m for s, m in zip(stride, more, strict=True))
        mode = self.of("", "", "round_mode: FLOOR")
        body = f"kernel_h: {h} kernel_w: {w} stride_h: {stride[0]} stride_w: {stride[1]} {mode}"
        self.alone("Pooling", f"pooling_param {{ {body} }}")

    def alone(self, kind: str, body: str = "") -> None:
        name = self.name()
        self.text += layer(kind, name, self.tip, "", body)
        self.tip = name

    def pointwise(self) -> None:
        self.alone(*self.of(*POINTWISE))

    def in_place(self) -> None:
        if self.tip != "data":
            self.text += layer(*self.of(*IN_PLACE)[:1], self.name(), self.tip, self.tip)

    def leaky(self) -> None:
        if self.tip != "data":
            body = "relu_param { negative_slope: 0.3 }"
            self.text += layer("ReLU", self.name(), self.tip, self.tip, body)

    def branch(self) -> None:
        """A window on the tip, and then on with the tip."""
        tip = self.tip
        self.convolution()
        self.tip = tip


PADS = st.sampled_from([0, 0, 1, 1, 2, 3, 8])
POINTWISE = [("LRN", "lrn_param { local_size: 3 alpha: 1 }"), ("Dropout", ""), ("ReLU", "")]
IN_PLACE = [("ReLU",), ("ReLU",), ("Dropout",)]
BLOCKS = [
    *(Stack.convolution,) * 4,
    *(Stack.pooling, Stack.in_place) * 2,
    *(Stack.leaky, Stack.pointwise, Stack.branch, Stack.padded),
]


@st.composite
def stacks(draw_) -> str:
    stack = Stack(draw_)
    if stack.of(True, True, True, False):
        stack.padded()
    for block in draw_(st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=6)):
        block(stack)
    return stack.text


class Found(NamedTuple):
    """A net, what its image reaches, and the blank image for it."""

    net: caffe.Net
    reached: dict[str, regions.Region]
    around: border.Blank | None


def blank_of(text: str, *wanted: str) -> Found | None:
    """For the wanted blobs; else for all that the image does not reach everywhere."""
    try:
        net = plain(net_of(text))
    except caffe.CaffeError:
        return None  # no window fits
    shapes = {name: blob.shape for name, blob in net.blobs.items()}
    everything = {name: regions.whole(shape) for name, shape in shapes.items()}
    sources = schedule.source_layers(net._graph)
    found = [
        plan._planned(step, shapes[step.bottoms[0]])
        for step in schedule.steps_behind(net._graph, sources)
    ]
    reached = bounds.reached_regions(found, everything)
    wanted = wanted or [name for name in reached if reached[name] != everything[name]]
    return Found(net, reached, border.blank(found, shapes, wanted))


def sources_of(found: Found, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """An image under all names that it has."""
    graph = found.net._graph
    return {name: x for i in schedule.source_layers(graph) for name in graph.tops[i]}


def blobs_of(net: caffe.Net, x: np.ndarray) -> dict[str, np.ndarray]:
    """All blobs of an image."""
    net.blobs["data"].reshape(*x.shape)
    net.blobs["data"].data[...] = x
    net.forward()
    return {name: blob.data.copy() for name, blob in net.blobs.items()}


def blank_blobs(net: caffe.Net, around: border.Blank) -> dict[str, np.ndarray]:
    """The blobs of the blank image, by the layers that compute them: others may not fit on it."""
    shape = next(around.shapes[name] for name in around.sources)
    net.blobs["data"].reshape(1, *shape[1:])
    net.blobs["data"].data[...] = 0
    ours = {kind.name for step in around.steps for kind in (step.layer, *step.in_place)}
    for kind in net._graph.layers:
        if kind.name in ours or kind.type in ("Input", "Split"):
            net.forward(start=kind.name, end=kind.name)
    return {name: blob.data.copy() for name, blob in net.blobs.items()}


@contextmanager
def worth(share: float) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(border, "WORTH", share)
        yield


def test_what_surrounds_an_image_is_around_the_blank_image():
    """Of each blob all but the region that the image reaches, on random stacks."""
    shares = []

    @given(stacks(), SEED)
    @drawn(80)
    def check(text, seed):
        with worth(0.95):
            found = blank_of(text)
        if found is None:
            return
        net, reached, around = found
        shares.append(around is not None)
        if around is None:
            return
        x = image(seed, *net.blobs["data"].shape)
        large = blobs_of(net, x)
        small = blank_blobs(net, around)
        scale = max(np.abs(values).max() for values in large.values())
        whole = {name: regions.whole(large[name].shape) for name in around.places}
        wanted = {name: bounds.Bounds(whole[name], reached[name]) for name in around.places}
        held = plan.around_blank(around, sources_of(found, torch.from_numpy(x)), wanted)
        assert held.keys() == around.places.keys()
        for name, places in around.places.items():
            assert small[name].shape[1:] == around.shapes[name][1:]
            nothing = bounds.Bounds(whole[name], ((0, 0), (0, 0)))  # is computed
            ours = border.surrounded(nothing, torch.from_numpy(small[name]), places, len(x))
            h, w = (slice(*span) for span in reached[name])
            outside = np.ones(large[name].shape[2:], bool)
            outside[h, w] = False
            for values in (held[name].values, ours.values):
                close(values.numpy()[:, :, outside], large[name][:, :, outside], scale)

    check()
    assert any(shares)


@given(stacks(), SEED)
@drawn(30)
def test_a_region_of_what_surrounds_is_cut_from_the_whole(text, seed):
    with worth(0.95):
        found = blank_of(text)
    if found is None or found.around is None:
        return
    random, around = np.random.RandomState(seed), found.around
    source = sources_of(found, torch.zeros(found.net.blobs["data"].shape))
    whole, parts = {}, {}
    for name in around.places:
        everything = regions.whole(found.net.blobs[name].shape)
        if any(size < 2 for _, size in everything):
            continue
        inner = tuple(tuple(sorted(random.choice(n + 1, 2, replace=False))) for _, n in everything)
        outer = tuple(
            (random.randint(0, a + 1), random.randint(b, n + 1))
            for (a, b), (_, n) in zip(inner, everything, strict=True)
        )
        nothing = tuple((0, 0) for _ in everything)  # is computed
        whole[name] = bounds.Bounds(everything, nothing)
        parts[name] = bounds.Bounds(outer, inner)
    whole, cut = (plan.around_blank(around, source, of) for of in (whole, parts))
    for name, need in parts.items():
        assert cut[name].region == need.required
        for strip in bounds.strips(need):
            close(cut[name].part(strip).numpy(), whole[name].part(strip).numpy())


def test_a_blank_image_is_as_large_as_its_ends_and_not_as_the_image():
    """The larger image has the same blank image, where strides fall on it alike."""
    sizes = set()
    for size in (16, 32, 64, 128):
        net = VGG.replace("dim: 16 dim: 20", f"dim: {size} dim: {size + 2}")
        with worth(1):
            sizes.add(blank_of(net).around.shapes["data"])
    assert sizes == {(1, 2, 4, 2)}  # its strides are 4 pixels wide


VGG = "".join(
    [
        input_layer("data", 1, 2, 16, 20),
        conv("conv1", "data", "num_output: 2 kernel_size: 3 pad: 30"),
        layer("ReLU", "relu1", "conv1", "conv1"),
        conv("conv1_2", "conv1", "num_output: 2 kernel_size: 3 pad: 1"),
        layer("Pooling", "pool1", "conv1_2", "", "pooling_param { kernel_size: 2 stride: 2 }"),
        conv("conv2", "pool1", "num_output: 2 kernel_size: 3 pad: 1"),
        layer("Pooling", "pool2", "conv2", "", "pooling_param { kernel_size: 2 stride: 2 }"),
    ]
)


# ---- It is the smallest ----


def is_spread(small: np.ndarray, large: np.ndarray, axis: int) -> bool:
    """Whether the large one is the small one with one of its places repeated."""
    size, ahead = small.shape[axis], large.shape[axis] - small.shape[axis]
    large, small = (np.moveaxis(x, axis, 0) for x in (large, small))
    scale = np.abs(large).max()

    def repeated(k: int) -> bool:
        of = [*range(k), *[k] * (ahead + 1), *range(k + 1, size)]
        return np.allclose(small[of], large, rtol=0, atol=1e-5 * scale)

    return ahead >= 0 and any(map(repeated, range(size)))


CONVOLUTIONS = st.lists(
    st.tuples(st.integers(1, 2), st.integers(0, 3), st.integers(0, 6)), min_size=1, max_size=3
)


def test_no_smaller_image_has_the_same_around_it():
    """By their values: no other image of a blob's phase, down to none, can be spread to it."""
    smaller = []

    @given(CONVOLUTIONS, both_axes(st.integers(1, 30)), st.integers(0, 4))
    @drawn(40)
    def check(convolutions, size, pad):
        text, tip = input_layer("data", 1, 1, *size), "data"
        layers = [(1, 2, pad), *convolutions]
        for i, (stride, more, pad) in enumerate(layers):
            body = f"num_output: 2 kernel_size: {stride + more} stride: {stride} pad: {pad}"
            text += conv(f"c{i}", tip, body)
            tip = f"c{i}"
        wanted = [f"c{i}" for i in range(len(layers))]
        with worth(1):
            found = blank_of(text, *wanted)
        if found is None:
            return
        net, _, around = found
        if around is None:  # a window hangs over
            return
        phase = int(np.prod([stride for stride, _, _ in layers]))
        large = blobs_of(net, np.zeros((1, 1, *size), np.float32))
        least = around.shapes["data"][2:]
        for axis in range(2):
            for n in range(least[axis], 0, -phase):
                shape = [1, 1, *size]
                shape[2 + axis] = n
                try:
                    small = blobs_of(net, np.zeros(shape, np.float32))
                except caffe.CaffeError:  # no window fits
                    continue
                same = all(is_spread(small[name], large[name], 2 + axis) for name in wanted)
                assert same == (n == least[axis]), (axis, n)
                smaller.append(n < least[axis] < size[axis])

    check()
    assert any(smaller)


# ---- Where there is none ----

PADDED = input_layer("data", 1, 2, 24, 28) + conv(
    "c", "data", "num_output: 2 kernel_size: 3 pad: 9"
)
NOT_WINDOWS = {
    "Eltwise of two": conv("d", "c", "num_output: 2 kernel_size: 1") + layer("Eltwise", "y", "c d"),
    "Concat": layer("Concat", "y", "c c"),
    "TanH": layer("TanH", "y", "c"),
    "TanH in place": layer("TanH", "tanh", "c", "c")
    + conv("y", "c", "num_output: 1 kernel_size: 1"),
    "AVE pooling": layer("Pooling", "y", "c", "", "pooling_param { pool: AVE kernel_size: 2 }"),
    "a pooling with pad": layer("Pooling", "y", "c", "", "pooling_param { kernel_size: 3 pad: 1 }"),
    "a pooling with a mask": layer("Pooling", "p", "c", "y m", "pooling_param { kernel_size: 2 }"),
    "LRN within channels": layer("LRN", "y", "c", "", "lrn_param { norm_region: WITHIN_CHANNEL }"),
    "Deconvolution": conv("y", "c", "num_output: 2 kernel_size: 2", kind="Deconvolution"),
    "on all channels": conv("y", "c", "num_output: 1 kernel_size: 1 axis: 0"),
}


@pytest.mark.parametrize("name", NOT_WINDOWS)
def test_there_is_none_where_not_all_below_are_windows_on_one_blob(name):
    with worth(1):
        text = PADDED + NOT_WINDOWS[name]
        assert blank_of(text, "y").around is None
        below = text if "place" not in name else PADDED
        assert blank_of(below, "c").around.places.keys() == {"c"}


def test_there_is_none_for_an_input_that_a_layer_changes():
    padded = conv("c", "data", "num_output: 2 kernel_size: 3 pad: 9")
    for between, is_one in ((layer("ReLU", "r", "data", "data"), False), ("", True)):
        text = input_layer("data", 1, 2, 24, 28) + between + padded
        assert (blank_of(text, "c").around is not None) == is_one


def test_there_is_none_that_is_larger_than_worth_it():
    """Where the image is no larger than what it takes to have all ends."""
    for pad, size, is_worth in ((9, 24, True), (9, 2, False), (1, 24, True), (40, 24, False)):
        text = input_layer("data", 1, 2, size, size)
        text += conv("c", "data", f"num_output: 2 kernel_size: 3 pad: {pad}")
        text += conv("d", "c", "num_output: 2 kernel_size: 3 pad: 1")
        found = blank_of(text, "d")
        assert (found.around is not None) == is_worth
        if found.around:
            sizes = [np.prod(found.around.shapes[n]) for n in "cd"]
            assert sum(sizes) <= border.WORTH * sum(found.net.blobs[n].data.size for n in "cd")


def test_there_is_none_for_images_of_two_sizes_and_one_for_two_of_one_size():
    for size, is_one in ((24, True), (23, False)):
        text = PADDED + input_layer("other", 1, 3, size, 28)
        text += conv("d", "other", "num_output: 2 kernel_size: 3 pad: 9")
        found = blank_of(text, "c", "d")
        assert (found.around is not None) == is_one
        assert blank_of(text, "c").around.sources == ["data"]
        if is_one:
            assert set(found.around.sources) == {"data", "other"}


def test_there_is_none_where_nothing_is_wanted():
    text = input_layer("data", 1, 2, 24, 28) + conv("c", "data", "num_output: 2 kernel_size: 3")
    assert blank_of(text).around is None


# ---- In a net that tests ----


def show(net: caffe.Net, seed: int, *shape: int) -> np.ndarray:
    net.blobs["data"].reshape(*shape)
    net.blobs["data"].data[...] = image(seed, *shape)
    return net.forward()["score"].copy()


NET = "".join(
    [
        VGG,
        conv("fc", "pool2", "num_output: 2 kernel_size: 7"),
        conv("up", "fc", "num_output: 2 kernel_size: 4 stride: 4", kind="Deconvolution"),
        layer("Crop", "score", "up data", "", "crop_param { axis: 2 offset: 18 }"),
    ]
)


def blank_image(net: caffe.Net) -> border.Blank | None:
    return net._fast._plan._blank


SIZES = [(1, 40, 44), (1, 33, 50), (2, 40, 44), (1, 40, 44), (3, 33, 50), (1, 21, 64)]


def test_the_first_image_of_a_size_too_is_computed_as_layer_by_layer():
    ours, theirs = twins(NET)
    for seed, (batch, *size) in enumerate(SIZES):
        x, y = (show(net, seed, batch, 2, *size) for net in (ours, theirs))
        close(x, y, scale_of(theirs))
        assert ran_fast(ours)
        assert blank_image(ours)


class Counting(TorchDispatchMode):
    """Counts the values that convolutions compute."""

    def __init__(self) -> None:
        super().__init__()
        self.values = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if "convolution" in func.__name__ and isinstance(out, torch.Tensor):
            self.values += out.numel()
        return out


def test_the_first_image_of_a_size_costs_little_more_than_the_next_one():
    """Less than half of what all of its surroundings cost besides."""
    costs = []
    ours, theirs = twins(NET)
    for net in (ours, ours, theirs):
        with Counting() as counting:
            show(net, 0, 1, 2, 120, 124)
        costs.append(counting.values)
    first, second, everything = costs
    assert blank_image(ours)
    assert second < first < (everything + second) / 2


CHANGES = {
    "a bias": lambda net: net.params["conv1"][1].data.fill(0.7),
    "weights": lambda net: net.params["conv2"][0].data.__imul__(-1),
    "the bias below the border": lambda net: net.params["conv1_2"][1].data.__iadd__(1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_after_weights_change_the_border_is_new(change):
    ours, theirs = twins(NET)
    before = []
    for seed in range(2):
        for net in (ours, theirs):
            before.append(show(net, seed, 1, 2, 40, 44))
    for net in (ours, theirs):
        CHANGES[change](net)
    for seed, size in ((3, (40, 44)), (4, (40, 44)), (5, (33, 50)), (6, (40, 44))):
        x, y = (show(net, seed, 1, 2, *size) for net in (ours, theirs))
        close(x, y, scale_of(theirs))
        assert blank_image(ours)
    assert not np.allclose(before[-1][..., 0, 0], y[..., 0, 0])  # it is in the border that it shows


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_in_the_first_image_stays_there(value):
    ours, theirs = twins(NET)
    for net in (ours, theirs):
        net.blobs["data"].reshape(1, 2, 40, 44)
        net.blobs["data"].data[...] = value
        assert not np.isfinite(net.forward()["score"]).all()
    assert blank_image(ours)
    for seed in range(2):
        x, y = (show(net, seed, 1, 2, 40, 44) for net in (ours, theirs))
        assert np.isfinite(x).all()
        close(x, y, scale_of(theirs))


# ---- What comes of images is as good as an image ----


def merged(kind: str, body: str = "", channels: int = 2) -> str:
    """NET on what a layer makes of a colour image and a depth image."""
    inputs = input_layer("color", 1, channels, 16, 20) + input_layer("depth", 1, channels, 16, 20)
    return inputs + layer(kind, "data", "color depth", "", body) + NET[NET.index(CONV1) :]


CONV1 = conv("conv1", "data", "num_output: 2 kernel_size: 3 pad: 30")
IMAGES = {
    "a Concat": merged("Concat", channels=1),
    "an Eltwise": merged("Eltwise"),
    "an Eltwise of one and what a layer makes of it": input_layer("color", 1, 2, 16, 20)
    + layer("TanH", "depth", "color")
    + layer("Eltwise", "data", "color depth")
    + NET[NET.index(CONV1) :],
}


def show_all(net: caffe.Net, seed: int, *size: int) -> np.ndarray:
    for i, name in enumerate(net.inputs):
        shape = (*net.blobs[name].shape[:2], *size)
        net.blobs[name].reshape(*shape)
        net.blobs[name].data[...] = image(seed + i, *shape)
    return net.forward()["score"].copy()


@pytest.mark.parametrize("name", IMAGES)
def test_there_is_a_border_around_what_comes_of_images(name):
    ours, theirs = twins(IMAGES[name])
    costs = []
    for seed, size in enumerate([(40, 44), (40, 44), (33, 50), (33, 50), (40, 44)]):
        with Counting() as counting:
            x = show_all(ours, seed, *size)
        costs.append(counting.values)
        close(x, show_all(theirs, seed, *size), scale_of(theirs))
        assert ran_fast(ours)
        assert blank_image(ours).sources == ["data"]
    assert costs[1] < costs[0]  # the border was found in the first pass


def test_of_images_of_two_sizes_that_has_a_border_whose_windows_compute_most():
    small = conv("d", "small", "num_output: 1 kernel_size: 3 pad: 9")
    ours, theirs = twins(input_layer("small", 1, 3, 5, 6) + small + NET)
    for seed in range(3):
        x, y = (show(net, seed, 1, 2, 40, 44) for net in (ours, theirs))
        close(x, y, scale_of(theirs))
        close(ours.blobs["d"].data, theirs.blobs["d"].data, scale_of(theirs))
        assert blank_image(ours).sources[0].startswith("data")
