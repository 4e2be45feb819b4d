"""infer.py on a folder by several processes, its manifest, and how a broken-off run goes on."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import tiny_fcn

import infer
from data.datasets import DATASETS
from data.meaning import write_meaning
from infer import manifest as manifests
from infer.shards import Shard, own_shard

ROOT = Path(infer.__file__).parents[1]
VOC = DATASETS["voc"]
IMAGES = 40


def truncate(path):
    path.write_bytes(path.read_bytes()[:100])


def claim_a_large_size(path):
    content = bytearray(path.read_bytes())
    content[16:24] = 2 * (60_000).to_bytes(4, "big")  # PNG's IHDR: width, height
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    path.write_bytes(content)


def replace_by(make):
    def replace(path):
        path.unlink()
        make(path)

    return replace


# How some of the images are damaged, and what is said of them
DAMAGED = {
    3: (truncate, "truncated or damaged image"),
    4: (lambda path: path.write_bytes(b""), "the file is empty, expected an image"),
    11: (lambda path: path.write_text("no image"), "not an image of a format that Pillow knows"),
    17: (claim_a_large_size, "more than 89478485 pixels"),
    26: (replace_by(Path.mkdir), "a folder, expected an image"),
    32: (replace_by(lambda path: path.symlink_to(path.name)), "no such image"),
    33: (lambda path: Image.new("F", (9, 9)).save(path, "tiff"), "float pixels"),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder of images, some of which are damaged, and the weights of a small net."""
    folder = tmp_path_factory.mktemp("shards")
    weights = tiny_fcn.write_weights(folder, "fcn32s", len(VOC.classes))
    write_meaning(weights.with_suffix(".json"), VOC)
    (folder / "images").mkdir()
    draws = np.random.RandomState(0)
    for i in range(IMAGES):
        pixels = draws.randint(0, 256, (24, 30 + i % 3, 3)).astype(np.uint8)
        path = folder / "images" / f"{i:02}.png"
        Image.fromarray(pixels).save(path)
        if i in DAMAGED:
            DAMAGED[i][0](path)
    return folder


def arguments(world, out, *more):
    return [str(world / "images"), "--weights", str(next(world.glob("*.caffemodel"))),
            "--out", str(out), *more]  # fmt: skip


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def labelled(out):
    return sorted(path.name for path in out.glob("[0-9][0-9].png"))


WHOLE = [f"{i:02}.png" for i in range(IMAGES) if i not in DAMAGED]


@pytest.mark.slow
def test_a_folder_is_labelled_by_two_processes_but_for_what_is_damaged(world, tmp_path):
    command = [sys.executable, "infer.py", *arguments(world, tmp_path / "out", "--nproc", "2")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    errors = re.findall("error: .*", done.stderr)  # the bar's lines are among them
    assert len(errors) == len(DAMAGED)
    for i, (_, reason) in DAMAGED.items():
        assert sum(f"{i:02}.png: {reason}" in line for line in errors) == 1
    assert labelled(tmp_path / "out") == WHOLE
    assert f"{len(WHOLE)} of {IMAGES} images are labelled" in done.stdout
    said = lines(tmp_path / "out" / "manifest.jsonl")
    assert sorted(Path(line["image"]).name for line in said) == [
        f"{i:02}.png" for i in range(IMAGES)
    ]
    for line in said:
        assert (line["error"] is None) == (Path(line["image"]).name in WHOLE)
        assert (line["labels"] is None) == (line["error"] is not None)
    # Again: nothing but what failed is looked at
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert again.returncode == 1
    assert len(lines(tmp_path / "out" / "manifest.jsonl")) == IMAGES + len(DAMAGED)


@pytest.mark.slow
def test_ctrl_c_is_one_line_and_the_same_command_goes_on(world, tmp_path):
    listed = tmp_path / "out" / "manifest.jsonl"
    process = subprocess.Popen(
        [sys.executable, "infer.py", *arguments(world, tmp_path / "out", "--nproc", "2")],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while not listed.exists():
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate()[1]
    assert process.returncode == 130
    assert said.count("interrupted; the same command goes on with what is left") == 1
    assert "Traceback" not in said


def test_a_broken_off_run_goes_on_where_it_was(cli, world, tmp_path, capsys):
    listed = tmp_path / "list.jsonl"
    given = arguments(world, tmp_path / "out", "--manifest", str(listed))
    assert cli.main(given) == 1
    whole = lines(listed)
    first = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in WHOLE}
    # Of what was killed the last line is cut off, and a label map may be missing
    listed.write_text("\n".join(map(json.dumps, whole[:-5])) + '\n{"image": "')
    (tmp_path / "out" / WHOLE[2]).unlink()
    manifests.close_last_line(listed)
    capsys.readouterr()
    assert cli.main(given) == 1
    printed = [line for line in capsys.readouterr().out.splitlines() if " -> " in line]
    assert len(printed) == 1 + 5
    assert labelled(tmp_path / "out") == WHOLE
    kept = [n for n in WHOLE if (tmp_path / "out" / n).stat().st_mtime_ns == first[n]]
    assert len(kept) == len(WHOLE) - 6


def test_other_weights_and_changed_images_are_labelled_anew(cli, world, tmp_path, capsys):
    images = tmp_path / "images"
    images.mkdir()
    for name in WHOLE:
        shutil.copy(world / "images" / name, images)
    given = arguments(world, tmp_path / "out", "--manifest", str(tmp_path / "list"))
    given[0] = str(images)
    assert cli.main(given) == 0
    capsys.readouterr()
    assert cli.main(given) == 0
    assert " -> " not in capsys.readouterr().out
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(images / WHOLE[0])
    assert cli.main(given) == 0
    assert capsys.readouterr().out.count(" -> ") == 1
    other = tiny_fcn.write_weights(tmp_path, "fcn8s", len(VOC.classes))
    given[2] = str(other)
    assert cli.main(given) == 0
    assert capsys.readouterr().out.count(" -> ") == len(WHOLE)


def test_the_environment_says_which_share_is_whose(monkeypatch):
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert own_shard() == Shard(0, 1)
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert own_shard() == Shard(2, 3)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="RANK=2 of WORLD_SIZE=2"):
        own_shard()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--gpus", "0,0"], "names a GPU more than once"),
        (["--gpus", "x"], "expected a number of GPUs"),
        (["--gpus", "99"], "torch sees"),
        (["--gpus", "1", "--nproc", "2"], "give one of them"),
    ],
)
def test_what_cannot_be_is_one_line(cli, world, tmp_path, capsys, more, message):
    assert cli.main(arguments(world, tmp_path / "out", *more)) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert "RANK" not in os.environ
