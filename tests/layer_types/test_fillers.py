"""Caffe's fillers: their values or distributions, and that a seed decides the draws."""

import logging
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.net_text import run_layer

import caffe
from caffe.core.blob import Blob
from caffe.layer_types.fillers import FILLERS, fill
from caffe.proto import caffe_pb2


def filled(shape, **filler):
    blob = Blob(shape)
    fill(blob, caffe_pb2.FillerParameter(**filler))
    return blob.data


def distributed(values, mean, std, low=-math.inf, high=math.inf):
    """Mean and standard deviation within five standard errors; every value in its range."""
    n = values.size
    assert abs(values.mean(dtype=np.float64) - mean) < 5 * std / math.sqrt(n)
    assert abs(values.std(dtype=np.float64) / std - 1) < 5 / math.sqrt(n)
    assert low <= values.min()
    assert values.max() <= high


@pytest.mark.parametrize("value", [0, 1.5, -2])
def test_constant_fills_its_value_and_is_the_default(value):
    assert np.all(filled((2, 3), type="constant", value=value) == value)
    assert np.all(filled((2, 3), value=value) == value)


def test_a_constant_overwrites_what_was_there():
    blob = Blob((2,))
    view = blob.data
    view[...] = 7
    fill(blob, caffe_pb2.FillerParameter(value=0))
    assert not blob.data.any()
    assert not view.any()


def test_uniform_draws_between_min_and_max():
    caffe.set_random_seed(0)
    values = filled((200, 100), type="uniform", min=-1, max=3)
    distributed(values, 1, 4 / math.sqrt(12), -1, 3)


def test_gaussian_has_its_mean_and_std():
    caffe.set_random_seed(0)
    distributed(filled((200, 100), type="gaussian", mean=2, std=0.5), 2, 0.5)


def test_sparse_gaussian_keeps_on_average_that_many_inputs_of_each_output():
    caffe.set_random_seed(0)
    values = filled((200, 100), type="gaussian", std=3, sparse=20)
    kept = values != 0
    assert abs(kept.mean() - 20 / 200) < 5 * math.sqrt(0.1 * 0.9 / values.size)
    distributed(values[kept], 0, 3)


def test_positive_unitball_gives_each_output_positive_weights_that_add_up_to_one():
    values = filled((5, 3, 2, 2), type="positive_unitball")
    assert np.all(values > 0)
    np.testing.assert_allclose(values.sum((1, 2, 3), dtype=np.float64), 1, rtol=1e-5)


def test_positive_unitball_of_a_blob_without_axes_is_one():
    assert filled((), type="positive_unitball") == 1


def test_gaussian_unitball_gives_each_output_weights_of_length_one():
    values = filled((5, 3, 2, 2), type="gaussian_unitball").astype(np.float64)
    np.testing.assert_allclose((values**2).sum((1, 2, 3)), 1, rtol=1e-5)
    assert (values < 0).any()


FANS = {
    "FAN_IN": lambda shape: math.prod(shape[1:]),
    "FAN_OUT": lambda shape: math.prod(shape) / shape[1],
    "AVERAGE": lambda shape: (math.prod(shape[1:]) + math.prod(shape) / shape[1]) / 2,
}


@pytest.mark.parametrize("norm", FANS)
@pytest.mark.parametrize("shape", [(50, 20, 5, 4), (100, 200)])
def test_xavier_is_uniform_within_the_root_of_3_over_the_fan(norm, shape):
    caffe.set_random_seed(0)
    norm_number = caffe_pb2.FillerParameter.VarianceNorm.Value(norm)
    values = filled(shape, type="xavier", variance_norm=norm_number)
    bound = math.sqrt(3 / FANS[norm](shape))
    distributed(values, 0, bound / math.sqrt(3), -bound * 1.00001, bound * 1.00001)


@pytest.mark.parametrize("norm", FANS)
@pytest.mark.parametrize("shape", [(50, 20, 5, 4), (100, 200)])
def test_msra_is_gaussian_with_variance_2_over_the_fan(norm, shape):
    caffe.set_random_seed(0)
    norm_number = caffe_pb2.FillerParameter.VarianceNorm.Value(norm)
    values = filled(shape, type="msra", variance_norm=norm_number)
    distributed(values, 0, math.sqrt(2 / FANS[norm](shape)))


def test_a_blob_of_one_axis_has_its_count_as_fan_out():
    caffe.set_random_seed(0)
    out = caffe_pb2.FillerParameter.FAN_OUT
    distributed(filled((10000,), type="msra", variance_norm=out), 0, math.sqrt(2 / 10000))
    leaky = filled((100, 100), type="msra", alpha=0.5)  # He et al. 2015, equation 15
    distributed(leaky, 0, math.sqrt(2 / 1.25 / 100))


