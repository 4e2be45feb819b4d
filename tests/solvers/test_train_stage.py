"""The stages 32s -> 16s -> 8s through the command line, at tiny width on a tiny synthetic set."""

import csv
import dataclasses
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import caffe
import nets
from caffe.proto import caffe_pb2
from data import synthetic
from data.datasets import DATASETS, require
from data.drawing import palette
from data.meaning import digest, meaning_of, write_meaning
from solvers import score, solver_prototxt, train_stage
from solvers.initialise import start_from
from solvers.recipes import Stage
from surgery.random_weights import draw

pytestmark = pytest.mark.usefixtures("blank_pictures")

WIDTH = 1 / 32
ROOT = Path(__file__).parents[2]


def save_pretrained(path, spec):
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))
    draw(net)
    net.save(path)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A VOC directory, and vgg16-fcn weights of the tiny width (FCN-32s without its head)."""
    folder = tmp_path_factory.mktemp("world")
    synthetic.generate(folder / "data", train=4, val=2, size=(48, 64), seed=1)
    save_pretrained(folder / "vgg16-fcn.caffemodel", nets.convolutional("vgg16", width=WIDTH))
    return folder


def arguments(world, net, weights, out, *more):
    voc = world / "data" / "pascal" / "VOC2011"
    return [
        *(net, "--data", str(voc), "--weights", str(weights), "--out", str(out)),
        *("--width", str(WIDTH), "--gpu", "cpu", "--lr", "1e-9", *more),
    ]


def test_the_grid_shows_each_images_own_truth(world, tmp_path, monkeypatch):
    from data import picture_grid
    from data.drawing import colours

    grids = []
    monkeypatch.setattr(picture_grid, "grid", lambda rows, *more: grids.append(rows))
    assert run_for(world, tmp_path / "run", 1) == 0
    voc = world / "data" / "pascal" / "VOC2011"
    names = (voc / "ImageSets/Segmentation/val.txt").read_text().split()
    for name, (image, truth, _) in zip(names, grids[-1], strict=True):
        label = np.array(Image.open(voc / f"SegmentationClass/{name}.png"))
        np.testing.assert_array_equal(truth, colours(label))
        np.testing.assert_array_equal(image, Image.open(voc / f"JPEGImages/{name}.jpg"))


def weights_of(path):
    return {
        k: [b.values for b in v]
        for k, v in caffe.storage.caffemodel.read_weights(path).items()
        if v
    }


@pytest.mark.slow
def test_three_stages_each_from_the_last(world, tmp_path, capsys, blank_pictures):
    weights = world / "vgg16-fcn.caffemodel"
    for net in ("fcn32s", "fcn16s", "fcn8s"):
        if net == "fcn8s":
            blank_pictures.undo()  # one net's are drawn
        out = tmp_path / net
        args = arguments(world, net, weights, out, "--iters", "3", "--snapshot", "2")
        assert train_stage.main(args) == 0
        assert "mean IU" in capsys.readouterr().out
        before, weights = weights, out / f"{net}.caffemodel"
        assert nets.net_of_shapes(caffe.storage.caffemodel.blob_shapes(weights)) == (net, 21, WIDTH)
        expected = {f"train_iter_{i}.{e}" for i in (2, 3) for e in ("caffemodel", "solverstate")}
        assert {p.name for p in (out / "snapshot").iterdir()} == expected
        for split in ("train", "val", "deploy", "solver"):
            assert (out / f"{split}.prototxt").stat().st_size
        for picture in ("curve.png", "grid.png"):
            assert min(Image.open(out / picture).size) > 100
        report = (out / "report.html").read_text()
        assert "iteration 3 of 3." in report
        assert f"{net} on " in report
        assert "data:image/webp" in report
        assert f"Starting from {before}" in (out / "log.txt").read_text()
        with open(out / "metrics.csv") as file:
            rows = list(csv.DictReader(file))
        assert [row["iteration"] for row in rows] == ["2", "3"]
        assert list(rows[0]) == score.header(DATASETS["synthetic"].classes, {})


def test_new_upsampling_is_bilinear_and_new_scores_are_zero(world):
    """surgery.interp and the zero-initialised score layers of section 4.2."""
    dataset = train_stage.dataset_at("synthetic", world / "data" / "pascal" / "VOC2011")
    spec = nets.net_for(dataset, "fcn32s", "train", width=WIDTH)
    net = caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TRAIN))
    start_from(net, "fcn32s", dataset, [world / "vgg16-fcn.caffemodel"], WIDTH)
    assert not net.params["score_fr"][0].data.any()
    upscore = net.params["upscore"][0].data
    assert upscore[3, 3].sum() == pytest.approx(32**2)
    assert not upscore[3, 4].any()


def test_resuming_ends_with_the_same_bits(world, tmp_path):
    """Weights, momentum, the order of images and dropout all continue where they were."""
    weights = world / "vgg16-fcn.caffemodel"
    for name, runs in (("whole", [4]), ("resumed", [2, 4])):
        for iters in runs:
            out = tmp_path / name
            args = arguments(world, "fcn32s", weights, out, "--snapshot", "2")
            assert train_stage.main([*args, "--iters", str(iters)]) == 0
    assert "Resuming from" in (tmp_path / "resumed" / "log.txt").read_text()
    whole, resumed = (
        weights_of(tmp_path / name / "fcn32s.caffemodel") for name in ("whole", "resumed")
    )
    for layer, blobs in whole.items():
        for a, b in zip(blobs, resumed[layer], strict=True):
            np.testing.assert_array_equal(a, b, err_msg=layer)


def run_for(world, out, iters, *more):
    args = arguments(world, "fcn32s", world / "vgg16-fcn.caffemodel", out, "--snapshot", "1")
    return train_stage.main([*args, "--iters", str(iters), *more])


def test_starting_again_moves_the_old_run_aside(world, tmp_path):
    """Nothing is lost, and nothing of the old run is ever resumed."""
    out = tmp_path / "run"
    assert run_for(world, out, 2) == 0
    assert run_for(world, out, 1, "--restart") == 0
    assert {p.stem for p in (out / "snapshot").iterdir()} == {"train_iter_1"}
    assert "train_iter_2" in {p.stem for p in (out / "snapshot.1").iterdir()}
    assert len((out / "metrics.csv").read_text().splitlines()) == 2
    assert len((out / "metrics.csv.1").read_text().splitlines()) == 3


def same_weights(first, second):
    first, second = weights_of(first), weights_of(second)
    return all(
        np.array_equal(a, b)
        for layer, blobs in first.items()
        for a, b in zip(blobs, second[layer], strict=True)
    )


def test_resuming_after_starting_again_takes_nothing_of_the_old_run(world, tmp_path):
    """The old run has the same iterations; its weights would fit."""
    old, out, plain = world / "vgg16-fcn.caffemodel", tmp_path / "run", tmp_path / "plain"
    new = tmp_path / "other.caffemodel"
    drawn = caffe.Net.from_proto(
        nets.convolutional("vgg16", width=WIDTH), caffe_pb2.NetState(phase=caffe.TEST)
    )
    drawn.copy_from(str(old))
    drawn.params["conv1_1"][0].data[...] *= 2
    drawn.save(new)

    def run(folder, weights, iters, *more):
        args = arguments(world, "fcn32s", weights, folder, "--snapshot", "1")
        return train_stage.main([*args, "--iters", str(iters), *more])

    assert run(out, old, 2) == 0
    assert run(out, new, 1, "--restart") == 0
    assert same_weights(out / "snapshot.1/train_iter_2.caffemodel", out / "fcn32s.caffemodel.1")
    assert run(out, new, 2) == 0
    assert run(plain, new, 2) == 0
    assert same_weights(out / "fcn32s.caffemodel", plain / "fcn32s.caffemodel")
    # Without its caffemodel a snapshot is passed over, though the old run's is where it was moved
    for iteration in (1, 2):
        (out / f"snapshot/train_iter_{iteration}.caffemodel").unlink()
    assert run(out, new, 3) == 1


def test_the_next_stage_does_not_start_from_what_was_trained_before_starting_again(
    world, tmp_path, capsys
):
    out = tmp_path / "run"
    assert run_for(world, out, 1) == 0
    assert (out / "fcn32s.caffemodel").exists()
    assert run_for(world, out, 20, "--restart", "--lr", "1") == 1  # it diverges
    assert (out / "fcn32s.caffemodel.1").exists()
    args = arguments(world, "fcn16s", out / "fcn32s.caffemodel", tmp_path / "next")
    capsys.readouterr()
    assert train_stage.main([*args, "--iters", "1"]) == 1
    assert "fcn32s.caffemodel: fcn16s starts from these weights" in capsys.readouterr().err


def test_names_and_mean_travel_with_the_weights(world, tmp_path):
    out = tmp_path / "run"
    assert run_for(world, out, 1) == 0
    voc = DATASETS["voc"]
    for weights in ("fcn32s.caffemodel", "snapshot/train_iter_1.caffemodel"):
        path, meaning = meaning_of(out / weights)
        assert path == out / "fcn32s.json"
        assert (meaning.dataset, meaning.classes, meaning.mean) == ("voc", voc.classes, voc.mean)
        np.testing.assert_array_equal(meaning.palette, palette())
    assert meaning.weights == digest(out / "fcn32s.caffemodel")
    for folder in (out, tmp_path):
        shutil.copy(out / "fcn32s.caffemodel", folder / "alone.caffemodel")
        assert meaning_of(folder / "alone.caffemodel") is None


def test_names_stay_with_the_weights_that_they_were_written_for(world, tmp_path, capsys):
    out = tmp_path / "run"
    assert run_for(world, out, 1) == 0
    kept = (out / "fcn32s.json").read_text()
    assert run_for(world, out, 1) == 0  # trained already
    assert (out / "fcn32s.json").read_text() == kept
    shutil.copy(out / "fcn32s.caffemodel", out / "first")
    assert run_for(world, out, 2) == 0
    assert meaning_of(out / "fcn32s.caffemodel")
    assert (out / "fcn32s.json").read_text() != kept
    capsys.readouterr()
    shutil.move(out / "first", out / "fcn32s.caffemodel")
    assert meaning_of(out / "fcn32s.caffemodel") is None
    assert "fcn32s.json: was written for other weights" in capsys.readouterr().err
    assert meaning_of(out / "snapshot/train_iter_2.caffemodel")


def test_weights_that_were_trained_on_other_classes_are_warned_of(world, tmp_path):
    before = tmp_path / "before"
    assert run_for(world, before, 1) == 0
    other = dataclasses.replace(DATASETS["voc"], classes=tuple(map(str, range(21))))
    write_meaning(before / "fcn32s.json", other)
    out = tmp_path / "run"
    args = arguments(world, "fcn16s", before / "fcn32s.caffemodel", out, "--iters", "1")
    assert train_stage.main(args) == 0
    assert "Warning: " in (out / "log.txt").read_text()
    assert "was trained on other classes than those of" in (out / "log.txt").read_text()


def test_a_run_is_not_continued_under_other_names(world, tmp_path, capsys):
    run = tmp_path / "run"
    assert run_for(world, run, 1) == 0
    voc = DATASETS["voc"]
    classes = (*voc.classes[:-2], *voc.classes[:-3:-1])
    write_meaning(run / "fcn32s.json", dataclasses.replace(voc, classes=classes))
    capsys.readouterr()
    assert run_for(world, run, 2) == 1
    error = capsys.readouterr().err
    assert "fcn32s.json: the run that is continued has the classes background, aero" in error
    assert "sofa, tvmonitor, train; " in error
    assert "start again there (RESUME=0" in error
    (run / "fcn32s.json").unlink()
    assert run_for(world, run, 2) == 0


def test_starting_again_with_weights_that_do_not_fit_moves_nothing(world, tmp_path):
    out = tmp_path / "run"
    assert run_for(world, out, 1) == 0
    assert run_for(world, out, 1, "--restart", "--width", str(1 / 16)) == 1
    assert not (out / "snapshot.1").exists()
    assert (out / "metrics.csv").exists()


def test_a_damaged_snapshot_is_passed_over(world, tmp_path):
    out = tmp_path / "run"
    assert run_for(world, out, 2) == 0
    newest = out / "snapshot" / "train_iter_2.solverstate"
    newest.write_bytes(newest.read_bytes()[:300])
    assert run_for(world, out, 3) == 0
    log = (out / "log.txt").read_text()
    assert f"Passing over a snapshot: {newest}" in log
    assert "Resuming from" in log
    assert "train_iter_1.solverstate" in log.split("Resuming from")[1]


def test_a_folder_of_another_net_is_not_continued(world, tmp_path, capsys):
    out = tmp_path / "run"
    assert run_for(world, out, 1) == 0
    assert run_for(world, out, 2, "--width", str(1 / 16)) == 1
    error = capsys.readouterr().err
    assert str(out / "train.prototxt") in error
    assert "RESUME=0" in error


def test_a_finished_run_is_scored_and_not_written_again(world, tmp_path, capsys):
    out = tmp_path / "run"
    assert run_for(world, out, 1) == 0
    before = (out / "metrics.csv").read_text()
    capsys.readouterr()
    assert run_for(world, out, 1) == 0
    assert "fcn32s" in capsys.readouterr().out
    assert (out / "metrics.csv").read_text() == before


@pytest.mark.parametrize("killed_at", [1, pytest.param(2, marks=pytest.mark.long)])
def test_a_run_that_was_killed_after_a_snapshot_scores_it(world, tmp_path, killed_at):
    """The line of metrics.csv that the kill prevented is written, and so are the weights."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run_for(world, whole, 2) == 0
    assert run_for(world, killed, killed_at) == 0
    header, *lines = (killed / "metrics.csv").read_text().splitlines(keepends=True)
    (killed / "metrics.csv").write_text(header + "".join(lines[:-1]))
    (killed / "fcn32s.caffemodel").unlink()
    assert run_for(world, killed, 2) == 0
    assert (killed / "metrics.csv").read_text() == (whole / "metrics.csv").read_text()
    found, expected = (weights_of(folder / "fcn32s.caffemodel") for folder in (killed, whole))
    for layer, blobs in expected.items():
        for a, b in zip(blobs, found[layer], strict=True):
            np.testing.assert_array_equal(a, b, err_msg=layer)


