"""Laws of `python -m tables.memory`: what is measured, and what is printed beside the published."""

import csv
import math

import numpy as np
import pytest

import caffe
from bench.processes import Failed, in_process
from surgery.upsample import upsample_filt
from tables import footprint, memory, memory_report
from tables.footprint import Case, Footprint
from tables.published import load_memory

WIDTH = 1 / 32
DASH = "–"  # noqa: RUF001
IMPORTED = 250_000_000


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """The level that main sets for its processes, so that it is not left set for other tests."""
    monkeypatch.setenv("GLOG_minloglevel", "1")


# What was published.


def test_guists_model_is_near_what_he_measured_and_his_figures_grow_with_the_image():
    published = load_memory()
    for factor, text in published.megabytes["training"].items():
        assert published.model(memory_report.pixels(factor)) == pytest.approx(float(text), rel=0.03)
        assert float(published.megabytes["evaluation"][factor]) < float(text)
    assert set(published.megabytes["training"]) == set(memory_report.FACTORS) - {1}


# What one process measures.


@pytest.fixture
def recompute(monkeypatch):
    """What caffe.set_recompute was told."""
    told = []
    monkeypatch.setattr(caffe, "set_recompute", told.append)
    return told


@pytest.mark.parametrize("on", [False, True])
def test_training_is_two_steps_on_one_image_with_drawn_weights(monkeypatch, recompute, on):
    solvers = []

    class Kept(caffe.SGDSolver):
        def __init__(self, param):
            super().__init__(param)
            solvers.append(self)

    monkeypatch.setattr(caffe, "SGDSolver", Kept)
    found = footprint.measure(Case("fcn8s", (40, 56), True, on, WIDTH, "cpu"))
    assert recompute == [on]
    assert found.peak > 0 < found.seconds
    (solver,) = solvers
    assert solver.iter == 2
    assert solver.param.momentum == pytest.approx(0.99)
    assert solver.param.iter_size == 1
    net = solver.net
    assert net.blobs["data"].shape == (1, 3, 40, 56)
    assert net.blobs["score"].shape == (1, 19, 40, 56)
    assert net.blobs["loss"].data > 0
    assert math.isfinite(net.blobs["loss"].data)
    assert all(blob.data.any() for blob in solver.history[:2])
    deviation = net.params["conv4_1"][0].data.std()
    channels = net.blobs["pool3"].shape[1]
    assert deviation == pytest.approx(math.sqrt(2 / (9 * channels)), rel=0.1)
    upsampling = net.params["upscore8"][0].data
    np.testing.assert_allclose(upsampling[3, 3], upsample_filt(16))
    assert not upsampling[3, 4].any()


def test_evaluation_is_two_forward_passes(monkeypatch, recompute):
    passes = []
    forward = caffe.Net.forward

    def counted(net, **inputs):
        passes.append(inputs["data"].shape)
        return forward(net, **inputs)

    monkeypatch.setattr(caffe.Net, "forward", counted)
    footprint.measure(Case("fcn16s", (40, 56), False, False, WIDTH, "cpu"))
    assert passes == [(1, 3, 40, 56)] * 2


@pytest.mark.slow
def test_the_memory_is_that_of_a_process_of_its_own():
    size, scores = (640, 640), 4 * 19 * 640 * 640  # bytes of the scores alone, one of many blobs
    bare = in_process(footprint.bare, "cpu")
    found = in_process(footprint.measure, Case("fcn8s", size, True, False, WIDTH, "cpu"))
    assert bare + 3 * scores < found.peak < bare + 60 * scores


# The tables.


def fake(function, argument):
    """Stands for a process: known figures, and one that is killed."""
    if function is footprint.bare:
        return IMPORTED
    if argument.net == "fcn16s" and argument.size == memory_report.size(1) and argument.training:
        raise Failed("its process was killed")
    number = 1 + list(memory_report.NETS).index(argument.net) + 10 * argument.recompute
    megabytes = 1000 * number + math.prod(argument.size) // 1000 + 100 * argument.training
    return Footprint(megabytes * 1_000_000, number / 8)


@pytest.fixture
def printed(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(memory, "in_process", fake)
    assert memory.main(["--gpu", "cpu", "--out", str(tmp_path)]) == 0
    return capsys.readouterr().out


def cells(printed, title):
    """The rows of a table by their first cell."""
    section = printed.split(f"## {title}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    split = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return split[0], {first: rest for first, *rest in split[2:]}, section


def test_the_tables_have_ours_beside_the_published(printed):
    head, rows, text = cells(printed, "Peak memory, training, MB")
    nets = ["FCN-32s, ours", "FCN-16s, ours", "FCN-8s, ours"]
    assert head == ["", "Guist", "Guist's model", *nets, "ours from"]
    assert [row[:5] for row in rows.values()] == [
        ["3467", "3563", "1157", "2157", "3157"],
        ["4659", "4549", "1231", "2231", "3231"],
        ["9856", "9858", "1624", "2624", "3624"],
        [DASH, "31092", "3197", DASH, "5197"],
    ]
    assert list(rows) == ["341 x 170 (1/6)", "512 x 256 (1/4)", "1024 x 512 (1/2)", "2048 x 1024"]
    assert "FCN-16s at 2048 x 1024: its process was killed" in text
    assert "250 MB of it are a bare `import caffe`" in text
    _, rows, _ = cells(printed, "Peak memory, training, activations recomputed, MB")
    assert rows["341 x 170 (1/6)"][:5] == ["3467", "3563", "11157", "12157", "13157"]
    head, rows, text = cells(printed, "Peak memory, evaluation, MB")
    assert head == ["", "Guist", *nets, "ours from"]
    assert rows["1024 x 512 (1/2)"][:4] == ["7627", "1524", "2524", "3524"]
    assert "killed" not in text
    head, rows, _ = cells(printed, "Seconds of a step, training, activations recomputed")
    assert head == ["", *nets, "ours from"]
    assert rows["2048 x 1024"][:3] == ["1.38", DASH, "1.62"]


def test_the_files_hold_every_process(printed, tmp_path):
    assert (tmp_path / "memory.md").read_text(encoding="utf-8") in printed
    assert (tmp_path / "memory.png").read_bytes().startswith(b"\x89PNG")
    with open(tmp_path / "memory.csv", newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(memory_report.FACTORS) * len(memory_report.SETTINGS) * len(
        memory_report.NETS
    )
    failed = [line for line in lines if not line["peak_bytes"]]
    assert {(line["net"], line["pixels"]) for line in failed} == {("fcn16s", "2097152")}
    (line,) = [
        line
        for line in lines
        if (line["net"], line["task"], line["recompute"], line["height"])
        == ("fcn8s", "training", "1", "512")
    ]
    assert (line["width"], line["pixels"], line["seconds"]) == ("1024", "524288", "1.6250")
    assert int(line["peak_bytes"]) - int(line["above_import_bytes"]) == IMPORTED


def test_a_gpu_that_is_not_there_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert memory.main(["--gpu", "1"]) == 1
    assert capsys.readouterr().err.startswith("error: GPU 1 was asked for")