@settings(deadline=None)
@given(st.integers(1, 20))
def test_bilinear_is_the_interpolation_kernel_for_every_size(size):
    """Weight (1 - |x - centre| / factor) on each axis: the kernel of Long et al.'s upsampling."""
    factor = (size + 1) // 2
    centre = factor - 1 if size % 2 else factor - 0.5
    ramp = 1 - np.abs(np.arange(size) - centre) / factor
    values = filled((2, 3, size, size), type="bilinear")
    expected = np.broadcast_to(np.outer(ramp, ramp), (2, 3, size, size))
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-7)
    assert np.array_equal(filled((2, 3, size, size), type="bilinear_upsampling"), values)


def test_identity_gives_each_output_its_own_input_in_the_middle():
    values = filled((3, 3, 3, 3), type="identity")
    np.testing.assert_array_equal(values[:, :, 1, 1], np.eye(3))
    assert values.sum() == 3
    np.testing.assert_array_equal(filled((4, 4), type="identity"), np.eye(4))


def test_identity_of_groups_is_yu_and_koltuns():
    """Equation 5 of Yu & Koltun 2016: C over the number of outputs within a group, else noise."""
    caffe.set_random_seed(0)
    filler = caffe_pb2.FillerParameter(type="identity", std=0.01)
    filler.num_groups = 2
    blob = Blob((8, 4, 3, 3))
    fill(blob, filler)
    noise = blob.data.copy()
    alike = np.kron(np.eye(2), np.ones((4, 2)))
    np.testing.assert_array_equal(noise[:, :, 1, 1][alike == 1], 2 / 8)
    noise[:, :, 1, 1][alike == 1] = 0
    assert 0 < np.abs(noise).max() < 0.06


@pytest.mark.parametrize(
    "kind", ["gaussian", "uniform", "xavier", "msra", "positive_unitball", "gaussian_unitball"]
)
def test_a_seed_decides_the_draws_whatever_numpy_and_torch_do(kind):
    draws = []
    for seed in (3, 3, 4):
        caffe.set_random_seed(seed)
        np.random.rand(seed)
        draws.append(filled((4, 5), type=kind, max=1).copy())
    assert np.array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


@pytest.mark.parametrize(
    ("filler", "shape", "message"),
    [
        ({"type": "magic"}, (2,), "unknown filler type 'magic'; there are bilinear, bilinear_u"),
        ({"type": "uniform", "min": 2, "max": 1}, (2,), "found min 2, max 1"),
        ({"type": "uniform", "min": math.nan}, (2,), "found min nan, max 1"),
        ({"type": "uniform", "max": math.inf}, (2,), "both finite; found min 0, max inf"),
        ({"type": "gaussian", "std": 0}, (2,), "std must be positive .*; found std 0"),
        ({"type": "gaussian", "std": -1}, (2,), "found std -1"),
        ({"type": "gaussian", "std": math.nan}, (2,), "found std nan"),
        ({"type": "gaussian", "sparse": -2}, (2,), "found std 1, sparse -2"),
        ({"type": "gaussian", "sparse": 1}, (), "gaussian filler: a blob without axes"),
        ({"type": "xavier"}, (), "xavier filler: a blob without axes"),
        ({"type": "msra"}, (), "msra filler: a blob without axes"),
        ({"type": "gaussian", "sparse": 3}, (2, 2), "sparse 3 exceeds 2 outputs"),
        ({"type": "uniform", "sparse": 3}, (2, 2), "sparse is for the gaussian"),
        ({"type": "bilinear"}, (2, 2), "4 axes"),
        ({"type": "bilinear"}, (1, 1, 2, 3), "square"),
        ({"type": "identity"}, (2, 3), r"as many outputs as inputs; found shape \(2, 3\)"),
        ({"type": "flowBorderMask"}, (2, 3, 3, 3), "needs a blob N x 2 x H x W"),
        ({"type": "borderMask", "border_ratio": 0.1}, (2, 3, 3), "needs a blob of 4 axes"),
        ({"type": "borderMask"}, (1, 1, 2, 2), "needs border_ratio from 0 to 1"),
        ({"type": "borderMask", "border_ratio": -1}, (1, 1, 2, 2), "found -1"),
    ],
)
def test_a_filler_that_cannot_fill_is_an_error(filler, shape, message):
    with pytest.raises(caffe.CaffeError, match=message):
        filled(shape, **filler)


