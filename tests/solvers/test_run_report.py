"""Laws of a run's report: what it holds, of whole folders, of old ones, and of damaged ones."""

import json
import re
import time
from types import SimpleNamespace

import numpy as np
import pytest

from data.datasets import DATASETS
from data.drawing import palette
from solvers import run_progress, run_report, score, solver_prototxt
from solvers.metrics import confusion, scores
from solvers.recipes import Stage
from solvers.run_events import write_events
from solvers.run_examples import Extremes, errors, read_examples, strip, write_examples
from solvers.run_facts import read_facts, write_facts
from solvers.run_progress import Progress, read_progress, recorder, seconds_left
from solvers.runs_index import write_index

pytestmark = pytest.mark.usefixtures("blank_pictures")

CAMVID = DATASETS["camvid"]
CLASSES = len(CAMVID.classes)


def stage_in(folder, max_iter=100):
    solver = solver_prototxt.solver(CAMVID, "fcn32s", test_iter=2)
    solver.max_iter = max_iter
    folder.mkdir(parents=True, exist_ok=True)
    return Stage("fcn32s", CAMVID, folder, (), solver)


def scored(folder, *mean_ius):
    """metrics.csv of a run that was scored as often."""
    lines = [",".join(score.header(CAMVID.classes, {}))]
    for number, value in enumerate(mean_ius, 1):
        values = [1 / number, 1.5, *[value] * 6, *[value] * CLASSES]
        lines.append(",".join(map(str, [50 * number, *values])))
    (folder / "metrics.csv").write_text("\n".join(lines) + "\n")


def run_in(folder, *mean_ius):
    """The folder of a run, with all that one keeps."""
    stage = stage_in(folder)
    counts = {"train": {"label": np.arange(1, CLASSES + 2)}}
    write_facts(stage, counts)
    scored(folder, *mean_ius)
    hist = np.arange(CLASSES**2).reshape(CLASSES, CLASSES)
    run_report.write_confusion(folder, CAMVID.labels, {"label": hist})
    write_examples(folder, seen(), ["first", "second", "third"], palette())
    return folder


def seen():
    extremes = Extremes(CLASSES, lambda data: data)
    rng = np.random.RandomState(0)
    for number in range(3):
        image = rng.randint(0, 256, (20, 30, 3)).astype(np.uint8)
        truth = rng.randint(0, CLASSES, (20, 30))
        prediction = np.where(rng.rand(20, 30) < number / 3, truth, 0)
        extremes.see(number, image, truth, prediction)
    return extremes


@pytest.mark.smoke
def test_a_report_holds_all_that_the_folder_knows_in_one_small_file(tmp_path, blank_pictures):
    blank_pictures.undo()
    page = run_report.write_report(run_in(tmp_path / "camvid-fcn32s", 0.2, 0.31)).read_text()
    facts = read_facts(tmp_path / "camvid-fcn32s")
    assert len(page) < 3e6
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert page.count("data:image/webp") == 6
    assert "iteration 100 of 100." in page
    for text in (*CAMVID.classes, "31.0", "+11.0", "third", facts["starts"][0]["commit"]):
        assert text in page
    assert "<svg" in page
    assert "refresh" not in page


def test_an_unfinished_run_says_what_is_left_and_renews_its_page(tmp_path):
    folder = run_in(tmp_path / "run", 0.2)
    run_progress._append(folder / run_progress.NAME, Progress(50, 1000.0, 2.0, 1e-4, 3.0, 1.5))
    run_progress._append(folder / run_progress.NAME, Progress(60, 1120.0, 1.9, 1e-4, 3.5, 1.5))
    page = run_report.write_report(folder).read_text()
    assert "iteration 60 of 100, 8 min left" in page
    assert 'http-equiv="refresh"' in page
    assert "3.5 images per second" in page


def test_names_that_look_like_html_are_shown_as_they_are(tmp_path):
    folder = run_in(tmp_path / "run", 0.2)
    text = (folder / "metrics.csv").read_text()
    (folder / "metrics.csv").write_text(text.replace("iu_sky", "iu_<b>Sky & I</b>"))
    assert "&lt;b&gt;Sky &amp; I&lt;/b&gt;" in run_report.write_report(folder).read_text()


def test_the_folder_of_an_older_version_has_what_it_kept(tmp_path):
    folder = tmp_path / "old"
    folder.mkdir()
    scored(folder, 0.2, 0.3)
    page = run_report.write_report(folder).read_text()
    assert "30.0" in page
    assert "of a version that kept nothing more" in page


@pytest.mark.parametrize("name", ["run.json", "confusion.json", "examples.json"])
def test_a_damaged_file_costs_its_part_of_the_report_alone(tmp_path, name):
    folder = run_in(tmp_path / "run", 0.2)
    (folder / "report" / name).write_text('{"cut')
    assert "20.0" in run_report.write_report(folder).read_text()


def test_a_folder_of_no_run_is_an_error(tmp_path, capsys):
    assert run_report.main([str(tmp_path)]) == 1
    assert "expected the folder of a run" in capsys.readouterr().err


