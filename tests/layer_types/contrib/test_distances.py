"""InnerDistance, GeneralContrastiveLoss, GeneralTripletLoss, InterClass; weights as a bottom."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.proto import caffe_pb2


@law("InnerDistance")
@drawn()
@given(SEED, SMALL, st.sampled_from(["L1", "L2"]), st.booleans(), st.booleans())
def test_distances_to_rows(seed, n, kind, given_rows, biased):
    x, rows, bias = normal(seed, n, 2, 2), normal(seed + 1, 3, 4), normal(seed + 2, 3)
    dy = normal(seed + 3, n, 3)
    fields = f'distance_type: "{kind}" '
    if given_rows:
        found = run_layer(
            "InnerDistance", f"inner_distance_param {{ {fields} }}", [x, rows], diffs=[dy]
        )
        drows, bias = found.dx[1], bias * 0
    else:
        fields += f"num_output: 3 bias_term: {str(biased).lower()}"
        found = run_layer(
            "InnerDistance",
            f"inner_distance_param {{ {fields} }}",
            [x],
            params=[rows, bias],
            diffs=[dy],
        )
        drows, bias = found.dparams[0], bias * biased
    apart = x.reshape(n, 1, 4).astype(np.float64) - rows
    each = apart**2 if kind == "L2" else abs(apart)
    slope = dy[..., None] * (2 * apart if kind == "L2" else np.sign(apart))
    agree(found.y[0], each.sum(2) + bias, 1e-4, 1e-4)
    agree(found.dx[0].reshape(n, 4), slope.sum(1), 1e-4, 1e-4)
    agree(drows, -slope.sum(0), 1e-4, 1e-4)


def test_a_distance_may_have_unit_rows_and_the_products_settings():
    x, rows = normal(0, 2, 4), normal(1, 3, 4)
    body = 'inner_product_param { num_output: 3 bias_term: false distance_type: "L2" }'
    agree(
        run_layer("InnerDistance", body, [x], params=[rows]).y[0],
        ((x[:, None].astype(np.float64) - rows) ** 2).sum(2),
        1e-4,
    )
    body = "inner_distance_param { num_output: 3 bias_term: false normalize: true }"
    unit = rows.astype(np.float64) / np.linalg.norm(rows, axis=1, keepdims=True)
    found = run_layer("InnerDistance", body, [x], params=[rows], phase=caffe.TRAIN)
    agree(found.y[0], ((x[:, None] - unit) ** 2).sum(2), 1e-4)
    agree(found.params[0], unit)


@drawn(15)
@given(SEED, SMALL, st.booleans())
def test_weights_of_a_product_may_be_a_bottom(seed, n, biased):
    x, rows, bias = normal(seed, n, 2, 2), normal(seed + 1, 3, 4), normal(seed + 2, 3)
    dy = normal(seed + 3, n, 3)
    body = f"inner_product_param {{ bias_term: {str(biased).lower()} }}"
    found = run_layer("InnerProduct", body, [x, rows, bias][: 2 + biased], diffs=[dy])
    flat = x.reshape(n, 4).astype(np.float64)
    agree(found.y[0], flat @ rows.T + bias * biased, 1e-4, 1e-4)
    agree(found.dx[0].reshape(n, 4), dy @ rows.astype(np.float64), 1e-4, 1e-4)
    agree(found.dx[1], dy.T.astype(np.float64) @ flat, 1e-4, 1e-4)
    if biased:
        agree(found.dx[2], dy.sum(0), 1e-4, 1e-4)


def test_a_parameter_may_be_filled_with_rows_of_unit_length():
    net = net_of(
        'layer { name: "p" type: "Parameter" top: "w" parameter_param { shape { dim: 4 dim: 9 } '
        'blob_filler { type: "gaussian_unitball" } } }'
    )
    net.forward()
    agree(np.linalg.norm(net.blobs["w"].data, axis=1), np.ones(4))


def contrastive(d, labels, pm, nm, pw, nw):
    """Value, slope and mean distances, in float64."""
    n, classes = d.shape
    slope, own, other = np.zeros(d.shape), 0.0, 0.0
    for i, j in np.ndindex(n, classes):
        if j == labels[i]:
            own += max(0, d[i, j] - pm)
            slope[i, j] = pw * (d[i, j] > pm)
        else:
            other += max(0, nm - d[i, j])
            slope[i, j] = -nw * (d[i, j] < nm)
    return (own * pw + other * nw) / n, slope / n, [own / n, other / n / max(1, classes - 1)]


@law("GeneralContrastiveLoss")
@drawn()
@given(SEED, SMALL, st.integers(2, 4))
def test_a_contrastive_loss_of_distances(seed, n, classes):
    d = abs(normal(seed, n, classes))
    labels = np.random.RandomState(seed).randint(0, classes, n)
    body = (
        "general_contrastive_loss_param { positive_margin: 0.3 negative_margin: 0.9 "
        "positive_weight: 2 negative_weight: 0.7 }"
    )
    found = run_layer(
        "GeneralContrastiveLoss", body, [d, labels], tops=2, diffs=[np.float32(1.5), np.ones(2)]
    )
    value, slope, means = contrastive(d.astype(np.float64), labels, 0.3, 0.9, 2, 0.7)
    agree(found.y[0], value, 1e-4)
    agree(found.y[1], means, 1e-4)
    agree(found.dx[0], 1.5 * slope, 1e-4)


def test_items_weigh_in_a_contrastive_loss_and_negatives_are_held_down():
    d, labels, weights = abs(normal(0, 4, 3)), [0, 1, 2, 0], np.float32([1, 2, 3, 2])
    _, slope, _ = contrastive(d.astype(np.float64), labels, 0, 1, 1, 1)
    one = [np.float32(1)]
    found = run_layer("GeneralContrastiveLoss", "", [d, labels, weights], diffs=one)
    agree(found.dx[0], slope * weights[:, None] / 2, 1e-4)
    body = "general_contrastive_loss_param { normalize_negative: 0.5 }"
    own = np.arange(3) == np.array(labels)[:, None]
    weight = -slope[~own].sum() / 0.5
    assert weight > 1
    found = run_layer("GeneralContrastiveLoss", body, [d, labels], diffs=one)
    agree(found.dx[0], np.where(own, slope, slope / weight), 1e-4)


def test_of_negatives_the_nearest_may_count_alone():
    d = np.float32([[0.5, 0.2, 0.1], [0.9, 0.3, 0.4]])
    body = "general_contrastive_loss_param { max_negative_only: true }"
    found = run_layer("GeneralContrastiveLoss", body, [d, [0, 1]], diffs=[np.float32(1)])
    agree(found.y[0], (0.9 + 0.3 + 0.6) / 2)  # the least own distance, and two negatives
    agree(found.dx[0], np.array([[1, 0, -1], [0, 1, -1]]) / 2)


@law("GeneralTripletLoss")
@drawn()
@given(SEED, SMALL, st.integers(2, 4), st.booleans(), st.booleans())
def test_a_triplet_loss_of_distances(seed, n, classes, centre, hardest):
    d = abs(normal(seed, n, classes)) + 0.1
    labels = np.random.RandomState(seed).randint(0, classes, n)
    body = (
        f"margin: 0.4 add_center_loss: {str(centre).lower()} hardest_only: {str(hardest).lower()} "
        "positive_weight: 1.5 negative_weight: 0.7"
    )
    found = run_layer(
        "GeneralTripletLoss",
        f"general_triplet_loss_param {{ {body} }}",
        [d, labels],
        tops=2,
        diffs=[np.float32(2), np.ones(2)],
    )
    value, slope, d64 = 0.0, np.zeros(d.shape), d.astype(np.float64)
    for i, label in enumerate(labels):
        near = [max(0, d64[i, label] + 0.4 - d64[i, j]) * (j != label) for j in range(classes)]
        value += max(near) * 0.7 if hardest else sum(near) * 0.7
        at = [int(np.argmax(near))] if hardest else [j for j in range(classes) if near[j] > 0]
        slope[i, at] = -0.7
        if centre or at:
            slope[i, label] = 1.5
    agree(found.y[0], value / n, 1e-4, 1e-4)
    agree(found.dx[0], 2 * slope / n, 1e-4)
    own = np.arange(classes) == labels[:, None]
    agree(found.y[1], [d64[own].mean(), d64[~own].sum() / n / (classes - 1)], 1e-4)


@law("InterClass")
@pytest.mark.parametrize("kind", ["MEAN", "AMONG"])
@pytest.mark.parametrize("unit", [False, True])
def test_classes_are_held_apart(kind, unit):
    x, labels, rows = normal(0, 3, 4), [0, 2, 2], normal(1, 5, 4)
    body = (
        f"inter_class_param {{ num_output: 5 type: {kind} normalize: {str(unit).lower()} "
        "alpha_start_iter: 2 alpha_start_value: 3 alpha_step: 0.5 alpha_stepvalue: 3 }"
    )
    found = run_layer(
        "InterClass", body, [x, labels], tops=2, params=[rows], diffs=[np.float32(1), np.ones(1)]
    )
    net, w = found.net, rows.astype(np.float64)
    mean = w.mean(0)
    if unit:
        mean = mean / np.sqrt((mean**2).sum() + 1e-5)
    apart = ((w[:, None] - w[labels]) ** 2).sum() / 5
    agree(found.y[0], 1 - (w[labels] @ mean).mean() if kind == "MEAN" else apart, 1e-4)
    agree(found.y[1], [0])
    agree(found.dparams[0], 0 * w)
    for alpha in (3, 3.5):
        net.clear_param_diffs()
        net.forward()
        net.backward()
        agree(net.blobs["y1"].data, [alpha])
        each = (
            alpha / 3 * mean[None]
            if kind == "MEAN"
            else (-4 * alpha / (3 * apart**2 + 1e-5) * (w[labels] - mean))
        )
        expected = np.zeros(w.shape)
        np.add.at(expected, labels, np.broadcast_to(each, (3, 4)))
        agree(net.params["l"][0].diff, expected, 1e-3, 1e-6)


def test_it_shares_the_classifiers_weights():
    text = (
        input_layer("x", 2, 4)
        + input_layer("label", 2)
        + (
            'layer { name: "fc" type: "MarginInnerProduct" bottom: "x" bottom: "label" top: "fc" '
            'top: "lambda" param { name: "w" } margin_inner_product_param { num_output: 3 '
            'type: QUADRUPLE weight_filler { type: "xavier" } base: 1000 lambda_min: 5 } } '
            'layer { name: "apart" type: "InterClass" bottom: "x" bottom: "label" top: "apart" '
            'param { name: "w" } inter_class_param { num_output: 3 type: AMONG iteration: 16000 '
            "alpha_start_iter: 16001 alpha_start_value: 10 } } "
            'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" '
            'top: "loss" }'
        )
    )
    net = net_of(text, caffe.TRAIN)
    net.blobs["x"].data[...] = normal(0, 2, 4)
    net.forward()
    net.backward()
    assert abs(net.params["fc"][0].diff).max() > 0
    assert net.params["fc"][0].data is net.params["apart"][0].data or np.array_equal(
        net.params["fc"][0].data, net.params["apart"][0].data
    )


@pytest.mark.parametrize(
    ("kind", "body", "shapes", "message"),
    [
        ("InnerDistance", 'inner_distance_param { distance_type: "L3" }', [(1, 2)], "found L3"),
        ("InnerDistance", "", [(1, 2)], "num_output must be positive"),
        ("InnerProduct", "", [(1, 2), (3, 2)], "or bias_term: false"),
        ("InnerProduct", "", [(1, 2), (3, 4)], "weights num_output x 2"),
        (
            "InnerProduct",
            "inner_product_param { bias_term: false transpose: true }",
            [(1, 2), (3, 2)],
            "neither normalize nor transpose",
        ),
        (
            "GeneralContrastiveLoss",
            "general_contrastive_loss_param { exp_negative_weight: true }",
            [(2, 3), (2,)],
            "leave it out",
        ),
        ("GeneralTripletLoss", "", [(2, 3), (2,), (3,)], "a weight for each of 2 items"),
        ("InterClass", "", [(2, 3), (2,)], "num_output must be positive"),
    ],
)
def test_what_does_not_fit_says_so(kind, body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros(shape) for shape in shapes])


def test_a_strict_net_takes_one_bottom():
    text = input_layer("x", 1, 2) + input_layer("w", 3, 2)
    text += (
        'layer { name: "l" type: "InnerProduct" bottom: "x" bottom: "w" top: "y" '
        "inner_product_param { bias_term: false } }"
    )
    caffe.set_strict(True)
    try:
        with pytest.raises(caffe.CaffeError, match="takes 1 bottom"):
            net_of(text)
    finally:
        caffe.set_strict(False)


def test_defaults_leave_values_as_they_are():
    param = caffe_pb2.LabelSpecificRescaleParameter()
    assert (param.positive_weight, param.negative_weight) == (1, 1)


@pytest.mark.parametrize("kind", ["L1", "L2"])
def test_no_tensor_is_as_large_as_items_times_classes_times_inputs(kind):
    """For 256 items, 10000 classes and 512 inputs it would be 5 GB."""
    sizes = []

    def keep(tensor):
        sizes.append(tensor.numel())
        return tensor

    body = f'inner_distance_param {{ num_output: 5 distance_type: "{kind}" bias_term: false }}'
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        run_layer("InnerDistance", body, [normal(0, 4, 6)], diffs=[np.ones((4, 5))])
    assert 0 < max(sizes) <= 5 * 6
