"""Forked processes: what the parent has built and run goes on in them, though no thread does."""

import itertools
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from google.protobuf import text_format
from support.layer_alone import build, run
from support.net_text import net_of

import caffe
from caffe.core.rng import draw_seed
from caffe.proto import caffe_pb2
from caffe.solver import snapshot
from caffe.storage import caffemodel
from seg_data_layer import SegDataLayer

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]

SECONDS = 60  # after which a child that waits in vain is ended

# Large enough for several threads in every layer, forward and backward.
BODY = """
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv" convolution_param {
  num_output: 32 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" inner_product_param {
  num_output: 2 weight_filler { type: "gaussian" std: 0.001 } } }
layer { name: "loss" type: "Reduction" bottom: "ip" top: "loss" loss_weight: 1 }
"""
INPUT = """layer { name: "x" type: "Input" top: "x" input_param {
  shape { dim: 2 dim: 3 dim: 96 dim: 96 } } }"""
NOISE = """layer { name: "x" type: "DummyData" top: "x" dummy_data_param {
  shape { dim: 2 dim: 3 dim: 96 dim: 96 } data_filler { type: "gaussian" } } }"""


def make_net() -> caffe.Net:
    net = net_of(INPUT + BODY)
    net.blobs["x"].data[...] = 1
    return net


def make_solver(prefix: Path | str = "unused", more: str = "") -> caffe.SGDSolver:
    caffe.set_random_seed(5)
    text = f"""train_net_param {{ {NOISE + BODY} }} lr_policy: "fixed" base_lr: 1e-6
    snapshot_prefix: "{prefix}" {more}"""
    return caffe.get_solver(text_format.Parse(text, caffe_pb2.SolverParameter()))


def learned(solver) -> np.ndarray:
    return np.concatenate([b.data.ravel() for blobs in solver.net.params.values() for b in blobs])


def in_child(do: Callable[[], object]) -> None:
    """Run it in a forked process; an error there, or a wait in vain, is one here."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(SECONDS)
            do()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


@pytest.fixture(autouse=True)
def two_threads():
    """With one alone nothing waits for another; a pass has them made."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    make_solver().step(1)
    yield
    torch.set_num_threads(before)


def test_a_net_of_the_parent_runs_in_the_child():
    net = make_net()
    expected = net.forward()["loss"].copy()
    net.backward()

    def passes():
        for _ in range(2):
            np.testing.assert_allclose(net.forward()["loss"], expected, rtol=1e-4)
            net.backward()

    in_child(passes)
    in_child(lambda: in_child(passes))
    passes()


def test_a_child_builds_nets_and_trains():
    solver = make_solver()
    solver.step(2)
    expected = learned(solver)

    def train():
        solver = make_solver()
        solver.step(2)
        np.testing.assert_allclose(learned(solver), expected, rtol=1e-4, atol=1e-7)
        assert make_net().forward()

    in_child(train)
    in_child(lambda: in_child(train))


def test_a_child_and_its_parent_go_on_training_and_draw_alike():
    straight = make_solver()
    straight.step(3)
    expected = learned(straight)
    ours = make_solver()
    ours.step(1)

    def go_on():
        ours.step(2)
        np.testing.assert_allclose(learned(ours), expected, rtol=1e-4, atol=1e-7)

    in_child(go_on)
    in_child(lambda: in_child(go_on))
    go_on()


def test_threads_of_the_parent_in_the_middle_of_passes_and_draws_hold_nothing_up():
    """Torch's generators are locked while they draw, which takes long for many numbers."""
    other, stop = make_solver(), threading.Event()
    many = net_of(
        'layer { name: "x" type: "DummyData" top: "x" dummy_data_param { shape { dim: 3000000 } '
        'data_filler { type: "gaussian" } } }'
    )

    def busy(do: Callable[[], object]) -> None:
        torch.set_num_threads(2)
        while not stop.is_set():
            do()

    threads = [
        threading.Thread(target=busy, args=(do,)) for do in (lambda: other.step(1), many.forward)
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            in_child(lambda: (draw_seed(), many.forward(), make_solver().step(1)))
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_threads_of_the_child_and_a_fork_from_a_thread_of_the_parent():
    """As web workers fork, and serve."""
    solver, net = make_solver(), make_net()
    solver.step(1)
    errors: list[BaseException] = []

    def in_thread(do: Callable[[], object]) -> None:
        def noted() -> None:
            try:
                do()
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=noted)
        thread.start()
        thread.join()
        assert not errors

    def serve() -> None:
        in_thread(lambda: (solver.step(1), net.forward(), make_solver().step(1)))
        assert net.forward()

    in_child(serve)
    in_thread(lambda: in_child(serve))