def test_bad_data_in_the_middle_of_a_run_leaves_a_snapshot(world, tmp_path, capsys):
    out = tmp_path / "run"
    weights = world / "vgg16-fcn.caffemodel"
    broken = tmp_path / "broken"
    shutil.copytree(world / "data" / "pascal" / "VOC2011", broken)
    name = (broken / "ImageSets/Segmentation/val.txt").read_text().split()[1]
    (broken / "JPEGImages" / f"{name}.jpg").write_bytes(b"no image")
    args = arguments(world, "fcn32s", weights, out, "--iters", "2", "--snapshot", "100")
    args[args.index("--data") + 1] = str(broken)
    assert train_stage.main(args) == 1
    assert f"{name}.jpg" in capsys.readouterr().err
    assert (out / "snapshot" / "train_iter_2.solverstate").exists()


def relabelled(world, tmp_path, split, change):
    """A copy of the VOC folder, the labels of one split changed."""
    folder = tmp_path / "relabelled"
    shutil.copytree(world / "data" / "pascal" / "VOC2011", folder)
    for name in (folder / f"ImageSets/Segmentation/{split}.txt").read_text().split():
        path = folder / f"SegmentationClass/{name}.png"
        Image.fromarray(change(np.array(Image.open(path)))).save(path)
    return folder


