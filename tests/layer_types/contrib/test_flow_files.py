"""FLOWriter."""

import struct

import numpy as np
import pytest
from support.laws import law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe


@law("FLOWriter")
def test_flows_are_written_pixel_by_pixel(tmp_path):
    flow = normal(0, 2, 2, 3, 4)
    body = f'writer_param {{ folder: "{tmp_path}/out" prefix: "a-" suffix: "-b" }}'
    net = net_of(
        input_layer("x", *flow.shape)
        + f'layer {{ name: "l" type: "FLOWriter" bottom: "x" {body} }}'
    )
    net.blobs["x"].data[...] = flow
    net.forward()
    net.forward()
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"a-{i:07d}({j:03d})-b.flo" for i in range(2) for j in range(2)]
    content = (tmp_path / "out" / names[1]).read_bytes()
    assert struct.unpack("<f2i", content[:12]) == (202021.25, 4, 3)
    values = np.frombuffer(content[12:], "<f4").reshape(3, 4, 2)
    assert np.array_equal(values.transpose(2, 0, 1), flow[1])


def test_the_file_of_a_flow_may_be_named(tmp_path):
    run_layer(
        "FLOWriter", f'writer_param {{ file: "{tmp_path}/a.flo" }}', [normal(0, 1, 2, 2, 2)], 0
    )
    assert (tmp_path / "a.flo").stat().st_size == 12 + 32


def test_a_flow_has_two_channels():
    with pytest.raises(caffe.CaffeError, match="needs N x 2 x H x W"):
        run_layer("FLOWriter", "", [np.zeros((1, 3, 2, 2))], tops=0)
