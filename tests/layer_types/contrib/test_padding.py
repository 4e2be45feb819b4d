"""Pad, Padding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.layer_text import input_dim, v1_layer
from support.net_text import net_of, run_layer

import caffe

MODES = {"ZERO": "constant", "REPLICATE": "edge", "REFLECT": "symmetric", "REFLECT_101": "reflect"}


@law("Pad")
@drawn()
@given(SEED, st.integers(0, 3), st.sampled_from(sorted(MODES)))
def test_maps_get_rows_and_columns_around_them(seed, pad, kind):
    x = normal(seed, 2, 2, 4, 5)
    found = run_layer("Pad", f"pad_param {{ pad: {pad} type: {kind} }}", [x]).y[0]
    agree(found, np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), MODES[kind]))


@pytest.mark.parametrize(("kind", "pad"), [("REFLECT", 4), ("REFLECT_101", 3)])
def test_no_more_is_reflected_than_there_is(kind, pad):
    with pytest.raises(caffe.CaffeError, match="too few rows or columns to reflect"):
        run_layer("Pad", f"pad_param {{ pad: {pad} type: {kind} }}", [np.zeros((1, 1, 3, 5))])


@law("Padding")
@drawn()
@given(SEED, st.integers(0, 2), st.integers(0, 2))
def test_ends_are_padded_or_cut(seed, first, last):
    x = normal(seed, 2, 2, 5, 6)
    body = f"padding_param {{ pad_beg: {first} pad_end: {last} }}"
    padded = run_layer("Padding", body, [x]).y[0]
    agree(padded, np.pad(x, ((0, 0), (0, 0), (first, last), (first, last))))
    body = f"padding_param {{ pad_beg: {-first} pad_end: {-last} }}"
    cut = run_layer("Padding", body, [x]).y[0]
    agree(cut, x[:, :, first : 5 - last, first : 6 - last])


def test_padding_does_one_of_both():
    with pytest.raises(caffe.CaffeError, match="pads or cuts at both ends"):
        run_layer("Padding", "padding_param { pad_beg: 1 pad_end: -1 }", [np.zeros((1, 1, 3, 3))])
    with pytest.raises(caffe.CaffeError, match="nothing is left"):
        run_layer("Padding", "padding_param { pad_beg: -3 }", [np.zeros((1, 1, 3, 3))])


def test_the_padding_of_deeplabs_first_release():
    body = "padding_param { pad_beg: 1 pad_end: 0 }"
    net = net_of(input_dim(3, 4) + v1_layer("p", "PADDING", "data", body))
    assert net.blobs["p"].shape == (1, 3, 4, 5)
