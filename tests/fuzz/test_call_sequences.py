"""Random sequences of what scripts do to a net, beside a net in plain numpy with Caffe's memory.

Whatever order passes over parts of a net, writes to data and diffs, reshapes and reads come in, a
script sees what BVLC Caffe would show (support/plain_memory.py): layer by layer, on the fast path
of whole forward passes, and in a solver's iterations.
"""

import random
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
from google.protobuf import text_format
from support.fuzzing import FUZZ_INPUTS
from support.plain_memory import PlainBlob, PlainNet, Refused, Spec, Undefined
from support.training import solver_of

import caffe
from caffe.core import synced_memory
from caffe.proto import caffe_pb2

SEQUENCES = FUZZ_INPUTS * 5 // 4  # 1,000 in a usual test run
CALLS = 10
BLOCKS = 20  # tests that they are divided among
RATE = 0.5

Blobs = list[caffe.core.blob.Blob | PlainBlob]


# Nets. All that goes through a layer is small whole numbers, which float32 holds as they are.


def random_net(draw: random.Random) -> list[Spec]:
    """One or two inputs, and three to eight layers on them and on each other's tops."""
    specs: list[Spec] = []
    shapes: dict[str, tuple[int, ...]] = {}  # but for the batch
    unread: set[str] = set()

    def add(kind: str, bottoms: list[str], tops: int = 1, in_place: bool = False, **args) -> None:
        name = f"{kind.lower()}{len(specs)}"
        names = bottoms if in_place else [name if i == 0 else f"{name}_{i}" for i in range(tops)]
        specs.append(Spec(kind, name, bottoms, names, body(kind, args), args))
        unread.difference_update(bottoms)
        unread.update(names)
        if kind != "Silence":
            tops = PlainNet(specs).layers[-1].top
            shapes.update({n: blob.shape[1:] for n, blob in zip(names, tops, strict=True)})

    for _ in range(draw.choice((1, 1, 2))):
        add("Input", [], shape=(2, 2, 3, 3))
    for _ in range(draw.randint(3, 8)):
        kind = draw.choice(KINDS)
        a = draw.choice([*shapes])
        alike = [name for name in shapes if shapes[name] == shapes[a]]
        if kind == "Power":
            power = draw.choice((1, 1, 2))
            add(kind, [a], power=power, scale=draw.choice((1, 2, -1)), shift=draw.choice((0, 1)))
        elif kind == "in place" and a in unread:
            if draw.random() < 0.7:
                add("ReLU", [a], in_place=True)
            else:
                add("Power", [a], in_place=True, power=1, scale=-1, shift=1)
        elif kind == "InnerProduct":
            add(kind, [a], outputs=draw.choice((2, 4)))
        elif kind == "Eltwise":
            operation = draw.choice(("SUM", "SUM", "PROD", "MAX"))
            add(kind, [a, draw.choice(alike)], operation=operation)
        elif kind == "Concat" and shapes[a]:
            add(kind, [a, *draw.choices(alike, k=draw.choice((0, 1)))])
        elif kind == "Slice" and shapes[a]:
            add(kind, [a], tops=2 if shapes[a][0] % 2 == 0 and draw.random() < 0.6 else 1)
        elif kind == "Split":
            add(kind, [a], tops=draw.choice((1, 2, 3)))
        elif kind == "Convolution" and len(shapes[a]) == 3 and shapes[a][1] > 1:
            add(kind, [a], outputs=draw.choice((1, 2)))
        elif kind == "Pooling" and len(shapes[a]) == 3 and shapes[a][1] > 1:
            add(kind, [a], pool=draw.choice(("MAX", "AVE")))
        elif kind in ("ReLU", "Reshape", "Flatten"):
            add(kind, [a])
        elif kind == "Silence":
            add(kind, [a], tops=0)
    if draw.random() < 0.5:
        add("Reduction", [draw.choice([*shapes])], loss_weight=draw.choice((1, 2)))
    return specs


KINDS = (
    *("Power", "Power", "in place", "in place", "InnerProduct", "Eltwise", "Eltwise", "Concat"),
    *("Slice", "Split", "Convolution", "Pooling", "ReLU", "Reshape", "Flatten", "Silence"),
)


def body(kind: str, args: dict) -> str:
    """The layer's parameters in a prototxt."""
    if kind == "Input":
        dims = " ".join(f"dim: {size}" for size in args["shape"])
        return f"input_param {{ shape {{ {dims} }} }}"
    if kind == "Power":
        return f"power_param {{ {' '.join(f'{k}: {v}' for k, v in args.items())} }}"
    return {
        "InnerProduct": "inner_product_param {{ num_output: {outputs} }}",
        "Convolution": "convolution_param {{ num_output: {outputs} kernel_size: 2 }}",
        "Eltwise": "eltwise_param {{ operation: {operation} }}",
        "Pooling": "pooling_param {{ pool: {pool} kernel_size: 2 }}",
        "Reshape": "reshape_param {{ shape {{ dim: 0 dim: -1 dim: 1 }} }}",
        "Reduction": "loss_weight: {loss_weight}",
    }.get(kind, "").format(**args)


