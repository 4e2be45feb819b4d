"""Laws of `python -m tables`: what was published stands there, and ours where there is any."""

import csv
import json
import re
from html.parser import HTMLParser

import pytest

import nets
import tables.__main__
from data.datasets import DATASETS
from solvers import score
from tables import published, render, times
from tables.our_values import FACTS, Ours, last_scores
from tables.published import number

TABLES = published.load()
ROWS = [(table, row) for table in TABLES for row in table.rows]
# Classes of the Indian Driving Dataset's lite edition
IDD_LITE = {
    *("drivable", "non-drivable", "living things", "vehicles", "roadside objects", "far objects")
}
FULL_SIZE = ("cityscapes-half", "fcn8s-full-size")  # scored, not trained


def run(runs, *args):
    assert tables.__main__.main(["--runs", str(runs), *args]) == 0
    with open(runs / "tables" / "tables.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def find(lines, table, row, column):
    (line,) = [
        line
        for line in lines
        if line["table"].startswith(table) and (line["row"], line["column"]) == (row, column)
    ]
    return line["published"], line["ours"], line["difference"], line["ours_from"]


def write_run(folder, **values):
    """A metrics.csv of two lines, the last one with these values."""
    folder.mkdir(parents=True)
    with open(folder / "metrics.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["iteration", *score.COLUMNS[1:], "geo_overall_accuracy"])
        writer.writeheader()
        writer.writerow({"iteration": 4000, "mean_iu": 0.01})
        writer.writerow({"iteration": 8000, **values})


# What was published.


def test_every_run_is_a_net_that_its_dataset_has():
    known = {(name, net) for name in DATASETS for net in nets.nets_of(name)}
    assert {(row.dataset, row.run) for _, row in ROWS if row.dataset and row.run} - {
        FULL_SIZE
    } <= known


def test_every_net_of_every_dataset_of_the_paper_stands_in_a_table():
    runs = {(row.dataset, row.run) for _, row in ROWS}
    for name in ("siftflow", "context", "context33", "cityscapes", "cityscapes-half", "idd"):
        assert {(name, net) for net in nets.nets_of(name)} <= runs


def test_every_row_has_a_text_or_nothing_for_each_column():
    for table, row in ROWS:
        assert len(row.published) == len(table.columns)
        assert all(text is None or text for text in row.published)


def test_columns_name_scores_that_a_run_has():
    others = {"geo_overall_accuracy", "milliseconds", "upper_bound", *FACTS, None}
    named = {name for dataset in DATASETS.values() for name in dataset.classes}
    named |= IDD_LITE
    columns = {column.ours for table in TABLES for column in table.columns}
    assert columns <= {*score.COLUMNS, *others, *(f"iu_{name}" for name in named)}


def test_every_table_with_published_values_says_their_source():
    contents = json.loads(published.FILE.read_text(encoding="utf-8"))
    assert {table["source"] for table in contents["tables"]} - {None} == contents["sources"].keys()
    for table in TABLES:
        assert bool(table.source) == any(any(row.published) for row in table.rows)


@pytest.mark.parametrize(
    ("text", "value"),
    [("62.7", 62.7), ("~50,000", 50000), ("2e-12", 2e-12), ("50,000 + 50,000", None), (None, None)],
)
def test_number_of_a_printed_text(text, value):
    assert number(text) == value


# Without runs.


def test_without_runs_all_is_printed_with_dashes(tmp_path, capsys):
    lines = run(tmp_path)
    assert [p.name for p in sorted((tmp_path / "tables").iterdir())] == [
        *("tables.csv", "tables.html", "tables.md")
    ]
    printed = capsys.readouterr().out
    assert (tmp_path / "tables" / "tables.md").read_text(encoding="utf-8") in printed
    for table, row in ROWS:
        assert f"## {table.title}\n" in printed
        for column, text in zip(table.columns, row.published, strict=True):
            found = find(lines, table.title, row.name, column.title)
            assert found[0] == (text or "")
            if column.ours not in FACTS:
                assert found[1:] == ("", "", "")
    row = next(line for line in printed.splitlines() if line.startswith("| FCN-32s-fixed"))
    assert [cell.strip() for cell in row.split("|")[2:6]] == ["83.0", "–", "–", "59.7"]  # noqa: RUF001


def test_table_1s_facts_are_computed_from_the_nets_and_equal_the_papers(tmp_path):
    lines = run(tmp_path)
    for row in ("FCN-AlexNet", "FCN-VGG16", "FCN-GoogLeNet"):
        for column in ("conv. layers", "parameters, M", "receptive field", "max. stride"):
            text, ours, difference, _ = find(lines, "Table 1", row, column)
            assert (ours, difference) == (text, "+0")


def test_markdown_is_a_grid_of_equal_columns(tmp_path):
    run(tmp_path)
    text = (tmp_path / "tables" / "tables.md").read_text(encoding="utf-8")
    for section in text.split("## ")[1:]:
        grid = [line for line in section.splitlines() if line.startswith("|")]
        assert len({(len(line), line.count("|")) for line in grid}) == 1
        assert re.fullmatch(r"\|( -+:? \|)+", grid[1])


class Cells(HTMLParser):
    """The texts of each table's rows, and what tags are open."""

    def __init__(self):
        super().__init__()
        self.open, self.tables = [], []

    def handle_starttag(self, tag, attributes):
        if tag != "meta":
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append(0)
        if tag in ("td", "th"):
            self.tables[-1][-1] += int(dict(attributes).get("colspan", 1))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_html_is_well_formed_and_its_rows_are_equally_long(tmp_path):
    run(tmp_path)
    page = Cells()
    page.feed((tmp_path / "tables" / "tables.html").read_text(encoding="utf-8"))
    page.close()
    assert page.open == []
    assert len(page.tables) == len(TABLES)
    for first, second, *rest in page.tables:
        assert second == first - 1  # "ours from" spans both
        assert set(rest) == {first}


def test_texts_are_escaped():
    table = published.Table(
        "a<b", (published.Column("x|y", "mean_iu"),), (published.Row("&", ("1",)),)
    )
    filled = render.fill(table, Ours(None))
    assert "<h2>a&lt;b</h2>" in render.as_html([filled])
    assert "<td>&amp;</td>" in render.as_html([filled])
    assert r"x\|y" in render.markdown([filled])


# With runs.


def test_ours_is_the_runs_last_score_with_the_difference_and_the_run(tmp_path):
    write_run(
        tmp_path / "voc-fcn8s", overall_accuracy=0.9, mean_iu=0.62349, val_loss=58211.4, fw_iu=""
    )
    lines = run(tmp_path)
    origin = f"{tmp_path / 'voc-fcn8s'}, iteration 8000"
    assert find(lines, "Table 2", "FCN-8s", "mean IU") == ("62.7", "62.3", "-0.4", origin)
    assert find(lines, "Table 2", "FCN-8s", "pixel acc.") == ("90.3", "90.0", "-0.3", origin)
    assert find(lines, "Table 2", "FCN-8s", "f.w. IU") == ("83.2", "", "", "")
    guist = "Guist: released models"
    assert find(lines, guist, "FCN-8s", "mean IU") == ("65.49", "62.35", "-3.14", origin)
    assert find(lines, guist, "FCN-8s", "loss") == ("58200", "58211", "+11", origin)
    assert find(lines, "Table 2", "FCN-16s", "mean IU") == ("62.4", "", "", "")


def test_sift_flow_has_both_mean_ius_and_the_geometric_accuracy(tmp_path):
    write_run(
        tmp_path / "siftflow-fcn16s",
        mean_iu=0.35,
        mean_iu_present=0.4,
        geo_overall_accuracy=0.95,
        accuracy_with_void=0.8,
    )
    lines = run(tmp_path)

    def cell(column):
        return find(lines, "Table 5", "FCN-16s", column)[:3]

    assert cell("mean IU of classes present") == ("39.5", "40.0", "+0.5")
    assert cell("stricter mean IU") == ("", "35.0", "")
    assert cell("geom. acc.") == ("94.3", "95.0", "+0.7")
    assert cell("pixel acc. with void") == ("", "80.0", "")


@pytest.mark.parametrize(
    ("folder", "table", "row"),
    [
        ("synthetic-fcn32s", "Table 2", "FCN-32s"),
        ("demo/fcn32s", "Table 2", "FCN-32s"),
        ("synthetic-nyud-fcn32s-hha", "Table 4", "FCN-32s HHA"),
        ("synthetic-cityscapes-half-fcn8s", "Guist: Cityscapes", "FCN-8s"),
    ],
)
def test_a_run_on_the_twin_stands_beside_without_a_difference(tmp_path, folder, table, row):
    write_run(tmp_path / folder, mean_iu=0.5)
    text, ours, difference, origin = find(run(tmp_path), table, row, "mean IU")
    assert text
    assert (ours, difference) == ("50.0", "")
    assert origin.startswith(str(tmp_path / folder))


def test_a_run_on_the_dataset_goes_before_one_on_its_twin(tmp_path):
    write_run(tmp_path / "synthetic-context-fcn8s", mean_iu=0.5)
    write_run(tmp_path / "context-fcn8s", mean_iu=0.36)
    cell = find(run(tmp_path), "Table 6: PASCAL-Context, 59", "FCN-8s", "mean IU")
    assert cell[:3] == ("35.1", "36.0", "+0.9")


def test_runs_of_no_published_row_have_a_table_of_their_own(tmp_path):
    write_run(tmp_path / "mine-fcn8s", mean_iu=0.242)
    write_run(tmp_path / "voc-fcn8s", mean_iu=0.6)
    lines = run(tmp_path)
    further = [line for line in lines if line["table"] == "Further runs"]
    assert {line["row"] for line in further} == {"mine-fcn8s"}
    assert find(lines, "Further runs", "mine-fcn8s", "mean IU")[:3] == ("", "24.2", "")


def test_a_run_that_has_not_scored_yet_counts_for_nothing(tmp_path):
    (tmp_path / "voc-fcn8s").mkdir()
    (tmp_path / "voc-fcn8s" / "metrics.csv").write_text(",".join(score.COLUMNS) + "\n")
    assert find(run(tmp_path), "Table 2", "FCN-8s", "mean IU") == ("62.7", "", "", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("iteration,mean_iu\n1,many\n", "metrics.csv, line 2: could not convert.*many"),
        ("iteration,mean_iu\n1,0.5,7\n", "metrics.csv, line 2: more or fewer cells"),
        ("iteration,mean_iu\n1\n", "metrics.csv, line 2: more or fewer cells"),
        ("step,mean_iu\n1,0.5\n", "metrics.csv: has no column iteration"),
        (b"iteration\n\xff\xfe\n", "no CSV file"),
    ],
)
def test_a_damaged_metrics_file_is_named(tmp_path, capsys, text, message):
    path = tmp_path / "voc-fcn8s" / "metrics.csv"
    path.parent.mkdir()
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert tables.__main__.main(["--runs", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert re.search(message, error)
    assert not (tmp_path / "tables").exists()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("times.csv", "net,size,machine\nfcn8s,500,x\n", "has no column milliseconds"),
        ("times.csv", "net,size,machine,milliseconds\na,500,x,fast\n", "line 2: milliseconds"),
        (
            "upper_bounds.csv",
            "data,split,images,reading,factor,mean_iu\na,val,1,area-nearest,x,1\n",
            "2: factor",
        ),
        ("upper_bounds.csv", "data,split,images,factor,mean_iu\na,val,1,4,1\n", "column reading"),
    ],
)
def test_a_damaged_file_of_measurements_is_named(tmp_path, capsys, name, text, message):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / name).write_text(text)
    assert tables.__main__.main(["--runs", str(tmp_path)]) == 1
    assert re.search(f"error: .*{name}.*{message}", capsys.readouterr().err)


def test_last_scores_leave_out_empty_cells(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("iteration,loss,mean_iu\n1,3,0.1\n2,,0.2\n")
    assert last_scores(path) == {"iteration": 2, "mean_iu": 0.2}


# Measured.


def test_measured_times_are_kept_and_say_the_machine(tmp_path, monkeypatch):
    measured = times.measure
    monkeypatch.setattr(times, "ROUNDS", 1)
    monkeypatch.setattr(times, "SIZE", 64)
    monkeypatch.setattr(times, "measure", lambda names, gpu: measured(names, gpu, width=1 / 32))
    run(tmp_path, "--measure", "--gpu", "cpu")
    lines = run(tmp_path)  # again, without measuring
    for table, row, column in (
        ("Table 1", "FCN-AlexNet", "forward time, ms"),
        ("Table 1", "FCN-VGG16", "forward time, ms"),
        ("Table 1", "FCN-GoogLeNet", "forward time, ms"),
        ("Table 3", "FCN-8s", "inference time, ms"),
    ):
        text, ours, difference, origin = find(lines, table, row, column)
        assert float(ours) >= 0
        assert float(difference) == float(ours) - number(text)
        assert origin == f"time: 64 x 64 pixels on {times.device()}"
