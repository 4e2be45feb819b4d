"""The gradient of every layer expression against differences in float64 (gradcheck).

Where Caffe's gradient is another than the derivative, a law of its file says so.
"""

import pytest
from hypothesis import given, settings
from support.gradients import check_gradient, expression_types
from support.laws import SEED

from caffe.layer_types import EXTENSIONS

SPATIAL = [  # other axes than (N, C, H, W)
    ("convolution_param { num_output: 4 group: 2 }", [(2, 4)]),
    ("convolution_param { num_output: 2 kernel_size: 2 axis: 2 }", [(2, 1, 2, 3)]),
    ("convolution_param { num_output: 2 kernel_size: 2 axis: 0 group: 2 }", [(2, 3)]),
    ("convolution_param { num_output: 1 kernel_size: 2 stride: 2 pad: 1 }", [(1, 2, 3, 2, 2, 2)]),
]
CASES = {
    # activations
    "AbsVal": [("", [(2, 3)])],
    "BNLL": [("", [(2, 3)])],
    "ELU": [("elu_param { alpha: 0.7 }", [(2, 3)])],
    "ReLU": [("relu_param { negative_slope: 0.1 }", [(2, 3)]), ("", [(2, 3)])],
    "Sigmoid": [("", [(2, 3)])],
    "Swish": [("swish_param { beta: 1.7 }", [(2, 3)])],
    "TanH": [("", [(2, 3)])],
    # elementwise
    "Clip": [("clip_param { min: -0.1 max: 0.2 }", [(2, 4)])],
    "Dropout": [("dropout_param { dropout_ratio: 0.3 }", [(3, 4)])],
    "Eltwise": [
        ("eltwise_param { coeff: 2 coeff: -1 }", [(2, 3)] * 2),
        ("eltwise_param { operation: PROD }", [(2, 3)] * 3),
        ("eltwise_param { operation: MAX }", [(2, 3)] * 3),
    ],
    "Exp": [("", [(2, 3)]), ("exp_param { base: 2 scale: 0.7 shift: 0.2 }", [(2, 3)])],
    "Log": [("log_param { base: 10 scale: -0.5 shift: 2 }", [(2, 3)])],
    "Power": [
        ("power_param { power: 1.7 scale: 0.6 shift: 2 }", [(2, 3)]),
        ("power_param { power: 3 scale: 0.6 }", [(2, 3)]),
        ("power_param { scale: 0 shift: 2 }", [(2, 3)]),
    ],
    # weights
    "Bias": [("bias_param { axis: 0 }", [(2, 3)]), ("", [(2, 3, 2), (3, 2)])],
    "Embed": [("embed_param { num_output: 2 input_dim: 3 }", [(4,)])],
    "InnerProduct": [
        ("inner_product_param { num_output: 3 }", [(2, 2, 2)]),
        ("inner_product_param { num_output: 3 axis: 2 transpose: true }", [(2, 2, 2)]),
    ],
    "PReLU": [("", [(2, 3, 2)]), ("prelu_param { channel_shared: true }", [(2, 3)])],
    "Parameter": [("parameter_param { shape { dim: 2 dim: 3 } }", [])],
    "Scale": [
        ("scale_param { bias_term: true }", [(2, 3, 2)]),
        ("scale_param { axis: 0 bias_term: true }", [(2, 3, 2), (2, 3)]),
        ("scale_param { num_axes: 0 }", [(2, 3)]),
    ],
    # normalise
    "LRN": [
        ("lrn_param { local_size: 3 alpha: 2 }", [(1, 4, 2, 2)]),
        ("lrn_param { local_size: 3 alpha: 2 norm_region: WITHIN_CHANNEL }", [(1, 2, 3, 3)]),
    ],
    "BatchNorm": [
        ("", [(3, 2, 2)]),
        ("batch_norm_param { use_global_stats: true }", [(3, 2, 2)]),
        ("", [(4,)]),
    ],
    "MVN": [
        (f"mvn_param {{ {more} }}", [(2, 2, 2, 3)])
        for more in ("", "across_channels: true", "normalize_variance: false")
    ],
    # vision
    "Convolution": [
        ("convolution_param { num_output: 4 kernel_size: 2 stride: 2 pad: 1 }", [(1, 2, 4, 5)]),
        (
            "convolution_param { num_output: 2 kernel_size: 2 dilation: 2 group: 2 }",
            [(1, 2, 4)] * 2,
        ),
        *SPATIAL,
        ("convolution_param { num_output: 2 kernel_size: 3 stride: 2 }", [(1, 2, 2, 4)]),
    ],
    "Deconvolution": [
        ("convolution_param { num_output: 2 kernel_size: 3 stride: 2 pad: 1 }", [(1, 2, 3, 2)]),
        *SPATIAL,
    ],
    "Im2col": [
        ("convolution_param { kernel_size: 2 stride: 2 pad: 1 dilation: 2 }", [(2, 2, 3, 4)]),
        ("convolution_param { kernel_size: 2 axis: 0 }", [(2, 3)]),
    ],
    # pooling
    "Pooling": [
        (f"pooling_param {{ pool: {pool} kernel_size: {k} stride: 2 pad: {p} }}", [(1, 2, 4, 5)])
        for pool in ("MAX", "AVE")
        for k, p in ((3, 1), (3, 2), (2, 0))
    ]
    + [("pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 }", [(1, 2, 4, 5)])],
    "SPP": [
        ("spp_param { pyramid_height: 1 }", [(1, 2, 4, 5)]),
        ("spp_param { pyramid_height: 2 pool: AVE }", [(1, 2, 4, 5)]),
    ],
    # loss
    "Softmax": [("", [(2, 3, 2)]), ("softmax_param { axis: -1 }", [(2, 3)])],
    "SoftmaxWithLoss": [("loss_param { ignore_label: 1 }", [(2, 3, 2), (2, 2)])],
    "HingeLoss": [(f"hinge_loss_param {{ norm: {n} }}", [(2, 12), (2,)]) for n in ("L1", "L2")],
    "InfogainLoss": [("loss_param { ignore_label: 1 }", [(2, 3, 2), (2, 2), (3, 3)])],
    "MultinomialLogisticLoss": [("", [(4, 3), (4,)])],
    # target
    "ContrastiveLoss": [
        (f"contrastive_loss_param {{ margin: {m} legacy_version: {v} }}", [(6, 2), (6, 2), (6,)])
        for m, v in ((20, "false"), (100, "true"), (1, "false"), (1, "true"))
    ],
    "EuclideanLoss": [("", [(2, 3), (2, 3)])],
    "SigmoidCrossEntropyLoss": [
        ("", [(2, 3), (2, 3)]),
        ("loss_param { ignore_label: 2 normalize: true }", [(3, 3), (3, 3)]),
    ],
    # shape
    "Concat": [("concat_param { axis: -1 }", [(2, 3), (2, 1)])],
    "Slice": [("slice_param { slice_point: 1 }", [(2, 3)])],
    "Crop": [("crop_param { axis: 1 offset: 1 }", [(2, 3, 4), (2, 2, 2)])],
    "Split": [("", [(2, 3)])],
    "Flatten": [("", [(2, 3, 2)]), ("flatten_param { axis: 1 end_axis: 0 }", [(2, 3)])],
    "Reshape": [("reshape_param { shape { dim: -1 dim: 0 } }", [(4, 3)])],
    "Tile": [("tile_param { tiles: 3 }", [(2, 3)])],
    # select
    "BatchReindex": [("", [(3, 2), (4,)])],
    "Filter": [("", [(6, 2), (6,)])],
    "Reduction": [
        (f"reduction_param {{ operation: {operation} axis: 1 coeff: -0.7 }}", [(2, 3, 2)])
        for operation in ("SUM", "ASUM", "SUMSQ", "MEAN")
    ],
    # recurrent
    "LSTM": [
        ("recurrent_param { num_output: 2 }", [(3, 2, 3), (3, 2)]),
        ("recurrent_param { num_output: 2 }", [(2, 2, 3), (2, 2), (2, 1)]),
    ],
    "RNN": [
        ("recurrent_param { num_output: 2 }", [(3, 2, 3), (3, 2)]),
        ("recurrent_param { num_output: 2 }", [(2, 2, 3), (2, 2), (2, 1)]),
    ],
    "LSTMUnit": [("", [(1, 3, 2), (1, 3, 8), (1, 3)])],
}
NO_GRADIENT = {"Accuracy", "ArgMax", "Silence", "Threshold"}
TOPS = {"Slice": 2, "Split": 3, "LSTMUnit": 2}
CLASSES = {  # the bottom that holds a class, and how many there are
    "BatchReindex": (1, 3),
    "ContrastiveLoss": (2, 2),
    "Embed": (0, 3),
    "Filter": (1, 2),
    "HingeLoss": (1, 12),
    "InfogainLoss": (1, 3),
    "LSTM": (1, 2),
    "LSTMUnit": (2, 2),
    "MultinomialLogisticLoss": (1, 3),
    "RNN": (1, 2),
    "SigmoidCrossEntropyLoss": (1, 3),
    "SoftmaxWithLoss": (1, 3),
}
# Away from where Caffe's gradient is not the derivative: probabilities of 0, pairs without distance
SHIFTS = {"MultinomialLogisticLoss": {0: 2}, "ContrastiveLoss": {1: 5}}


def test_every_expression_with_a_gradient_is_checked():
    """Python and the data layers have no expression; those of forks are checked in contrib."""
    expressions = expression_types() - EXTENSIONS.keys()
    assert set(CASES) | NO_GRADIENT == expressions
    assert not set(CASES) & NO_GRADIENT


@pytest.mark.parametrize(
    ("kind", "body", "shapes"), [(kind, *case) for kind, cases in CASES.items() for case in cases]
)
@settings(max_examples=3, deadline=None)
@given(seed=SEED)
def test_the_gradient_of_an_expression_is_its_derivative(kind, body, shapes, seed):
    tops = TOPS.get(kind, len(shapes) if kind == "Convolution" else 1)
    params = 1.5 if kind == "BatchNorm" else None
    classes = dict([CLASSES[kind]]) if kind in CLASSES else {}
    check_gradient(kind, body, shapes, seed, tops, classes, SHIFTS.get(kind, {}), params)
