"""StridedSlice of Synopsys' Caffe, against numpy's indices."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.laws import SEED, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.export import onnx, torch_file

NAMES = ("begin", "end", "strides", "axes")
MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
SHAPE = (4, 3, 5)
PART = st.tuples(st.integers(-6, 6), st.integers(-6, 6), st.sampled_from([-2, -1, 1, 2, 3]))
KIND = st.sampled_from(["part", "from the first", "to the last", "all", "one", "new", "rest"])


def body(parts, masks=(), axes=()):
    fields = dict(zip(NAMES, zip(*parts, strict=True), strict=False)) | {"axes": axes}
    text = " ".join(f"{name}: {value}" for name, values in fields.items() for value in values)
    text += "".join(f" {name}: {value}" for name, value in zip(MASKS, masks, strict=False))
    return f"strided_slice_param {{ {text} }}"


def index(kind, begin, end, step):
    """numpy's index, and the bits of MASKS that say so."""
    return {
        "part": (slice(begin, end, step), 0b00000),
        "from the first": (slice(None, end, step), 0b00001),
        "to the last": (slice(begin, None, step), 0b00010),
        "all": (slice(None, None, step), 0b00011),
        "rest": (Ellipsis, 0b00100),
        "new": (None, 0b01000),
        "one": (begin, 0b10000),
    }[kind]


@law("StridedSlice")
@drawn(150)
@given(SEED, st.lists(st.tuples(KIND, PART), min_size=1, max_size=5))
def test_it_takes_what_numpy_takes(seed, axes):
    x, masks, indices = normal(seed, *SHAPE), [0] * 5, []
    for i, (kind, part) in enumerate(axes):
        each, bits = index(kind, *part)
        indices.append(each)
        masks = [mask | (bits >> place & 1) << i for place, mask in enumerate(masks)]
    try:
        expected = x[tuple(indices)]
    except IndexError:  # out of range, too many axes or two ellipses
        assume(False)
    assume(expected.size)
    found = run_layer("StridedSlice", body([part for _, part in axes], masks), [x]).y[0]
    np.testing.assert_array_equal(found, expected)


@law("StridedSlice")
@pytest.mark.parametrize(
    ("axes", "parts", "expected"),
    [
        ((1,), [(1, 9, 1)], np.s_[:, 1:]),
        ((-1, 0), [(-1, -9, -2), (0, 2, 1)], np.s_[:2, :, ::-2]),
    ],
)
def test_axes_are_named_as_in_onnx(axes, parts, expected):
    x = normal(0, *SHAPE)
    found = run_layer("StridedSlice", body(parts, axes=axes), [x]).y[0]
    np.testing.assert_array_equal(found, x[expected])


def test_other_axes_stay_open_in_a_file(tmp_path):
    text = input_layer("data", 1, 4, 5, 6) + (
        f'layer {{ name: "s" type: "StridedSlice" bottom: "data" top: "y" '
        f"{body([(0, 0, 1), (3, 0, -2)], (1, 1))} }}"
    )
    for export in (onnx.export, torch_file.export):
        found = export(net_of(text), tmp_path / "net", batch=True)
        assert found.open_axes == {"data": {0: "batch", 2: "height", 3: "width"}}


@pytest.mark.parametrize(
    ("parts", "masks", "axes", "message"),
    [
        ([(0, 1, 0)], (), (), "strides must not be 0"),
        ([(0, 1, 1)], (), (1, 2), "must be as many"),
        ([(0, 1, 1)] * 2, (0, 0, 3), (), "one bit at most; found 3"),
        ([(0, 1, 1)] * 4, (), (), "takes of 4 axes; the bottom's shape is"),
        ([(2, 1, 1)], (), (), "takes nothing of axis 0"),
        ([(4, 0, 1)], (0, 0, 0, 0, 1), (), "takes place 4 of axis 0"),
    ],
)
def test_what_does_not_fit_is_named(parts, masks, axes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .StridedSlice.: .*{message}"):
        run_layer("StridedSlice", body(parts, masks, axes), [np.zeros(SHAPE)])
