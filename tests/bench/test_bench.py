"""The bench's engines compute the same and take turns; what differs or fails is told."""

import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from support import bench_engines

from bench import (
    busy,
    cases,
    cli,
    feed,
    goals,
    matrix,
    measure,
    ours,
    peers,
    plain,
    result_tables,
    sizes,
    start,
)
from bench.measure import Timing, check, compare, interleave
from bench.processes import Engine, Failed, in_process
from bench.result_tables import Row, Table
from bench.work import BASE_LR, WEIGHT_DECAY, Work

SIZE = (48, 64)


def prepared(folder: Path, net: str = "fcn8s", sizes=(SIZE, (50, 40))) -> Work:
    """A 32nd as wide and on small images, weights drawn."""
    work = Work(folder, sizes, threads=1, width=1 / 32, dropout=False)
    ours.prepare(work, net)
    return work


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return prepared(tmp_path_factory.mktemp("fcn8s"))


def written(folder: Path, outputs) -> Path:
    folder.mkdir()
    for name, array in outputs:
        np.save(folder / f"{name}.npy", array)
    return folder


def difference(tmp_path, work, engine, reference, tolerance) -> float:
    """What `compare` gives of the outputs of two engines; both have at least one."""
    found = written(tmp_path / "found", engine(work).outputs())
    expected = written(tmp_path / "expected", reference(work).outputs())
    assert list(found.iterdir())
    return compare(found, expected, tolerance)


# The engines.


@pytest.mark.parametrize("engine", [ours.Forward, ours.ForwardThere, plain.ForwardChannelsLast])
def test_engines_give_equal_scores_on_images_of_two_sizes(tmp_path, work, engine):
    difference(tmp_path, work, engine, plain.Forward, 1e-5)
    assert len(list((tmp_path / "found").iterdir())) == 2


@pytest.mark.parametrize(
    ("package", "engine"),
    [
        ("onnxruntime", peers.onnx_runtime),
        ("openvino", peers.open_vino),
        ("cv2", peers.open_cv),
    ],
)
def test_peers_give_equal_scores(tmp_path, work, package, engine):
    for needed in ("onnx", "onnxscript", package):
        pytest.importorskip(needed)
    one_size = Work(work.folder, (SIZE, SIZE), threads=1, width=work.width)
    difference(tmp_path, one_size, engine, plain.Forward, 1e-5)


def test_engines_load_equal_weights(tmp_path):
    work = prepared(tmp_path / "vgg16", "vgg16")
    assert difference(tmp_path, work, ours.Load, plain.Load, 0) == 0


def test_engines_train_equally(tmp_path, work, monkeypatch):
    """Loss, updates and updated weights of an iteration; weights move by the update.

    At a higher rate than the published, which moves most weights by less than float32 resolves.
    """
    outputs = {}
    for module, engine in (
        (ours, ours.Train),
        (plain, plain.Train),
        (plain, plain.TrainChannelsLast),
    ):
        monkeypatch.setattr(module, "BASE_LR", 1e-7)
        found = {name: np.array(array) for name, array in engine(work).outputs()}
        outputs[engine] = written(tmp_path / f"{engine.__module__}{engine.__name__}", found.items())
        for name in ("conv1_1.weight", "fc6.bias", "score_fr.weight", "score_pool3.weight"):
            drawn = np.load(work.array(name))
            ulp = np.spacing(abs(found[name]).max())
            assert abs(found[f"update of {name}"]).max() > 10 * ulp
            moved = drawn - found[f"update of {name}"]
            np.testing.assert_allclose(found[name], moved, rtol=0, atol=ulp)
    for engine in (ours.Train, plain.TrainChannelsLast):
        compare(outputs[engine], outputs[plain.Train], 1e-4)