def trained_on(world, tmp_path, folder, *more):
    weights = world / "vgg16-fcn.caffemodel"
    args = arguments(world, "fcn32s", weights, tmp_path / "run", "--iters", "1", *more)
    args[args.index("--data") + 1] = str(folder)
    return train_stage.main(args)


def masks(label):
    return np.where(label > 0, 255, 0).astype(np.uint8)


@pytest.mark.parametrize(
    ("split", "change", "message"),
    [
        ("train", masks, r"no class but background \(0\) and 255; .*in masks of 0 and 255 write 1"),
        ("train", lambda label: np.full_like(label, 7), r"no class but car \(7\); expected 21"),
        ("train", lambda label: np.full_like(label, 255), r"train, .*: every pixel is void \(255"),
        ("val", lambda label: np.full_like(label, 255), r"val, .*: every pixel is void \(255"),
        ("val", lambda label: np.full_like(label, 21), r"\.png: label values \[21\]; expected 0"),
    ],
)
def test_labels_that_nothing_can_be_learned_from_are_refused_before_training(
    world, tmp_path, capsys, split, change, message
):
    folder = relabelled(world, tmp_path, split, change)
    assert trained_on(world, tmp_path, folder) == 1
    assert re.search(f"error: .*{message}", capsys.readouterr().err)
    assert not list((tmp_path / "run/snapshot").iterdir())


