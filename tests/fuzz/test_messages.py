"""Damaged prototxt, caffemodel and solverstate: a CaffeError, or what Caffe would make of it.

Never another exception, a crash, a hang, or memory by the size that a file claims.
"""

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from support.fuzzing import FUZZ_INPUTS, KILOBYTES, mutations, survives
from support.net_text import input_layer, net_of

import caffe
from caffe.core import host_memory
from caffe.feeding.mean_file import read_mean
from caffe.proto import caffe_pb2, upgrade

pytestmark = pytest.mark.fuzz

LEGACY = Path(__file__).parents[1] / "records" / "legacy"


@pytest.fixture(autouse=True)
def little_memory(monkeypatch):
    """Blobs above host_memory.SMALL are refused, so that no damaged size costs time to fill."""
    monkeypatch.setattr(host_memory, "free", lambda: 0)


NET = """
name: "net"
state { level: 1 stage: "s" }
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 6 dim: 5 } } }
layer { name: "label" type: "DummyData" top: "label" dummy_data_param { shape { dim: 1 } } }
layer {
  name: "conv" type: "Convolution" bottom: "data" top: "conv" param { name: "w" lr_mult: 1 }
  convolution_param { num_output: 2 kernel_size: 3 pad: 1 stride: 1 weight_filler { type: "xavier" } }
}
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" relu_param { negative_slope: 0.1 } }
layer {
  name: "pool" type: "Pooling" bottom: "conv" top: "pool"
  pooling_param { pool: MAX kernel_size: 2 stride: 2 }
}
layer { name: "norm" type: "LRN" bottom: "pool" top: "norm" lrn_param { local_size: 3 alpha: 0.1 } }
layer {
  name: "up" type: "Deconvolution" bottom: "norm" top: "up"
  convolution_param { num_output: 2 kernel_size: 4 stride: 2 weight_filler { type: "bilinear" } }
}
layer { name: "crop" type: "Crop" bottom: "up" bottom: "data" top: "crop" crop_param { axis: 2 offset: 1 } }
layer { name: "sum" type: "Eltwise" bottom: "crop" bottom: "data" top: "sum" eltwise_param { coeff: 1 coeff: -1 } }
layer {
  name: "fc" type: "InnerProduct" bottom: "sum" top: "fc"
  inner_product_param { num_output: 3 weight_filler { type: "gaussian" std: 0.1 sparse: 1 } }
}
layer { name: "drop" type: "Dropout" bottom: "fc" top: "fc" include { phase: TRAIN } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" loss_weight: 1 }
"""  # noqa: E501


def build(path: str) -> None:
    caffe.Net(path, caffe.TRAIN)


@pytest.mark.parametrize("old", ["v0", "v1"])
def test_a_damaged_prototxt_of_an_old_format(tmp_path, old):
    survives(tmp_path / "net.prototxt", (LEGACY / f"{old}.prototxt").read_bytes(), build)


def test_a_damaged_prototxt(tmp_path):
    survives(tmp_path / "net.prototxt", NET.encode(), build)


NUMBERS = (0, -1, 7, 65537, 2 * 10**9, 2**31, 2**32 - 1, 2**63 - 1, "nan", "inf")


def test_a_prototxt_with_any_number_where_a_number_stands(tmp_path):
    """Numbers that a schema allows and no net is made of."""
    text = NET.split()
    places = [i for i, word in enumerate(text) if word[0].isdecimal() or word[0] == "-"]
    path = tmp_path / "net.prototxt"
    for place in places:
        for number in NUMBERS:
            path.write_text(" ".join([*text[:place], str(number), *text[place + 1 :]]))
            with suppress(caffe.CaffeError):
                build(str(path))


def solver_text(tmp_path: Path) -> str:
    (tmp_path / "train.prototxt").write_text(NET)
    return f"""
        net: "{tmp_path / "train.prototxt"}" test_iter: 1 test_interval: 5 type: "SGD"
        base_lr: 0.1 lr_policy: "multistep" gamma: 0.5 stepvalue: 2 stepvalue: 3 momentum: 0.9
        weight_decay: 0.01 clip_gradients: 5 iter_size: 1 max_iter: 9 random_seed: 1
        test_state {{ level: 1 }} snapshot_prefix: "s"
    """


