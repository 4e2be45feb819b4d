"""MIL: what several instances say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


@law("MIL")
@drawn()
@given(SEED, st.sampled_from(["MAX", "NOR"]), SMALL, SMALL)
def test_a_maps_places_speak_for_it(seed, kind, height, width):
    rng = np.random.RandomState(seed)
    x = rng.uniform(0.01, 0.99, (2, 3, height, width)).astype(np.float32)
    dy = normal(seed, 2, 3, 1, 1)
    found = run_layer("MIL", f"mil_param {{ type: {kind} }}", [x], diffs=[dy])
    wide = x.astype(np.float64)
    most = wide.max((2, 3), keepdims=True)
    if kind == "MAX":
        top, slope = most, (wide == most).astype(float)
    else:
        top = np.maximum(1 - (1 - wide).prod((2, 3), keepdims=True), most)
        slope = np.minimum(1, (1 - top) / (1 - wide))
    agree(found.y[0], top)
    agree(found.dx[0], dy * slope, 1e-3, 1e-4)


@drawn()
@given(SEED, SMALL, SMALL)
def test_items_in_a_row_speak_for_one(seed, n, count):
    x, dy = normal(seed, n * count, 3), normal(seed + 1, n, 3, 1, 1)
    found = run_layer("MIL", f"mil_param {{ context_per_roi: {count} }}", [x], diffs=[dy])
    each = x.reshape(n, count, 3)
    agree(found.y[0], each.max(1)[..., None, None])
    through = (each == each.max(1, keepdims=True)) * dy.reshape(n, 1, 3)
    agree(found.dx[0], through.reshape(x.shape))


@pytest.mark.parametrize(
    ("more", "shapes", "message"),
    [
        ("", [(4, 3), (1,)], "with context_per_roi alone"),
        ("context_per_roi: 3", [(4, 3)], "N a multiple of 3"),
        ("", [(4,)], "items of channels"),
    ],
)
def test_what_does_not_fit_says_so(more, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .MIL.: .*{message}"):
        run_layer("MIL", f"mil_param {{ {more} }}", [np.zeros(shape) for shape in shapes])
