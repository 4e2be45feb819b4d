"""Layers that rearrange: their laws, against float64 references written here."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe


@law("Concat")
@drawn()
@given(SEED, st.integers(-3, 2), st.lists(SMALL, min_size=1, max_size=4))
def test_concat_joins_along_an_axis_that_may_be_negative(seed, axis, sizes):
    xs = []
    for i, size in enumerate(sizes):
        shape = [2, 3, 4]
        shape[axis] = size
        xs.append(normal(seed + i, *shape))
    whole = np.concatenate(xs, axis)
    dy = normal(seed + 9, *whole.shape)
    ran = run_layer("Concat", f"concat_param {{ axis: {axis} }}", xs, diffs=[dy])
    assert np.array_equal(ran.y[0], whole)
    parts = np.split(dy, np.cumsum(sizes)[:-1], axis)
    for dx, part in zip(ran.dx, parts, strict=True):
        assert np.array_equal(dx, part)


@law("Slice")
@drawn()
@given(SEED, st.integers(-3, 2), st.lists(SMALL, min_size=1, max_size=4), st.booleans())
def test_slice_cuts_at_the_points_or_evenly_and_undoes_concat(seed, axis, sizes, even):
    sizes = [sizes[0]] * len(sizes) if even else sizes
    shape = [2, 3, 4]
    shape[axis] = sum(sizes)
    points = np.cumsum(sizes)[:-1]
    text = "" if even else " ".join(f"slice_point: {p}" for p in points)
    x = normal(seed, *shape)
    parts = np.split(x, points, axis)
    diffs = [normal(seed + i, *part.shape) for i, part in enumerate(parts)]
    body = f"slice_param {{ axis: {axis} {text} }}"
    ran = run_layer("Slice", body, [x], tops=len(sizes), diffs=diffs)
    for y, part in zip(ran.y, parts, strict=True):
        assert np.array_equal(y, part)
    assert np.array_equal(ran.dx[0], np.concatenate(diffs, axis))


@law("Concat", "Slice")
def test_concat_dim_and_slice_dim_are_older_names_of_axis():
    x = normal(0, 2, 3, 4)
    assert run_layer("Concat", "concat_param { concat_dim: 2 }", [x, x]).y[0].shape == (2, 3, 8)
    assert run_layer("Slice", "slice_param { slice_dim: 2 }", [x], tops=2).y[1].shape == (2, 3, 2)


def test_the_last_slice_may_be_empty_and_bottom_1_of_a_crop_may_have_more_axes():
    """As BVLC's checks have it."""
    x = normal(0, 2, 3, 4)
    first, rest = run_layer("Slice", "slice_param { slice_point: 3 }", [x], tops=2).y
    assert np.array_equal(first, x)
    assert rest.shape == (2, 0, 4)
    (y,) = run_layer("Crop", "crop_param { axis: 1 }", [x, np.zeros((1, 2, 3, 9))]).y
    assert np.array_equal(y, x[:, :2, :3])


@law("Crop")
@drawn(40)
@given(SEED, st.integers(-4, 3), st.data())
def test_crop_cuts_from_the_axis_on_at_offsets_one_for_all_or_one_each(seed, axis, data):
    start = axis % 4
    like = [data.draw(SMALL) for _ in range(4)]
    one = data.draw(st.booleans())
    offsets = [data.draw(st.integers(0, 3)) for _ in range(1 if one else 4 - start)]
    spread = [0] * start + (offsets * (4 - start) if one else offsets)
    shape = [o + n + data.draw(st.integers(0, 2)) for o, n in zip(spread, like, strict=True)]
    x = normal(seed, *shape)
    text = " ".join(f"offset: {o}" for o in offsets)
    window = tuple(
        slice(o, o + n) if i >= start else slice(None)
        for i, (o, n) in enumerate(zip(spread, like, strict=True))
    )
    dy = normal(seed + 1, *x[window].shape)
    body = f"crop_param {{ axis: {axis} {text} }}"
    ran = run_layer("Crop", body, [x, np.zeros(like)], diffs=[dy])
    assert np.array_equal(ran.y[0], x[window])
    dx = np.zeros(shape, np.float32)
    dx[window] = dy
    assert np.array_equal(ran.dx[0], dx)
    assert not ran.dx[1].any()


