"""The driving-scene report's table: published and ours, its findings, one image by every net."""

import csv
import shutil

import numpy as np
import pytest
from PIL import Image

import nets
from data import synthetic
from data.datasets import DATASETS
from solvers import score, train_stage
from tables import driving_scenes, published
from tables.our_values import Ours

TABLES = published.load("zoo")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs of two nets on synthetic streets."""
    folder = tmp_path_factory.mktemp("runs")
    home = folder / "data"
    synthetic.generate(home, train=3, val=2, size=(64, 96), seed=1, dataset="idd")
    for net in ("baseline", "weighted"):
        args = [net, "--dataset", "synthetic-idd", "--data", str(home), "--width", str(1 / 32)]
        out = folder / "runs" / f"synthetic-idd-{net}"
        assert train_stage.main([*args, "--iters", "1", "--gpu", "cpu", "--out", str(out)]) == 0
    return folder / "runs"


def test_the_first_table_has_all_nets_of_the_report_and_its_figures():
    first = TABLES[0]
    assert [row.run for row in first.rows] == list(nets.ZOO)
    assert [row.dataset for row in first.rows] == ["idd"] * len(nets.ZOO)
    means = {row.run: row.published[1] for row in first.rows}
    assert means == {
        "baseline": "33.71",
        "flip": "25.32",
        "flip-alone": None,
        "rotation": "35.33",
        "weighted": "34.44",
        "rrcnn": "9.76",
        "transfer": "43.70",
        "unet": "25.77",
    }
    for table in TABLES[1:]:
        assert [row.run.partition("-")[2].removeprefix("lite-") for row in table.rows] == [
            *nets.ZOO
        ]


def ours(**mean_iu):
    runs = {f"idd-{net.replace('_', '-')}": {"mean_iu": iu} for net, iu in mean_iu.items()}
    return Ours(None, {run: {"iteration": 1.0, **values} for run, values in runs.items()})


def test_each_finding_is_told_of_the_nets_that_ran():
    found = ours(baseline=0.4, rotation=0.42, flip_alone=0.41)
    runs = driving_scenes.runs_of(TABLES[0], found)
    assert runs == {n: f"idd-{n}" for n in ("baseline", "flip-alone", "rotation")}
    assert driving_scenes.findings(runs, found) == [
        "- Rotated copies help (published: by 5 %): baseline 40.00, rotation 42.00 (+5.0 %): holds",
        "- Mirrored images in place of the originals hurt: flip-alone 41.00, baseline 40.00 "
        "(-2.4 %): does not hold",
    ]


def test_every_finding_is_of_nets_that_there_are():
    assert {net for each in driving_scenes.FINDINGS for net in each[1:]} == {*nets.ZOO}


def test_command_prints_ours_and_draws_the_image_by_every_net(runs, tmp_path, capsys):
    args = ["--runs", str(runs), "--out", str(tmp_path)]
    assert driving_scenes.main([*args, "--image", "1"]) == 0
    printed = capsys.readouterr().out
    assert (tmp_path / "driving_scenes.md").read_text() in printed
    with open(runs / "synthetic-idd-baseline" / "metrics.csv") as file:
        (row,) = csv.DictReader(file)
    assert f"{100 * float(row['mean_iu']):.2f}" in printed
    assert "A weighted loss helps a little: baseline" in printed
    picture = np.asarray(Image.open(tmp_path / "driving_scenes-synthetic-idd.png"))
    assert min(picture.shape[:2]) > 100
    assert driving_scenes.main([*args, "--image", "2"]) == 1
    assert "image 2: the split has 2, counted from 0" in capsys.readouterr().err


def test_a_run_that_has_not_ended_is_left_out_of_the_picture(runs, tmp_path, capsys):
    shutil.copytree(runs, tmp_path / "runs")
    (tmp_path / "runs/synthetic-idd-weighted/weighted.caffemodel").unlink()
    assert driving_scenes.main(["--runs", str(tmp_path / "runs"), "--out", str(tmp_path)]) == 0
    whole, part = tmp_path / "whole", Image.open(tmp_path / "driving_scenes-synthetic-idd.png")
    assert driving_scenes.main(["--runs", str(runs), "--out", str(whole)]) == 0
    drawn = Image.open(whole / "driving_scenes-synthetic-idd.png")
    assert part.height < drawn.height  # four pictures are two rows, three are one


def test_without_runs_the_published_figures_are_printed(tmp_path, capsys):
    assert driving_scenes.main(["--runs", str(tmp_path)]) == 0
    assert "43.70" in capsys.readouterr().out
    assert not list(tmp_path.rglob("*.png"))


def test_columns_of_idd_are_its_classes():
    header = score.header(DATASETS["idd"].classes, {})
    assert {column.ours for column in TABLES[0].columns} <= {*header}
