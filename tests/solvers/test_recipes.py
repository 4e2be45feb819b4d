"""The table of stages: published parameters, what each net starts from, the Makefile's targets."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import json_format

import caffe
import nets
from caffe.proto import caffe_pb2
from data.datasets import DATASETS, STAGES
from solvers import recipes, solver_prototxt
from solvers.initialise import start_from
from surgery.random_weights import draw

ROOT = Path(__file__).parents[2]
RELEASED = json.loads((ROOT / "tests/records/solvers.json").read_text())
WIDTH = 1 / 64
EVERY_NET = (*nets.NETS, *nets.RGBD_NETS)


@pytest.mark.parametrize("released", RELEASED)
def test_solver_equals_the_released_one(released):
    """tests/records/solvers.json holds the solvers as they were released."""
    folder, net = released.split("-", 1)
    dataset = DATASETS[folder.removeprefix("pascal")]
    theirs = RELEASED[released]
    ours = json_format.MessageToDict(
        solver_prototxt.solver(dataset, net, test_iter=theirs["test_iter"][0]),
        preserving_proto_field_name=True,
    )
    if dataset.name == "siftflow":  # released without: such a run could not be continued
        theirs |= {"snapshot": 2000, "snapshot_prefix": "snapshot/train"}
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        expected = pytest.approx(value, rel=1e-6) if isinstance(value, float) else value
        assert ours[key] == expected, key


@pytest.mark.parametrize(
    ("net", "rates"),
    [
        ("fcn32s", {0: 2e-12, 349_999: 2e-12}),
        ("fcn16s", {0: 2e-13, 49_999: 2e-13, 50_000: 2e-14, 99_999: 2e-14}),
        ("fcn8s", {0: 2e-15, 49_999: 2e-15, 50_000: 2e-16, 99_999: 2e-16}),
    ],
)
def test_cityscapes_rates_are_guists(net, rates):
    from caffe.solver.lr_policy import learning_rate

    for name in ("cityscapes", "cityscapes-half", "cityscapes-cuts"):
        param = solver_prototxt.solver(DATASETS[name], net, test_iter=500)
        assert param.max_iter == max(rates) + 1
        for iteration, rate in rates.items():
            assert learning_rate(param, iteration) == pytest.approx(rate, rel=1e-5)


@pytest.mark.parametrize("net", EVERY_NET)
def test_each_net_is_released_in_the_regime_of_its_schedule(net):
    """The loss of the generated net is normalised as its published solver wants it."""
    data = dict(module="m", layer="l", param_str={})
    spec = nets.fcn(net, "train", classes=2, data=data, width=WIDTH)
    (loss,) = (layer for layer in spec.layer if layer.type == "SoftmaxWithLoss")
    regime = recipes.REGIMES[recipes.schedule(DATASETS["voc"], net).regime]
    assert loss.loss_param.normalize == regime.normalize


def test_regimes_are_those_of_the_paper_and_of_the_released_nets():
    """CVPR section 4.3: 20 images, momentum 0.9, rate 1e-4 for VGG16, 5e-5 for GoogLeNet."""
    for net, accumulated, heavy in (("fcn32s", 1e-4, 1e-10), ("fcn-googlenet", 5e-5, 5e-11)):
        for regime, rate, batch, momentum in (
            ("accumulate", accumulated, 20, 0.9),
            ("heavy", heavy, 1, 0.99),
        ):
            param = solver_prototxt.solver(DATASETS["voc"], net, test_iter=1, regime=regime)
            assert param.base_lr == pytest.approx(rate, rel=1e-6)
            assert (param.iter_size, param.momentum) == (batch, pytest.approx(momentum))


@pytest.mark.parametrize("net", EVERY_NET)
def test_a_stage_begins_with_the_layers_of_what_it_starts_from(net):
    """All but scores, upsampling, scales and depth's first convolution were learned before."""

    def layers(spec):
        return {layer.name for layer in spec.layer if layer.type in ("Convolution", "InnerProduct")}

    learned = set()
    for before in recipes.BEFORE[net]:
        spec = (
            nets.convolutional(before)
            if before in nets.CLASSIFIERS
            else nets.fcn(before, "deploy", classes=2, data=None)
        )
        learned |= {name + recipes.suffix(net, before) for name in layers(spec)}
    new = layers(nets.fcn(net, "deploy", classes=2, data=None)) - learned
    assert all(name.startswith(("score", "conv1_1_")) for name in new)
    if recipes.BEFORE[net][0] not in nets.CLASSIFIERS:
        assert all(name.startswith(("score_pool", "score_fire")) for name in new)


