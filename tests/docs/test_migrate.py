"""docs/migrate.md: its commands and Python, run on nets of the published shapes."""

import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.published import detection, opencv, segmentation
from support.published.catalogue import NARROW, open_drawn

from caffe.__main__ import main

PAGE = Path(__file__).parents[2] / "docs" / "migrate.md"
SECTIONS = {
    title: re.findall(r"^```(\w+)\n(.*?)^```", body, re.MULTILINE | re.DOTALL)
    for title, body in re.findall(r"^## (.*?)$(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S)
}
NETS = {
    ("deploy.prototxt", "age_net"): lambda: opencv.ages(NARROW),
    ("gender.prototxt", "gender_net"): lambda: opencv.ages(NARROW, classes=2),
    ("faces.prototxt", "res10_300x300_ssd_iter_140000"): lambda: detection.faces(NARROW),
    ("MobileNetSSD_deploy.prototxt", "MobileNetSSD_deploy"): lambda: detection.mobilenet_ssd(
        NARROW
    ),
    ("pose_deploy_linevec.prototxt", "pose_iter_440000"): lambda: opencv.openpose(NARROW),
    ("colorization_deploy_v2.prototxt", "colorization_release_v2"): lambda: opencv.colorization(
        NARROW
    ),
    ("deploy_hed.prototxt", "hed_pretrained_bsds"): lambda: segmentation.hed(NARROW),
    ("goturn.prototxt", "goturn"): lambda: opencv.goturn(NARROW),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with what a section reads, made when it is named."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def provide(text):
    """The nets, weights and photographs that a piece of the page names."""
    for (prototxt, weights), make in NETS.items():
        if weights in text or prototxt in text:
            Path(prototxt).write_text(make())
            open_drawn(make()).save(f"{weights}.caffemodel")
    if "solver.prototxt" in text:
        Path("train.prototxt").write_text(detection.faster_rcnn(NARROW, train=True))
        Path("solver.prototxt").write_text(
            'train_net: "train.prototxt" base_lr: 1e-9 lr_policy: "fixed" random_seed: 1'
        )
    for name in set(re.findall(r"\w+\.jpg", text)):
        pixels = np.random.RandomState(len(name)).randint(0, 256, (60, 80, 3)).astype(np.uint8)
        Image.fromarray(pixels).resize((320, 240), Image.Resampling.BICUBIC).save(name)
    if "pts_in_hull.npy" in text:
        np.save("pts_in_hull.npy", np.random.RandomState(0).uniform(-90, 100, (313, 2)))


def run(section, known):
    """All of a section in its order; what its Python names is in `known` afterwards."""
    for language, code in SECTIONS[section]:
        provide(code)
        if language == "python":
            exec(compile(code, f"migrate.md: {section}", "exec"), known)
            continue
        for line in code.splitlines():
            words = shlex.split(line)
            if words[0] == "caffe":
                assert main(words[1:]) == 0
            else:
                subprocess.run(line, shell=True, check=True)
    return known


def prepared():
    known = run("Preprocessing", {})
    known["blob"] = np.random.RandomState(0).randn(1, 3, 227, 227).astype(np.float32)
    known["examples"] = [
        (np.ones((3, 160, width)), 160, width, 1.0, [[9, 9, 80, 99, 3]]) for width in (160, 208)
    ]
    return known


EXAMPLES = {
    "Two lines": lambda known: known["prob"].shape == (1, 8),
    "Age and gender": lambda known: known["age"] in known["ages"] and known["gender"],
    "Faces by SSD": lambda known: known["found"].shape[1] == 7,
    "MobileNet-SSD": lambda known: known["blob"].shape == (1, 3, 300, 300),
    "OpenPose": lambda known: known["maps"].shape == (57, 23, 23) and len(known["parts"]) == 18,
    "Colorization": lambda known: known["ab"].shape == (2, 56, 56),
    "HED": lambda known: known["edges"].shape == (500, 500),
    "GOTURN": lambda known: np.isfinite([known[side] for side in ("left", "bottom")]).all(),
    "Python layers of public projects": lambda known: (
        known["solver"].iter == 2
        and known["solver"].net.blobs["rpn_labels"].shape == (1, 1, 90, 13)
    ),
}


@pytest.mark.parametrize("section", EXAMPLES)
def test_an_example_of_the_page_runs(here, section):
    assert EXAMPLES[section](run(section, prepared()))


def test_every_piece_of_code_on_the_page_is_run():
    with_code = {title for title, blocks in SECTIONS.items() if blocks}
    assert with_code == {"Preprocessing", "Or ONNX", *EXAMPLES}


@pytest.mark.slow
def test_the_way_to_onnx_runs_and_gives_the_nets_numbers(here, capsys):
    known = run("Two lines", prepared())
    ours = known["prob"].copy()
    np.testing.assert_allclose(run("Or ONNX", known)["prob"], ours, atol=1e-5)
    assert "fits 6 of 6 layers" in capsys.readouterr().out


def test_colours_of_a_hull_are_what_colorization_mixes(here):
    known = run("Colorization", prepared())
    hull = np.load("pts_in_hull.npy")
    assert (hull.min(0) <= known["ab"].min((1, 2))).all()
    assert (known["ab"].max((1, 2)) <= hull.max(0)).all()


def test_hed_is_cut_where_the_edges_are(here):
    known = run("HED", prepared())
    crops = [layer for layer in known["net"].layers if layer.type == "Crop"]
    assert [layer.spec.crop_param.offset[0] for layer in crops] == [34, 35, 36, 38, 42]


# blobFromImage beside its definition.


def resized(image, height, width):
    """OpenCV's INTER_LINEAR: centres of pixels meet, what lies outside is the nearest pixel."""
    for axis, size in enumerate((height, width)):
        at = (np.arange(size) + 0.5) * image.shape[axis] / size - 0.5
        low = np.floor(at).astype(int)
        part = (at - low).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        first, second = (i.clip(0, image.shape[axis] - 1) for i in (low, low + 1))
        image = image.take(first, axis) * (1 - part) + image.take(second, axis) * part
    return image


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize(
    ("size", "crop"), [((100, 80), False), ((90, 120), True), ((320, 240), False)]
)
def test_preprocessing_is_opencvs(here, size, crop, swap):
    known = prepared()
    provide("photo.jpg")
    bgr = np.asarray(Image.open("photo.jpg"))[:, :, ::-1].astype(float)
    mean, (width, height) = (10.0, 20.0, 30.0), size
    expected = bgr
    if crop:
        factor = max(width / 320, height / 240)
        expected = resized(bgr, round(240 * factor), round(320 * factor))
        top, left = (expected.shape[0] - height) // 2, (expected.shape[1] - width) // 2
        expected = expected[top : top + height, left : left + width]
    else:
        expected = resized(bgr, height, width)
    expected = expected[:, :, ::-1] if swap else expected
    expected = 0.5 * (expected - mean).transpose(2, 0, 1)
    found = known["blob_from_image"]("photo.jpg", 0.5, size, mean, swapRB=swap, crop=crop)
    assert found.shape == (1, 3, height, width)
    np.testing.assert_allclose(found[0, :, 1:-1, 1:-1], expected[:, 1:-1, 1:-1], atol=1e-2)