def test_suspicious_labels_are_warned_of_before_training_and_below_the_scores(
    world, tmp_path, capsys
):
    assert trained_on(world, tmp_path, relabelled(world, tmp_path, "val", masks)) == 0
    captured = capsys.readouterr()
    assert re.search(
        r"Warning: label of train, .*train\.txt: no pixel of car \(7\), ", captured.out
    )
    log = (tmp_path / "run/log.txt").read_text()
    for text in (captured.out, log):
        assert re.search(r"Warning: label of val.*no class but background \(0\) and 255; a", text)
    assert re.search(
        r"warning: label of val: no class but background \(0\) was there to score", captured.err
    )


@pytest.mark.parametrize("option", ["--iters", "--lr", "--snapshot", "--width"])
def test_options_must_be_positive(option, capsys):
    with pytest.raises(SystemExit):
        train_stage.main(["fcn32s", option, "0"])
    assert option in capsys.readouterr().err


def test_ctrl_c_writes_a_snapshot_and_the_command_continues(world, tmp_path):
    out = tmp_path / "run"
    args = arguments(world, "fcn32s", world / "vgg16-fcn.caffemodel", out)
    command = [sys.executable, "-m", "solvers.train_stage", *args, "--iters", "100000"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        log = out / "log.txt"
        while not (log.exists() and re.search(r"Iteration \d", log.read_text())):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1
    assert "continues from it" in errors
    (state,) = (out / "snapshot").glob("*.solverstate")
    done = int(re.search(r"iter_(\d+)", state.name)[1])
    assert done > 0
    assert train_stage.main([*args, "--iters", str(done + 1)]) == 0
    assert f"Resuming from {state}" in log.read_text()


def refused(world, tmp_path, capsys, net, weights, *more):
    assert train_stage.main(arguments(world, net, weights, tmp_path / "out", *more)) == 1
    return capsys.readouterr().err


def test_a_net_without_the_stage_before_is_refused(world, tmp_path, capsys):
    error = refused(world, tmp_path, capsys, "fcn16s", world / "vgg16-fcn.caffemodel")
    assert "no weights for score_fr" in error
    assert "fcn32s" in error


def test_a_classifier_that_was_not_transplanted_is_refused(world, tmp_path, capsys):
    path = tmp_path / "vgg16.caffemodel"
    save_pretrained(path, nets.classifier("deploy", classes=20, width=WIDTH))
    error = refused(world, tmp_path, capsys, "fcn32s", path)
    assert "fc6" in error
    assert "surgery.ilsvrc" in error


def test_weights_of_another_width_are_refused(world, tmp_path, capsys):
    path = tmp_path / "wide.caffemodel"
    save_pretrained(path, nets.fcn("fcn32s", "deploy", classes=21, data=None, width=1 / 16))
    error = refused(world, tmp_path, capsys, "fcn16s", path)
    assert "conv1_1" in error
    assert "(4, 3, 3, 3)" in error


def test_missing_weights_name_file_source_and_place(world, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    args = ["fcn16s", "--data", str(world / "data" / "pascal" / "VOC2011"), "--gpu", "cpu"]
    assert train_stage.main(args) == 1
    error = capsys.readouterr().err
    assert "runs/voc-fcn32s/fcn32s.caffemodel" in error
    assert "`make fcn32s-voc` makes them" in error


def test_missing_data_names_files_and_cure(world, tmp_path, capsys):
    args = ["fcn32s", "--data", str(tmp_path), "--gpu", "cpu"]
    assert train_stage.main(args) == 1
    error = capsys.readouterr().err
    assert str(tmp_path / "ImageSets/Segmentation/train.txt") in error
    assert "VOC layout" in error


def test_a_loss_that_is_not_finite_stops_the_run(world, tmp_path, capsys):
    weights = world / "vgg16-fcn.caffemodel"
    error = refused(world, tmp_path, capsys, "fcn32s", weights, "--lr", "1", "--iters", "20")
    assert "diverged" in error
    assert "base_lr" in error


def training_net(world, net, changes=nets.RELEASED):
    dataset = train_stage.dataset_at("synthetic", world / "data" / "pascal" / "VOC2011")
    spec = nets.net_for(dataset, net, "train", width=WIDTH, changes=changes)
    caffe.set_random_seed(1)
    return dataset, caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TRAIN))