@pytest.mark.parametrize("net", ["fcn32s-squeezenet", "fcn32s"])
def test_the_short_regime_is_adams_on_an_averaged_loss(net):
    """SqueezeNet's own, and any net's that is asked for it."""
    from caffe.solver.lr_policy import learning_rate

    asked = None if "squeezenet" in net else "short"
    param = solver_prototxt.solver(DATASETS["voc"], net, test_iter=1, regime=asked)
    assert param.type == "Adam"
    assert (param.momentum, param.momentum2) == pytest.approx((0.9, 0.999))
    assert (param.iter_size, param.weight_decay, param.max_iter) == (1, 0, 4000)
    assert learning_rate(param, 0) == pytest.approx(1e-4)
    assert learning_rate(param, 2000) == pytest.approx(5e-5)
    heavy = solver_prototxt.solver(DATASETS["voc"], net, test_iter=1, regime="heavy")
    assert heavy.base_lr == pytest.approx(1e-10)
    assert (heavy.type, heavy.lr_policy) == ("SGD", "fixed")


def test_a_narrow_net_takes_longer_steps_in_the_short_regime_alone():
    rates = {
        regime: solver_prototxt.solver(
            DATASETS["voc"], "fcn32s", test_iter=1, regime=regime, width=0.25
        ).base_lr
        for regime in recipes.REGIMES
    }
    assert rates == pytest.approx({"heavy": 1e-10, "accumulate": 1e-4, "short": 2e-4})


def test_images_of_ones_own_are_trained_on_in_the_short_regime_unless_told_otherwise():
    for name, net, regime in (
        ("camvid", "fcn16s", "short"),
        ("voc", "fcn16s", "heavy"),
        ("voc", "fcn-googlenet", "accumulate"),
        ("voc", "fcn16s-squeezenet", "short"),
    ):
        assert recipes.regime_of(DATASETS[name], net) == regime
    heavy = solver_prototxt.solver(DATASETS["camvid"], "fcn16s", test_iter=1, regime="heavy")
    assert heavy.base_lr == pytest.approx(1e-12)


# ---- what a training net is filled with ----


def built(spec, phase=caffe.TEST):
    return caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=phase))


def saved(spec, path, seed):
    """A net's caffemodel, of drawn weights that differ by seed, and the weights."""
    net = built(spec)
    draw(net)
    for blobs in net.params.values():
        for blob in blobs:
            blob.data[...] += seed
    net.save(path)
    return net.params


def started(net, paths):
    """The parameters of a net for NYUDv2 that starts from caffemodels."""
    nyud = DATASETS["nyud"]
    new = built(nets.net_for(nyud, net, "deploy", width=WIDTH))
    start_from(new, net, nyud, paths, WIDTH)
    return new.params


def test_late_fusion_starts_from_both_single_nets(tmp_path):
    paths = [tmp_path / "color.caffemodel", tmp_path / "hha.caffemodel"]
    singles = {
        modality: saved(nets.net_for("nyud", f"fcn32s-{modality}", "deploy", width=WIDTH), path, i)
        for i, (modality, path) in enumerate(zip(("color", "hha"), paths, strict=True))
    }
    params = started("fcn32s-color-hha", paths)
    expected = {
        name + modality: blobs
        for modality, single in singles.items()
        for name, blobs in single.items()
        if name != "upscore"
    }
    assert params.keys() == {*expected, "upscore"}
    for name, blobs in expected.items():
        for ours, theirs in zip(params[name], blobs, strict=True):
            np.testing.assert_array_equal(ours.data, theirs.data, err_msg=name)


@pytest.mark.parametrize(
    ("net", "first", "kept"),
    [("fcn32s-color-d", "conv1_1_bgrd", 3), ("fcn32s-depth", "conv1_1_d", 0)],
)
def test_depth_starts_as_the_mean_of_the_colors(tmp_path, net, first, kept):
    path = tmp_path / "vgg16-fcn.caffemodel"
    vgg = saved(nets.convolutional("vgg16", width=WIDTH), path, 0)
    params = started(net, [path])
    old, bias = (blob.data for blob in vgg["conv1_1"])
    new, new_bias = (blob.data for blob in params[first])
    np.testing.assert_array_equal(new[:, :kept], old[:, :kept])
    assert new.shape[1] == kept + 1
    np.testing.assert_allclose(new[:, kept], old.mean(1), rtol=1e-6)
    np.testing.assert_array_equal(new_bias, bias)
    np.testing.assert_array_equal(params["conv1_2"][0].data, vgg["conv1_2"][0].data)
    assert not params["score_fr"][0].data.any()


def test_weights_of_another_stage_are_refused(tmp_path):
    """Both ways: less than the stage before has learned, and more."""
    path = tmp_path / "a.caffemodel"
    saved(nets.net_for("nyud", "fcn32s-color", "deploy", width=WIDTH), path, 0)
    with pytest.raises(ValueError, match=r"no weights for .*score_frcolor.* fcn32s-color-hha"):
        started("fcn16s-color-hha", [path])
    with pytest.raises(ValueError, match=r"has weights for score_fr, which the convolutional vgg"):
        started("fcn32s-depth", [path])