@pytest.mark.parametrize("side", [ours, plain])
def test_without_a_gradient_the_update_is_weight_decay(work, monkeypatch, side):
    """All pixels void: the update is rate * decay * weight, and none for the biases."""
    monkeypatch.setattr(side, "label", lambda work: np.full((1, 1, *SIZE), 255, np.float32))
    outputs = dict(side.Train(work).outputs())
    assert outputs["loss"] == 0
    for name, update in outputs.items():
        if name.startswith("update of"):
            drawn = np.load(work.array(name.removeprefix("update of ")))
            decay = WEIGHT_DECAY if name.endswith("weight") else 0
            np.testing.assert_allclose(update, BASE_LR * decay * drawn, rtol=1e-5)


def test_work_is_counted_for_each_image(work):
    first, second, again = ours.flop(work, [(48, 64), (96, 64), (48, 64)])
    assert first == again < second


def test_the_limit_of_a_product_is_its_own_time():
    assert matrix.limits([matrix.FLOP, matrix.FLOP / 2], [3.0, 5.0]) == [3.0, 2.5]


def test_each_pass_meets_another_size():
    found = cases.new_sizes((500, 500), 9)
    assert len(set(found)) == 9
    assert found[0] == (500, 500)


# Comparing.


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (dict(score=np.array([1.0, 2.003])), "score.npy differs .* by 1.5e-03"),
        (dict(score=np.array([1.0, np.nan])), "score.npy differs .* by nan"),
        (dict(score=np.array([1.0])), r"score.npy has shape \(1,\)"),
        (dict(loss=np.array(1.0)), "only one of it .* has loss.npy, score.npy"),
    ],
)
def test_comparison_refuses_what_differs(tmp_path, other, message):
    found = written(tmp_path / "found", other.items())
    expected = written(tmp_path / "expected", [("score", np.array([1.0, 2.0]))])
    with pytest.raises(ValueError, match=message):
        compare(found, expected, 1e-3)


@pytest.fixture
def empty(tmp_path):
    return Work(tmp_path, (SIZE,), threads=1)


REFERENCE = Engine("reference", bench_engines.A)


def test_a_peer_that_lacks_or_differs_is_told_and_the_others_are_compared(empty):
    engines = [
        REFERENCE,
        Engine("missing", bench_engines.missing, peer=True),
        Engine("differs", bench_engines.Differs, peer=True),
        Engine("equal", bench_engines.B),
    ]
    differences, failures = check(engines, REFERENCE, empty, 1e-3, "")
    assert differences == {"reference": 0, "equal": 0}
    assert failures["missing"] == "ModuleNotFoundError: No module named 'engine'"
    assert "differs from the reference's by 2.5e-01" in failures["differs"]
    assert not any(path.is_dir() for path in empty.folder.iterdir())


def test_an_engine_that_is_no_peer_must_not_differ(empty):
    with pytest.raises(ValueError, match=r"differs: score.npy differs"):
        check([Engine("differs", bench_engines.Differs)], REFERENCE, empty, 1e-3, "")


# Turns.


def test_engines_take_turns_and_one_that_dies_is_left_out(empty):
    engines = [
        Engine("a", bench_engines.A),
        Engine("dies", bench_engines.Dies, peer=True),
        Engine("b", bench_engines.B),
    ]
    timing = interleave(engines, empty, 2, "")
    assert (empty.folder / "passes").read_text() == "AB" * (measure.WARM_UP + 2)
    assert {name: len(values) for name, values in timing.seconds.items()} == dict(a=2, dies=0, b=2)
    assert timing.peak.keys() == timing.idle.keys() == {"a", "b"}
    assert min(timing.peak.values()) > 1e6
    assert "killed" in timing.failures["dies"]


def test_what_fails_in_another_process_fails_here():
    assert in_process(abs, -3) == 3
    with pytest.raises(Failed, match=r"ValueError: .*'x'"):
        in_process(int, "x")


def test_a_command_that_fails_is_told():
    with pytest.raises(Failed, match="no_such_module"):
        start.run([sys.executable, "-c", "import no_such_module"])


# What is printed and written.


