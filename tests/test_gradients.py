"""The gradient of every layer expression against differences in float64 (gradcheck).

Where Caffe's gradient is another than the derivative, a law in test_laws_*.py says so.
"""

import math

import numpy as np
import pytest
import torch
from google.protobuf import text_format
from hypothesis import given, settings
from laws import SEED

import caffe
from caffe.layer_types import REGISTRY
from caffe.proto import caffe_pb2

CASES = {
    "ReLU": [("relu_param { negative_slope: 0.1 }", [(2, 3)]), ("", [(2, 3)])],
    "Dropout": [("dropout_param { dropout_ratio: 0.3 }", [(3, 4)])],
    "Eltwise": [
        ("eltwise_param { coeff: 2 coeff: -1 }", [(2, 3)] * 2),
        ("eltwise_param { operation: PROD }", [(2, 3)] * 3),
        ("eltwise_param { operation: MAX }", [(2, 3)] * 3),
    ],
    "Softmax": [("", [(2, 3, 2)]), ("softmax_param { axis: -1 }", [(2, 3)])],
    "SoftmaxWithLoss": [("loss_param { ignore_label: 1 }", [(2, 3, 2), (2, 2)])],
    "Concat": [("concat_param { axis: -1 }", [(2, 3), (2, 1)])],
    "Slice": [("slice_param { slice_point: 1 }", [(2, 3)])],
    "Crop": [("crop_param { axis: 1 offset: 1 }", [(2, 3, 4), (2, 2, 2)])],
    "Split": [("", [(2, 3)])],
    "Convolution": [
        ("convolution_param { num_output: 4 kernel_size: 2 stride: 2 pad: 1 }", [(1, 2, 4, 5)]),
        (
            "convolution_param { num_output: 2 kernel_size: 2 dilation: 2 group: 2 }",
            [(1, 2, 4)] * 2,
        ),
    ],
    "Deconvolution": [
        ("convolution_param { num_output: 2 kernel_size: 3 stride: 2 pad: 1 }", [(1, 2, 3, 2)]),
    ],
    "Pooling": [
        (f"pooling_param {{ pool: {pool} kernel_size: {k} stride: 2 pad: {p} }}", [(1, 2, 4, 5)])
        for pool in ("MAX", "AVE")
        for k, p in ((3, 1), (3, 2), (2, 0))
    ],
    "LRN": [
        ("lrn_param { local_size: 3 alpha: 2 }", [(1, 4, 2, 2)]),
        ("lrn_param { local_size: 3 alpha: 2 norm_region: WITHIN_CHANNEL }", [(1, 2, 3, 3)]),
    ],
    "BatchNorm": [
        ("", [(3, 2, 2)]),
        ("batch_norm_param { use_global_stats: true }", [(3, 2, 2)]),
        ("", [(4,)]),
    ],
    "InnerProduct": [
        ("inner_product_param { num_output: 3 }", [(2, 2, 2)]),
        ("inner_product_param { num_output: 3 axis: 2 transpose: true }", [(2, 2, 2)]),
    ],
    "Scale": [
        ("scale_param { bias_term: true }", [(2, 3, 2)]),
        ("scale_param { axis: 0 bias_term: true }", [(2, 3, 2), (2, 3)]),
        ("scale_param { num_axes: 0 }", [(2, 3)]),
    ],
}
NO_GRADIENT = {"Input", "DummyData", "Python", "Accuracy", "Silence"}
TOPS = {"Slice": 2, "Split": 3}


def test_every_expression_with_a_gradient_is_checked():
    assert set(CASES) | NO_GRADIENT == set(caffe.layer_type_list())
    assert not set(CASES) & NO_GRADIENT


@pytest.mark.parametrize(
    ("kind", "body", "shapes"), [(kind, *case) for kind, cases in CASES.items() for case in cases]
)
@settings(max_examples=3, deadline=None)
@given(seed=SEED)
def test_the_gradient_of_an_expression_is_its_derivative(kind, body, shapes, seed):
    tops = TOPS.get(kind, len(shapes) if kind == "Convolution" else 1)
    names = "".join(f' bottom: "x{i}"' for i in range(len(shapes)))
    names += "".join(f' top: "y{i}"' for i in range(tops))
    spec = caffe_pb2.LayerParameter()
    text_format.Parse(f'name: "l" type: "{kind}" {names} {body}', spec)
    layer = REGISTRY[kind](spec, caffe.TRAIN)
    layer.setup(shapes)
    rng = np.random.RandomState(seed)

    def values(shape, shift=0.0):
        """No two are closer than 0.03, nor one to 0: a step of gradcheck crosses no kink."""
        count = math.prod(shape)
        v = (rng.permutation(count) - count / 2 + 0.5) * 0.1 + rng.uniform(-0.015, 0.015, count)
        return torch.tensor(v.reshape(shape) + shift, requires_grad=True)

    bottoms = [values(shape, 0.033 * i) for i, shape in enumerate(shapes)]
    if kind == "SoftmaxWithLoss":
        bottoms[1] = torch.tensor(rng.randint(0, 3, shapes[1]), dtype=torch.float64)
    params = [values(blob.shape) for blob in layer.blobs]
    if kind == "BatchNorm":
        params = [torch.full_like(p, 1.5) for p in params]

    def forward(*tensors):
        caffe.set_random_seed(seed)  # Dropout: the same mask each time
        out = layer.expression(list(tensors[: len(bottoms)]), list(tensors[len(bottoms) :]))
        return out if isinstance(out, torch.Tensor) else tuple(out)

    assert torch.autograd.gradcheck(forward, [*bottoms, *params])
