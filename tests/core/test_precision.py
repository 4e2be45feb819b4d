"""The precision setting: what bf16 rounds, what it leaves in float32, and that fp32 stays put."""

from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from google.protobuf import text_format
from support.laws import agree, normal
from support.net_text import input_layer, net_of, run_layer
from support.plain_path import layer, plain, ran_fast
from torch.utils._python_dispatch import TorchDispatchMode

import caffe
import caffe.__main__
import nets
from caffe.core.files import write_text
from caffe.engine import inference, schedule
from caffe.layer_types import autocast
from caffe.proto import caffe_pb2
from solvers import train_stage
from surgery.random_weights import draw

ROUNDING = 2.0**-8  # bfloat16 has 8 significant bits: rounding moves a value by at most this share


def rounded(values: np.ndarray) -> np.ndarray:
    return torch.from_numpy(values).bfloat16().float().numpy()


def is_rounded(values: np.ndarray) -> bool:
    return np.array_equal(rounded(values), values)


def double(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(rounded(values)).double().requires_grad_()


# The setting.


def test_another_name_is_refused_with_the_three_and_the_setting_stays():
    caffe.set_precision("bf16")
    with pytest.raises(caffe.CaffeError, match="'fp16'; there are fp32, tf32, bf16"):
        caffe.set_precision("fp16")
    assert caffe.core.precision.current_precision() == "bf16"


@pytest.mark.parametrize(
    ("amx", "avx", "said"),
    [
        (False, False, "this processor has no unit for it"),
        (False, True, "this processor has AVX512-BF16"),
        (True, True, "this processor has AMX, AVX512-BF16"),
    ],
)
def test_the_log_says_what_a_processor_has_for_bf16(monkeypatch, caplog, amx, avx, said):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx)
    with caplog.at_level("INFO"):
        caffe.set_precision("bf16")
    assert said in caplog.text
    assert caffe.has_fast_bf16() == (amx or avx)


def tf32_allowed() -> set[bool]:
    return {torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32}


@pytest.mark.parametrize(("name", "allowed"), [("fp32", False), ("tf32", True), ("bf16", False)])
def test_torch_uses_tf32_where_that_is_set_and_nowhere_else(monkeypatch, name, allowed):
    monkeypatch.setattr(caffe.core.device, "_device", torch.device("cpu"))
    monkeypatch.setattr(caffe.core.device, "_gpu", lambda number: torch.device("cuda", number))
    caffe.set_precision(name)
    assert tf32_allowed() == {allowed}
    # torch's own default is TF32 in convolutions.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = not allowed
    caffe.set_mode_gpu()
    assert tf32_allowed() == {allowed}
    assert not torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction
    assert not torch.backends.cudnn.benchmark  # it would try kernels anew for each image size


# Products of matrices.

PRODUCTS = {
    "Convolution": (
        "convolution_param { num_output: 4 kernel_size: 3 pad: 1 stride: 2 group: 2 }",
        [(4, 3, 3, 3), (4,)],
        lambda x, w, b: F.conv2d(x, w, b, 2, 1, 1, 2),
    ),
    "Deconvolution": (
        "convolution_param { num_output: 6 kernel_size: 4 pad: 1 stride: 2 group: 2 }",
        [(6, 3, 4, 4), (6,)],
        lambda x, w, b: F.conv_transpose2d(x, w, b, 2, 1, 0, 2),
    ),
    "InnerProduct": (
        "inner_product_param { num_output: 4 }",
        [(4, 6 * 7 * 5), (4,)],
        lambda x, w, b: F.linear(x.flatten(1), w, b),
    ),
}


def agrees_to_a_rounding(found: np.ndarray, exact: torch.Tensor, terms: torch.Tensor) -> None:
    """`found` is `exact` but for one rounding to bfloat16, and float32's in sums of `terms`."""
    exact, terms = exact.detach().numpy(), terms.detach().numpy()
    assert is_rounded(found)
    assert (np.abs(found - exact) <= ROUNDING * np.abs(exact) + 1e-5 * terms).all()


