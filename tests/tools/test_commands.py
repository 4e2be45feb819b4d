"""The command line: train, test, time, device_query, extract_features, and what they share."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import caffe
from caffe.__main__ import main
from caffe.feeding.datum import datum_to_array, parse_datum
from caffe.formats.database import open_database
from caffe.graph import flops
from caffe.tools import COMMANDS
from caffe.tools.parse_log import parse_log

ROOT = Path(__file__).parents[2]
PREFIX = re.compile(r"[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ [\w.]+:\d+\] ?")

# A Python layer that acts in a certain pass of a certain phase, both read from the environment:
# "wait" says so and waits for a line on stdin, anything else is a signal to the own process.
EVENT = """
import os, signal
import caffe

class Event(caffe.Layer):
    def setup(self, bottom, top):
        self.passes = 0
    def reshape(self, bottom, top):
        top[0].reshape(1)
    def forward(self, bottom, top):
        self.passes += 1
        what = os.environ.get("EVENT", "").split()
        if what[:2] == [("TRAIN", "TEST")[self.phase], str(self.passes)]:
            if what[2] == "wait":
                print("waiting", flush=True)
                input()
            else:
                os.kill(os.getpid(), getattr(signal, what[2]))
    def backward(self, top, propagate_down, bottom):
        pass
"""

NET = """
name: "LeNet in small"
layer {{ name: "data" type: "Data" top: "data" top: "label" include {{ phase: TRAIN }}
  transform_param {{ crop_size: 10 mirror: true scale: 0.01 mean_value: 100 }}
  data_param {{ source: "{db}" backend: LMDB batch_size: 5 }} }}
layer {{ name: "data" type: "Data" top: "data" top: "label" include {{ phase: TEST }}
  transform_param {{ crop_size: 10 scale: 0.01 mean_value: 100 }}
  data_param {{ source: "{db}" backend: LMDB batch_size: 5 }} }}
layer {{ name: "event" type: "Python" top: "event"
  python_param {{ module: "event_layer" layer: "Event" }} }}
