"""Layers that rearrange: their laws, against float64 references written here."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from laws import SEED, SMALL, agree, drawn, law, normal
from net_text import input_layer, net_of, run_layer


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
