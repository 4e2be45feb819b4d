"""report/run.json of a run's folder: what it is, from which command, code and weights."""

from __future__ import annotations

import json
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import nets
from caffe.core.device import current_device
from caffe.core.files import write_text
from data.drawing import palette_of
from data.meaning import digest

from .recipes import Stage, regime_of

PARTS = "report"  # the folder, in a run's, of what report.html is made of
NAME = f"{PARTS}/run.json"
ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("torch", "numpy", "pillow")


def write_facts(stage: Stage, counts: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Write what a run is, where it starts or goes on; earlier starts of it stay listed.

    counts: by split and head the pixels of each class, void last, that were read so far.
    """
    path = stage.folder / NAME
    shares = {split: _shares(of) for split, of in counts.items()}
    facts = {
        "net": stage.net,
        "dataset": stage.dataset.name,
        "title": stage.dataset.title,
        "regime": stage.regime or _regime(stage),
        "width": stage.width,
        "seed": stage.seed,
        "max_iter": stage.solver.max_iter,
        "base_lr": float(f"{stage.solver.base_lr:.6g}"),  # the message holds 32 bits
        "classes": {head: list(names) for head, names in stage.dataset.labels.items()},
        "colours": palette_of(stage.dataset)[: _most_classes(stage)].tolist(),
        "shares": shares,
        "weights": [{"file": str(path), "digest": digest(path)} for path in stage.weights],
        "starts": [*read_facts(stage.folder).get("starts", ()), _start()],
    }
    write_text(path, json.dumps(facts, indent=1))


def read_facts(folder: Path) -> dict[str, Any]:
    """What run.json says; nothing where there is none, as in the folders of older versions."""
    try:
        found = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _regime(stage: Stage) -> str | None:
    return None if stage.net in nets.ZOO else regime_of(stage.dataset, stage.net)


def _most_classes(stage: Stage) -> int:
    return max(map(len, stage.dataset.labels.values()))


def _shares(of: Mapping[str, np.ndarray]) -> dict[str, list[float]]:
    return {head: (pixels / pixels.sum()).tolist() for head, pixels in of.items()}


def _start() -> dict[str, Any]:
    """This process: its command, code, versions and machine."""
    return {
        "time": time.time(),
        "command": shlex.join(_command()),
        "commit": commit(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "device": str(current_device()),
    }


def _command() -> list[str]:
    return [Path(sys.executable).name, *sys.orig_argv[1:]]


def commit() -> str | None:
    """The commit of the code, with + where files differ from it; None outside a repository."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return described.stdout.strip()