layer {{ name: "silence" type: "Silence" bottom: "event" }}
layer {{ name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param {{ num_output: 4 kernel_size: 3 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "pool" type: "Pooling" bottom: "conv" top: "pool"
  pooling_param {{ kernel_size: 2 stride: 2 }} }}
layer {{ name: "ip1" type: "InnerProduct" bottom: "pool" top: "ip1"
  inner_product_param {{ num_output: 8 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "relu" type: "ReLU" bottom: "ip1" top: "ip1" }}
layer {{ name: "drop" type: "Dropout" bottom: "ip1" top: "ip1" }}
layer {{ name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
  inner_product_param {{ num_output: 3 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "accuracy" type: "Accuracy" bottom: "ip2" bottom: "label" top: "accuracy"
  include {{ phase: TEST }} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }}
"""

SOLVER = """
net: "net.prototxt" base_lr: 0.05 lr_policy: "inv" gamma: 0.1 power: 0.75 momentum: 0.9
weight_decay: 0.001 display: 1 test_iter: 3 test_interval: 4 max_iter: 12 snapshot_prefix: "{}"
random_seed: 7 solver_mode: CPU
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with images, their LMDB by convert_imageset, the net and its Python layer."""
    folder = tmp_path_factory.mktemp("world")
    rng = np.random.RandomState(0)
    entries = []
    for i in range(13):
        pixels = rng.randint(0, 256, (12, 14, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
        entries.append(f"{i}.png {i % 3}\n")
    (folder / "list.txt").write_text("".join(entries))
    arguments = ["-backend", "lmdb", f"{folder}/", str(folder / "list.txt"), str(folder / "db")]
    assert main(["convert_imageset", *arguments]) == 0
    (folder / "net.prototxt").write_text(NET.format(db=folder / "db"))
    (folder / "event_layer.py").write_text(EVENT)
    return folder


@pytest.fixture
def here(world, monkeypatch):
    monkeypatch.chdir(world)
    monkeypatch.syspath_prepend(str(world))
    monkeypatch.delenv("EVENT", raising=False)
    return world


def solver_file(name, more=""):
    """A solver prototxt in the current folder, that snapshots to NAME_iter_N."""
    Path(f"{name}.prototxt").write_text(SOLVER.format(name) + more)
    return f"{name}.prototxt"


def said(err):
    """The log without times and sources, without what changes from run to run.

    That is the speed, and what the data layers' threads tell.
    """
    lines = [PREFIX.sub("", line) for line in err.splitlines() if "data_layer.cpp" not in line]
    return [re.sub(r" \([\d.einf+-]+ iter/s.*iters\)", "", line) for line in lines]


def numbers(lines):
    """Of a run the losses, rates, accuracies: all that a log tells of the numbers."""
    return [line for line in lines if re.match(r"Iteration|    T", line)]


def weights_of(path):
    stored = caffe.storage.caffemodel.read_weights(path)
    return {name: [blob.values for blob in blobs] for name, blobs in stored.items()}


def assert_same_bits(one, other):
    ours, theirs = weights_of(one), weights_of(other)
    assert list(ours) == list(theirs)
    assert any(blobs for blobs in ours.values())
    for name, blobs in ours.items():
        for mine, its in zip(blobs, theirs[name], strict=True):
            np.testing.assert_array_equal(mine, its)


@pytest.fixture(scope="module")
def whole(world):
    """The log of a run without a break, in a process of its own; whole_iter_12.caffemodel."""
    done = run(world, "whole")
    assert done.returncode == 0, done.stderr
    return said(done.stderr)


def command(folder, name, *more):
    (folder / f"{name}.prototxt").write_text(SOLVER.format(name))
    return [sys.executable, "-m", "caffe", "train", "-solver", f"{name}.prototxt", *more]


def environment(folder, **more):
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", **more}


def run(folder, name, *more):
    return subprocess.run(
        command(folder, name, *more),
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_interrupted_and_resumed_training_ends_in_the_same_bits(world, whole):
    """SIGINT in iteration 6 of 12, from outside; -snapshot goes on; as a user types it.

    The batches of 5 do not divide the 13 images: the break is in the middle of an epoch.
    """
    with subprocess.Popen(
        command(world, "broken"),
        cwd=world,
        env=environment(world, EVENT="TRAIN 6 wait"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "waiting\n", process.stderr.read()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate("go on\n")
    assert process.returncode == 0, err
    first = said(err)
    assert "Optimization stopped early." in first
    assert "Snapshotting solver state to binary proto file broken_iter_6.solverstate" in first
    done = run(world, "broken", "-snapshot", "broken_iter_6.solverstate")
    assert done.returncode == 0, done.stderr
    second = said(done.stderr)
    assert "Resuming from broken_iter_6.solverstate" in second
    assert numbers(first) + numbers(second) == numbers(whole)
    assert_same_bits(world / "broken_iter_12.caffemodel", world / "whole_iter_12.caffemodel")


@pytest.mark.parametrize(
    ("event", "iteration"),
    [("TRAIN 1 SIGINT", 1), ("TRAIN 8 SIGINT", 8), ("TRAIN 12 SIGINT", 12), ("TEST 5 SIGINT", 4)],
)
def test_a_break_anywhere_ends_in_the_same_bits(here, whole, capsys, monkeypatch, event, iteration):
    """Also before a test, in the last iteration, and in the middle of a test, which is repeated."""
    name = event.replace(" ", "")
    solver = solver_file(name)
    monkeypatch.setenv("EVENT", event)
    assert main(["train", "-solver", solver]) == 0
    monkeypatch.delenv("EVENT")
    assert main(["train", "-solver", solver, f"-snapshot={name}_iter_{iteration}.solverstate"]) == 0
    lines = numbers(said(capsys.readouterr().err))
    if event.startswith("TEST"):
        lines.remove("Iteration 4, Testing net (#0)")
    assert lines == numbers(whole)
    assert_same_bits(f"{name}_iter_12.caffemodel", "whole_iter_12.caffemodel")


@pytest.mark.parametrize(
    ("event", "more", "written", "stops"),
    [
        ("TRAIN 3 SIGHUP", [], True, False),
        ("TRAIN 3 SIGINT", ["-sigint_effect", "snapshot"], True, False),
        ("TRAIN 3 SIGINT", ["--sigint_effect=none"], False, False),
        ("TRAIN 3 SIGHUP", ["-sighup_effect", "stop"], True, True),
    ],
)
def test_signals_have_the_effect_that_is_asked_for(
    here, whole, capsys, monkeypatch, event, more, written, stops
):
    name = "-".join([event, *more]).replace(" ", "-")
    monkeypatch.setenv("EVENT", event)
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGHUP)
    assert main(["train", "-solver", solver_file(name), *more]) == 0
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGHUP)) == before
    assert Path(f"{name}_iter_3.solverstate").exists() == written
    assert ("Optimization stopped early." in capsys.readouterr().err) == stops
    if not stops:
        assert_same_bits(f"{name}_iter_12.caffemodel", "whole_iter_12.caffemodel")


def test_bvlc_era_parsers_read_the_log(here, whole, capsys, tmp_path):
    """The regular expressions of parse_log.py, extract_seconds.py and of solver-log scrapers."""
    assert main(["train", "-solver", solver_file("parsed")]) == 0
    log = capsys.readouterr().err
    number = r"([\.\deE+-]+)"
    train = re.findall(rf"Train net output #(\d+): (\S+) = {number} \(\* 1 = {number} loss\)", log)
    assert [(n, name) for n, name, *_ in train] == [("0", "loss")] * 12
    tests = re.findall(r"solver.cpp:\d+\] Iteration (\d+), Testing net \(#0\)", log)
    assert tests == ["0", "4", "8", "12"]
    losses = re.findall(
        rf"I\d{{4}} [\d:.]+ +\d+ solver.cpp:\d+\] Iteration (\d+) "
        rf"\({number} iter/s, {number}s/1 iters\), loss = {number}\n",
        log,
    )
    assert [int(iteration) for iteration, *_ in losses] == list(range(12))
    rates = re.findall(r"sgd_solver.cpp:\d+\] Iteration (\d+), lr = ([-+]?[0-9]*\.?[0-9]+)\n", log)
    for iteration, rate in rates:
        assert float(rate) == pytest.approx(0.05 * (1 + 0.1 * int(iteration)) ** -0.75, rel=1e-5)
    assert "solver.cpp:464] Snapshotting to binary proto file parsed_iter_12.caffemodel\n" in log
    (tmp_path / "log").write_text(log)
    train_rows, test_rows = parse_log(tmp_path / "log")
    assert [row["NumIters"] for row in train_rows] == list(range(12))
    assert [row["NumIters"] for row in test_rows] == [0, 4, 8, 12]
    assert set(test_rows[0]) == {"NumIters", "Seconds", "LearningRate", "accuracy", "loss"}
    assert [row["loss"] for row in train_rows] == [float(loss) for *_, loss in train]


# Flags of train.

FINETUNE = """
name: "sum"
layer { name: "x" type: "DummyData" top: "x" dummy_data_param { shape { dim: 1 dim: 2 } } }
layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" inner_product_param { num_output: 2 } }
layer { name: "b" type: "InnerProduct" bottom: "x" top: "b" inner_product_param { num_output: 2 } }
layer { name: "more" type: "Power" bottom: "b" top: "more" include { stage: "more" min_level: 2 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "a" bottom: "b" top: "loss" }
"""


@pytest.fixture
def finetune(tmp_path, monkeypatch):
    """A folder with a net, a solver, and weights a of ones and b of twos."""
    monkeypatch.chdir(tmp_path)
    Path("net.prototxt").write_text(FINETUNE)
    Path("solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 0 lr_policy: "fixed" max_iter: 1 snapshot_prefix: "s"'
    )
    for i, name in enumerate("ab"):
        own = re.findall(f'layer .*(?:DummyData|name: "{name}").*\n', FINETUNE)
        Path("one.prototxt").write_text("".join(own))
        net = caffe.Net("one.prototxt", caffe.TEST)
        net.params[name][0].data[...] = i + 1
        net.save(f"{name}.caffemodel")


def test_weights_are_loaded_from_each_file(finetune, capsys):
    assert main(["train", "-solver=solver.prototxt", "-weights", "a.caffemodel,b.caffemodel"]) == 0
    weights = weights_of("s_iter_1.caffemodel")
    assert {name: set(weights[name][0].ravel()) for name in "ab"} == {"a": {1}, "b": {2}}
    lines = said(capsys.readouterr().err)
    order = ["Use CPU.", "Finetuning from a.caffemodel", "Finetuning from b.caffemodel"]
    order += ["Starting Optimization", "Solving sum", "Optimization Done.", "Optimization Done."]
    assert [line for line in lines if line in order] == order


def test_level_and_stage_choose_layers_of_the_training_net(finetune):
    for more, layers in (
        ([], 0),
        (["-stage", "more"], 0),
        (["-stage", "some,more", "-level", "2"], 1),
    ):
        assert main(["train", "-solver", "solver.prototxt", *more]) == 0
        names = [layer.name for layer in stored_layers("s_iter_1.caffemodel")]
        assert names.count("more") == layers


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["train", "-solver", "solver.prototxt"], "solver"),
        (["train", "-solver", "solver.prototxt"], "net"),
        (["test", "-model", "net.prototxt", "-weights", "x"], "net"),
        (["time", "-model", "net.prototxt"], "net"),
    ],
)
def test_strict_commands_refuse_what_bvlc_would(finetune, capsys, arguments, field):
    for name, more in (("net", "default_forward_type: FLOAT"), ("solver", 'eval_type: "a"')):
        path = Path(f"{name}.prototxt")
        if name == field:
            path.write_text(f"{path.read_text()} {more}")
    assert main([*arguments, "-strict"]) == 1
    assert "not of Caffe 1.0" in capsys.readouterr().err
    caffe.set_strict(False)
    if arguments[0] == "train":
        assert main(arguments) == 0


def stored_layers(path):
    return caffe.proto.caffe_pb2.NetParameter.FromString(Path(path).read_bytes()).layer


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "Need a solver definition to train: -solver FILE"),
        (["train", "-solver", "no.prototxt"], "no.prototxt: cannot be read"),
        (
            ["train", "-solver", "solver.prototxt", "-weights", "a", "-snapshot", "b"],
            "Give a snapshot to resume training or weights to finetune but not both",
        ),
        (["train", "-solver", "solver.prototxt", "-snapshot", "no.state"], "no.state"),
        (["train", "-solver", "solver.prototxt", "-weights", "no.model"], "no.model"),
        (["train", "-solver", "solver.prototxt", "-gpu", "97,98"], "GPU 97 was asked for"),
        (["train", "-solver", "solver.prototxt", "-gpu", "1,0,1"], "names GPU 1 more than once"),
        (
            ["time", "-model", "net.prototxt", "-gpu", "0,1"],
            "2 GPUs were asked for (0, 1), but only train runs on several: give one number, -gpu 0",
        ),
        (["train", "-solver", "solver.prototxt", "-gpu", "zero"], "found 'zero'"),
        (["train", "-solver", "solver.prototxt", "-log_dir", "no/dir"], "no/dir"),
        (["test", "-weights", "a.caffemodel"], "Need a model definition to score: -model FILE"),
        (["test", "-model", "net.prototxt"], "Need model weights to score: -weights FILE"),
        (["test", "-model", "no.prototxt", "-weights", "a.caffemodel"], "no.prototxt"),
        (["time"], "Need a model definition to time: -model FILE"),
        (
            ["extract_features", "a.caffemodel", "net.prototxt", "a,b", "out", "1", "lmdb"],
            "the number of blob names and dataset names must be equal",
        ),
        (
            ["extract_features", "a.caffemodel", "net.prototxt", "fc7", "out", "1", "lmdb"],
            "Unknown feature blob name fc7 in the network net.prototxt; it has x, ",
        ),
    ],
)
def test_a_request_that_caffe_refuses_is_one_line_and_status_1(
    finetune, capsys, arguments, message
):
    assert main(arguments) == 1
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
    assert message in line


@pytest.mark.parametrize("place", ["flag", "solver"])
def test_a_gpu_that_is_not_there_is_one_line(finetune, capsys, monkeypatch, place):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    if place == "solver":
        path = Path("solver.prototxt")
        path.write_text(path.read_text() + " solver_mode: GPU device_id: 3")
    number = 0 if place == "flag" else 3
    more = ["-gpu", "all"] if place == "flag" else []
    assert main(["train", "-solver", "solver.prototxt", *more]) == 1
    errors = capsys.readouterr().err
    assert f"GPU {number} was asked for, but torch sees no GPU" in errors
    assert ("error: solver.prototxt: GPU 3" in errors) == (place == "solver")
    if place == "solver":  # -gpu counts more than the solver: a GPU 1 is not there either
        assert main(["train", "-solver", "solver.prototxt", "-gpu", "1"]) == 1
        assert "GPU 1 was asked for" in capsys.readouterr().err


# test, time, device_query.


@pytest.fixture
def weights(here, whole):
    return "whole_iter_12.caffemodel"


def test_test_logs_every_output_of_every_batch_and_the_means(here, weights, capsys):
    arguments = ["-model", "net.prototxt", "-weights", weights, "-iterations", "4"]
    assert main(["test", *arguments]) == 0
    lines = said(capsys.readouterr().err)
    net = caffe.Net("net.prototxt", weights, caffe.TEST)
    outs = [{k: float(v) for k, v in net.forward().items()} for _ in range(4)]
    expected = ["Use CPU.", "Running for 4 iterations."]
    expected += [f"Batch {i}, {k} = {v:g}" for i, out in enumerate(outs) for k, v in out.items()]
    assert lines[:-3] == expected
    accuracy, loss = (np.mean([out[name] for out in outs]) for name in ("accuracy", "loss"))
    number = r"([\d.e-]+)"
    patterns = [
        f"Loss: {number}",
        f"accuracy = {number}",
        rf"loss = {number} \(\* 1 = {number} loss\)",
    ]
    found = [
        float(text)
        for pattern, line in zip(patterns, lines[-3:], strict=True)
        for text in re.fullmatch(pattern, line).groups()
    ]
    np.testing.assert_allclose(found, [loss, accuracy, loss, loss], rtol=1e-5)


RATE = 1e12  # operations a second: the measured one takes seconds to measure


@pytest.fixture
def known_rate(monkeypatch):
    monkeypatch.setattr("caffe.tools.time.matrix_rate", lambda: RATE)


def test_time_prints_caffes_lines(here, known_rate, capsys):
    assert main(["time", "-model", "net.prototxt", "-iterations", "2"]) == 0
    lines = said(capsys.readouterr().err)
    at = lines.index("*** Benchmark begins ***")
    assert lines[at + 1] == "Testing for 2 iterations."
    number = r"([\d.e+-]+)"
    for i in (1, 2):
        assert re.fullmatch(
            f"Iteration: {i} forward-backward time: {number} ms\\.", lines[at + 1 + i]
        )
    assert lines[at + 4] == "Average time per layer: "
    names = list(caffe.Net("net.prototxt", caffe.TRAIN).layer_dict)
    each = {}
    table = lines[at + 5 : at + 5 + 2 * len(names)]
    for line, (name, way) in zip(
        table, [(n, w) for n in names for w in ("forward", "backward")], strict=True
    ):
        match = re.fullmatch(f"{name:>10}\t{way}: {number} ms\\.", line)
        each[way] = each.get(way, 0) + float(match[1])
    assert lines[-1] == "*** Benchmark ends ***"
    forward, backward, both, total = (
        float(re.fullmatch(f"{what}: {number} ms\\.", line)[1])
        for what, line in zip(
            (
                "Average Forward pass",
                "Average Backward pass",
                "Average Forward-Backward",
                "Total Time",
            ),
            lines[-5:-1],
            strict=True,
        )
    )
    assert 0 < each["forward"] <= forward * 1.001
    assert 0 < each["backward"] <= backward * 1.001
    assert forward + backward <= both * 1.001
    assert total == pytest.approx(2 * both, rel=1e-4)


def test_time_prints_where_the_time_goes(here, known_rate, capsys):
    assert main(["time", "-model", "net.prototxt", "-iterations", "2"]) == 0
    out, err = capsys.readouterr()
    limit, forward, backward, whole = out.strip().split("\n\n")
    assert limit == "limit: 1000.0 GFLOP/s, of a float32 product of 4096 x 4096 matrices"
    net = caffe.Net("net.prototxt", caffe.TRAIN)
    learning = [layer.name for layer in net._graph.layers if layer.need_backward]
    assert 0 < len(learning) < len(net.layers)
    tables = {"forward": (forward, list(net.layer_dict)), "backward": (backward, learning)}
    for name, (text, layers) in tables.items():
        title, _, *lines, total = text.splitlines()
        assert title == f"{name}, layer by layer"
        assert [line.split()[0] for line in lines] == layers
        assert total.split()[0] == "total"
        logged = dict(re.findall(rf"(\w+)\t{name}: ([\d.e+-]+) ms", err))
        for line in lines:
            milliseconds = float(re.search(r"([\d.]+) +[\d.]+%", line)[1])
            assert milliseconds == pytest.approx(float(logged[line.split()[0]]), abs=1e-3)
        (conv,) = [line.split() for line in lines if line.startswith("conv ")]
        operations = 2 * flops.multiply_adds(net._graph)["conv"]
        assert conv[1:3] == ["Convolution", "x".join(map(str, net.blobs["conv"].shape))]
        assert float(conv[-3]) == pytest.approx(operations / 1e9, abs=1e-3)
        assert float(conv[-1]) == pytest.approx(float(conv[3]) / 1e3 * RATE / operations, rel=0.1)
    number = r"([\d.]+)"
    pattern = f"net.forward\\(\\), .* work: {number} ms, {number} GFLOP/s, {number} x limit"
    assert re.fullmatch(pattern, whole)


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_time_takes_the_phase(here, known_rate, capsys, phase):
    assert main(["time", "--model=net.prototxt", "--iterations=1", f"--phase={phase}"]) == 0
    assert ("accuracy\tforward" in capsys.readouterr().err) == (phase == "TEST")


def test_time_takes_weights_and_says_where_there_are_none(here, known_rate, capsys):
    words = ["time", "-model=net.prototxt", "-iterations=1", "-weights"]
    assert main([*words, "none.caffemodel"]) == 1
    assert "none.caffemodel" in capsys.readouterr().err
    caffe.Net("net.prototxt", caffe.TEST).save("net.caffemodel")
    assert main([*words, "net.caffemodel"]) == 0


def test_device_query_tells_what_torch_knows(monkeypatch, capsys):
    class Properties:
        major, minor, name, total_memory, multi_processor_count = 9, 0, "Some GPU", 7 << 30, 132

    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.cuda.get_device_properties", lambda i: Properties())
    monkeypatch.setattr("caffe.core.device._gpu_id", 0)
    assert main(["device_query", "-gpu", "all"]) == 0
    lines = said(capsys.readouterr().err)
    assert lines[0] == "Querying GPUs all"
    device = [
        "Major revision number:         9",
        "Minor revision number:         0",
        "Name:                          Some GPU",
        f"Total global memory:           {7 << 30}",
        "Number of multiprocessors:     132",
    ]
    ids = ["Device id:                     0", "Device id:                     1"]
    assert lines[1:] == [ids[0], *device, ids[1], *device]


# extract_features.


@pytest.mark.parametrize("backend", ["lmdb", "leveldb"])
def test_features_are_datums_of_floats_in_order(here, weights, tmp_path, backend):
    """Three batches of 5; a blob of 4 axes, and one of 2 whose items are C x 1 x 1."""
    arguments = [weights, "net.prototxt", "pool,ip1", f"{tmp_path}/pool,{tmp_path}/ip1", "3"]
    assert main(["extract_features", *arguments, backend]) == 0
    net = caffe.Net("net.prototxt", weights, caffe.TEST)
    batches = [net.forward(blobs=["pool", "ip1"]) for _ in range(3)]
    batches = [{name: array.copy() for name, array in batch.items()} for batch in batches]
    for name, shape in (("pool", (4, 4, 4)), ("ip1", (8, 1, 1))):
        with open_database(tmp_path / name, backend) as database:
            items = [(bytes(key), parse_datum(value, name)) for key, value in database.cursor()]
        assert [key for key, _ in items] == [b"%010d" % i for i in range(15)]
        arrays = [datum_to_array(datum) for _, datum in items]
        assert {array.shape for array in arrays} == {shape}
        last = batches[-1][name].reshape(5, *shape)
        np.testing.assert_array_equal(arrays[-5:], last)
    assert main(["extract_features", *arguments, backend]) == 1, "it overwrites nothing"


# The frame.


@pytest.mark.parametrize("word", ["help", "-h", "-help", "--help"])
def test_help_lists_the_commands(capsys, word):
    assert main([word]) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {name} " in out for name in COMMANDS)


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"caffe version {caffe.__version__}\n"


def test_an_unknown_command_is_an_error(capsys):
    assert main(["trian"]) == 1
    assert "error: unknown command 'trian'" in capsys.readouterr().err


def test_flags_before_the_command_are_named_with_the_line_to_write(capsys):
    assert main(["-model", "a b.prototxt", "time", "-iterations", "2"]) == 1
    expected = "caffe time -model 'a b.prototxt' -iterations 2"
    assert f"the command comes first, its flags behind it: {expected}" in capsys.readouterr().err
    assert main(["-model", "net.prototxt"]) == 1
    assert "usage: caffe COMMAND [FLAGS]" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("word", ["-help", "--help"])
def test_every_command_explains_itself(capsys, name, word):
    with pytest.raises(SystemExit) as leave:
        main([name, word])
    assert leave.value.code == 0
    assert f"usage: caffe {name} " in capsys.readouterr().out


@pytest.mark.parametrize("flag", ["-solv", "--solv", "-shuffle", "-snap=x"])
def test_unknown_flags_and_shortened_ones_are_usage_errors(capsys, flag):
    with pytest.raises(SystemExit) as leave:
        main(["train", flag])
    assert leave.value.code == 2
    assert "unrecognized arguments" in capsys.readouterr().err


def test_glogs_flags(finetune, known_rate, capsys):
    words = ["time", "-model", "net.prototxt", "-iterations=1", "-logtostderr=0", "-log_dir", "."]
    assert main([*words, "-alsologtostderr"]) == 0
    assert "Total Time" in capsys.readouterr().err
    assert "Total Time" in Path("caffe.INFO").read_text()
    assert main([*words, "-minloglevel", "1"]) == 0
    assert capsys.readouterr().err == ""


# One process for several commands, each with its status behind what it says.
ONE_BY_ONE = """
import sys
from caffe.__main__ import main
for words in sys.argv[1:]:
    status = main(words.split(" "))
    print(f"<{status}>", flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are any bytes on Linux")
def test_a_path_that_is_no_text_can_be_printed(tmp_path):
    name = os.fsdecode(b"gr\xfcn")
    (tmp_path / f"{name}.prototxt").write_text('layer { name: "r" type: "ReLU" bottom: "x" }')
    cases = (
        (f"time -model {name}", 1, r"error: gr\xfcn: cannot be read"),
        (f"time -model {name}.prototxt", 1, r"error: gr\xfcn.prototxt: layer 'r'"),
        (f"draw_net {name}.prototxt {name}.dot", 0, r"Drawing net to gr\xfcn.dot"),
        (f"train -solver s -log_dir . -snapshot {name}", 1, "error: s: cannot"),
        (f"upgrade_net_proto_text {name}.prototxt x", 0, r"format: gr\xfcn.prototxt"),
    )
    ran = subprocess.run(
        [sys.executable, "-c", ONE_BY_ONE, *(words for words, _, _ in cases)],
        cwd=tmp_path,
        env=dict(os.environ, PYTHONPATH=str(ROOT), PYTHONIOENCODING="utf-8"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    assert "Traceback" not in ran.stdout
    said = ran.stdout.replace("udcfc", "xfc")
    for _, status, words in cases:
        here, found, said = re.split(r"<(\d)>\n", said, maxsplit=1)
        assert int(found) == status
        assert words in here
    assert said == ""


FAILING = """
import caffe

class Failing(caffe.Layer):
    def __init__(self):
        self.fail("init")
    def setup(self, bottom, top):
        self.fail("setup")
    def reshape(self, bottom, top):
        top[0].reshape(1)
        self.fail("reshape")
    def forward(self, bottom, top):
        self.fail("forward")
    def backward(self, top, propagate_down, bottom):
        self.fail("backward")
    def fail(self, where):
        if self.param_str.split()[0] == where:
            exec(self.param_str.partition(" ")[2])
"""


@pytest.mark.parametrize("where", ["init", "setup", "reshape", "forward", "backward"])
@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("raise ValueError('odd')", "ValueError: odd"),
        ("{}['key']", "KeyError: 'key'"),
        ("open('/none')", "FileNotFoundError: [Errno 2] No such file"),
        ("caffe.io.load_image('none.png')", "none.png: cannot be read"),
    ],
)
def test_an_error_in_a_python_layer_keeps_its_traceback_and_names_the_layer(
    tmp_path, monkeypatch, capsys, where, does, said
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "failing_layer", raising=False)
    Path("failing_layer.py").write_text(FAILING)
    Path("net.prototxt").write_text(
        f"""
        layer {{ name: "x" type: "DummyData" top: "x" dummy_data_param {{ shape {{ dim: 1 }} }} }}
        layer {{ name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
          inner_product_param {{ num_output: 1 axis: 0 }} }}
        layer {{ name: "py" type: "Python" bottom: "ip" top: "py" loss_weight: 1
          python_param {{ module: "failing_layer" layer: "Failing"
            param_str: "{where} {does}" }} }}
        """
    )
    Path("solver.prototxt").write_text(
        'net: "net.prototxt" lr_policy: "fixed" base_lr: 1 max_iter: 2 snapshot_after_train: false'
    )
    assert main(["train", "-solver", "solver.prototxt"]) == 1
    error = capsys.readouterr().err
    assert "Traceback (most recent call last)" in error
    assert f"in {'__init__' if where == 'init' else where}" in error
    last = error.splitlines()[-1]
    assert last.startswith("error: in layer 'py' (Python: failing_layer.Failing): ")
    assert said in last


def test_an_error_of_our_own_stays_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("net.prototxt").write_text(
        'layer { name: "py" type: "Python" top: "y" python_param { module: "none" layer: "A" } }'
    )
    Path("solver.prototxt").write_text('net: "net.prototxt" lr_policy: "fixed" base_lr: 1')
    assert main(["train", "-solver", "solver.prototxt"]) == 1
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert "layer 'py' (Python): there is no module 'none'" in error.splitlines()[-1]
