"""The demo from beginning to end, with a few tiny images and two iterations of everything."""

import numpy as np
import pytest
from PIL import Image

import nets
from caffe.storage.caffemodel import blob_shapes
from solvers import demo, metrics, pretrain, twins

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "TRAIN", 2)
    monkeypatch.setattr(demo, "VAL", 2)
    monkeypatch.setattr(demo, "WIDTH", 1 / 32)
    monkeypatch.setattr(demo, "PRETRAINING", 2)
    monkeypatch.setattr(demo, "STAGES", dict.fromkeys(demo.STAGES, 2))
    monkeypatch.setattr(pretrain, "IMAGES", 4)
    monkeypatch.setattr(pretrain, "BATCH", 2)
    return tmp_path / "demo"


@pytest.mark.slow
def test_the_twins_run_from_the_demos_classifier_each_stage_from_the_one_before(
    tiny, monkeypatch, capsys
):
    monkeypatch.setattr(twins, "NAMES", ("synthetic-nyud",))
    monkeypatch.setattr(twins, "TRAIN", 2)
    monkeypatch.setattr(twins, "VAL", 1)
    monkeypatch.setattr(twins, "ITERATIONS", 1)
    runs = tiny.parent
    assert twins.main(["--out", str(runs), "--gpu", "cpu"]) == 0
    printed = capsys.readouterr().out
    for net in nets.RGBD_NETS:
        assert f"\nsynthetic-nyud-{net} " in printed
        assert (runs / f"synthetic-nyud-{net}" / "metrics.csv").exists()
    log = (runs / "synthetic-nyud-fcn32s-color-hha" / "log.txt").read_text()
    color, hha = (runs / f"synthetic-nyud-fcn32s-{m}" for m in ("color", "hha"))
    assert f"{color}/fcn32s-color.caffemodel and {hha}/fcn32s-hha.caffemodel" in log
    assert [path.name for path in (runs / "twins").iterdir()] == ["nyud"]


@pytest.mark.long
@pytest.mark.slow
def test_the_zoo_runs_on_its_twin_but_for_the_net_that_starts_from_torchvisions(
    tiny, monkeypatch, capsys
):
    for name, value in (("TRAIN", 2), ("VAL", 1), ("ITERATIONS", 1)):
        monkeypatch.setattr(twins, name, value)
    monkeypatch.setattr(twins, "NAMES", ("synthetic-idd",))
    monkeypatch.setattr(demo, "pretrained", lambda out: out / "none.caffemodel")
    assert twins.main(["--out", str(tiny.parent), "--gpu", "cpu"]) == 0
    printed = capsys.readouterr().out
    ran = {net for net in nets.ZOO if f"\nsynthetic-idd-{net} " in printed}
    assert ran == {*nets.ZOO} - {"transfer"}


@pytest.mark.slow
def test_the_demo_pretrains_transplants_trains_scores_and_draws_once(tiny, capsys):
    assert demo.main(["--out", str(tiny), "--gpu", "cpu"]) == 0
    printed = capsys.readouterr().out
    assert "coerced: fc6 (128, 784) -> (128, 16, 7, 7)" in printed
    rows = [x for x in printed.splitlines() if x.startswith("fcn") and len(x.split()) == 5]
    assert [row.split()[0] for row in rows] == ["fcn32s", "fcn16s", "fcn8s"]
    weights = {net: tiny / net / f"{net}.caffemodel" for net in demo.STAGES}
    for net, path in weights.items():
        assert nets.net_of_shapes(blob_shapes(path))[0] == net
    assert min(Image.open(tiny / "comparison.png").size) > 100

    regime = (tiny / "fcn32s" / "train.prototxt").read_text()
    assert "Dropout" not in regime
    assert "normalize: true" in regime

    # A second run trains nothing again, and says the same.
    before = [path.read_bytes() for path in weights.values()]
    assert demo.main(["--out", str(tiny), "--gpu", "cpu"]) == 0
    assert [path.read_bytes() for path in weights.values()] == before
    assert set(rows) <= set(capsys.readouterr().out.splitlines())

    # Another seed goes on from there: other weights, the same data.
    assert demo.main(["--out", str(tiny), "--gpu", "cpu", "--seeds", "2"]) == 0
    printed = capsys.readouterr().out
    assert set(rows) <= set(printed.splitlines())
    assert "over 2 seeds:" in printed
    for net, path in weights.items():
        other = tiny / f"seed-{demo.SEED + 1}" / net / path.name
        assert other.read_bytes() != path.read_bytes()
    assert not (tiny / f"seed-{demo.SEED + 1}" / "data").exists()


def test_the_spread_is_the_mean_and_the_ends_over_the_seeds():
    hists = (np.array([[5, 5], [0, 10]]), np.array([[10, 0], [0, 10]]))
    results = [dict.fromkeys(demo.STAGES, metrics.scores(hist, 0)) for hist in hists]
    lines = [line.split() for line in demo.spread(results).splitlines()]
    # mean IU of the first: (5 / 10 + 10 / 15) / 2
    assert lines[1:] == [[net, "79.2", "58.3", "100.0"] for net in demo.STAGES]