def test_a_damaged_solver(tmp_path):
    text = solver_text(tmp_path)
    survives(tmp_path / "solver.prototxt", text.encode(), caffe.get_solver)
    inline = text.replace(f'net: "{tmp_path / "train.prototxt"}"', f"net_param {{ {NET} }}")
    survives(tmp_path / "solver.prototxt", inline.encode(), caffe.get_solver)


@pytest.mark.parametrize("kind", ["V1", "V0", "today"])
def test_a_damaged_caffemodel(tmp_path, kind):
    net = caffe.Net(str(LEGACY / "v1.prototxt"), caffe.TEST)
    data = (LEGACY / "v1.caffemodel").read_bytes()
    if kind == "V0":
        data = as_v0(data)
    if kind == "today":
        net.save(tmp_path / "new.caffemodel")
        data = (tmp_path / "new.caffemodel").read_bytes()
    path = tmp_path / "weights.caffemodel"
    path.write_bytes(data)
    net.copy_from(path)
    survives(path, data, net.copy_from)
    survives(path, data, upgrade.read_net_binary)


def as_v0(data: bytes) -> bytes:
    net = caffe_pb2.NetParameter.FromString(data)
    for layer in net.layers:
        layer.layer.name, layer.layer.type = layer.name, "conv"
        layer.layer.blobs.extend(layer.blobs)
        for field in ("name", "type", "blobs"):
            layer.ClearField(field)
    return net.SerializeToString()


def test_a_damaged_solverstate(tmp_path):
    (tmp_path / "solver.prototxt").write_text(solver_text(tmp_path))
    solver = caffe.get_solver(str(tmp_path / "solver.prototxt"))
    solver.step(1)
    solver.param.snapshot_prefix = str(tmp_path / "s")
    solver.snapshot()
    state = tmp_path / "s_iter_1.solverstate"
    survives(tmp_path / "damaged.solverstate", state.read_bytes(), solver.restore)


def test_a_damaged_mean_file(tmp_path):
    mean = caffe_pb2.BlobProto(num=1, channels=3, height=4, width=5, data=range(60))
    survives(tmp_path / "mean.binaryproto", mean.SerializeToString(), read_mean)


@pytest.mark.parametrize(
    "bomb",
    [
        b"layer {" * 50_000,
        b"layer { convolution_param { " * 20_000,
        b"[a.b/c] {" * 50_000,
        b"x { " * 50_000,
        b"name: " + b'"a" ' * 200_000,
        b"input_dim: [" + b"[" * 50_000,
        b"input_dim: -" + b"-" * 50_000,
        b"input_dim: " + b"9" * 50_000,
        b"#" * 1_000_000,
        b"\\" * 50_000,
    ],
)
def test_a_text_bomb_is_one_error(tmp_path, bomb):
    path = tmp_path / "net.prototxt"
    path.write_bytes(bomb)
    with suppress(caffe.CaffeError):  # a comment of any length is a net without layers
        build(str(path))


def nested(depth: int) -> bytes:
    """A field of unknown number in itself, `depth` times."""
    data = b""
    for _ in range(depth):
        length, head = len(data), bytearray(b"\xfa\x01")
        while length > 0x7F:
            head.append(length & 0x7F | 0x80)
            length >>= 7
        data = bytes([*head, length]) + data
    return data


