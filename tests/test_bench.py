"""The bench's two sides compute the same, and its comparison notices where they do not."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from bench import feed, ours, plain, report
from bench.cli import CASES
from bench.measure import Timing, compare
from bench.work import BASE_LR, WEIGHT_DECAY, Work

CASE = {case.task: case for case in CASES}


@pytest.fixture
def prepared(tmp_path):
    """A function: the setting of a task, a 32nd as wide and on a small image, weights drawn."""

    def prepare(task: str) -> Work:
        work = Work(tmp_path, size=(48, 64), width=1 / 32)
        ours.prepare(work, CASE[task].net)
        return work

    return prepare


def written(folder: Path, outputs: dict[str, np.ndarray]) -> Path:
    folder.mkdir()
    for name, array in outputs.items():
        np.save(folder / f"{name}.npy", array)
    return folder


def outputs_of(side: ModuleType, work: Work, task: str) -> dict[str, np.ndarray]:
    return dict(getattr(side, task)(work).outputs())


@pytest.mark.parametrize(("task", "tolerance"), [("Forward", 1e-6), ("Load", 0)])
def test_sides_give_equal_scores_and_loaded_weights(prepared, tmp_path, task, tolerance):
    work = prepared(task)
    a = written(tmp_path / "ours", outputs_of(ours, work, task))
    b = written(tmp_path / "plain", outputs_of(plain, work, task))
    assert compare(a, b, tolerance) <= tolerance


def test_sides_train_equally(prepared, tmp_path, monkeypatch):
    """Loss, updates and updated weights of an iteration with dropout; weights move by the update.

    At a higher rate than the published, which moves most weights by less than float32 resolves.
    """
    work = prepared("Train")
    outputs = {}
    for side in (ours, plain):
        monkeypatch.setattr(side, "BASE_LR", 1e-6)
        outputs[side] = outputs_of(side, work, "Train")
        for name in ("conv1_1.weight", "fc6.bias", "score_fr.weight"):
            drawn = np.load(work.array(name))
            update = outputs[side][f"update of {name}"]
            moved = outputs[side][name]
            ulp = np.spacing(abs(moved).max())
            assert abs(update).max() > 10 * ulp
            np.testing.assert_allclose(moved, drawn - update, rtol=0, atol=ulp)
    a = written(tmp_path / "ours", outputs[ours])
    b = written(tmp_path / "plain", outputs[plain])
    assert compare(a, b, 1e-5) <= 1e-5


@pytest.mark.parametrize("side", [ours, plain])
def test_without_a_gradient_the_update_is_weight_decay(prepared, monkeypatch, side):
    """All pixels void: the update is rate * decay * weight, and none for the biases."""
    work = prepared("Train")
    monkeypatch.setattr(side, "label", lambda work: np.full((1, 1, 48, 64), 255, np.float32))
    outputs = outputs_of(side, work, "Train")
    assert outputs["loss"] == 0
    for name, update in outputs.items():
        if name.startswith("update of"):
            drawn = np.load(work.array(name.removeprefix("update of ")))
            decay = WEIGHT_DECAY if name.endswith("weight") else 0
            np.testing.assert_allclose(update, BASE_LR * decay * drawn, rtol=1e-5)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (dict(score=np.array([1.0, 2.003])), "score.npy: .* differ by 1.5e-03"),
        (dict(score=np.array([1.0, np.nan])), "score.npy: .* differ by nan"),
        (dict(score=np.array([1.0])), r"score.npy: ours has shape \(1,\)"),
        (dict(loss=np.array(1.0)), "only one side has .* loss.npy, score.npy"),
    ],
)
def test_comparison_refuses_what_differs(tmp_path, other, message):
    a = written(tmp_path / "ours", other)
    b = written(tmp_path / "plain", dict(score=np.array([1.0, 2.0])))
    with pytest.raises(ValueError, match=message):
        compare(a, b, 1e-3)


def test_ratios_are_taken_round_by_round():
    timing = Timing({"ours": [2.0, 9.0], "plain": [1.0, 3.0]}, {"ours": 0, "plain": 0})
    assert timing.ratios == [2.0, 3.0]


@pytest.mark.parametrize("encoded", [False, True])
def test_data_layers_are_timed_on_images_of_the_size_and_kind_promised(tmp_path, encoded):
    case = feed.Feed("small", (230, 240), encoded, goal=1, items=9, batches=1)
    size = feed.write(case, tmp_path)
    assert (size < 50_000) == encoded
    rates = feed.rates(case, 2, tmp_path)
    assert len(rates) == 2
    row = report.feed_table([feed.FeedRow(case, rates, size)])[-1]
    assert row.startswith("| small | ")
    assert "\N{GREATER-THAN OR EQUAL TO} 1: met" in row
