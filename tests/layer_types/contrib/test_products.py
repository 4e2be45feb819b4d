"""DotProduct, CosineSimilarity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

MODES = {  # the bottoms' shapes behind those of both, and einsum's letters
    "VV": ((4,), (4,), "ijk,ijk->ij"),
    "VM": ((4,), (4, 3), "ijk,ijkn->ijn"),
    "MV": ((2, 4), (4,), "ijmk,ijk->ijm"),
    "MM": ((2, 4), (4, 3), "ijmk,ijkn->ijmn"),
}


@law("DotProduct")
@drawn()
@given(SEED, SMALL, SMALL)
def test_items_are_multiplied(seed, n, c):
    x, y = normal(seed, n, c, 2), normal(seed + 1, n, c, 2)
    dy = normal(seed + 2, n, 1, 1, 1)
    found = run_layer("DotProduct", "", [x, y], diffs=[dy])
    wide = [each.astype(np.float64) for each in (x, y)]
    agree(found.y[0].reshape(n), (wide[0] * wide[1]).sum((1, 2)), 1e-4)
    agree(found.dx[0], dy.reshape(n, 1, 1) * wide[1], 1e-4)
    agree(found.dx[1], dy.reshape(n, 1, 1) * wide[0], 1e-4)


@drawn()
@given(SEED, SMALL, st.sampled_from(sorted(MODES)))
def test_last_axes_are_multiplied_by_their_mode(seed, n, mode):
    first, second, letters = MODES[mode]
    x, y = normal(seed, n, 2, *first), normal(seed + 1, n, 2, *second)
    found = run_layer("DotProduct", f"dot_product_param {{ mode: {mode} }}", [x, y]).y[0]
    expected = np.einsum(letters, x.astype(np.float64), y)
    agree(found, expected[..., None] if mode == "VV" else expected, 1e-4)


@law("CosineSimilarity")
@drawn()
@given(SEED, SMALL, SMALL)
def test_the_cosine_of_items(seed, n, c):
    x, y = normal(seed, n, c, 2), normal(seed + 1, n, c * 2)
    each = run_layer("CosineSimilarity", "", [x, y], tops=2)
    one, other = (part.astype(np.float64).reshape(n, -1) for part in (x, y))
    cosines = (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    agree(each.y[0], cosines.reshape(n, 1, 1, 1), 1e-4)
    assert not each.y[1].any()
    agree(run_layer("CosineSimilarity", "", [x, y]).y[0], cosines.mean(), 1e-4)


@pytest.mark.parametrize("shapes", [((4,), (4,)), ((4, 1), (4,)), ((4,), (4, 1))])
def test_items_of_one_value_need_no_axis_for_it(shapes):
    x, y = (normal(i, *shape) for i, shape in enumerate(shapes))
    found = run_layer("CosineSimilarity", "", [x, y], tops=2).y[0]
    agree(found.flatten(), np.sign(np.float64(x).flatten() * y.flatten()))
    if len(set(shapes)) == 1:
        agree(run_layer("DotProduct", "", [x, y]).y[0].flatten(), np.float64(x) * y)


@pytest.mark.parametrize(
    ("kind", "body", "shapes", "message"),
    [
        ("DotProduct", "", [(2, 3), (2, 3, 1)], "needs bottoms of one shape"),
        ("DotProduct", "dot_product_param { }", [(2, 3), (2, 3)], "needs a mode: VV, VM"),
        ("DotProduct", "dot_product_param { mode: VM }", [(2, 3), (2, 4, 5)], "the last but one"),
        ("CosineSimilarity", "", [(2, 3), (2, 4)], "as many items of as many values"),
        ("CosineSimilarity", "", [(), ()], "as many items of as many values"),
    ],
)
def test_what_does_not_fit_says_so(kind, body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer(kind, body, [np.zeros(shape) for shape in shapes])