@pytest.mark.parametrize("kind", PRODUCTS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_product_rounds_what_it_multiplies_and_what_comes_out_and_adds_up_in_float32(
    mode, kind, seed
):
    body, shapes, function = PRODUCTS[kind]
    x, *params = (normal(seed + i, *shape) for i, shape in enumerate([(2, 6, 7, 5), *shapes]))
    operands = [double(values) for values in (x, *params)]
    y = function(*operands)
    dy = normal(seed + 9, *y.shape)
    y.backward(torch.from_numpy(rounded(dy)).double())
    caffe.set_precision("bf16")
    run = run_layer(kind, body, [x], params=params, diffs=[dy])
    caffe.set_precision("fp32")
    absolute = [double(np.abs(values)) for values in (x, *params)]
    terms = function(*absolute)
    terms.backward(torch.from_numpy(np.abs(dy)).double())
    agrees_to_a_rounding(run.y[0], y, terms)
    found = [run.dx[0], *run.dparams]
    for diff, operand, of_terms in zip(found, operands, absolute, strict=True):
        agrees_to_a_rounding(diff, operand.grad, of_terms.grad)
    for ours, theirs in zip(run.params, params, strict=True):
        assert np.array_equal(ours, theirs)  # the parameters themselves are as precise as before


@pytest.mark.parametrize("kind", PRODUCTS)
def test_the_arithmetic_of_a_gpu_differs_by_roundings_only(monkeypatch, kind):
    """torch's own bfloat16 kernels, which the CPU runs too, against float32 sums of bfloat16."""
    body, shapes, _ = PRODUCTS[kind]
    x, *params = (normal(i, *shape) for i, shape in enumerate([(2, 6, 7, 5), *shapes]))
    caffe.set_precision("bf16")
    runs = []
    for device in ("cpu", "cuda"):
        on = SimpleNamespace(type=device)
        monkeypatch.setattr(autocast, "current_device", lambda on=on: on)
        run = run_layer(kind, body, [x], params=params)
        dy = normal(7, *run.y[0].shape)
        run = run_layer(kind, body, [x], params=params, diffs=[dy])
        runs.append([*run.y, *run.dx, *run.dparams])
    for ours, theirs in zip(*runs, strict=True):
        assert is_rounded(theirs)
        # Each may round its last bit the other way, and a sum of a few its last bits.
        assert np.abs(ours - theirs).max() <= 4 * ROUNDING * np.abs(ours).max()


# What other layers do behind a product. This one rounds x, and no more: its kernel is a 1.

CONV = """layer { name: "conv" type: "Convolution" bottom: "x" top: "c"
    convolution_param { num_output: 4 kernel_size: 1 group: 4 bias_term: false
    weight_filler { type: "constant" value: 1 } } }"""


def behind_a_product(layer: str, x: np.ndarray) -> caffe.Net:
    """A net of x, what CONV makes of it (c), z of the same shape, and layers; run forward."""
    net = net_of(input_layer("x", *x.shape) + input_layer("z", *x.shape) + CONV + layer)
    net.blobs["x"].data[...] = x
    net.blobs["z"].data[...] = normal(9, *x.shape)
    net._forward(0, len(net.layers) - 1)
    return net


@pytest.mark.parametrize(
    "layer",
    [
        'type: "LRN" lrn_param { local_size: 3 alpha: 1 }',
        'type: "Softmax"',
        'type: "Eltwise" bottom: "c" eltwise_param { coeff: 1 coeff: 0.3 }',
        'type: "MVN"',
        'type: "BatchNorm" batch_norm_param { use_global_stats: false }',
        'type: "Pooling" pooling_param { pool: AVE kernel_size: 2 }',
        'type: "ReLU" relu_param { negative_slope: 0.3 }',
        'type: "Scale" scale_param { filler { value: 0.7 } }',
        'type: "PReLU" prelu_param { filler { value: 0.3 } }',
        'type: "Power" power_param { scale: 0.3 shift: 1 }',
        'type: "Sigmoid"',
        'type: "Reduction"',
        'type: "EuclideanLoss" bottom: "z"',
        'type: "RNN" bottom: "cont" recurrent_param { num_output: 2 weight_filler '
        '{ type: "constant" value: 0.3 } }',
    ],
    ids=lambda layer: layer.split('"')[1],
)
def test_layers_that_would_round_compute_in_float32(layer):
    x = normal(0, 3, 4, 6, 5)
    layer = f'layer {{ name: "l" bottom: "c" top: "y" {layer} }}'
    found = {}
    for name, values in (("bf16", x), ("fp32", rounded(x))):
        caffe.set_precision(name)
        net = behind_a_product(input_layer("cont", 3, 4) + layer, values)
        found[name] = net.blobs["y"].data
    agree(found["bf16"], found["fp32"])
    assert not is_rounded(found["bf16"])


@pytest.mark.parametrize(
    "layer",
    [
        'type: "ReLU"',
        'type: "Pooling" pooling_param { pool: MAX kernel_size: 3 stride: 2 pad: 1 }',
        'type: "Pooling" pooling_param { pool: MAX kernel_size: 3 pad: 2 }',
        'type: "Concat" bottom: "conv2"',
        'type: "Crop" bottom: "small" crop_param { offset: 1 }',
        'type: "Flatten"',
        'type: "Tile" tile_param { tiles: 2 }',
        'type: "Slice" top: "y2"',
    ],
    ids=lambda layer: layer.split('"')[1],
)
def test_layers_that_pass_values_on_keep_them_in_bfloat16(layer):
    x = normal(0, 3, 4, 6, 5)
    second = CONV.replace('"conv"', '"conv2"').replace('top: "c"', 'top: "conv2"')
    layer = f'layer {{ name: "l" bottom: "c" top: "y" {layer} }}'
    found = {}
    for name, values in (("bf16", x), ("fp32", rounded(x))):
        caffe.set_precision(name)
        net = behind_a_product(second + input_layer("small", 3, 4, 4, 3) + layer, values)
        bfloat16 = net._graph.blobs["y"].data_tensor().dtype == torch.bfloat16
        assert bfloat16 == (name == "bf16")
        found[name] = net.blobs["y"].data
    assert np.array_equal(found["bf16"], found["fp32"])


def test_a_pooling_mask_keeps_its_indices():
    x = np.zeros((1, 4, 1, 1000), np.float32)
    x[..., 799] = 1
    caffe.set_precision("bf16")
    pool = 'layer { name: "p" type: "Pooling" bottom: "c" top: "p" top: "mask" '
    net = behind_a_product(pool + "pooling_param { global_pooling: true } }", x)
    assert (net.blobs["mask"].data == 799).all()


def test_a_top_that_counts_as_a_loss_is_float32():
    x = normal(0, 1, 4, 40, 40)
    caffe.set_precision("bf16")
    net = net_of(input_layer("x", *x.shape) + CONV.replace("bottom:", "loss_weight: 1 bottom:"))
    net.blobs["x"].data[...] = x
    loss = net._forward(0, 1)
    assert loss == pytest.approx(float(x.astype(np.float64).sum()), rel=1e-4)
    assert np.array_equal(net.blobs["c"].data, x)


class Doubles(caffe.Layer):
    """y = 2 x, and notes the types of what it is shown."""

    seen: set

    def setup(self, bottom, top):
        Doubles.seen = set()

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        Doubles.seen |= {bottom[0].data.dtype, top[0].data.dtype}
        top[0].data[...] = 2 * bottom[0].data

    def backward(self, top, propagate_down, bottom):
        Doubles.seen |= {bottom[0].diff.dtype, top[0].diff.dtype}
        bottom[0].diff[...] = 2 * top[0].diff


# A whole net: in-place layers, splits, a Python layer in the middle, a loss.

PYTHON = f'python_param {{ module: "{__name__}" layer: "Doubles" }}'
FILLER = 'weight_filler { type: "xavier" } bias_filler { type: "constant" value: 0.1 }'
SMALL = f"""force_backward: true
{input_layer("x", 2, 3, 12, 12)} {input_layer("label", 2)}
layer {{ name: "conv" type: "Convolution" bottom: "x" top: "c"
    convolution_param {{ num_output: 8 kernel_size: 3 pad: 1 {FILLER} }} }}
layer {{ name: "relu" type: "ReLU" bottom: "c" top: "c" }}
layer {{ name: "pool" type: "Pooling" bottom: "c" top: "p"
    pooling_param {{ pool: MAX kernel_size: 3 stride: 2 }} }}
layer {{ name: "norm" type: "LRN" bottom: "p" top: "n" }}
layer {{ name: "conv2" type: "Convolution" bottom: "n" top: "c2"
    convolution_param {{ num_output: 8 kernel_size: 3 pad: 1 {FILLER} }} }}
layer {{ name: "python" type: "Python" bottom: "c2" top: "d" {PYTHON} }}
layer {{ name: "sum" type: "Eltwise" bottom: "d" bottom: "p" top: "s" }}
layer {{ name: "ip" type: "InnerProduct" bottom: "s" top: "i"
    inner_product_param {{ num_output: 16 {FILLER} }} }}
layer {{ name: "relu2" type: "ReLU" bottom: "i" top: "i" }}
layer {{ name: "drop" type: "Dropout" bottom: "i" top: "i" }}
layer {{ name: "scores" type: "InnerProduct" bottom: "i" top: "y"
    inner_product_param {{ num_output: 5 {FILLER} }} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "label" top: "loss" }}
"""


def small(phase: int = caffe.TRAIN) -> caffe.Net:
    caffe.set_random_seed(1)
    net = net_of(SMALL, phase)
    net.blobs["x"].data[...] = normal(1, 2, 3, 12, 12)
    net.blobs["label"].data[...] = [1, 3]
    return net


def step(net: caffe.Net) -> None:
    caffe.set_random_seed(2)
    net.clear_param_diffs()
    net.forward()
    net.backward()


def state(net: caffe.Net) -> dict[str, np.ndarray]:
    """All of a net's numbers, copied."""
    blobs = {name: blob for name, blob in net.blobs.items() if name != "label"}
    blobs |= {f"{name}.{i}": b for name, vec in net.params.items() for i, b in enumerate(vec)}
    return {
        f"{name} {part}": getattr(blob, part).copy()
        for name, blob in blobs.items()
        for part in ("data", "diff")
    }


def relative(ours: np.ndarray, reference: np.ndarray) -> float:
    return float(np.linalg.norm(ours - reference) / np.linalg.norm(reference))


def test_all_that_a_script_reads_is_float32_and_gradients_are_close(mode):
    net = small()
    step(net)
    exact = state(net)
    caffe.set_precision("bf16")
    step(net)
    found = state(net)
    assert Doubles.seen == {np.dtype(np.float32)}
    for name, values in found.items():
        assert values.dtype == np.float32
        # Behind at most 8 products, forward and back, of 3 independent roundings each.
        assert relative(values, exact[name]) < np.sqrt(3 * 8) * ROUNDING, name
    changed = {name for name, values in found.items() if not np.array_equal(values, exact[name])}
    inputs = {"x data", *(f"{layer}.{i} data" for layer in net.params for i in range(2))}
    assert set(found) - changed == inputs | {"loss diff"}


def test_fp32_gives_the_same_bits_as_if_it_had_never_been_left():
    net = small()
    for name in ("bf16", "tf32", "bf16"):
        caffe.set_precision(name)
        step(net)
    caffe.set_precision("fp32")
    step(net)
    fresh = small()
    step(fresh)
    for name, values in state(fresh).items():
        assert np.array_equal(state(net)[name], values), name


def test_what_a_script_writes_in_fp32_is_not_rounded_because_bf16_ran_before():
    net, fresh = small(), small()
    caffe.set_precision("bf16")
    step(net)
    caffe.set_precision("fp32")
    for each in (net, fresh):
        each.blobs["c"].data[...] = normal(5, *each.blobs["c"].shape)
        each.forward(start="pool", end="pool")
        each.blobs["p"].diff[...] = normal(6, *each.blobs["p"].shape)
        each.backward(start="pool", end="pool")
    assert np.array_equal(net.blobs["p"].data, fresh.blobs["p"].data)
    assert np.array_equal(net.blobs["c"].diff, fresh.blobs["c"].diff)
    assert not is_rounded(net.blobs["p"].data)
    assert not is_rounded(net.blobs["c"].diff)


def test_tf32_on_the_cpu_is_fp32():
    net, fresh = small(), small()
    caffe.set_precision("tf32")
    step(net)
    caffe.set_precision("fp32")
    step(fresh)
    for name, values in state(fresh).items():
        assert np.array_equal(state(net)[name], values), name


@pytest.mark.parametrize("part", ["data", "diff"])
def test_looking_changes_nothing_and_what_is_held_keeps_showing_the_blob(part):
    watched, alone = small(), small()
    caffe.set_precision("bf16")
    step(watched), step(alone)
    held = {name: getattr(blob, part) for name, blob in watched.blobs.items()}
    before = {name: view.copy() for name, view in held.items()}
    for net in (watched, alone):
        net.blobs["x"].data[...] = normal(3, 2, 3, 12, 12)
        step(net)
    found = state(watched)
    for name, values in state(alone).items():
        assert np.array_equal(found[name], values), name
    for name in held.keys() - {"label"}:
        assert np.array_equal(held[name], found[f"{name} {part}"]), name
        assert np.array_equal(held[name], before[name]) == (f"{name} {part}" == "loss diff"), name


def test_written_data_and_diffs_are_what_the_next_layer_computes_from():
    net = small(caffe.TEST)
    caffe.set_precision("bf16")
    step(net)
    for value in (0.5, 1.5):
        net.blobs["c"].data[...] = value
        net.forward(start="pool", end="pool")
        assert (net.blobs["p"].data == value).all()
        net.blobs["p"].diff[...] = value
        net.backward(start="pool", end="pool")
        assert net.blobs["c"].diff.sum() == value * net.blobs["p"].count


@pytest.mark.parametrize("held", [False, True])
def test_layers_in_place_give_what_they_give_elsewhere(held):
    caffe.set_precision("bf16")
    x, dy = normal(0, 2, 4, 3, 3), normal(1, 2, 4, 3, 3)
    found = []
    for top in ("c", "y"):
        text = "force_backward: true " + input_layer("x", *x.shape) + CONV
        net = net_of(f'{text} layer {{ name: "r" type: "ReLU" bottom: "c" top: "{top}" }}')
        net.blobs["x"].data[...] = x
        view = net.blobs[top].data if held else None
        net.forward()
        net.blobs[top].diff[...] = dy
        net.backward()
        assert view is None or np.array_equal(view, np.maximum(rounded(x), 0))
        found.append((net.blobs[top].data.copy(), net.blobs["x"].diff.copy()))
    assert np.array_equal(found[0][0], np.maximum(rounded(x), 0))
    for in_place, elsewhere in zip(*found, strict=True):
        assert np.array_equal(in_place, elsewhere)


def fcn8s(width: float) -> caffe.Net:
    spec = nets.fcn("fcn8s", "deploy", classes=5, data=None, width=width)
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
    draw(net)
    return net


def test_the_scores_of_fcn8s_are_those_of_fp32_to_its_roundings(mode):
    net = fcn8s(1 / 16)
    net.blobs["data"].reshape(1, 3, 64, 64)
    net.blobs["data"].data[...] = 100 * normal(0, 1, 3, 64, 64)
    fp32 = net.forward()["score"].copy()
    caffe.set_precision("bf16")
    bf16 = net.forward()["score"]
    # Each of 19 products, one behind the other, rounds weights and results. That is independent,
    # so the squares add up, and the mean square of a rounding is a third of the largest.
    assert ROUNDING / 4 < relative(bf16, fp32) < np.sqrt(2 * 19 / 3) * ROUNDING
    assert is_rounded(bf16)


# Whole passes, as plans run them (plan.py).


def scores(precision: str, plainly: bool = False) -> tuple[caffe.Net, np.ndarray]:
    """FCN-8s of a twelfth of its channels, after two images of one size and one of another."""
    caffe.set_random_seed(1)
    net = fcn8s(1 / 12)
    if plainly:
        plain(net)
    caffe.set_precision(precision)
    for seed, size in enumerate([(64, 48), (64, 48), (50, 70)]):
        net.blobs["data"].reshape(1, 3, *size)
        net.blobs["data"].data[...] = 100 * normal(seed, 1, 3, *size)
        found = net.forward()["score"].copy()
    assert ran_fast(net) != plainly
    return net, found


@pytest.mark.slow
def test_in_bfloat16_a_plan_gives_what_the_layers_give_one_by_one(mode):
    """But for sums that fall to the other side of a rounding."""
    (ours, found), (theirs, wanted) = scores("bf16"), scores("bf16", plainly=True)
    assert is_rounded(found)
    assert relative(found, wanted) < ROUNDING
    caffe.set_precision("fp32")  # what is read later is of its pass, and stays so
    for name in theirs.blobs:
        assert relative(ours.blobs[name].data, theirs.blobs[name].data) < ROUNDING, name
    assert is_rounded(ours.blobs["fc7"].data)


def test_after_another_precision_a_plan_gives_the_same_bits_as_if_it_had_never_been_left():
    net, _ = scores("bf16")
    caffe.set_precision("fp32")
    assert np.array_equal(net.forward()["score"], scores("fp32")[1])


@pytest.mark.slow
def test_reading_leaves_the_precision_to_others_as_it_was(monkeypatch):
    """To the threads beside it, and to torch."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    (one, _), (other, _) = scores("bf16"), scores("bf16")
    caffe.set_precision("fp32")
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    seen = []
    real = schedule.evaluate

    def evaluate(*args):
        """In the middle of one reading there is another, in another thread."""
        if not seen:
            seen.append("")
            thread = Thread(target=lambda: seen.append(caffe.core.precision.current_precision()))
            thread.start()
            thread.join()
            thread = Thread(target=lambda: other.blobs["pool1"].data.sum())
            thread.start()
            thread.join()
        return real(*args)

    monkeypatch.setattr(inference, "evaluate", evaluate)
    assert is_rounded(one.blobs["pool1"].data)
    assert seen[1] == caffe.core.precision.current_precision() == "fp32"
    assert torch.backends.cudnn.allow_tf32


BODY = 'num_output: 4 kernel_size: 3 weight_filler { type: "xavier" }'
LOSSES = {
    "a ReLU in place": layer("ReLU", "relu", "c", "c", "loss_weight: 1"),
    "a blob that others read": layer("Pooling", "p", "c", "", "pooling_param { kernel_size: 2 }"),
    "a Flatten": layer("Flatten", "flat", "c", "", "loss_weight: 1"),
}


@pytest.mark.parametrize("plainly", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_summed_in_float32(name, plainly):
    weight = "loss_weight: 1" if "others" in name else ""
    text = input_layer("data", 1, 2, 40, 40) + layer(
        "Convolution", "conv", "data", "c", f"convolution_param {{ {BODY} }} {weight}"
    )
    caffe.set_random_seed(1)
    net = net_of(text + LOSSES[name], caffe.TEST)
    if plainly:
        plain(net)
    net.blobs["data"].data[...] = normal(0, 1, 2, 40, 40)
    caffe.set_precision("bf16")
    loss = net._forward(0, len(net.layers) - 1)
    exact = net.blobs["c"].data.sum(dtype=np.float64)
    assert loss == pytest.approx(exact, rel=1e-5)


@pytest.mark.slow
def test_a_plan_rounds_its_weights_once():
    net, _ = scores("bf16")
    weights = {blob.data.shape for vec in net.params.values() for blob in vec}
    net.forward()
    with Roundings() as seen:
        net.forward()
    assert seen.shapes
    assert not weights & seen.shapes


class Roundings(TorchDispatchMode):
    """Notes the shapes of what is made bfloat16."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: set[tuple[int, ...]] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if func is torch.ops.aten._to_copy.default and out.dtype == torch.bfloat16:
            self.shapes.add(tuple(out.shape))
        return out


# The solver.


def sgd_solver() -> caffe.SGDSolver:
    caffe.set_random_seed(1)
    param = caffe_pb2.SolverParameter(
        base_lr=0.001, lr_policy="fixed", momentum=0.9, weight_decay=0.001, type="SGD"
    )
    text_format.Parse(SMALL.replace("force_backward: true", ""), param.net_param)
    solver = caffe.get_solver(param)
    solver.net.blobs["x"].data[...] = normal(1, 2, 3, 12, 12)
    solver.net.blobs["label"].data[...] = [1, 3]
    return solver


def test_weights_and_history_are_float32_and_take_updates_too_small_for_bfloat16(tmp_path, mode):
    caffe.set_precision("bf16")
    solver = sgd_solver()
    weights = [param.blob for param in solver.net._graph.params]
    before = [blob.data.copy() for blob in weights]
    losses = []
    for _ in range(8):
        caffe.set_random_seed(2)  # dropout leaves out the same
        solver.step(1)
        losses.append(float(solver.net.blobs["loss"].data))
    assert losses[-1] < losses[0]
    for blob, start, history in zip(weights, before, solver.history, strict=True):
        for memory in (blob._data, blob._diff, history._data):
            assert memory.tensor(blob.shape).dtype == torch.float32
        assert not is_rounded(blob.data)
        assert not is_rounded(history.data)
        if len(blob.shape) > 1:
            moved = np.abs(blob.data - start)
            assert ((moved > 0) & (moved < ROUNDING / 2 * np.abs(start))).any()
    paths = [tmp_path / f"{name}.caffemodel" for name in ("bf16", "fp32")]
    solver.net.save(str(paths[0]))
    caffe.set_precision("fp32")
    solver.net.save(str(paths[1]))
    assert paths[0].read_bytes() == paths[1].read_bytes()
    other = small()
    other.copy_from(str(paths[0]))
    for blob, param in zip(weights, other._graph.params, strict=True):
        assert np.array_equal(param.blob.data, blob.data)


# The commands.


@pytest.fixture
def told(monkeypatch):
    """What set_precision is called with."""
    names = []
    for place in ("caffe", "caffe.tools.train", "caffe.tools.test", "caffe.tools.time"):
        monkeypatch.setattr(f"{place}.set_precision", names.append)
    return names


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A net, a solver and weights, in the current folder."""
    monkeypatch.chdir(tmp_path)
    write_text("net.prototxt", SMALL.replace("force_backward: true", ""))
    write_text(
        "solver.prototxt",
        'net: "net.prototxt" base_lr: 0 lr_policy: "fixed" max_iter: 1 snapshot_prefix: "s"',
    )
    small().save("w.caffemodel")


COMMANDS = {
    "train": ["-solver", "solver.prototxt"],
    "test": ["-model", "net.prototxt", "-weights", "w.caffemodel", "-iterations", "1"],
    "time": ["-model", "net.prototxt", "-iterations", "1"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_caffes_commands_take_the_precision(files, told, monkeypatch, capsys, command):
    monkeypatch.setattr("caffe.tools.time.matrix_rate", lambda: 1e12)
    for more, name in (
        ([], "fp32"),
        (["-precision", "bf16"], "bf16"),
        (["--precision=tf32"], "tf32"),
    ):
        assert caffe.__main__.main([command, *COMMANDS[command], *more]) == 0
        assert told.pop() == name
    assert not told


def test_an_unknown_precision_is_one_line(files, capsys):
    assert caffe.__main__.main(["train", *COMMANDS["train"], "-precision", "half"]) == 1
    error = "error: unknown precision 'half'; there are fp32, tf32, bf16"
    assert capsys.readouterr().err.splitlines()[-1] == error
    assert train_stage.main(["fcn32s", "--gpu", "cpu", "--precision", "half"]) == 1
    assert capsys.readouterr().err.splitlines() == [error]


def test_a_stage_takes_the_precision(told, capsys):
    for more, name in (([], "fp32"), (["--precision", "bf16"], "bf16")):
        assert train_stage.main(["fcn32s", "--gpu", "cpu", "--data", "no/folder", *more]) == 1
        assert told.pop() == name