def test_a_fork_in_the_middle_of_a_pass():
    net, other = make_net(), make_net()
    expected = other.forward()["loss"].copy()
    forks = []

    def fork(i: int) -> None:
        if i == 2 and not forks:
            forks.append(i)
            in_child(lambda: np.testing.assert_allclose(net.forward()["loss"], expected, rtol=1e-4))
            in_child(lambda: np.testing.assert_allclose(other.forward()["loss"], expected))

    net.params["conv"][0].data[...] = other.params["conv"][0].data
    net.params["ip"][0].data[...] = other.params["ip"][0].data
    net.after_forward(fork)
    np.testing.assert_allclose(net.forward()["loss"], expected, rtol=1e-4)


# Our own threads.


class Numbers(SegDataLayer):
    """Entry k of 5 is an image of the number k."""

    mean = np.zeros(3)

    def read_split(self):
        return list(range(5))

    def load(self, name):
        return [np.full((3, 1, 1), name, np.float32), np.zeros((1, 1, 1), np.uint8)]


@pytest.mark.parametrize("split", ["train", "val"])
def test_the_datasets_layers_read_on_in_the_child(split):
    layer, tops = build(Numbers, split=split, seed=3)
    other, other_tops = build(Numbers, split=split, seed=3)

    def order(layer, tops, count):
        return [int(run(layer, tops)[0].flat[0]) for _ in range(count)]

    expected = order(other, other_tops, 12)
    assert order(layer, tops, 2) == expected[:2]

    def read_on():
        assert order(layer, tops, 10) == expected[2:]

    in_child(read_on)
    in_child(lambda: in_child(read_on))
    read_on()


def test_a_fork_leaves_reading_to_those_who_run_the_layer():
    layer, _ = build(Numbers, split="train", seed=3)

    def unused():
        assert threading.active_count() == 1
        assert layer.state_dict() == {"seed": 3, "pass": 0}

    in_child(unused)


def test_a_fork_while_a_snapshot_is_written_holds_up_neither(tmp_path, monkeypatch):
    write, go = snapshot.write, threading.Event()

    def held(taken):
        if threading.current_thread() is not threading.main_thread():
            assert go.wait(SECONDS)
        return write(taken)

    monkeypatch.setattr(snapshot, "write", held)
    solver = make_solver(tmp_path / "s", "snapshot: 2")

    def child():
        go.set()
        solver.param.snapshot_prefix = str(tmp_path / "child")
        solver.step(3)
        solver.snapshot()

    def forks_meanwhile():
        if solver.iter == 3 and not go.is_set():
            in_child(child)
            go.set()

    solver.add_callback(forks_meanwhile, lambda: None)
    solver.step(4)
    for name in ("s_iter_2", "s_iter_4", "child_iter_4", "child_iter_6"):
        path = tmp_path / f"{name}.solverstate"
        assert caffemodel.read_state(path).iter == int(name[-1])


# As Python's own modules fork.

_net: caffe.Net | None = None


def _loss(scale: float) -> float:
    _net.blobs["x"].data[...] = scale
    return float(_net.forward()["loss"])


def test_a_pool_of_processes_runs_a_net_of_the_parent():
    global _net
    _net = make_net()
    scales = [0.5, 1, 2, 3]
    expected = [_loss(scale) for scale in scales]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = pool.map_async(_loss, scales).get(SECONDS)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_process_ends_by_itself_with_threads_of_every_kind_behind_it(tmp_path):
    layer, tops = build(Numbers, split="val")
    run(layer, tops)
    solver = make_solver(tmp_path / "s", "snapshot: 1")

    def work():
        solver.step(3)
        run(layer, tops)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join(SECONDS)
    ended = process.exitcode
    process.kill()
    assert ended == 0


class Scored(torch.utils.data.Dataset):
    """Item i is what a net makes of i."""

    def __init__(self, net: caffe.Net) -> None:
        self.net = net

    def __len__(self) -> int:
        return 4

    def __getitem__(self, i: int) -> float:
        self.net.blobs["x"].data[...] = i
        return float(self.net.forward()["loss"])


def test_pytorchs_data_loader_runs_a_net_in_its_workers():
    data = Scored(make_net())
    expected = [data[i] for i in range(4)]
    context = multiprocessing.get_context("fork")
    loader = torch.utils.data.DataLoader(
        data, num_workers=2, timeout=SECONDS, multiprocessing_context=context
    )
    found = list(itertools.chain.from_iterable(batch.tolist() for batch in loader))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