def test_scores_and_upsampling_that_start_from_random_values_keep_them(world):
    dataset, drawn = training_net(
        world, "fcn8s-atonce", nets.Changes(upsampling="random", score_std=0.01)
    )
    names = ("score_fr", "upscore2", "upscore_pool4")
    before = {name: drawn.params[name][0].data.copy() for name in names}
    start_from(drawn, "fcn8s-atonce", dataset, [world / "vgg16-fcn.caffemodel"], WIDTH)
    for name, values in before.items():
        assert values.any()
        np.testing.assert_array_equal(drawn.params[name][0].data, values)
    assert not drawn.params["upscore8"][0].data[3, 4].any()  # to the image: bilinear


def test_a_stage_may_start_from_another_net_than_the_stage_before(world, tmp_path):
    """A net goes on by itself, and with pool5 of stride 1 it starts from itself but for fc6."""
    dataset, old = training_net(world, "fcn32s")
    draw(old)
    path = tmp_path / "fcn32s.caffemodel"
    old.save(path)
    for changes in (nets.RELEASED, nets.Changes(fine=True)):
        _, new = training_net(world, "fcn32s", changes)
        start_from(new, "fcn32s", dataset, [path], WIDTH, nets_before=("fcn32s",))
        for name in old.params.keys() & new.params.keys():
            np.testing.assert_array_equal(new.params[name][0].data, old.params[name][0].data)
        assert ("fc6_14x14" in new.params) == changes.fine
    assert new.params["fc6_14x14"][0].data.any()


