"""Softmax, the losses on labels and Accuracy: their laws, against float64 references."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import FLT_MIN, SEED, SMALL, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.io import array_to_blobproto


def softmax_of(x: np.ndarray, axis: int) -> np.ndarray:
    x = np.float64(x)
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@law("Softmax")
@drawn()
@given(SEED, st.integers(-3, 2))
def test_softmax_sums_to_one_along_its_axis(seed, axis):
    x = 10 * normal(seed, 2, 3, 4)
    agree(run_layer("Softmax", f"softmax_param {{ axis: {axis} }}", [x]).y[0], softmax_of(x, axis))


NORMALISATIONS = {
    "normalization: FULL": lambda outer, inner, valid: outer * inner,
    "normalization: VALID": lambda outer, inner, valid: valid,
    "normalization: BATCH_SIZE": lambda outer, inner, valid: outer,
    "normalization: NONE": lambda outer, inner, valid: 1,
    "": lambda outer, inner, valid: valid,
    "normalize: true": lambda outer, inner, valid: valid,
    "normalize: false": lambda outer, inner, valid: outer,
    "normalize: true normalization: NONE": lambda outer, inner, valid: 1,  # the newer field rules
}


def softmax_loss(x, label, axis, ignore, normaliser):
    """Loss, its gradient by x: float64, Caffe's floor FLT_MIN under the probability."""
    p = np.moveaxis(softmax_of(x, axis), axis, -1).reshape(-1, x.shape[axis])
    label = label.reshape(-1)
    outer = math.prod(x.shape[: axis % x.ndim])
    valid = label != ignore if ignore is not None else np.ones(len(label), bool)
    n = max(1, normaliser(outer, len(label) // outer, int(valid.sum())))
    rows = np.arange(len(label))[valid]
    loss = -np.log(np.maximum(p[rows, label[valid]], FLT_MIN)).sum() / n
    grad = np.where(valid[:, None], p, 0)
    grad[rows, label[valid]] -= 1
    moved = np.moveaxis(x, axis, -1).shape
    return loss, np.moveaxis((grad / n).reshape(moved), -1, axis)


@law("SoftmaxWithLoss")
@drawn(40)
@given(SEED, st.sampled_from(sorted(NORMALISATIONS)), st.sampled_from([None, 0, 255]), SMALL)
def test_softmax_loss_sums_minus_log_p_of_labels_not_ignored_and_normalises(
    seed, normalisation, ignore, height
):
    rng = np.random.RandomState(seed)
    x = normal(seed, 2, 3, height, 2)
    label = rng.randint(0, 3, (2, 1, height, 2))
    if ignore is not None:
        label[rng.random_sample(label.shape) < 0.4] = ignore
    text = f"ignore_label: {ignore}" if ignore is not None else ""
    body = f"loss_param {{ {normalisation} {text} }}"
    ran = run_layer("SoftmaxWithLoss", body, [x, label], diffs=[np.float32(2)])
    loss, grad = softmax_loss(x, label, 1, ignore, NORMALISATIONS[normalisation])
    agree(ran.y[0], loss)
    agree(ran.dx[0], 2 * grad)
    assert not ran.dx[1].any()


@law("SoftmaxWithLoss")
@pytest.mark.parametrize("axis", [-1, -2, 1, 2])
def test_softmax_loss_finds_the_classes_on_any_axis(axis):
    x = normal(3, 4, 3, 5)
    shape = list(x.shape)
    classes = shape.pop(axis)
    label = np.random.RandomState(4).randint(0, classes, shape)
    body = f"softmax_param {{ axis: {axis} }}"
    ran = run_layer("SoftmaxWithLoss", body, [x, label], diffs=[np.float32(1)])
    loss, grad = softmax_loss(x, label, axis, None, lambda outer, inner, valid: valid)
    agree(ran.y[0], loss)
    agree(ran.dx[0], grad)


@law("SoftmaxWithLoss")
def test_softmax_loss_floors_the_probability_at_flt_min_but_not_its_gradient():
    x = np.array([[0, 200], [0, 90]], np.float32)
    ran = run_layer(
        "SoftmaxWithLoss", "loss_param { normalization: NONE }", [x, [0, 0]], diffs=[np.float32(1)]
    )
    agree(ran.y[0], -2 * math.log(FLT_MIN))
    agree(ran.dx[0], [[-1, 1], [-1, 1]])


@law("SoftmaxWithLoss")
def test_softmax_loss_of_ignored_labels_only_is_zero_not_nan():
    x, label = normal(0, 2, 3), np.full(2, 255)
    body = "loss_param { ignore_label: 255 }"
    ran = run_layer("SoftmaxWithLoss", body, [x, label], diffs=[np.float32(1)])
    assert ran.y[0] == 0
    assert not ran.dx[0].any()


@law("SoftmaxWithLoss")
def test_softmax_losss_second_top_is_the_softmax_and_its_diff_counts_for_nothing():
    x, label = normal(0, 2, 3), np.array([0, 2])
    ran = run_layer(
        "SoftmaxWithLoss", "", [x, label], tops=2, diffs=[np.float32(1), normal(1, 2, 3)]
    )
    agree(ran.y[1], softmax_of(x, 1))
    agree(ran.dx[0], softmax_loss(x, label, 1, None, lambda outer, inner, valid: valid)[1])


@law("Accuracy")
@drawn(40)
@given(SEED, st.integers(1, 3), st.sampled_from([None, 1, 255]))
def test_accuracy_counts_a_tie_against_the_label_and_knows_top_k_ignore_and_classes(
    seed, top_k, ignore
):
    """Right when fewer than top_k other classes score as high or higher."""
    rng = np.random.RandomState(seed)
    x = rng.randint(0, 3, (2, 4, 3)).astype(np.float32)
    label = rng.randint(0, 4, (2, 3))
    if ignore is not None:
        label[rng.random_sample(label.shape) < 0.4] = ignore
    text = f"ignore_label: {ignore}" if ignore is not None else ""
    ran = run_layer("Accuracy", f"accuracy_param {{ top_k: {top_k} {text} }}", [x, label], tops=2)
    right, seen = np.zeros(4), np.zeros(4)
    for i, j in itertools.product(range(2), range(3)):
        if label[i, j] == ignore:
            continue
        others = np.delete(x[i, :, j], label[i, j])
        seen[label[i, j]] += 1
        right[label[i, j]] += (others >= x[i, label[i, j], j]).sum() < top_k
    agree(ran.y[0], right.sum() / max(1, seen.sum()))
    agree(ran.y[1], right / np.maximum(1, seen))


THRESHOLD = 1e-20  # Caffe takes no logarithm of less


@law("InfogainLoss")
@drawn(60)
@given(
    SEED,
    st.sampled_from([n for n in sorted(NORMALISATIONS) if "normalize" not in n]),
    st.sampled_from([None, 0, 255]),
    st.sampled_from([1, -1, 2]),
)
def test_infogain_loss_weighs_the_log_softmax_by_the_labels_row_of_h(
    seed, normalisation, ignore, axis
):
    """The loss and its gradient p * (sum of the row) - row, normalised as SoftmaxWithLoss."""
    rng = np.random.RandomState(seed)
    x, matrix = 3 * normal(seed, 2, 3, 4), normal(seed + 1, 1, 1, *[(2, 3, 4)[axis]] * 2)
    moved = np.moveaxis(x, axis, -1)
    label = rng.randint(0, x.shape[axis], moved.shape[:-1])
    if ignore is not None:
        label[rng.random_sample(label.shape) < 0.4] = ignore
    text = f"ignore_label: {ignore}" if ignore is not None else ""
    body = f"loss_param {{ {normalisation} {text} }} infogain_loss_param {{ axis: {axis} }}"
    ran = run_layer(
        "InfogainLoss", body, [x, label, matrix], tops=2, diffs=[np.float32(2), normal(2, *x.shape)]
    )
    valid = label != ignore if ignore is not None else np.ones_like(label, bool)
    outer = math.prod(x.shape[: axis % 3])
    n = max(1, NORMALISATIONS[normalisation](outer, label.size // outer, valid.sum()))
    rows = np.float64(matrix[0, 0])[np.where(valid, label, 0)] * valid[..., None]
    p = softmax_of(moved, -1)
    agree(ran.y[0], -(rows * np.log(p)).sum() / n)
    agree(ran.y[1], np.moveaxis(p, -1, axis))
    grad = 2 / n * (p * rows.sum(-1, keepdims=True) - rows)
    agree(ran.dx[0], np.moveaxis(grad, -1, axis))
    assert not ran.dx[1].any()
    assert not ran.dx[2].any()


@law("InfogainLoss")
def test_infogain_loss_floors_the_probability_but_not_its_gradient():
    x, matrix = np.array([[0, 200]], np.float32), np.array([[2, 1], [0, 0]])
    ran = run_layer("InfogainLoss", "", [x, [0], matrix], diffs=[np.float32(1)])
    agree(ran.y[0], -2 * math.log(THRESHOLD))
    agree(ran.dx[0], [[-2, 2]])


@law("InfogainLoss")
def test_infogain_loss_reads_h_from_a_file_and_with_the_identity_is_softmax_loss(tmp_path):
    x, label = normal(0, 4, 3), np.array([0, 2, 1, 2])
    source = tmp_path / "H.binaryproto"
    source.write_bytes(array_to_blobproto(np.eye(3)[None, None]).SerializeToString())
    body = f'infogain_loss_param {{ source: "{source}" }}'
    ours = run_layer("InfogainLoss", body, [x, label], diffs=[np.float32(1)])
    theirs = run_layer("SoftmaxWithLoss", "", [x, label], diffs=[np.float32(1)])
    agree(ours.y[0], theirs.y[0])
    agree(ours.dx[0], theirs.dx[0])

    four = array_to_blobproto(np.eye(4))
    whole = four.SerializeToString()
    four.data.pop()
    for content, message in (
        (whole[:-1], "H.binaryproto.*not a whole BlobProto"),
        (four.SerializeToString(), r"H.binaryproto.*\(4, 4\) holds 15 values"),
        (whole, r"3 x 3; found shape \(4, 4\)"),
    ):
        source.write_bytes(content)
        with pytest.raises(caffe.CaffeError, match=rf"layer 'l' \(InfogainLoss\): .*{message}"):
            run_layer("InfogainLoss", body, [x, label])
    source.unlink()
    with pytest.raises(caffe.CaffeError, match=r"layer 'l' .*H.binaryproto: .*No such file"):
        run_layer("InfogainLoss", body, [x, label])


@law("MultinomialLogisticLoss")
@drawn()
@given(SEED, st.sampled_from([(4,), (4, 1, 1, 1)]), st.sampled_from([(3,), (3, 1, 1), (1, 2, 3)]))
def test_multinomial_loss_is_minus_log_of_the_labels_probability_floored(seed, labels, values):
    """Below 1e-20 the gradient is that of the floor: not 0, which would be the derivative."""
    rng = np.random.RandomState(seed)
    x = rng.uniform(0.01, 1, (4, *values)).astype(np.float32)
    flat = x.reshape(4, -1)
    label = rng.randint(0, flat.shape[1], 4)
    flat[0, label[0]], flat[1, label[1]] = 0, -0.5
    ran = run_layer(
        "MultinomialLogisticLoss", "", [x, label.reshape(labels)], diffs=[np.float32(3)]
    )
    p = np.maximum(np.float64(flat[range(4), label]), THRESHOLD)
    agree(ran.y[0], -np.log(p).mean())
    dx = np.zeros(flat.shape)
    dx[range(4), label] = -3 / 4 / p
    agree(ran.dx[0], dx.reshape(x.shape))


@law("HingeLoss")
@drawn(40)
@given(SEED, st.sampled_from(["", "norm: L1", "norm: L2"]), st.sampled_from([(3,), (2, 2, 1)]))
def test_hinge_loss_of_one_against_all_has_no_gradient_at_the_margin(seed, norm, values):
    rng = np.random.RandomState(seed)
    x = rng.choice([-2, -1, -0.5, 0, 0.7, 1, 3], (4, *values)).astype(np.float32)
    flat = np.float64(x.reshape(4, -1))
    label = rng.randint(0, flat.shape[1], 4)
    ran = run_layer(
        "HingeLoss", f"hinge_loss_param {{ {norm} }}", [x, label], diffs=[np.float32(3)]
    )
    sign = np.ones(flat.shape)
    sign[range(4), label] = -1
    margins = np.maximum(0, 1 + sign * flat)
    if norm == "norm: L2":
        loss, slope = (margins**2).sum() / 4, 2 * margins
    else:
        loss, slope = margins.sum() / 4, margins > 0
    agree(ran.y[0], loss)
    agree(ran.dx[0], (3 / 4 * sign * slope).reshape(x.shape))
    assert not ran.dx[1].any()


LABEL_LOSSES = ["SoftmaxWithLoss", "InfogainLoss", "MultinomialLogisticLoss", "HingeLoss"]


@pytest.mark.parametrize("kind", LABEL_LOSSES)
def test_labels_are_cut_to_integers_and_must_be_classes(kind):
    x, more = [[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]], [np.eye(3)] * (kind == "InfogainLoss")
    cut, whole = (run_layer(kind, "", [x, label, *more]).y[0] for label in ([0.9, 2.5], [0, 2]))
    assert cut == whole
    for label, found in (([0, 3], "holds 3 .*expected 0 to 2"), ([-1, 0], "holds -1 ")):
        with pytest.raises(caffe.CaffeError, match=rf"layer 'l' \({kind}\): .*'x1' {found}"):
            run_layer(kind, "", [x, label, *more])


@pytest.mark.parametrize("kind", LABEL_LOSSES)
def test_labels_that_something_learns_are_refused_where_backward_begins(kind):
    matrix = input_layer("h", 3, 3) if kind == "InfogainLoss" else ""
    net = net_of(
        input_layer("x", 2, 3)
        + input_layer("t", 2)
        + matrix
        + 'layer { name: "s" type: "Scale" bottom: "t" top: "label" scale_param { axis: 0 } }'
        + f'layer {{ name: "l" type: "{kind}" bottom: "x" bottom: "label" '
        + ('bottom: "h" }' if matrix else "}")
    )
    net.forward()
    with pytest.raises(caffe.CaffeError, match=r"layer 'l' .*no gradient for bottom 1"):
        net.backward()


@pytest.mark.parametrize(
    ("kind", "body", "shapes", "message"),
    [
        ("SoftmaxWithLoss", "", [(2, 6), (1, 2)], r"as many items.*\(1, 2\) and \(2, 6\)"),
        (
            "InfogainLoss",
            "",
            [(2, 3), (2,)],
            "needs the infogain matrix: a third bottom, or source",
        ),
        ("InfogainLoss", "", [(2, 3), (2,), (3, 2)], r"3 x 3; found shape \(3, 2\)"),
        (
            "InfogainLoss",
            "loss_param { normalize: true }",
            [(2, 3), (2,), (3, 3)],
            "normalize is deprecated",
        ),
        (
            "InfogainLoss",
            "infogain_loss_param { axis: 2 }",
            [(2, 3), (2,), (3, 3)],
            "axis 2 is out",
        ),
        ("InfogainLoss", "", [(2, 3, 2), (2,), (3, 3)], "2 x 2 predictions"),
        ("MultinomialLogisticLoss", "", [(2, 3), (2, 2)], r"2 x 1 predictions.*\(2, 2\)"),
        ("HingeLoss", "", [(2, 3), (3,)], r"as many items in 'x1' as in 'x0'.*\(3,\) and \(2, 3\)"),
        ("HingeLoss", "", [(), ()], "as many items"),
    ],
)
def test_bottoms_and_parameters_that_make_no_loss_are_refused(kind, body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=rf"layer 'l' \({kind}\): .*{message}"):
        run_layer(kind, body, [np.zeros(shape) for shape in shapes])


@drawn()
@given(SEED, st.sampled_from([None, 0, 255]), st.sampled_from(sorted(NORMALISATIONS)))
def test_a_file_of_weights_weighs_each_class(tmp_path_factory, seed, ignore, normalisation):
    path = tmp_path_factory.mktemp("weights") / "weights.txt"
    path.write_text("2\n0.5\n0\n")
    rng = np.random.RandomState(seed)
    x, label = normal(seed, 2, 3, 4, 2), rng.randint(0, 2, (2, 1, 4, 2))
    label[0, 0, 0] = 2
    if ignore is not None:
        label[rng.random_sample(label.shape) < 0.4] = ignore
    text = "" if ignore is None else f"ignore_label: {ignore}"
    body = f'loss_param {{ weight_source: "{path}" {normalisation} {text} }}'
    ran = run_layer("SoftmaxWithLoss", body, [x, label], diffs=[np.float32(2)])
    p = softmax_of(x, 1)
    weights = np.array([2, 0.5, 0] + [0] * 253)[label] * (label != ignore)
    right = label == np.arange(3)[:, None, None]
    total = max(1, NORMALISATIONS[normalisation](2, 8, weights.sum()))
    agree(ran.y[0], -(weights[:, 0] * np.log((p * right).sum(1) + ~right.any(1))).sum() / total)
    agree(ran.dx[0], 2 * weights * (p - right) / total)


def test_a_file_of_weights_that_is_wrong_is_named(tmp_path):
    path = tmp_path / "weights.txt"
    bottoms = [np.zeros((2, 3)), np.zeros(2)]
    body = f'loss_param {{ weight_source: "{path}" }}'
    with pytest.raises(caffe.CaffeError, match=r"layer 'l'.*weights\.txt: cannot be read"):
        run_layer("SoftmaxWithLoss", body, bottoms)
    for text, message in (
        ("1 2", r"weights.txt needs a weight for each of 3 classes, and 2 bottoms; found 2, and 2"),
        ("1 2 -3", "weights.txt: expected weights from 0 on"),
        ("1 2 x", "weight_source: .*weights.txt: expected numbers; found 'x'"),
        ("1 nan 2", "weights.txt: expected numbers; found 'nan'"),
        ("1 1e400 2", "weights.txt: expected numbers; found '1e400'"),
        ("1 2_0 3", "weights.txt: expected numbers; found '2_0'"),
        ("version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
    ):
        path.write_text(text)
        with pytest.raises(caffe.CaffeError, match=message):
            run_layer("SoftmaxWithLoss", body, bottoms)


@law("SoftmaxWithLoss")
def test_weights_of_classes_that_another_type_has_are_not_passed_over():
    bottoms = [np.zeros((1, 3)), np.zeros(1)]
    for field in ("pos_mult: 5", "pos_cid: 1"):
        with pytest.raises(caffe.CaffeError, match="are WeightedSoftmaxWithLoss's; write that"):
            run_layer("SoftmaxWithLoss", f"softmax_param {{ {field} }}", bottoms)