@law("Split")
def test_split_gives_the_same_values_to_all_and_adds_their_gradients():
    x = normal(0, 2, 3)
    diffs = [normal(i, 2, 3) for i in (1, 2, 3)]
    ran = run_layer("Split", "", [x], tops=3, diffs=diffs)
    assert all(np.array_equal(y, x) for y in ran.y)
    agree(ran.dx[0], np.sum(np.float64(diffs), 0))


@law("Silence")
def test_silence_gives_its_bottoms_a_zero_gradient():
    net = net_of(
        f"force_backward: true {input_layer('x', 2, 3)}"
        'layer { name: "s" type: "Silence" bottom: "x" }'
    )
    net.blobs["x"].diff[...] = 7
    net.forward()
    net.backward()
    assert not net.blobs["x"].diff.any()
    assert net.outputs == []


@law("Flatten")
@drawn()
@given(SEED, st.lists(SMALL, min_size=1, max_size=5), st.data())
def test_flatten_makes_one_axis_of_axis_to_end_axis_or_a_new_one_of_size_1(seed, shape, data):
    n = len(shape)
    start = data.draw(st.integers(0, n - 1))
    end = data.draw(st.integers(max(0, start - 1), n - 1))
    x = normal(seed, *shape)
    y = x.reshape(*shape[:start], int(np.prod(shape[start : end + 1])), *shape[end + 1 :])
    start, end = (axis - data.draw(st.sampled_from([0, n])) for axis in (start, end))
    dy = normal(seed + 1, *y.shape)
    body = f"flatten_param {{ axis: {start} end_axis: {end} }}"
    ran = run_layer("Flatten", body, [x], diffs=[dy])
    assert ran.y[0].shape == y.shape
    assert np.array_equal(ran.y[0], y)
    assert np.array_equal(ran.dx[0], dy.reshape(shape))