@pytest.mark.parametrize(
    "bomb",
    [
        b"\x0b" * 100_000,  # a group in a group
        b"\x13" * 100_000,  # of the field `layers`
        b"\xa3\x06" * 100_000,  # of the field `layer`
        nested(3_000),
        b"\xff" * 100_000,
        b"\xa2\x06\xff\xff\xff\xff\x07",  # a layer of 2 GB
        b"\xa2\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    ],
)
def test_a_binary_bomb_is_one_error(tmp_path, bomb):
    path = tmp_path / "weights.caffemodel"
    path.write_bytes(bomb)
    net = net_of(input_layer("x", 1))
    for read in (net.copy_from, upgrade.read_net_binary):
        with suppress(caffe.CaffeError):  # unknown fields are skipped
            read(str(path))


# Sizes that are claimed.


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            input_layer("x", 2_000_000_000, 2_000_000_000),
            r"layer 'x' \(Input\): .*exceeds 2147483647 values",
        ),
        (
            input_layer("x", 1, 1, 2_000_000_000)
            + 'layer { name: "l" type: "InnerProduct" bottom: "x" top: "y" '
            "inner_product_param { num_output: 2000000000 } }",
            r"layer 'l' \(InnerProduct\): .*exceeds 2147483647 values",
        ),
        (
            input_layer("x", 1, 1, 1, 1)
            + 'layer { name: "l" type: "Convolution" bottom: "x" top: "y" '
            "convolution_param { num_output: 1 kernel_size: 1 pad: 2000000000 } }",
            r"layer 'l' \(Convolution\): top 'y': .*exceeds 2147483647 values",
        ),
        (
            input_layer("x", 1, 9_000)
            + 'layer { name: "l" type: "InnerProduct" bottom: "x" top: "y" '
            'inner_product_param { num_output: 200000 weight_filler { type: "xavier" } } }',
            r"'l'.* shape \(200000, 9000\) needs 7,200,000,000 bytes of memory; 0 are free",
        ),
        (
            'layer { name: "l" type: "DummyData" top: "y" dummy_data_param { '
            "shape { dim: 2000000000 } data_filler { value: 1 } } }",
            r"'l' \(DummyData\).* shape \(2000000000,\) needs 8,000,000,000 bytes",
        ),
        (
            input_layer("x", 2_000_000_000)
            + 'layer { name: "l" type: "ReLU" bottom: "x" top: "y" loss_weight: 1 }',
            r"layer 'l'.*'y': .*needs 8,000,000,000 bytes",
        ),
    ],
)
def test_a_size_beyond_caffe_or_the_machine_names_the_layer_and_takes_no_memory(text, message):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(caffe.CaffeError, match=message):
        net_of(text)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < KILOBYTES


def test_a_blob_beyond_the_free_memory_is_refused_when_it_is_touched(monkeypatch):
    blob = net_of(input_layer("x", 5_000_000)).blobs["x"]
    with pytest.raises(caffe.CaffeError, match="needs 20,000,000 bytes of memory; 0 are free"):
        blob.data  # noqa: B018
    monkeypatch.setattr(host_memory, "free", lambda: 20_000_000)
    assert blob.data.shape == (5_000_000,)


@contextmanager
def address_space(megabytes: int) -> Iterator[None]:
    """This process may grow by so much, whatever the machine has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(
        resource.RLIMIT_AS, (pages * resource.getpagesize() + (megabytes << 20), hard)
    )
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def test_memory_that_ends_during_a_pass_names_the_layer(monkeypatch):
    """Tops are not claimed before they are computed; the allocator has the last word then."""
    monkeypatch.setattr(host_memory, "free", lambda: 1 << 40)
    tile = 'layer { name: "t" type: "Tile" bottom: "x" top: "y" tile_param { tiles: 500000000 } }'
    net = net_of(input_layer("x", 1, 1) + tile)
    with address_space(megabytes=1000):
        with pytest.raises(caffe.CaffeError, match=r"layer 't' \(Tile\): out of memory"):
            net.forward()
        with pytest.raises(caffe.CaffeError, match="no memory for a blob of shape"):
            net.blobs["y"].diff  # noqa: B018


def test_the_free_memory_is_the_machines_or_the_containers(monkeypatch, tmp_path):
    monkeypatch.undo()
    machine = host_memory.free()
    assert 0 < machine < 1 << 50
    limit, used = tmp_path / "max", tmp_path / "current"
    monkeypatch.setattr(host_memory, "CGROUPS", ((str(limit), str(used)),))
    for text, free in (("1000", 300), ("500", 0), ("max", machine)):
        limit.write_text(text)
        used.write_text("700")
        assert host_memory.free() == pytest.approx(free, rel=0.5)


def test_fuzzing_damages_what_it_is_given_and_says_again_what_it_said():
    data = bytes(range(100))
    damaged = list(mutations(data, 1))
    assert damaged == list(mutations(data, 1))
    assert len(damaged) == FUZZ_INPUTS
    assert sum(d != data for d in damaged) > 0.95 * len(damaged)
    assert list(mutations(b"", 1, 50))