def test_each_start_of_a_run_is_kept(tmp_path):
    for _ in range(2):
        write_facts(stage_in(tmp_path), {})
    assert len(read_facts(tmp_path)["starts"]) == 2
    assert json.loads((tmp_path / "report" / "run.json").read_text())["net"] == "fcn32s"


def test_lines_of_progress_come_at_most_every_few_seconds(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    net = SimpleNamespace(blobs={"data": SimpleNamespace(shape=(2, 3, 8, 8))})
    param = SimpleNamespace(iter_size=3)
    solver = SimpleNamespace(param=param, net=net, iter=0, smoothed_loss=2.0, lr=0.1)
    record = recorder(tmp_path, solver)
    told = []
    for iteration in range(1, 31):
        now[0], solver.iter = float(iteration), iteration
        told.append(record())
    assert [i for i, found in enumerate(told, 1) if found] == [10, 20, 30]
    lines = read_progress(tmp_path)
    assert [line.iteration for line in lines] == [10, 20, 30]
    assert lines[-1].images_per_second == 6
    assert lines[-1].memory > 0


def test_lines_that_were_cut_off_are_passed_over(tmp_path):
    path = tmp_path / run_progress.NAME
    for iteration in (10, 20, 20):
        run_progress._append(path, Progress(iteration, 5.0 * iteration, 1, 1, 1, 1))
    path.write_text(path.read_text() + "30,4")
    assert [line.iteration for line in read_progress(tmp_path)] == [10, 20]
    assert seconds_left(read_progress(tmp_path), 40) == 100
    assert seconds_left(read_progress(tmp_path)[:1], 40) is None


def test_what_is_left_counts_neither_a_score_nor_a_night_between_two_lines():
    times = (0, 10, 20, 500, 510, 90_000, 90_010)
    progress = [Progress(i, time, 1, 1, 1, 1) for i, time in enumerate(times, 1)]
    assert seconds_left(progress, 9) == 20


def test_the_best_and_the_worst_images_are_kept():
    rng = np.random.RandomState(1)
    extremes, values = Extremes(3, lambda data: data), {}
    for number in range(12):
        truth, prediction = rng.randint(0, 3, (2, 8, 9))
        values[number] = scores(confusion(truth, prediction, 3)).mean_iu
        extremes.see(number, np.zeros((8, 9, 3), np.uint8), truth, prediction)
    extremes.see(12, np.zeros((8, 9, 3), np.uint8), np.full((8, 9), 255), prediction)
    order = sorted(values, key=values.get)
    assert [example.number for example in extremes.worst] == order[:3]
    assert [example.number for example in extremes.best] == order[:-4:-1]


def test_errors_are_red_and_void_is_grey():
    truth = np.array([[0, 1, 255]])
    drawn = errors(np.zeros((1, 3, 3), np.uint8), truth, np.array([[0, 2, 2]]))
    assert drawn[0].tolist() == [[166, 166, 166], [220, 30, 30], [128, 128, 128]]


def test_examples_are_there_again_when_read(tmp_path):
    extremes = seen()
    write_examples(tmp_path, extremes, ["first"], palette())
    listed = read_examples(tmp_path)
    assert [entry["kind"] for entry in listed] == ["best"] * 3 + ["worst"] * 3
    assert {entry["image"] for entry in listed} == {"first", ""}
    assert strip(extremes.best[0], palette()).shape == (200, 1200, 3)
    (tmp_path / "report" / listed[0]["file"]).unlink()
    assert len(read_examples(tmp_path)) == 5


def test_the_index_compares_all_runs_and_links_their_reports(tmp_path, capsys):
    run_in(tmp_path / "a run", 0.2, 0.4)
    old = tmp_path / "deep" / "old"
    old.mkdir(parents=True)
    scored(old, 0.123)
    other = tmp_path / "other"
    other.mkdir()
    (other / "metrics.csv").write_text("x,y\n1,2\n")
    page = write_index(tmp_path).read_text()
    assert 'href="a%20run/report.html"' in page
    assert 'href="deep/old/report.html"' in page
    assert (old / "report.html").exists()
    for text in ("40.0", "12.3", "fcn32s", "camvid"):
        assert text in page
    assert f"{other / 'metrics.csv'}: is none of a run" in capsys.readouterr().err


def test_without_runs_the_cure_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"no run here .*make demo"):
        write_index(tmp_path)


def test_tensorboard_reads_what_was_written_of_a_run(tmp_path):
    reason = 'not installed: pip install ".[tensorboard]"'
    reading = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason=reason
    )
    for iteration in (10, 20):
        write_events(tmp_path, iteration, {"loss/training": 1 / iteration})
    found = reading.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    scalars = found.Scalars("loss/training")
    assert [(event.step, round(event.value, 6)) for event in scalars] == [(10, 0.1), (20, 0.05)]


def test_without_tensorboard_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("solvers.run_events.find_spec", lambda name: None)
    write_events(tmp_path, 10, {"loss": 1.0})
    assert not list(tmp_path.iterdir())
