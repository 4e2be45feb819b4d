"""How long things take, and bars that show it."""

import io
import itertools
import time
from collections.abc import Callable, Sequence

ROUNDS = 3  # the fastest counts


def seconds(*works: Callable[[], object]) -> list[float]:
    """Of each of some works, done in turns: the fastest of ROUNDS, after one not counted."""
    times = []
    for _ in range(1 + ROUNDS):
        marks = [time.perf_counter()]
        for work in works:
            work()
            marks.append(time.perf_counter())
        times.append([end - start for start, end in itertools.pairwise(marks)])
    return [min(of) for of in zip(*times[1:], strict=True)]


def bars(title: str, unit: str, names: Sequence[str], groups: Sequence[Sequence[float]]) -> bytes:
    """A PNG of bars: a group a name, in it forward and, if there is one, backward."""
    from matplotlib.figure import Figure  # here: it takes a second

    drawn = Figure(figsize=(9, 0.6 * len(names) + 1.5), layout="constrained")
    axes = drawn.add_subplot()
    kinds = ("forward", "backward")[: len(groups[0])]
    for i, kind in enumerate(kinds):
        height = 0.8 / len(kinds)
        places = [row + i * height for row in range(len(names))]
        axes.barh(places, [group[i] for group in groups], height, label=kind)
    axes.set(title=title, xlabel=unit, yticks=range(len(names)))
    axes.set_yticklabels(list(names))
    axes.invert_yaxis()
    axes.legend()
    png = io.BytesIO()
    drawn.savefig(png, format="png", dpi=110)
    return png.getvalue()
