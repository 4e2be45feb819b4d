"""How long it takes to start: `import caffe`, and infer.py on an image and on a folder of them."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from . import ours
from .cases import OURS
from .photographs import jpeg, photograph
from .processes import Engine, Failed, ready, turn, worker
from .result_tables import SECONDS, Row, Table, over
from .work import WARM_UP, Work

ROOT = Path(__file__).resolve().parent.parent

IMPORTS = "Importing, in a fresh process"
CAFFE, TORCH = "import caffe", "import torch"
OVER_TORCH = "\N{MULTIPLICATION SIGN} import torch"

INFER = "python infer.py, FCN-8s, images of 500 x 375"
FORWARD = "forward pass"
ONE = "one image, from the command to the written files"
EACH = "each further image of a folder"
OVER_FORWARD = "(s \N{MINUS SIGN} 1.5) / forward"
RATE = "of the forward rate"

SIZE = (375, 500)
GRACE = 1.5  # seconds
FEW, MANY = 2, 10  # images of two folders; what lies between them is told


def imports(rounds: int) -> Table:
    """Time `import torch` and `import caffe`, each in fresh processes, in turns."""
    seconds: dict[str, list[float]] = {TORCH: [], CAFFE: []}
    for _ in tqdm(range(WARM_UP + rounds), IMPORTS, disable=None):
        for statement, values in seconds.items():
            values.append(run([sys.executable, "-c", statement]))
    seconds = {statement: values[WARM_UP:] for statement, values in seconds.items()}
    rows = [
        Row(statement, {SECONDS: values, OVER_TORCH: over(values, seconds[TORCH])})
        for statement, values in seconds.items()
    ]
    return Table(IMPORTS, rows)


def inference(work: Work, rounds: int) -> Table:
    """Seconds of the command infer.py, in turns with forward passes of a process that stays."""
    work = replace(work, sizes=(SIZE,) * WARM_UP)
    few, many = (_photographs(work.folder / f"{n}-images", n) for n in (FEW, MANY))
    command = [sys.executable, str(ROOT / "infer.py"), "--weights", str(work.caffemodel)]
    command += ["--out", str(work.folder / "labels")]
    forward: list[float] = []
    one: list[float] = []
    each: list[float] = []
    with worker(Engine(OURS, ours.Forward), work) as connection:
        ready(connection)
        for _ in range(WARM_UP):
            turn(connection)
        run([*command, str(next(few.iterdir()))])  # compiles what no process has imported yet
        for _ in tqdm(range(rounds), INFER, disable=None):
            forward.append(turn(connection))
            one.append(run([*command, str(next(few.iterdir()))]))
            folders = [run([*command, str(folder)]) for folder in (few, many)]
            each.append((folders[1] - folders[0]) / (MANY - FEW))
    rows = [
        Row(FORWARD, {SECONDS: forward}),
        Row(ONE, {SECONDS: one, OVER_FORWARD: over([s - GRACE for s in one], forward)}),
        Row(EACH, {SECONDS: each, RATE: over(forward, each)}),
    ]
    return Table(INFER, rows)


def run(command: Sequence[str]) -> float:
    """Seconds that a command takes in the project's folder. Raises Failed where it fails."""
    # Python keeps what it has compiled, as it does for users.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise Failed(f"{' '.join(command)}: {done.stderr.strip()}")
    return seconds


def _photographs(folder: Path, count: int) -> Path:
    """Make a folder with so many JPEGs."""
    folder.mkdir()
    for i in range(count):
        (folder / f"{i}.jpg").write_bytes(jpeg(photograph(SIZE, i)))
    return folder
