"""Which snapshots of a run stay: the last ones, and the best by mean IU."""

from pathlib import Path

from caffe.solver.snapshot_files import iteration_of, remove, solverstates

from .curve import series


def keep_best_and_last(prefix: Path, metrics_csv: Path, count: int) -> None:
    """Remove a run's snapshots but the last `count`, and the one with the best mean IU."""
    states = solverstates(prefix)
    scores = dict(zip(*series(metrics_csv, "mean_iu"), strict=True))
    scored = [path for path in states if iteration_of(path) in scores]
    best = max(scored, key=lambda path: scores[iteration_of(path)], default=None)
    for path in states[count:]:
        if path != best:
            remove(path)
