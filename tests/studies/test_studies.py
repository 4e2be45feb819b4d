"""Studies from beginning to end, with tiny nets on a few tiny images."""

import csv

import pytest
from PIL import Image

import caffe
import nets
from caffe.proto import caffe_pb2
from data import synthetic
from solvers import train_stage
from studies import finer_scores, timing, training
from studies.__main__ import main
from studies.arms import Arm, plain
from studies.setting import Setting
from studies.training import train_arm
from surgery.random_weights import draw

pytestmark = pytest.mark.usefixtures("blank_pictures")

WIDTH = 1 / 64


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with images and labels, and a classifier's weights."""
    folder = tmp_path_factory.mktemp("world")
    synthetic.generate(folder / "mine", train=4, val=2, size=(48, 64), seed=1, dataset="mine")
    spec = nets.convolutional("vgg16", width=WIDTH)
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
    draw(net)
    net.save(folder / "vgg16-fcn.caffemodel")
    return folder


def arguments(world, out, *names, iterations=4, rate="1e-9"):
    return [
        *(*names, "--dataset", "mine", "--data", str(world / "mine"), "--gpu", "cpu"),
        *("--weights", str(world / "vgg16-fcn.caffemodel"), "--width", str(WIDTH)),
        *("--iters", str(iterations), "--seeds", "2", "--lr", rate, "--out", str(out)),
    ]


def setting(world, out, iterations=4):
    from data.custom import custom

    weights = world / "vgg16-fcn.caffemodel"
    return Setting(custom(world / "mine"), "vgg16", weights, WIDTH, 1e-9, iterations, (1, 2), out)


@pytest.mark.long
@pytest.mark.slow
def test_a_study_writes_table_figure_and_sentences_and_trains_nothing_twice(
    world, tmp_path, capsys, monkeypatch
):
    assert main(arguments(world, tmp_path, "augmentation", "scale")) == 0
    printed = capsys.readouterr().out
    assert "## Mirrored and jittered images" in printed
    assert "Claimed (4.3): mirroring and jittering" in printed
    assert "Claimed (Guist" in printed
    for name in ("augmentation", "scale"):
        assert min(Image.open(tmp_path / f"{name}.png").size) > 100
        assert (tmp_path / f"{name}.md").read_text() in printed
    with open(tmp_path / "augmentation.csv") as file:
        lines = [line for line in csv.DictReader(file) if line["column"] == "mean IU"]
    assert [line["row"] for line in lines] == ["none", "mirrored, jittered up to 32 pixels"]
    assert all(line["ours"] for line in lines)
    # The plain arm is of both studies; an arm leaves no snapshots
    arms = sorted(path.name for path in (tmp_path / "arms").iterdir())
    assert arms == ["skips0", "skips0_mirror-True_jitter-32"]
    for path in (tmp_path / "arms").glob("*/*"):
        mirrored = "mirror-True" in path.parent.name  # and not where the regime alone would
        assert f"mirror\\': {mirrored}" in (path / "setting.prototxt").read_text()
        assert (path / "fcn32s.caffemodel").exists()
        assert not (path / "snapshot").exists()

    monkeypatch.setattr(training, "train", None)
    assert main(arguments(world, tmp_path, "augmentation", "scale")) == 0
    assert printed.endswith(again := capsys.readouterr().out)
    assert again.startswith("## ")
    assert main(arguments(world, tmp_path, "augmentation", rate="2e-9")) == 1
    assert "a run with another setting" in capsys.readouterr().err


@pytest.mark.long
@pytest.mark.slow
def test_an_arm_starts_from_the_plain_net_before_it_and_a_sampled_one_has_more_images(
    world, tmp_path
):
    of = setting(world, tmp_path)
    outcome = train_arm(of, plain(1), 1)
    assert [point.iteration for point in outcome.points] == [1, 2, 3, 4]
    log = (tmp_path / "arms" / plain(1).key / "1" / "log.txt").read_text()
    assert f"Starting from {tmp_path}/arms/skips0/1/fcn32s.caffemodel" in log
    sampled = Arm("", changes=nets.Changes(kept=0.5), batch=2)
    train_arm(of, sampled, 1)
    solver = caffe_pb2.SolverParameter()
    path = tmp_path / "arms" / sampled.key / "1" / "solver.prototxt"
    caffe.proto.text.read_prototxt(path, solver)
    assert solver.iter_size == 2


@pytest.mark.slow
def test_from_scratch_the_first_layers_learn_too(world, tmp_path):
    of = setting(world, tmp_path, iterations=1)
    learns = {}
    for arm in (plain(0), Arm("", start="scratch")):
        train_arm(of, arm, 1)
        net = caffe_pb2.NetParameter()
        caffe.proto.text.read_prototxt(tmp_path / "arms" / arm.key / "1" / "train.prototxt", net)
        (first,) = (layer for layer in net.layer if layer.name == "conv1_1")
        learns[arm.start] = [param.lr_mult for param in first.param]
    assert learns == {"classifier": [0, 0], "scratch": [1, 2]}


@pytest.mark.slow
def test_an_arm_that_was_broken_off_ends_as_one_that_was_not(world, tmp_path, monkeypatch):
    arm = Arm("", changes=nets.Changes(kept=0.5, score_std=0.01), data={"mirror": True})
    whole = train_arm(setting(world, tmp_path / "whole"), arm, 1)
    scored = train_stage.report_scores

    def break_off(stage, solver, loss):
        if solver.iter == 3:
            raise KeyboardInterrupt
        return scored(stage, solver, loss)

    of = setting(world, tmp_path / "broken")
    monkeypatch.setattr(train_stage, "report_scores", break_off)
    with pytest.raises(KeyboardInterrupt):
        train_arm(of, arm, 1)
    monkeypatch.undo()
    assert train_arm(of, arm, 1).points == whole.points


@pytest.mark.slow
def test_class_weights_are_the_inverse_of_the_frequencies(world, tmp_path):
    of = setting(world, tmp_path, iterations=1)
    train_arm(of, Arm("", balanced=True), 1)
    blob = caffe.proto.text.read_binaryproto(
        tmp_path / "class_weights.binaryproto", caffe_pb2.BlobProto()
    )
    matrix = caffe.io.blobproto_to_array(blob)
    weights = matrix.diagonal()
    assert (matrix == weights * (matrix != 0)).all()
    from data.statistics import survey

    pixels = survey(of.data(), "train").pixels["label"][:-1]
    shares = pixels * weights  # the same of every class that is there
    assert shares[pixels > 0] == pytest.approx(pixels.sum() / (pixels > 0).sum())
    assert not weights[pixels == 0].any()


@pytest.mark.slow
def test_an_arm_that_diverges_is_an_outcome(world, tmp_path):
    of = setting(world, tmp_path)
    outcome = train_arm(of, Arm("", rate=1e12), 1)
    assert outcome.points == ()
    assert (tmp_path / "arms" / "skips0_rate-1000000000000.0" / "1" / "diverged.txt").exists()
    assert train_arm(of, Arm("", rate=1e12), 1) == outcome


@pytest.mark.slow
@pytest.mark.parametrize("name", ["amortization", "shift-and-stitch"])
def test_a_measured_study_writes_its_table(world, tmp_path, capsys, monkeypatch, name):
    monkeypatch.setattr(finer_scores, "FACTORS", (2,))
    monkeypatch.setattr(timing, "ROUNDS", 1)
    assert main(arguments(world, tmp_path, name, iterations=1)) == 0
    printed = capsys.readouterr().out
    assert "Claimed (" in printed
    assert (tmp_path / f"{name}.png").exists()
