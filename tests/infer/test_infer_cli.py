"""Laws of infer.py: what it reads, writes, prints and refuses."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import tiny_fcn

import caffe
import infer
from data import synthetic
from data.datasets import DATASETS
from data.drawing import overlay, palette
from data.meaning import write_meaning
from data.weight_sources import WeightSource

ROOT = Path(infer.__file__).parents[1]
VOC = DATASETS["voc"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Those of a net that was trained on VOC, as its JSON file says."""
    path = tiny_fcn.write_weights(tmp_path_factory.mktemp("nets"), "fcn8s", len(VOC.classes))
    write_meaning(path.with_suffix(".json"), VOC)
    return path


def photo(path, seed=0, size=(30, 40)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.RandomState(seed).randint(0, 256, (*size, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def files(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.smoke
def test_one_image_gives_its_label_map_its_overlay_and_one_line(cli, weights, tmp_path, capsys):
    image = photo(tmp_path / "photo.png")
    assert cli.main([str(image), "--weights", str(weights), "--out", str(tmp_path / "out")]) == 0
    assert files(tmp_path / "out") == ["photo.png", "photo_overlay.png"]
    labels = np.asarray(Image.open(tmp_path / "out" / "photo.png"))
    predictor = infer.Predictor(None, weights, mean=VOC.mean, classes=VOC.classes)
    np.testing.assert_array_equal(labels, predictor(image))
    with Image.open(tmp_path / "out" / "photo_overlay.png") as drawn:
        corner = np.asarray(drawn)[:30, :40]
    np.testing.assert_array_equal(corner, overlay(infer.load_image(image), labels))
    captured = capsys.readouterr()
    assert captured.err == ""
    (line,) = captured.out.splitlines()
    assert line.startswith(f"{image}: ")
    shares = re.findall(r"(\w+) ([\d.]+)%", line)
    assert {name for name, _ in shares} == {VOC.classes[k] for k in np.unique(labels)}
    for name, percent in shares:
        assert float(percent) == pytest.approx(
            100 * (labels == VOC.classes.index(name)).mean(), abs=0.051
        )
    assert [float(percent) for _, percent in shares] == sorted(
        (float(percent) for _, percent in shares), reverse=True
    )
    written = line.split(" -> ")[1].split(", ")
    assert [Path(path).resolve() for path in written] == [
        tmp_path / "out" / "photo.png",
        tmp_path / "out" / "photo_overlay.png",
    ]


def test_an_unreadable_image_among_many_is_reported_and_the_others_are_done(
    cli, weights, tmp_path, capsys
):
    photo(tmp_path / "in" / "a.jpg")
    (tmp_path / "in" / "b.jpg").write_bytes(b"no image")
    photo(tmp_path / "in" / "c.png", size=(20, 21))
    (tmp_path / "in" / "notes.txt").write_text("not looked at")
    out = tmp_path / "out"
    assert cli.main([str(tmp_path / "in"), "--weights", str(weights), "--out", str(out)]) == 1
    assert files(out) == ["a.png", "a_overlay.png", "c.png", "c_overlay.png"]
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 2
    assert f"error: {tmp_path / 'in' / 'b.jpg'}: not an image" in captured.err


def test_lines_and_errors_come_in_the_order_of_the_images(cli, weights, tmp_path, monkeypatch):
    names = ["a.png", "b.png", "c.png", "d.png"]
    images = [photo(tmp_path / name, seed) for seed, name in enumerate(names)]
    images[2].write_bytes(b"no image")
    printed = []
    monkeypatch.setattr(cli.tqdm, "write", lambda line, file=None: printed.append(line))
    out = ["--weights", str(weights), "--out", str(tmp_path / "out")]
    assert cli.main([*map(str, images), *out]) == 1
    assert [line.removeprefix("error: ").split(": ")[0] for line in printed] == [*map(str, images)]


def test_an_interruption_leaves_the_images_before_it_whole_and_nothing_of_the_others(
    cli, weights, tmp_path, monkeypatch, capsys
):
    label = infer.Predictor.__call__

    def interrupted(predictor, image):
        if image.shape == (20, 21, 3):
            raise KeyboardInterrupt
        return label(predictor, image)

    monkeypatch.setattr(infer.Predictor, "__call__", interrupted)
    photo(tmp_path / "in/a.png")
    photo(tmp_path / "in/b.png", size=(20, 21))
    photo(tmp_path / "in/c.png")
    out = tmp_path / "out"
    assert cli.main([str(tmp_path / "in"), "--weights", str(weights), "--out", str(out)]) == 130
    assert "--manifest the same command would go on" in capsys.readouterr().err
    assert files(out) == ["a.png", "a_overlay.png"]
    for path in out.iterdir():
        with Image.open(path) as whole:
            whole.load()


def plan(cli, *inputs):
    jobs = cli.plan([Path(path) for path in inputs], Path("out"))
    return [(str(job.image), job.labels.name, job.overlay.name) for job in jobs]


def test_images_of_one_name_do_not_overwrite_each_other(cli):
    assert plan(cli, "x/a.jpg", "y/a.jpg", "a.png", "b.png") == [
        ("x/a.jpg", "a.png", "a_overlay.png"),
        ("y/a.jpg", "a-2.png", "a-2_overlay.png"),
        ("a.png", "a-3.png", "a-3_overlay.png"),
        ("b.png", "b.png", "b_overlay.png"),
    ]


def test_a_label_map_and_anothers_overlay_do_not_overwrite_each_other(cli):
    names = plan(cli, "a.jpg", "a_overlay.jpg", "a-2.jpg", "x/a.jpg")
    written = [name for _, *pair in names for name in pair]
    assert len(written) == len(set(written)) == 8


def test_an_image_named_twice_is_done_once(cli):
    assert [image for image, *_ in plan(cli, "a.jpg", "./a.jpg", "x/../a.jpg")] == ["a.jpg"]


def test_an_image_to_read_is_never_overwritten(cli, weights, tmp_path, capsys):
    image = photo(tmp_path / "photo.png")
    before = image.read_bytes()
    assert cli.main([str(image), "--weights", str(weights), "--out", str(tmp_path)]) == 1
    assert "photo.png: an image to read would be overwritten" in capsys.readouterr().err
    assert files(tmp_path) == ["photo.png"]
    assert image.read_bytes() == before


def test_a_folder_without_images_is_an_error(cli, weights, tmp_path, capsys):
    assert cli.main([str(tmp_path), "--weights", str(weights)]) == 1
    assert f"error: {tmp_path}: no images (.bmp, " in capsys.readouterr().err


def test_without_weights_the_message_names_the_cure(cli, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cli, "OWN_WEIGHTS", tmp_path / "gone.caffemodel")
    assert cli.main([str(photo(tmp_path / "a.png"))]) == 1
    message = capsys.readouterr().err
    assert message.startswith(f"error: {tmp_path / 'gone.caffemodel'}: no such weights")
    assert "make demo" in message
    assert "--weights" in message
    assert len(message.splitlines()) == 1


def test_the_weights_that_come_with_the_repository_are_the_default(cli, tmp_path, capsys):
    out = tmp_path / "out"
    assert cli.main([str(photo(tmp_path / "a.png")), "--out", str(out)]) == 0
    assert files(out) == ["a.png", "a_overlay.png"]
    printed = capsys.readouterr()
    assert not printed.err  # names and mean are beside them
    assert any(name in printed.out for name in DATASETS["voc"].classes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--weights", "gone.caffemodel"], "gone.caffemodel: no such weights"),
        (["--net", "fcn32s"], "weights of fcn8s, but fcn32s was asked for"),
        (["--net", "gone.prototxt"], "gone.prototxt: neither a net"),
        (["--dataset", "camvid"], "scores 21 classes, but 11 class names were given"),
        (["--gpu", "99"], "GPU 99 was asked for"),
        (["--precision", "half"], "unknown precision 'half'"),
    ],
)
def test_what_does_not_fit_is_one_line_and_nothing_is_written(
    cli, weights, tmp_path, capsys, options, message
):
    image = photo(tmp_path / "in" / "a.png")
    out = tmp_path / "out"
    assert cli.main([str(image), "--weights", str(weights), "--out", str(out), *options]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert message in captured.err
    assert len(captured.err.splitlines()) == 1
    assert not out.exists() or not files(out)


# ---- whose classes ----


def segmented(cli, weights, tmp_path, capsys, *options):
    """What labelling a photograph prints: the classes' names, and stderr."""
    image = photo(tmp_path / "photo.png")
    out = tmp_path / "out"
    assert cli.main([str(image), "--weights", str(weights), "--out", str(out), *options]) == 0
    captured = capsys.readouterr()
    shares = captured.out.split(": ")[1].split(" (")[0].split(", ")
    return [share.rpartition(" ")[0].strip() for share in shares], captured.err


def alone(weights, tmp_path):
    """The same weights, without the JSON file."""
    shutil.copy(weights, tmp_path / "alone.caffemodel")
    return tmp_path / "alone.caffemodel"


@pytest.mark.parametrize("classes", [11, 19, 21, 3])
def test_classes_without_names_are_numbered_though_a_dataset_has_as_many(
    cli, tmp_path, capsys, classes
):
    path = tiny_fcn.write_weights(tmp_path, "fcn32s", classes)
    names, error = segmented(cli, path, tmp_path, capsys)
    assert set(names) <= {f"class {i}" for i in range(classes)}
    assert re.search(r"warning: .*caffemodel: no fcn32s-\d+\.json beside it.*--classes", error)
    assert len(error.splitlines()) == 1


def test_the_user_may_say_whose_classes_they_are(cli, weights, tmp_path, capsys):
    path = alone(weights, tmp_path)
    names, error = segmented(cli, path, tmp_path, capsys, "--dataset", "voc")
    assert set(names) <= set(VOC.classes)
    assert error == ""
    listed = tmp_path / "names.txt"
    listed.write_text("# mine\n" + "".join(f"thing {i}\n\n" for i in range(21)))
    names, error = segmented(cli, path, tmp_path, capsys, "--classes", str(listed))
    assert {name[:6] for name in names} == {"thing "}
    assert error == ""


def test_a_folder_of_ones_own_names_its_classes(cli, tmp_path, capsys):
    synthetic.generate(tmp_path / "mine", train=1, val=1, size=(40, 48), seed=1, dataset="mine")
    capsys.readouterr()
    path = tiny_fcn.write_weights(tmp_path, "fcn32s", len(synthetic.MINE))
    for more in ((), ("--dataset", "mine")):
        data = ("--data", str(tmp_path / "mine"), *more)
        names, error = segmented(cli, path, tmp_path, capsys, *data)
        assert set(names) <= set(synthetic.MINE)
        assert error == ""


def test_names_colours_and_mean_travel_with_the_weights(cli, weights, tmp_path, capsys):
    path = alone(weights, tmp_path)
    beside = path.with_suffix(".json")
    write_meaning(beside, dataclasses.replace(VOC, mean=(1, 2, 3)))
    found = json.loads(beside.read_text())
    found["classes"] = [f"thing {i}" for i in range(21)]
    found["palette"] = [[i, 2 * i, 255 - i] for i in range(21)]
    beside.write_text(json.dumps(found))
    names, error = segmented(cli, path, tmp_path, capsys)
    assert {name[:6] for name in names} == {"thing "}
    assert error == ""
    predictor = infer.Predictor(None, path, mean=(1, 2, 3), classes=None)
    with Image.open(tmp_path / "out/photo.png") as written:
        labels = np.asarray(written)
        colours = np.array(written.getpalette()).reshape(-1, 3)
    np.testing.assert_array_equal(labels, predictor(tmp_path / "photo.png"))
    np.testing.assert_array_equal(colours[:21], found["palette"])
    np.testing.assert_array_equal(colours[21:], palette()[21:])
    with Image.open(tmp_path / "out/photo_overlay.png") as drawn:
        corner = np.asarray(drawn)[:30, :40]
    image = infer.load_image(tmp_path / "photo.png")
    np.testing.assert_array_equal(corner, overlay(image, labels, table=colours.astype(np.uint8)))


def test_the_json_file_of_other_weights_is_not_believed_though_they_have_as_many_classes(
    cli, weights, tmp_path, capsys
):
    path = alone(weights, tmp_path)
    write_meaning(path.with_suffix(".json"), VOC, weights)
    assert segmented(cli, path, tmp_path, capsys)[1] == ""  # copied together
    net = caffe.Net(str(weights.with_suffix(".prototxt")), caffe.TEST, weights=path)
    for blob in net.params["conv3_1"]:
        blob.data[...] *= 2
    net.save(path)
    names, error = segmented(cli, path, tmp_path, capsys)
    assert {name[:6] for name in names} == {"class "}
    assert re.search(r"alone\.json: was written for other weights than alone\.caffemodel", error)
    assert re.search("no alone.json beside it says what its classes are", error)
    found = json.loads(path.with_suffix(".json").read_text())
    del found["weights"]  # as the warning says, and as older files are
    path.with_suffix(".json").write_text(json.dumps(found))
    names, error = segmented(cli, path, tmp_path, capsys)
    assert set(names) <= set(VOC.classes)
    assert error == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("mean"), "holds dataset, classes, palette; expected dataset, classes"),
        (lambda d: d.update(classes="abc"), "classes is 'abc'; expected 1 to 255 names"),
        (lambda d: d["classes"].append(" "), "classes is .*' '.*; expected 1 to 255 names"),
        (lambda d: d.update(mean=[1, 2]), r"mean is \[1, 2\]; expected three numbers"),
        (lambda d: d["palette"].pop(), "palette is .*; expected a colour"),
        (lambda d: [d[k].pop() for k in ("classes", "palette")], "21 classes, but 20 class names"),
    ],
)
def test_a_json_file_that_says_something_else_is_one_error(
    cli, weights, tmp_path, capsys, change, message
):
    path = alone(weights, tmp_path)
    found = json.loads(weights.with_suffix(".json").read_text())
    change(found)
    path.with_suffix(".json").write_text(json.dumps(found))
    words = [str(photo(tmp_path / "a.png")), "--out", str(tmp_path / "out")]
    assert cli.main([*words, "--weights", str(path)]) == 1
    error = capsys.readouterr().err
    assert re.match(f"error: .*{message}", error)
    assert len(error.splitlines()) == 1


def test_of_two_sources_of_names_one_must_be_chosen(cli, weights, tmp_path, capsys):
    words = [str(photo(tmp_path / "a.png")), "--weights", str(weights), "--classes"]
    assert cli.main([*words, "a.txt", "--dataset", "voc"]) == 1
    assert "--classes and --dataset or --data both name the classes" in capsys.readouterr().err
    assert cli.main([*words, "gone.txt"]) == 1
    assert "gone.txt: no such file; expected one class name a line" in capsys.readouterr().err


def run(*arguments):
    environment = os.environ | {"PYTHONPROFILEIMPORTTIME": "1"}
    return subprocess.run(
        [sys.executable, ROOT / "infer.py", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "status"), [(["--help"], 0), ([], 2), (["a.jpg", "--weights", "gone"], 1)]
)
def test_help_and_argument_errors_do_not_wait_for_torch(tmp_path, arguments, status):
    done = run(*arguments)
    assert done.returncode == status
    assert "usage: infer.py" in done.stdout + done.stderr or "error: gone" in done.stderr
    assert not re.search(r"\| +(torch|caffe|matplotlib|scipy)$", done.stderr, re.MULTILINE)
    assert re.search(r"\| +numpy$", done.stderr, re.MULTILINE)  # the list of imports was there


# ---- published weights by name ----


def test_a_name_of_published_weights_fetches_them(cli, weights, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("surgery.weights.weights_of", {"fcn8s-voc": weights}.__getitem__)
    image, out = str(photo(tmp_path / "a.png")), str(tmp_path / "out")
    assert cli.main([image, "--weights", "fcn8s-voc", "--out", out]) == 0
    assert files(tmp_path / "out") == ["a.png", "a_overlay.png"]


def test_where_no_source_can_be_reached_each_is_named_with_the_cure(
    cli, tmp_path, monkeypatch, capsys
):
    dead = ("http://127.0.0.1:9/a.caffemodel",)
    monkeypatch.setattr("surgery.weights.ROOT", tmp_path / "data")
    monkeypatch.setitem(
        cli.WEIGHTS, "fcn8s-voc", (WeightSource("caffe", "a.caffemodel", dead, None),)
    )
    image = str(photo(tmp_path / "a.png"))
    assert cli.main([image, "--weights", "fcn8s-voc", "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err.partition("error: ")[2]
    assert error.startswith("fcn8s-voc: none of its sources gave its weights\n  caffe: http://")
    assert "FILE=path" in error
    assert not (tmp_path / "out").exists()


def test_a_wrong_name_is_one_line_with_the_names(cli, tmp_path, capsys):
    assert cli.main([str(photo(tmp_path / "a.png")), "--weights", "fcn9s-voc"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: fcn9s-voc: no such weights; give the path of a caffemodel, or")
    assert "fcn8s-voc" in error
    assert len(error.splitlines()) == 1
