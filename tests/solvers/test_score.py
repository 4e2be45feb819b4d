"""Laws of solvers/score.py: which blobs are scored, over which images, and what is written."""

import csv
import dataclasses
import io
from types import SimpleNamespace

import numpy as np
import pytest

from data.datasets import DATASETS
from solvers import score
from solvers.metrics import confusion, scores

VOID = 255


class Net:
    """Blobs of a val net: drawn anew by each pass, as a data layer and a net would."""

    def __init__(self, batch=1, **heads):
        self.rng = np.random.default_rng(0)
        self.batch, self.heads, self.passed = batch, heads, []
        self.blobs = {"loss": SimpleNamespace(data=np.float32(0))}
        self.forward()
        self.passed.clear()

    def forward(self):
        self.blobs["loss"].data = np.float32(len(self.passed) + 1)
        self._set("data", self.rng.normal(size=(self.batch, 3, 4, 5)))
        for label, (name, n) in self.heads.items():
            truth = self.rng.integers(0, n + 1, (self.batch, 1, 4, 5))
            truth[truth == n] = VOID
            self._set(label, truth)
            self._set(name, self.rng.normal(size=(self.batch, n, 4, 5)))
        self.passed.append({name: blob.data for name, blob in self.blobs.items()})

    def _set(self, name, values):
        self.blobs[name] = SimpleNamespace(data=values.astype(np.float32))


def expected(net, label, name, n):
    truths = np.concatenate([blobs[label][:, 0] for blobs in net.passed])
    values = np.concatenate([blobs[name] for blobs in net.passed])
    return scores(confusion(truths, values.argmax(1), n), int((truths == VOID).sum()))


def assert_same(result, reference):
    for value, other in zip(result, reference, strict=True):
        np.testing.assert_array_equal(value, other)


@pytest.mark.parametrize("batch", [1, 2])
def test_every_image_of_every_pass_counts(batch):
    net = Net(batch, label=("score", 21))
    result = score.evaluate(net, 3)
    assert len(net.passed) == 3
    assert_same(result.scores, expected(net, "label", "score", 21))
    assert result.loss == pytest.approx((1 + 2 + 3) / 3)
    assert result.others == {}


def test_sift_flows_semantic_head_is_the_main_one_and_the_geometric_one_is_scored_too():
    net = Net(sem=("score_sem", 33), geo=("score_geo", 3))
    result = score.evaluate(net, 2)
    assert_same(result.scores, expected(net, "sem", "score_sem", 33))
    assert list(result.others) == ["geo"]
    assert_same(result.others["geo"], expected(net, "geo", "score_geo", 3))


def test_watch_sees_image_truth_and_prediction_of_each_pass():
    heads, seen = {"label": "score", "geo": "score_geo"}, []
    net = Net(2, label=("score", 5), geo=("score_geo", 3))
    score.evaluate(net, 2, watch=lambda *args: seen.append(args))
    assert [args[0] for args in seen] == [0, 1]
    for (_, data, maps), blobs in zip(seen, net.passed, strict=True):
        np.testing.assert_array_equal(data, blobs["data"][0])
        assert list(maps) == ["label", "geo"]
        for (label, name), (truth, prediction) in zip(heads.items(), maps.values(), strict=True):
            np.testing.assert_array_equal(truth, blobs[label][0, 0])
            np.testing.assert_array_equal(prediction, blobs[name][0].argmax(0))


def test_watch_sees_the_color_of_a_net_that_sees_depth_too():
    net, seen = Net(label=("score", 5)), []
    net.blobs["color"] = SimpleNamespace(data=np.ones((1, 3, 4, 5), np.float32))
    score.evaluate(net, 1, watch=lambda *args: seen.append(args))
    assert (seen[0][1] == 1).all()


def test_a_row_has_its_values_under_the_headers_names():
    net = Net(sem=("score_sem", 3), geo=("score_geo", 2))
    result = score.evaluate(net, 2)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(score.header(["a", "b", "c"], result.others))
    writer.writerow(score.row(7, 0.25, result))
    (line,) = csv.DictReader(io.StringIO(text.getvalue()))
    assert line["iteration"] == "7"
    values = {
        "loss": 0.25,
        "val_loss": 1.5,
        "overall_accuracy": result.scores.overall_accuracy,
        "mean_iu": result.scores.mean_iu,
        "mean_iu_present": result.scores.mean_iu_present,
        "accuracy_with_void": result.scores.accuracy_with_void,
        "iu_c": result.scores.per_class_iu[2],
        "geo_overall_accuracy": result.others["geo"].overall_accuracy,
        "geo_fw_iu": result.others["geo"].fw_iu,
    }
    for name, value in values.items():
        assert float(line[name]) == pytest.approx(value, rel=1e-5)


def test_what_is_not_defined_is_an_empty_cell():
    nothing = scores(np.zeros((2, 2)))
    line = score.row(1, 2.0, score.Evaluation(nothing, 3.0, {}, {}))
    assert line == ["1", "2", "3"] + [""] * 8


@pytest.mark.parametrize(
    ("hist", "message"),
    [
        ([[0, 0], [0, 0]], "label of val: every pixel is void (255), nothing was scored"),
        ([[9, 0], [0, 0]], "label of val: no class but a (0) was there to score"),
        (
            [[9, 0], [4, 0]],
            "label of val: the net says a (0) everywhere; it has learned",
        ),
        ([[9, 0], [4, 1]], None),
    ],
)
def test_scores_that_say_little_are_told(hist, message):
    dataset = dataclasses.replace(DATASETS["camvid"], classes=("a", "b"))
    evaluation = score.Evaluation(scores(hist), 0.0, {}, {"label": np.array(hist)})
    found = score.warnings(dataset, evaluation)
    assert len(found) == (message is not None)
    assert not message or found[0].startswith(message)
