"""docs/tour.md: every command in it, as it stands there, in a copy of the repository."""

import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason='not installed: pip install ".[page]"')

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LEFT_OUT = shutil.ignore_patterns(".*", "runs", "build", "dist", "downloads", "__pycache__")


def blocks():
    return BLOCK.findall((ROOT / "docs" / "tour.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A copy of the repository whose environment is this one: it is not set up a second time."""
    if shutil.which("make") is None:
        pytest.skip("there is no make here: apt-get install make")
    home = tmp_path_factory.mktemp("tour") / "clone"
    shutil.copytree(ROOT, home, ignore=LEFT_OUT)
    python = home / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (home / ".venv" / ".ready").touch()
    return home


@pytest.mark.long
@pytest.mark.slow
def test_every_command_of_the_tour_works_as_it_is_written(clone):
    # make takes PORT from here, so that the test meets no other server
    environment = os.environ | {"BROWSER": "true", "OMP_NUM_THREADS": "1", "PORT": "0"}
    environment.pop("MAKEFLAGS", None)
    *commands, page = blocks()
    for command in commands:
        done = subprocess.run(
            ["bash", "-euc", command], cwd=clone, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    for name in (
        *("infer/cat.png", "infer/cat_overlay.png", "data-mine/report.html", "index.html"),
        *("mine-fcn32s-squeezenet/report.html", "figures/figure-3.png", "tour-labels"),
    ):
        assert (clone / "runs" / name).exists(), name
    assert page.startswith("make page")
    with subprocess.Popen(
        ["bash", "-euc", f"exec {page}"],
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        lines = iter(running.stdout.readline, "")
        address = next(
            found for line in lines if (found := re.match(r"http://127\.0\.0\.1:\d+/", line))
        )
        # Only what serves is ended by Ctrl-C for sure.
        with urllib.request.urlopen(address[0], timeout=60) as answer:
            assert answer.status == 200
        os.killpg(running.pid, signal.SIGINT)