def test_weights_of_another_width_or_dataset_are_refused(tmp_path):
    path = tmp_path / "a.caffemodel"
    for dataset, width, layer in (("nyud", 1 / 32, "conv1_1"), ("siftflow", WIDTH, "score_fr")):
        classes = len(DATASETS[dataset].classes)
        saved(nets.fcn("fcn32s", "deploy", classes=classes, data=None, width=width), path, 0)
        with pytest.raises(ValueError, match=rf"{layer} has shape .* give the width \(WIDTH="):
            started("fcn16s", [path])


def test_what_is_missing_is_named_with_the_target_that_makes_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for dataset, net, message in (
        ("siftflow", "fcn8s", r"runs/siftflow-fcn16s/fcn16s.* `make fcn16s-siftflow` makes them"),
        ("mine", "fcn16s", r"`make fcn32s-mine DATA=folder`"),
        ("nyud", "fcn32s-color-hha", r"`make fcn32s-color-nyud`"),
    ):
        paths = recipes.default_weights(dataset, net)
        with pytest.raises(FileNotFoundError, match=message):
            recipes.require_weights(dataset, net, paths, given=False)
    monkeypatch.setattr(recipes.ilsvrc, "converted", lambda net: tmp_path / f"{net}-fcn.caffemodel")
    for net, classifier in (("fcn-alexnet", "caffenet"), ("fcn32s", "vgg16")):
        paths = recipes.default_weights("voc", net)
        with pytest.raises(FileNotFoundError, match=rf"{classifier}.*`make {classifier}-fcn`"):
            recipes.require_weights("voc", net, paths, given=False)
    monkeypatch.setattr(recipes.torchvision, "converted", tmp_path.joinpath)
    paths = recipes.default_weights("idd", "transfer")
    with pytest.raises(FileNotFoundError, match=r"`make deeplabv3-resnet101 FILE=its\.pth` makes"):
        recipes.require_weights("idd", "transfer", paths, given=False)
    with pytest.raises(ValueError, match="baseline starts from nothing, but 1 caffemodel"):
        recipes.require_weights("idd", "baseline", [tmp_path], given=True)
    with pytest.raises(ValueError, match="fcn32s-color and fcn32s-hha, but 1 caffemodel"):
        recipes.require_weights("nyud", "fcn32s-color-hha", [tmp_path], given=True)


# ---- the Makefile ----

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def commands(*words):
    """What make would run for the words, without the environment's setting up."""
    done = subprocess.run(["make", "-n", *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = (" ".join(line.split()) for line in done.stdout.splitlines())
    return [line for line in lines if " -m solvers.train_stage " in line]


@needs_make
def test_every_published_net_is_a_target():
    """Every dataset of the table that is not made up has targets for its nets."""
    pairs = [("mine", net) for net in STAGES]
    for name, dataset in DATASETS.items():
        if not dataset.twin_of and dataset.layout != "idd":  # whose nets have targets of their own
            pairs += [(name, net) for net in (nets.nets_of(name) if dataset.published else STAGES)]
    lines = commands(*(f"{net}-{dataset}" for dataset, net in pairs), "DATA=x")
    assert len(lines) == len(pairs)
    for line, (dataset, net) in zip(lines, pairs, strict=True):
        assert f"solvers.train_stage {net} --dataset {dataset} " in f"{line} "


@needs_make
def test_every_net_of_the_zoo_is_a_target_for_any_dataset():
    others = (((f"DATASET={name}",), name) for name in ("camvid", "idd-lite"))
    for more, dataset in (((), "idd"), *others):
        lines = commands(*(f"idd-{net}" for net in nets.ZOO), *more, "EPOCHS=3")
        assert len(lines) == len(nets.ZOO)
        for line, net in zip(lines, nets.ZOO, strict=True):
            assert line.endswith(f"solvers.train_stage {net} --dataset {dataset} --epochs 3")


@needs_make
def test_options_reach_the_command():
    options = ["WIDTH=0.5", "LR=1e-9", "ITERS=7", "SNAPSHOT=3", "REGIME=accumulate"]
    options += ["GPU=cpu", "PRECISION=bf16", "OUT=runs/a b", "RESUME=0"]
    (line,) = commands("fcn32s-color-hha-nyud", "DATA=a folder", "WEIGHTS=a,b c", *options)
    for part in (
        '--data "a folder"',
        '--weights "a,b c"',
        "--width 0.5 --lr 1e-9 --iters 7 --snapshot 3 --regime accumulate --gpu cpu "
        '--precision bf16 --out "runs/a b" --restart',
    ):
        assert part in line
