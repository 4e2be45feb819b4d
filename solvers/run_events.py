"""TensorBoard's event files beside a run's report, where the package tensorboard is installed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

FOLDER = "tensorboard"


def write_events(folder: Path, iteration: int, values: Mapping[str, float]) -> None:
    """Add values by name at an iteration to the events of a run; nothing without the package.

    Each call writes a file of its own: TensorBoard reads all of a folder as one.
    """
    if find_spec("tensorboard") is None:
        return
    from torch.utils.tensorboard import SummaryWriter  # here: it takes seconds

    with SummaryWriter(str(folder / FOLDER)) as writer:
        for name, value in values.items():
            writer.add_scalar(name, value, iteration)
