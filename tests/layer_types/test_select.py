"""Layers that choose or sum up: their laws, against float64 references written here."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe


def best(values: np.ndarray, top_k: int) -> list[int]:
    """std::partial_sort by std::greater of (value, index) pairs."""
    return sorted(range(len(values)), key=lambda j: (values[j], j), reverse=True)[:top_k]


@law("ArgMax")
@drawn(60)
@given(SEED, st.integers(-3, 2), st.booleans(), st.data())
def test_argmax_along_an_axis_gives_the_largest_first_and_the_last_of_equal_ones(
    seed, axis, values, data
):
    shape = [data.draw(SMALL) for _ in range(3)]
    top_k = data.draw(st.integers(1, shape[axis]))
    x = np.random.RandomState(seed).randint(-1, 2, shape).astype(np.float32)
    text = f"axis: {axis} top_k: {top_k} out_max_val: {str(values).lower()}"
    y = run_layer("ArgMax", f"argmax_param {{ {text} }}", [x]).y[0]
    index = np.apply_along_axis(best, axis, x, top_k)
    assert np.array_equal(y, np.take_along_axis(x, index, axis) if values else index)


@law("ArgMax")
@drawn(40)
@given(SEED, st.booleans(), st.lists(SMALL, min_size=1, max_size=5), st.data())
def test_argmax_of_whole_items_gives_indices_and_behind_them_the_values(seed, values, shape, data):
    """The top has at least 3 axes, N x 1 x top_k or N x 2 x top_k; further axes are 1."""
    x = np.random.RandomState(seed).randint(-1, 2, shape).astype(np.float32)
    items = x.reshape(shape[0], -1)
    top_k = data.draw(st.integers(1, items.shape[1]))
    text = f"top_k: {top_k} out_max_val: {str(values).lower()}"
    y = run_layer("ArgMax", f"argmax_param {{ {text} }}", [x]).y[0]
    assert y.shape == (shape[0], 1 + values, top_k, *[1] * (len(shape) - 3))
    for item, found in zip(items, y.reshape(shape[0], 1 + values, top_k), strict=True):
        assert found[0].tolist() == best(item, top_k)
        assert not values or found[1].tolist() == item[best(item, top_k)].tolist()


@law("BatchReindex")
@drawn(40)
@given(SEED, SMALL, st.integers(0, 6), st.lists(SMALL, max_size=3))
def test_batch_reindex_picks_items_and_sums_the_gradients_of_one_picked_twice(
    seed, items, picked, shape
):
    rng = np.random.RandomState(seed)
    x, index = normal(seed, items, *shape), rng.randint(0, items, picked)
    dy = normal(seed + 1, picked, *shape)
    fraction = rng.choice([0, 0.75], picked)  # an index is cut to an integer
    ran = run_layer("BatchReindex", "", [x, index + fraction], diffs=[dy])
    assert np.array_equal(ran.y[0], x[index])
    dx = np.zeros(x.shape)
    np.add.at(dx, index, np.float64(dy))
    agree(ran.dx[0], dx)
    assert not ran.dx[1].any()


@law("Filter")
@drawn(40)
@given(SEED, SMALL, st.lists(SMALL, max_size=2), st.booleans())
def test_filter_lets_chosen_items_of_all_bottoms_through_and_gives_others_no_gradient(
    seed, items, shape, axes
):
    rng = np.random.RandomState(seed)
    a, b = normal(seed, items, *shape), normal(seed + 1, items)
    selector = rng.choice([0, 0, 1, -1, 0.5], items)
    net = net_of(
        "force_backward: true "
        + input_layer("a", *a.shape)
        + input_layer("b", items)
        + input_layer("s", items, *[1] * (3 * axes))
        + 'layer { name: "l" type: "Filter" bottom: "a" bottom: "b" bottom: "s" '
        'top: "ya" top: "yb" }'
    )
    assert net.blobs["ya"].shape == a.shape  # as long as no selector is known, all
    for name, value in (("a", a), ("b", b), ("s", selector.reshape(net.blobs["s"].shape))):
        net.blobs[name].data[...] = value
    chosen = selector != 0
    for _ in range(2):  # and again, with other items
        net.forward()
        assert np.array_equal(net.blobs["ya"].data, a[chosen])
        assert np.array_equal(net.blobs["yb"].data, b[chosen])
        net.blobs["ya"].diff[...] = a[chosen]
        net.blobs["yb"].diff[...] = b[chosen]
        net.backward()
        assert np.array_equal(net.blobs["a"].diff.T, np.where(chosen, a.T, 0))
        assert np.array_equal(net.blobs["b"].diff, np.where(chosen, b, 0))
        chosen = ~chosen
        net.blobs["s"].data[...] = chosen.reshape(net.blobs["s"].shape)


@law("Filter")
def test_a_loss_behind_a_filter_works_for_any_number_of_items_also_none():
    net = net_of(
        "force_backward: true "
        + input_layer("x", 3, 2)
        + input_layer("s", 3)
        + 'layer { name: "f" type: "Filter" bottom: "x" bottom: "s" top: "y" } '
        'layer { name: "r" type: "Reduction" bottom: "y" top: "sum" loss_weight: 2 }'
    )
    net.blobs["x"].data[...] = 1
    for selector in ([1, 0, 1], [0, 0, 0], [1, 1, 1]):
        net.blobs["s"].data[...] = selector
        net.forward()
        net.backward()
        assert net.blobs["sum"].data == 2 * sum(selector)
        assert np.array_equal(net.blobs["x"].diff, np.outer(selector, [2, 2]))


REDUCTIONS = {
    "SUM": (lambda x: x.sum(1), lambda x: np.ones_like(x)),
    "ASUM": (lambda x: np.abs(x).sum(1), np.sign),  # at 0: no gradient
    "SUMSQ": (lambda x: (x**2).sum(1), lambda x: 2 * x),
    "MEAN": (lambda x: x.mean(1), lambda x: np.full_like(x, 1 / x.shape[1])),
}


@law("Reduction")
@drawn(60)
@given(
    SEED,
    st.sampled_from(sorted(REDUCTIONS)),
    st.lists(SMALL, min_size=1, max_size=4),
    st.sampled_from(["", "coeff: -0.5", "coeff: 0"]),
    st.data(),
)
def test_reduction_takes_all_axes_from_its_axis_on_times_coeff(seed, kind, shape, coeff, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    kept = shape[: axis % len(shape)]
    x = np.round(normal(seed, *shape), 1)  # some zeros
    flat = np.float64(x).reshape(int(np.prod(kept)), -1)
    dy = normal(seed + 1, *kept)
    body = f"reduction_param {{ operation: {kind} axis: {axis} {coeff} }}"
    ran = run_layer("Reduction", body, [x], diffs=[dy])
    value, slope = REDUCTIONS[kind]
    factor = float(coeff[7:] or 1)
    agree(ran.y[0], factor * value(flat).reshape(kept))
    agree(ran.dx[0], (factor * slope(flat) * np.reshape(dy, (-1, 1))).reshape(shape))


@pytest.mark.parametrize(
    ("kind", "body", "inputs", "message"),
    [
        ("ArgMax", "argmax_param { top_k: 4 }", [(2, 3)], r"top_k must lie in 1 to 3.*found 4"),
        ("ArgMax", "argmax_param { top_k: 0 }", [(2, 3)], r"top_k.*\(2, 3\); found 0"),
        ("ArgMax", "argmax_param { top_k: 3 axis: 0 }", [(2, 3)], "1 to 2.*found 3"),
        ("ArgMax", "argmax_param { axis: 2 }", [(2, 3)], r"axis 2 is out of range.*\(2, 3\)"),
        ("BatchReindex", "", [(2, 3), (2, 1)], r"one axis of indices; found.*\(2, 1\)"),
        ("BatchReindex", "", [(2, 3), [0.0, 2.0]], "'x1' holds 2; expected 0 to 1.*'x0'"),
        ("BatchReindex", "", [(2, 3), [-0.5]], "'x1' holds -0.5; expected 0 to 1"),
        ("BatchReindex", "", [(2, 3), [np.nan]], "'x1' holds nan"),
        ("Filter", "", [(2, 3), (2,), (2,)], "found 1 tops and 3 bottoms"),
        ("Filter", "", [(2, 3), (2, 2)], r"'x1' must have one value for each item.*\(2, 2\)"),
        ("Filter", "", [(2, 3), (3,)], r"'x0' and the selector 'x1'.*\(2, 3\) and \(3,\)"),
        ("Reduction", "reduction_param { axis: 2 }", [(2, 3)], "axis 2 is out of range"),
        ("Reduction", "", [()], r"axis 0 is out of range for a bottom of shape \(\)"),
    ],
)
def test_what_cannot_be_chosen_from_is_refused(kind, body, inputs, message):
    xs = [np.zeros(x) if isinstance(x, tuple) else np.array(x) for x in inputs]
    with pytest.raises(caffe.CaffeError, match=rf"layer 'l' \({kind}\): .*{message}"):
        run_layer(kind, body, xs)


@pytest.mark.parametrize("kind", ["BatchReindex", "Filter"])
def test_no_gradient_reaches_what_chooses(kind):
    """Something learnable below the indices is a mistake in the net."""
    net = net_of(
        input_layer("x", 2)
        + input_layer("i", 2)
        + 'layer { name: "s" type: "Scale" bottom: "i" top: "j" scale_param { axis: 0 } }'
        + f'layer {{ name: "l" type: "{kind}" bottom: "x" bottom: "j" top: "y" loss_weight: 1 }}'
    )
    net.forward()
    with pytest.raises(caffe.CaffeError, match="no gradient for bottom 1"):
        net.backward()


def test_the_mean_of_the_largest_is_no_reduction():
    with pytest.raises(caffe.CaffeError, match=r"layer 'l' \(Reduction\): .*found TOPK"):
        run_layer("Reduction", "reduction_param { operation: TOPK k: 1 }", [np.ones(3)])