@law("Reshape")
@drawn(60)
@given(SEED, st.lists(SMALL, min_size=1, max_size=4), st.data())
def test_reshape_replaces_num_axes_from_axis_on_keeps_zeros_and_infers_minus_one(seed, shape, data):
    n = len(shape)
    start = data.draw(st.integers(0, n))
    end = data.draw(st.integers(start, n))
    to_infer = int(np.prod(shape[start:end]))
    new = []
    for at in range(start, data.draw(st.integers(start, end))):  # axes kept, by 0 or by name
        new.append(data.draw(st.sampled_from([0, shape[at]])))
        to_infer //= shape[at]
    rest = data.draw(st.sampled_from([[to_infer], [-1], [1, -1], [-1, to_infer], [to_infer, 1]]))
    named = [shape[start + i] if dim == 0 else dim for i, dim in enumerate(new)]
    filled = [to_infer // abs(int(np.prod(rest))) if d == -1 else d for d in rest]
    expected = (*shape[:start], *named, *filled, *shape[end:])
    axis = data.draw(st.sampled_from([start, start - n - 1]))
    num_axes = data.draw(st.sampled_from([end - start, -1])) if end == n else end - start
    dims = " ".join(f"dim: {d}" for d in new + rest)
    body = f"reshape_param {{ shape {{ {dims} }} axis: {axis} num_axes: {num_axes} }}"
    x = normal(seed, *shape)
    dy = normal(seed + 1, *expected)
    ran = run_layer("Reshape", body, [x], diffs=[dy])
    assert ran.y[0].shape == expected
    assert np.array_equal(ran.y[0], x.reshape(expected))
    assert np.array_equal(ran.dx[0], dy.reshape(shape))


@law("Reshape")
def test_reshape_to_no_axes_makes_a_scalar_and_axis_minus_1_appends():
    x = normal(0, 1, 1)
    assert run_layer("Reshape", "reshape_param { shape { } }", [x]).y[0].shape == ()
    body = "reshape_param { shape { dim: 1 dim: 1 } axis: -1 num_axes: 0 }"
    assert run_layer("Reshape", body, [normal(0, 2, 3)]).y[0].shape == (2, 3, 1, 1)


@law("Flatten", "Reshape")
@pytest.mark.parametrize("kind", ["Flatten", "Reshape"])
def test_top_and_bottom_are_the_same_memory_also_after_the_bottom_grew(kind):
    """What a layer in place on the top computes is what the bottom shows, as in Caffe."""
    param = "reshape_param { shape { dim: 0 dim: -1 } }"
    net = net_of(
        "force_backward: true "
        + input_layer("x", 1, 2, 3)
        + 'layer { name: "p" type: "Eltwise" bottom: "x" bottom: "x" top: "a" }'
        + f'layer {{ name: "l" type: "{kind}" bottom: "a" top: "y" {param} }}'
        + 'layer { name: "r" type: "ReLU" bottom: "y" top: "y" }'
    )
    for items in (1, 4, 2):
        x = normal(items, items, 2, 3)
        net.blobs["x"].reshape(*x.shape)
        net.blobs["x"].data[...] = x
        net.forward()
        assert net.blobs["a"].shape == x.shape
        assert np.array_equal(net.blobs["a"].data, np.maximum(2 * x, 0))
        net.blobs["y"].data[...] = 7
        assert (net.blobs["a"].data == 7).all()
        net.forward()
        net.blobs["y"].diff[...] = 1
        net.backward()
        assert np.array_equal(net.blobs["a"].diff, x > 0)
        assert np.array_equal(net.blobs["x"].diff, 2.0 * (x > 0))


@law("Tile")
@drawn()
@given(SEED, st.integers(-3, 2), SMALL)
def test_tile_repeats_along_its_axis_and_sums_the_gradients_of_the_tiles(seed, axis, tiles):
    x = normal(seed, 2, 3, 4)
    y = np.concatenate([x] * tiles, axis)
    dy = normal(seed + 1, *y.shape)
    body = f"tile_param {{ axis: {axis} tiles: {tiles} }}"
    ran = run_layer("Tile", body, [x], diffs=[dy])
    assert np.array_equal(ran.y[0], y)
    agree(ran.dx[0], np.sum(np.split(np.float64(dy), tiles, axis), 0))


def shaped(*dims: int, more: str = "") -> str:
    return f"reshape_param {{ shape {{ {' '.join(f'dim: {d}' for d in dims)} }} {more} }}"


@pytest.mark.parametrize(
    ("kind", "body", "shape", "message"),
    [
        ("Flatten", "flatten_param { axis: 2 end_axis: 0 }", (2, 3, 4), "end_axis 0 lies before"),
        ("Flatten", "", (2,), r"axis 1 is out of range for a bottom of shape \(2,\)"),
        ("Reshape", shaped(-1, -1), (2, 3), r"at most one -1; found \[-1, -1\]"),
        ("Reshape", shaped(-2, 3), (2, 3), r"found \[-2, 3\]"),
        ("Reshape", shaped(4, -1), (2, 3), r"cannot infer.* 4 values.*\(2, 3\) has 6"),
        ("Reshape", shaped(0, -1), (0, 3), "cannot infer the -1.* 0 values"),
        ("Reshape", shaped(2, 2), (2, 3), r"has 6 values, a top of shape \(2, 2\) 4"),
        ("Reshape", shaped(2, 3, 0), (2, 3), r"keeps axis 2 \(0\).*\(2, 3\) lacks"),
        ("Reshape", shaped(6, more="axis: 3"), (2, 3), "axis 3 is out of range"),
        ("Reshape", shaped(6, more="axis: -4"), (2, 3), "axis -4 is out of range"),
        ("Reshape", shaped(6, more="axis: 1 num_axes: 2"), (2, 3), "num_axes 2 must be -1"),
        ("Reshape", shaped(6, more="num_axes: -2"), (2, 3), "num_axes -2 must be -1"),
        ("Tile", "", (2, 3), "tiles must be given and positive; found 0"),
        ("Tile", "tile_param { tiles: -1 }", (2, 3), "positive; found -1"),
        ("Tile", "tile_param { tiles: 2 axis: 2 }", (2, 3), "axis 2 is out of range"),
    ],
)
def test_a_shape_that_cannot_be_is_refused(kind, body, shape, message):
    with pytest.raises(caffe.CaffeError, match=rf"layer 'l' \({kind}\): .*{message}"):
        run_layer(kind, body, [np.zeros(shape)])


@pytest.mark.parametrize("kind", ["Flatten", "Reshape"])
def test_flatten_and_reshape_do_not_run_in_place(kind):
    layer = f'layer {{ name: "l" type: "{kind}" bottom: "x" top: "x" }}'
    with pytest.raises(caffe.CaffeError, match=rf"\({kind}\): does not run in place"):
        net_of(input_layer("x", 2, 3) + layer)
