"""A net of 500 layers is built in little time, and says nothing twice."""

import logging
import time
from collections import Counter

import pytest
from support.net_text import input_layer, net_of

BLOCK = """
layer {{ name: "conv{i}" type: "Convolution" bottom: "{below}" top: "c{i}"
  param {{ lr_mult: 1 decay_mult: 1 }} convolution_param {{ num_output: 32 kernel_size: 3 pad: 1
  bias_term: false engine: CAFFE weight_filler {{ type: "msra" }} {fork} }} }}
layer {{ name: "bn{i}" type: "BatchNorm" bottom: "c{i}" top: "c{i}"
  param {{ lr_mult: 0 }} param {{ lr_mult: 0 }} param {{ lr_mult: 0 }} }}
layer {{ name: "scale{i}" type: "Scale" bottom: "c{i}" top: "c{i}"
  scale_param {{ bias_term: true }} }}
layer {{ name: "relu{i}" type: "ReLU" bottom: "c{i}" top: "c{i}" }}
layer {{ name: "sum{i}" type: "Eltwise" bottom: "c{i}" bottom: "{below}" top: "s{i}" }}
"""


def net_text(fork=""):
    """100 residual blocks, 500 layers and 100 Splits between."""
    blocks = [BLOCK.format(i=i, below=f"s{i - 1}" if i else "data", fork=fork) for i in range(100)]
    return input_layer("data", 1, 32, 56, 56) + "".join(blocks)


@pytest.mark.parametrize("fork", ["", "conv_algos_override: '1,1,1'"])
def test_500_layers_are_built_in_one_and_a_half_seconds(fork, caplog):
    caplog.set_level(logging.INFO, "caffe")
    text = net_text(fork)
    times = []
    for _ in range(3):
        caplog.clear()
        begin = time.process_time()
        net = net_of(text)
        times.append(time.process_time() - begin)
    assert len(net.layers) == 601
    assert min(times) < 1.5
    said = Counter(record.getMessage() for record in caplog.records)
    assert set(said.values()) == {1}
    assert sum("passed over" in message for message in said) == bool(fork)
