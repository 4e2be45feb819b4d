"""CoSData, and CaffeOnSpark's MemoryData."""

import numpy as np
import pytest
from support.laws import law
from support.net_text import net_of

import caffe

TOPS = """
  top { name: "data" type: ENCODED_IMAGE_WITH_DIM channels: 3 height: 256 width: 250 out_channels: 3
        out_height: 230 out_width: 228 }
  top { name: "label" type: INT channels: 1 height: 1 width: 1 }
  top { name: "words" type: INT_ARRAY channels: 21 sample_num_axes: 1 transpose: true }
  top { name: "cut" type: RAW_IMAGE channels: 1 height: 9 width: 8
        transform_param { crop_size: 5 } }
"""


def cos_data(tops: str) -> str:
    return (
        'layer { name: "d" type: "CoSData" top: "data" top: "label" top: "words" top: "cut" '
        'source_class: "com.yahoo.ml.caffe.DataFrameSource" cos_data_param { source: "hdfs:///x" '
        f"batch_size: 4 {tops} }} }}"
    )


@law("CoSData")
def test_a_script_fills_what_spark_filled():
    net = net_of(cos_data(TOPS))
    shapes = {name: blob.shape for name, blob in net.blobs.items()}
    assert shapes == {
        "data": (4, 3, 230, 228),
        "label": (4, 1, 1, 1),
        "words": (21, 4),
        "cut": (4, 1, 5, 5),
    }
    assert list(net.inputs) == list(shapes)
    net.blobs["words"].data[...] = 7
    net.forward()
    assert (net.blobs["words"].data == 7).all()


def test_each_top_is_described():
    with pytest.raises(caffe.CaffeError, match="for each of 4 tops; found 1"):
        net_of(cos_data('top { name: "data" }'))


def test_a_memory_data_of_caffeonspark_takes_arrays():
    net = net_of(
        'layer { name: "d" type: "MemoryData" top: "x" top: "y" source_class: "com.yahoo.ml.caffe.'
        'LMDB" memory_data_param { source: "hdfs:///x" batch_size: 2 channels: 1 height: 3 '
        "width: 3 share_in_parallel: false } }"
    )
    net.set_input_arrays(np.ones((2, 1, 3, 3), np.float32), np.zeros(2, np.float32))
    net.forward()
    assert (net.blobs["x"].data == 1).all()