def test_a_stage_trains_a_changed_net_on_augmented_data_and_resumes_to_the_same_bits(
    world, tmp_path
):
    """The sampling of the loss goes on where it was, too."""
    dataset = train_stage.dataset_at("synthetic", world / "data" / "pascal" / "VOC2011")
    stage = Stage(
        "fcn32s",
        dataset,
        tmp_path / "whole",
        (world / "vgg16-fcn.caffemodel",),
        solver_prototxt.solver(dataset, "fcn32s", test_iter=2),
        width=WIDTH,
        changes=nets.Changes(kept=0.5),
        data={"mirror": True, "every": 2},
    )
    stage.solver.base_lr, stage.solver.max_iter, stage.solver.snapshot = 1e-9, 4, 2
    stage.solver.iter_size = 2
    train_stage.train(stage)
    own = ("mirror", "every", "SampledLabels")
    for split in ("train", "val"):
        text = (tmp_path / "whole" / f"{split}.prototxt").read_text()
        assert [word in text for word in own] == [split == "train"] * len(own)
    resumed = dataclasses.replace(stage, folder=tmp_path / "resumed")
    for iterations in (2, 4):
        resumed.solver.max_iter = iterations
        train_stage.train(resumed)
    a, b = (weights_of(s.folder / "fcn32s.caffemodel") for s in (stage, resumed))
    assert a.keys() == b.keys()
    for name, blobs in a.items():
        for x, y in zip(blobs, b[name], strict=True):
            np.testing.assert_array_equal(x, y)


def test_a_folder_of_ones_own_is_not_called_what_the_dataset_is(world):
    dataset = train_stage.dataset_at("synthetic", world / "data" / "pascal" / "VOC2011")
    assert dataset.title == "VOC2011, 21 classes"


def test_a_folder_of_idd_lite_without_lists_is_told_what_writes_them(tmp_path):
    dataset = train_stage.dataset_at("idd-lite", tmp_path)
    with pytest.raises(FileNotFoundError, match="make data-idd-lite"):
        require(dataset)
