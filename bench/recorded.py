"""The engine run on what BVLC Caffe 1.0 recorded, in tests/records: its values beside ours.

A layer's record holds a net's prototxt and phase, inputs, parameters before and after the forward
pass, the diffs given to the tops, every blob after forward, and all diffs after backward. A
solver's: net and solver, parameters and batches, losses, and weights at a snapshot and at the end.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

import caffe
from caffe.core.blob import Blob
from caffe.solver.solver import Solver

FOLDER = Path(__file__).parents[1] / "tests" / "records"
LAYERS = sorted((FOLDER / "layers").glob("*.npz"))
SOLVERS = sorted((FOLDER / "solvers").glob("*.npz"))
RELATIVE, FLOOR = 1e-4, 1e-5  # what float32 sums of another order may differ by

Record = Mapping[str, np.ndarray]


class Compared(NamedTuple):
    """A recorded array and ours, of one shape."""

    what: str
    ours: np.ndarray
    theirs: np.ndarray


def distance(compared: Compared) -> float:
    """The largest difference, over the one that is allowed; infinite where shapes differ."""
    ours, theirs = (np.asarray(x, np.float64) for x in compared[1:])
    if ours.shape != theirs.shape:
        return np.inf
    allowed = FLOOR + RELATIVE * np.abs(theirs)
    found = np.abs(ours - theirs) / allowed
    return float(np.where(ours == theirs, 0, found).max(initial=0))


def layer(path: Path, folder: Path) -> Iterator[Compared]:
    """A layer's record, run in the present mode; `folder` is for its prototxt."""
    record = np.load(path)
    prototxt = folder / "net.prototxt"
    prototxt.write_text(str(record["prototxt"]))
    net = caffe.Net(str(prototxt), getattr(caffe, str(record["phase"])))
    for name, value in _part(record, "param/"):
        _param(net, name).data[...] = value
    for name, value in _part(record, "in/"):
        net.blobs[name].data[...] = value
    net.forward()
    yield from _beside(record, "out/", "blob {}", lambda name: net.blobs[name].data)
    after = "parameter {} after forward"
    yield from _beside(record, "param_after/", after, lambda name: _param(net, name).data)
    for name, value in _part(record, "top_diff/"):
        net.blobs[name].diff[...] = value
    net.backward()
    yield from _beside(record, "in_diff/", "diff of {}", lambda name: net.blobs[name].diff)
    of_param = "diff of parameter {}"
    yield from _beside(record, "param_diff/", of_param, lambda name: _param(net, name).diff)


def solver_of(record: Record, folder: Path) -> Solver:
    """A record's solver, its files in `folder`."""
    (folder / "net.prototxt").write_text(str(record["net"]))
    text = str(record["solver"]).replace('prefix: "snapshot', f'prefix: "{folder}')
    (folder / "solver.prototxt").write_text(f'net: "{folder}/net.prototxt"\n{text}')
    return caffe.get_solver(str(folder / "solver.prototxt"))


def step(solver: Solver, record: Record, i: int) -> float:
    """The loss of iteration i, on the record's batch."""
    solver.net.blobs["data"].data[...] = record["data"][i]
    solver.net.blobs["label"].data[...] = record["label"][i]
    solver.step(1)
    return float(solver.net.blobs["loss"].data)


def weights(net: caffe.Net, record: Record, prefix: str) -> Iterator[Compared]:
    """The net's parameters beside those of a record: prefix init/, snap/ or final/."""
    return _beside(record, prefix, f"{prefix}{{}}", lambda name: _param(net, name).data)


def solver(path: Path, folder: Path) -> Iterator[Compared]:
    """A solver's record, from its first iteration to its last."""
    record = np.load(path)
    ours = solver_of(record, folder)
    for compared in weights(ours.net, record, "init/"):
        compared.ours[...] = compared.theirs
    losses = [step(ours, record, i) for i in range(len(record["losses"]))]
    yield Compared("losses", np.array(losses), record["losses"])
    yield from weights(ours.net, record, "final/")


def _beside(
    record: Record, prefix: str, what: str, ours: Callable[[str], np.ndarray]
) -> Iterator[Compared]:
    for name, theirs in _part(record, prefix):
        yield Compared(what.format(name), ours(name), theirs)


def _part(record: Record, prefix: str) -> Iterator[tuple[str, np.ndarray]]:
    for name in record:
        if name.startswith(prefix):
            yield name.removeprefix(prefix), record[name]


def _param(net: caffe.Net, name: str) -> Blob:
    layer, index = name.rsplit("/", 1)
    return net.params[layer][int(index)]