def test_a_row_without_figures_says_why():
    table = Table("T", [Row("a", {"s": [1.0, 3.0, 2.0], "GB": [0.5]}), Row("b", reason="not here")])
    assert result_tables.markdown(table) == [
        "| T | s | GB |",
        "|---|---|---|",
        "| a | 2 (1\N{EN DASH}3) | 0.5 |",
        "| b | not timed: not here |  |",
    ]
    assert result_tables.as_csv([table]).splitlines()[1:] == [
        "T,a,s,1,1",
        "T,a,s,2,3",
        "T,a,s,3,2",
        "T,a,GB,1,0.5",
    ]


@pytest.mark.parametrize(
    ("at_least", "values", "verdict"),
    [
        (False, [1, 2, 9], "met"),
        (False, [1, 2.1, 2.1], "missed"),
        (True, [2, 2, 0], "met"),
        (True, [1.9, 1.9, 5], "missed"),
    ],
)
def test_a_goal_is_met_by_the_median(at_least, values, verdict):
    goal = goals.Goal("g", goals.Figure("T", "a", "s"), 2, at_least)
    assert goals.table([goal], [Table("T", [Row("a", {"s": values})])])[-1].endswith(f"{verdict} |")
    assert goals.table([goal], [Table("T", [])])[-1].endswith("| | not measured |")


def test_deviation_from_a_straight_line():
    slope, at_zero, deviation = sizes.line([1, 2, 4], [5, 7, 11])
    assert (slope, at_zero, deviation) == pytest.approx((2, 3, 0))
    # The line through these is y = 4/3, a third and two thirds away.
    assert sizes.line([0, 1, 2], [1, 2, 1]) == pytest.approx((0, 4 / 3, 1 / 3))


def images_at(path: Path) -> int:
    return len(list(path.iterdir())) if path.is_dir() else 1


@pytest.fixture
def quickly(monkeypatch, work):
    """Every measurement in this process, on little; what takes turns takes a second each time."""

    def told(engines, work, rounds, title, warm_up=2):
        names = [engine.title for engine in engines]
        seconds = {name: [1.0] * rounds for name in names}
        return Timing(seconds, dict.fromkeys(names, 10**9), dict.fromkeys(names, 0.0), {})

    for module in (measure, sizes):
        monkeypatch.setattr(module, "interleave", told)
    monkeypatch.setattr(
        measure, "check", lambda engines, *args: ({engine.title: 0.0 for engine in engines}, {})
    )
    for module in (busy, cases, feed, cli.snapshots):
        monkeypatch.setattr(module, "in_process", lambda function, *args: function(*args))
    monkeypatch.setattr(feed, "_on_few_cores", lambda: None)
    small = [
        feed.Database(each.title, (230, 240), each.encoded, items=9, batches=1)
        for each in feed.DATABASES
    ]
    monkeypatch.setattr(feed, "DATABASES", small)
    monkeypatch.setattr(feed, "VOC_SIZE", (40, 50))
    monkeypatch.setattr(feed, "VOC_IMAGES", 3)
    for module in (busy, start):
        monkeypatch.setattr(module, "worker", lambda engine, work: nullcontext())
        monkeypatch.setattr(module, "ready", lambda connection: None)
        monkeypatch.setattr(module, "turn", lambda connection: 0.5)
    # 2 seconds to start, and 0.6 for each image
    monkeypatch.setattr(start, "run", lambda command: 2 + 0.6 * images_at(Path(command[-1])))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H200")
    monkeypatch.setattr(sizes, "SIZES", (SIZE, (64, 64), (64, 96)))
    return work


def test_every_goal_stands_beside_a_figure_and_all_is_written(quickly, tmp_path):
    found = list(cli.everything(quickly, 2))
    assert "not measured" not in "".join(goals.table(goals.here(), found))
    # 0.6 s for each further image, beside a pass of 0.5 s
    assert result_tables.median_of(found, start.INFER, start.EACH, start.RATE) == pytest.approx(
        5 / 6
    )
    cli.write(tmp_path, ["# Head"], found)
    names = ["results.csv", "results.md", "results.png", "sizes.csv", "sizes.png"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == names
    text = (tmp_path / "results.md").read_text()
    assert text.startswith("# Head\n\n| FCN-8s forward |")
    assert all(f"| {table.title} |" in text for table in found)