def test_an_error_of_a_filler_names_the_layer():
    body = 'inner_product_param { num_output: 2 weight_filler { type: "magic" } }'
    with pytest.raises(caffe.CaffeError, match=r"layer 'l' \(InnerProduct\): .*'magic'"):
        run_layer("InnerProduct", body, [np.zeros((2, 3))], phase=caffe.TRAIN)


def test_a_forks_filler_leaves_zeros_where_a_caffemodel_brings_the_weights(caplog):
    body = 'inner_product_param { num_output: 2 weight_filler { type: "srm" } }'
    with caplog.at_level(logging.WARNING, "caffe"):
        assert not run_layer("InnerProduct", body, [np.ones((2, 3))]).params[0].any()
    said = "layer 'l': filler 'srm' is unknown; weights that no caffemodel holds stay 0"
    assert caplog.messages == [said]


def test_strict_nets_have_caffe_1_0s_fillers():
    caffe.set_strict(True)
    try:
        for kind in ("identity", "srm"):
            body = f'inner_product_param {{ num_output: 3 weight_filler {{ type: "{kind}" }} }}'
            with pytest.raises(caffe.CaffeError, match="there are bilinear, constant, gaussian, m"):
                run_layer("InnerProduct", body, [np.ones((2, 3))])
    finally:
        caffe.set_strict(False)


def test_every_filler_has_a_test_here():
    assert set(FILLERS) == {
        *("constant", "uniform", "gaussian", "positive_unitball", "xavier", "msra", "bilinear"),
        *("diagonal", "gaussian_unitball", "identity", "file", "flowBorderMask", "borderMask"),
        "bilinear_upsampling",
    }


def test_a_diagonal_is_given_value_by_value():
    body = (
        "convolution_param { num_output: 2 kernel_size: 1 weight_filler { type: 'diagonal' "
        "diag_val: 3 diag_val: 0.5 } }"
    )
    weight = run_layer("Convolution", body, [np.zeros((1, 2, 2, 2))]).params[0]
    assert np.array_equal(weight[:, :, 0, 0], [[3, 0], [0, 0.5]])
    with pytest.raises(caffe.CaffeError, match="2 diag_val are the diagonal of 2 x 2 weights"):
        run_layer("Convolution", body.replace("size: 1", "size: 2"), [np.zeros((1, 2, 2, 2))])


def test_a_file_has_the_values_in_their_order(tmp_path):
    path = tmp_path / "weights.txt"
    path.write_text("1 -2.5\n3e-1\t4 5 6 7\n")
    values = filled((2, 1, 3), type="file", file=str(path))
    np.testing.assert_array_equal(values.ravel(), np.float32([1, -2.5, 0.3, 4, 5, 6]))
    with pytest.raises(caffe.CaffeError, match=r"weights.txt has 7 numbers; a blob of .* needs 8"):
        filled((2, 4), type="file", file=str(path))
    path.write_text("1 x")
    with pytest.raises(caffe.CaffeError, match=r"weights.txt: expected numbers; found 'x'"):
        filled((2,), type="file", file=str(path))


def test_a_file_that_is_not_there_is_missed_in_training_alone(caplog):
    body = (
        "convolution_param { num_output: 2 kernel_size: 1 bias_term: false "
        'weight_filler { type: "file" file: "none.txt" } }'
    )
    x = np.ones((1, 3, 2, 2))
    with pytest.raises(caffe.CaffeError, match=r"none\.txt: cannot be read"):
        run_layer("Convolution", body, [x], phase=caffe.TRAIN)
    with caplog.at_level(logging.WARNING, "caffe"):
        assert not run_layer("Convolution", body, [x]).y[0].any()
    assert "filler 'file' has no file 'none.txt'; weights that no caffemodel holds" in caplog.text


def test_masks_of_borders():
    flow = filled((2, 2, 3, 4), type="flowBorderMask")
    x, y = np.ones((3, 4)), np.ones((3, 4))
    x[:, -1] = y[-1] = 0
    np.testing.assert_array_equal(flow, np.broadcast_to([x, y], flow.shape))
    inside = np.zeros((5, 7))
    inside[1:-1, 1:-1] = 1  # 5 x 0.1 is half a pixel: one
    found = filled((1, 2, 5, 7), type="borderMask", border_ratio=0.1)
    np.testing.assert_array_equal(found, np.broadcast_to(inside, found.shape))
    assert filled((1, 1, 5, 7), type="borderMask", border_ratio=0.05).all()
    assert not filled((1, 1, 5, 7), type="borderMask", border_ratio=1).any()
