"""Laws of tables/resampling.py: ways down as loops over the cells, ways up as Caffe's layer."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.net_text import net_of

from tables import resampling
from tables.resampling import READINGS, resampled

VOID = 255
LABELS = hnp.arrays(
    np.uint8,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=20),
    elements=st.sampled_from([0, 1, 2, 20, VOID]),
)
POWERS = st.sampled_from([2, 4, 8])


def cells(label, factor):
    for y in range(0, label.shape[0], factor):
        for x in range(0, label.shape[1], factor):
            yield np.s_[y : y + factor, x : x + factor]


def most_frequent(labels):
    counts = Counter(labels)
    return min(counts, key=lambda value: (-counts[value], value))


@given(label=LABELS, factor=POWERS)
def test_the_most_frequent_label_of_a_cell_is_its_majority_the_lowest_of_several(label, factor):
    result = resampled(label, factor, "majority-nearest")
    for cell in cells(label, factor):
        assert set(result[cell].ravel()) == {most_frequent(label[cell].ravel().tolist())}


@given(label=LABELS, factor=POWERS)
def test_void_is_of_a_cell_without_another_label_where_it_does_not_count(label, factor):
    result = resampled(label, factor, "labelled-majority-nearest")
    for cell in cells(label, factor):
        named = [value for value in label[cell].ravel().tolist() if value != VOID]
        assert set(result[cell].ravel()) == {most_frequent(named) if named else VOID}


@given(label=LABELS, factor=POWERS)
def test_shares_of_an_area_are_those_of_its_labels(label, factor):
    values = np.unique(label)
    channels = (label == values[:, None, None]).astype(np.float32)
    shares = resampling.area(channels, values, factor).reshape(len(values), -1)
    for share, cell in zip(shares.T, cells(label, factor), strict=True):
        expected = [(label[cell] == value).mean() for value in values]
        np.testing.assert_allclose(share, expected, rtol=1e-6)


@pytest.mark.parametrize("factor", [2, 4, 8, 32])
def test_bilinear_is_the_nets_deconvolution(factor):
    """Its weights, up to a factor of each pixel at the border, which all channels share."""
    rows, columns = 3, 4
    net = net_of(f"""
        layer {{ name: "x" type: "Input" top: "x"
          input_param {{ shape {{ dim: 1 dim: 2 dim: {rows} dim: {columns} }} }} }}
        layer {{ name: "up" type: "Deconvolution" bottom: "x" top: "up" convolution_param {{
          num_output: 2 group: 2 bias_term: false kernel_size: {2 * factor} stride: {factor}
          pad: {factor // 2} weight_filler {{ type: "bilinear" }} }} }}""")
    scores = np.random.default_rng(0).random((rows, columns), np.float32)
    net.blobs["x"].data[0] = scores, np.ones((rows, columns))
    up, ones = net.forward()["up"][0]
    ours = (
        resampling.bilinear(rows * factor, rows, factor)
        @ scores
        @ resampling.bilinear(columns * factor, columns, factor).T
    )
    assert ours.shape == up.shape
    np.testing.assert_allclose(ours * ones, up, rtol=1e-5)
    np.testing.assert_allclose(ones[factor:-factor, factor:-factor], 1, rtol=1e-6)


@pytest.mark.parametrize("reading", READINGS)
@given(label=LABELS, factor=POWERS)
def test_every_reading_keeps_the_size_and_names_labels_that_are_there(reading, label, factor):
    result = resampled(label, factor, reading)
    assert (result.shape, result.dtype) == (label.shape, label.dtype)
    assert set(result.ravel()) <= set(label.ravel())


@pytest.mark.parametrize("reading", READINGS)
@given(value=st.sampled_from([0, 7, VOID]), factor=POWERS)
def test_every_reading_keeps_a_map_of_one_label(reading, value, factor):
    label = np.full((9, 13), value, np.uint8)
    np.testing.assert_array_equal(resampled(label, factor, reading), label)


@given(hnp.arrays(np.uint8, (3, 4), elements=st.integers(0, 3)), POWERS)
def test_nearest_readings_lose_nothing_of_uniform_cells(coarse, factor):
    label = coarse.repeat(factor, 0).repeat(factor, 1)
    for reading in (name for name in READINGS if name.endswith("nearest")):
        np.testing.assert_array_equal(resampled(label, factor, reading), label)
