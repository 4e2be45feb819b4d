"""The demo from beginning to end, with a few tiny images and two iterations of everything."""

import pytest
from PIL import Image

import nets
from solvers import demo, pretrain


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "TRAIN", 2)
    monkeypatch.setattr(demo, "VAL", 2)
    monkeypatch.setattr(demo, "WIDTH", 1 / 32)
    monkeypatch.setattr(demo, "PRETRAINING", 2)
    monkeypatch.setattr(demo, "STAGES", {net: (2, 1e-9) for net in demo.STAGES})
    monkeypatch.setattr(pretrain, "IMAGES", 4)
    monkeypatch.setattr(pretrain, "BATCH", 2)
    return tmp_path / "demo"


def test_the_demo_pretrains_transplants_trains_scores_and_draws(tiny, capsys):
    assert demo.main(["--out", str(tiny), "--gpu", "cpu"]) == 0
    printed = capsys.readouterr().out
    assert "coerced: fc6 (128, 784) -> (128, 16, 7, 7)" in printed
    lines = printed.splitlines()
    table = [line.split()[0] for line in lines if line.startswith("fcn") and len(line.split()) == 5]
    assert table == ["fcn32s", "fcn16s", "fcn8s"]
    for net in table:
        assert nets.net_of_weights(tiny / net / f"{net}.caffemodel")[0] == net
    assert min(Image.open(tiny / "comparison.png").size) > 100


def test_a_second_run_trains_nothing_again(tiny, capsys):
    assert demo.main(["--out", str(tiny), "--gpu", "cpu"]) == 0
    weights = [tiny / net / f"{net}.caffemodel" for net in demo.STAGES]
    before = [path.read_bytes() for path in weights]
    first = capsys.readouterr().out.splitlines()
    assert demo.main(["--out", str(tiny), "--gpu", "cpu"]) == 0
    assert [path.read_bytes() for path in weights] == before
    rows = [line for line in first if line.startswith("fcn")]
    assert set(rows) <= set(capsys.readouterr().out.splitlines())