# What a script does.


class Sequence:
    """The calls of one sequence, of a net and of the plain one; `log` tells them."""

    def __init__(self, seed: int, watched: bool) -> None:
        self.draw = draw = random.Random(seed)
        specs = random_net(draw)
        self.trains = draw.random() < 0.3
        self.forward_only = not self.trains and draw.random() < 0.5  # and so the fast path for long
        text = "force_backward: true " + " ".join(spec.text() for spec in specs)
        solver = f'base_lr: {RATE} lr_policy: "fixed"'
        self.solver = solver_of(text, solver) if self.trains else None
        self.net = self.solver.net if self.solver else net_in_test(text)
        if watched:
            self.net.before_forward(lambda i: None)
        self.plain = PlainNet(specs)
        self.batch = 2
        self.log = [text]
        self.held: list[tuple[str, np.ndarray, np.ndarray]] = []  # the name, our view and theirs
        assert list(self.net._names) == self.plain.names()
        assert [*self.net.blobs] == [*self.plain.blobs]
        for name in self.plain.params:
            for i in range(2):
                self.write("params", name, i, "data")
        for name in self.net.inputs:
            self.write("blobs", name, None, "data")

    def run(self) -> None:
        with suppress(Undefined):  # up to there
            self.call_and_compare()

    def call_and_compare(self) -> None:
        other = self.forward if self.forward_only else self.backward
        calls = (self.forward, other, self.some_write, self.resize, self.read, self.hold)
        more = (self.clear, self.copy_weights, self.misshape, *([self.step] * 3 * self.trains))
        for _ in range(CALLS):
            try:
                self.draw.choice((*calls, *calls, *calls, *more))()
            except Refused:
                self.log[-1] += "  # refused: left out"
            for place in self.draw.sample(self.places(), k=self.draw.choice((0, 0, 1, 2))):
                self.same(*place)
        places = self.places()
        self.draw.shuffle(places)
        for place in places:
            self.same(*place)
        for name, ours, theirs in self.held:
            self.equal(f"a held view of {name}", ours, theirs)

    def places(self) -> list[tuple[str, str, int | None, str]]:
        blobs = [("blobs", name, None, part) for name in self.plain.blobs for part in PARTS]
        params = [
            ("params", n, i, part) for n in self.plain.params for i in (0, 1) for part in PARTS
        ]
        return [*blobs, *params]

    def blobs(self, table: str, name: str, i: int | None) -> Blobs:
        found = [getattr(net, table)[name] for net in (self.net, self.plain)]
        return found if i is None else [blobs[i] for blobs in found]

    def same(self, table: str, name: str, i: int | None, part: str) -> None:
        ours, theirs = (getattr(blob, part) for blob in self.blobs(table, name, i))
        self.equal(f"{table}[{name!r}]{'' if i is None else f'[{i}]'}.{part}", ours, theirs)

    def equal(self, what: str, ours: np.ndarray, theirs: np.ndarray) -> None:
        atol = 1e-5 * np.abs(theirs).max(initial=1)
        if ours.shape != theirs.shape or not np.allclose(ours, theirs, rtol=0, atol=atol):
            pytest.fail("\n".join([*self.log, f"{what} is", f"{ours}", "in Caffe", f"{theirs}"]))

    def both(self, what: str, theirs: Callable[[], object], ours: Callable[[], object]) -> None:
        """Refused before anything is done."""
        self.log.append(what)
        theirs()
        ours()

    def write(self, table: str, name: str, i: int | None, part: str) -> None:
        arrays = [getattr(blob, part) for blob in self.blobs(table, name, i)]
        values = self.values(arrays[0].shape)
        one = self.draw.random() < 0.3 and arrays[0].size
        at = np.unravel_index(self.draw.randrange(arrays[0].size), arrays[0].shape) if one else ...
        index = "" if i is None else f"[{i}]"
        where = tuple(map(int, at)) if one else "..."
        self.log.append(f"{table}[{name!r}]{index}.{part}[{where}] = {values[at].tolist()}")
        for array in arrays:
            array[at] = values[at]

    def values(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.random.RandomState(self.draw.randrange(2**31)).randint(-2, 3, shape).astype(float)

    # The calls.

    def forward(self) -> None:
        first, last = self.part()
        names = self.plain.names()
        wanted = self.draw.sample([*self.plain.blobs], k=self.draw.choice((0, 0, 1)))
        start = {} if first == 0 else {"start": names[first]}
        end = {} if last == len(names) - 1 else {"end": names[last]}
        self.both(
            f"forward({wanted}, {start}, {end})",
            lambda: self.plain.forward(first, last),
            lambda: self.net.forward(wanted, **start, **end),
        )

    def backward(self) -> None:
        last, first = self.part()
        names = self.plain.names()
        self.both(
            f"backward(start={names[first]!r}, end={names[last]!r})",
            lambda: self.plain.backward(first, last),
            lambda: self.net.backward(start=names[first], end=names[last]),
        )

    def part(self) -> tuple[int, int]:
        """Half of the passes are whole."""
        count = len(self.plain.layers)
        if self.draw.random() < 0.5:
            return 0, count - 1
        return tuple(sorted((self.draw.randrange(count), self.draw.randrange(count))))

    def some_write(self) -> None:
        if self.held and self.draw.random() < 0.3:
            name, ours, theirs = self.draw.choice(self.held)
            values = self.values(ours.shape)
            self.log.append(f"a held view of {name}: {values.tolist()}")
            ours[...] = theirs[...] = values
        else:
            self.write(*self.draw.choice(self.places()))

    def resize(self) -> None:
        """The inputs are given another batch size, and most of the time a whole pass follows."""
        # What an iteration lets go of has no values behind its shape, see training_step.py.
        batch = self.draw.randint(self.batch if self.trains else 1, 4)
        self.batch = batch
        for name in self.net.inputs:
            self.set_batch(name, batch)
            if self.draw.random() < 0.5:
                self.write("blobs", name, None, "data")
        if self.draw.random() < 0.4:
            self.both("reshape()", self.plain.reshape, self.net.reshape)
        elif self.draw.random() < 0.9:
            end = len(self.plain.layers) - 1
            self.both("forward()", lambda: self.plain.forward(0, end), self.net.forward)

    def misshape(self) -> None:
        """A blob of any layer gets another batch size by the script, and its own again."""
        name = self.draw.choice([*self.plain.blobs])
        if self.plain.blobs[name].shape and not self.trains:
            self.set_batch(name, self.draw.randint(1, 5))
            if self.draw.random() < 0.5:
                self.write("blobs", name, None, self.draw.choice(PARTS))
            self.both("reshape()", self.plain.reshape, self.net.reshape)

    def set_batch(self, name: str, batch: int) -> None:
        for blob in self.blobs("blobs", name, None):
            blob.reshape(batch, *blob.shape[1:])
        self.log.append(f"blobs[{name!r}].reshape({batch}, ...)")

    def read(self) -> None:
        for place in self.draw.sample(self.places(), k=3):
            self.log.append(f"read {place}")
            self.same(*place)

    def hold(self) -> None:
        if self.held and self.draw.random() < 0.5:
            self.log.append("let go of a view")
            self.held.pop(self.draw.randrange(len(self.held)))
            return
        table, name, i, part = self.draw.choice(self.places())
        views = [getattr(blob, part) for blob in self.blobs(table, name, i)]
        self.log.append(f"hold {table} {name} {i} {part}")
        self.held.append((f"{name}.{part}", *views))

    def clear(self) -> None:
        def theirs() -> None:
            for params in self.plain.params.values():
                for blob in params:
                    blob.diff[...] = 0

        self.both("clear_param_diffs()", theirs, self.net.clear_param_diffs)

    def copy_weights(self) -> None:
        """From stored layers, as copy_from does with those of a file."""
        self.log.append("copy_from")
        for name, params in self.plain.params.items():
            for ours, theirs in zip(self.net.params[name], params, strict=True):
                values = self.values(theirs.shape)
                caffe.storage.content.StoredBlob(
                    theirs.shape, False, values.astype(np.float32).ravel()
                ).read_into(ours)
                theirs.data[...] = values

    def step(self) -> None:
        def theirs() -> None:
            end = len(self.plain.layers) - 1
            saved = [blob.diff.copy() for params in self.plain.params.values() for blob in params]
            try:
                for params in self.plain.params.values():
                    for blob in params:
                        blob.diff[...] = 0
                self.plain.forward(0, end)
            except Refused:
                for params in self.plain.params.values():
                    for blob in params:
                        blob.diff[...] = saved.pop(0)
                raise
            self.plain.backward(end, 0)
            for layer in self.plain.layers:  # what forward left goes, see training_step.py
                layer.chosen = None
            for params in self.plain.params.values():
                for blob in params:
                    blob.diff[...] *= RATE
                    blob.data[...] -= blob.diff

        self.both("step(1)", theirs, lambda: self.solver.step(1))


PARTS = ("data", "diff")


def net_in_test(text: str) -> caffe.Net:
    spec = text_format.Parse(text, caffe_pb2.NetParameter())
    return caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST))


def run_all(seeds: range, more: Callable[[Sequence], None] = lambda sequence: None) -> None:
    for seed in seeds:
        sequence = Sequence(seed, watched=seed % 3 == 2)
        sequence.log.insert(0, f"sequence {seed}:")
        more(sequence)
        try:
            sequence.run()
        except Exception as error:
            raise AssertionError("\n".join(sequence.log)) from error


@pytest.mark.parametrize("block", range(BLOCKS))
def test_a_script_sees_what_caffe_would_show(block):
    run_all(range(block, SEQUENCES, BLOCKS))


def test_a_script_sees_the_same_of_memory_that_is_on_a_device(monkeypatch):
    """Tensors that numpy cannot see stand for those on a GPU; there a view shows what it did."""
    monkeypatch.setattr(synced_memory, "numpy_sees", lambda tensor: False)
    run_all(range(SEQUENCES // 20), lambda sequence: setattr(sequence, "hold", sequence.read))
