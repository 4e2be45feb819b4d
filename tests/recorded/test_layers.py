"""Every layer against BVLC Caffe 1.0: outputs and gradients it recorded, in tests/records/layers.

A record holds a net's prototxt and phase, inputs, parameters before and after the forward pass,
the diffs given to the tops, every blob after forward, and all diffs after backward.
"""

from pathlib import Path

import numpy as np
import pytest

import caffe

pytestmark = pytest.mark.smoke

RECORDS = sorted((Path(__file__).parents[1] / "records" / "layers").glob("*.npz"))
RELATIVE, FLOOR = 1e-4, 1e-5


def part(record, prefix):
    return {k[len(prefix) :]: record[k] for k in record.files if k.startswith(prefix)}


def agree(ours, theirs, what):
    ours = np.asarray(ours, np.float64)
    assert ours.shape == theirs.shape, what
    np.testing.assert_allclose(ours, theirs, rtol=RELATIVE, atol=FLOOR, err_msg=what)


def blob_of(net, name):
    layer, index = name.rsplit("/", 1)
    return net.params[layer][int(index)]


@pytest.mark.parametrize("path", RECORDS, ids=lambda p: p.stem)
def test_agrees_with_bvlc_caffe(path, tmp_path, mode):
    record = np.load(path)
    prototxt = tmp_path / "net.prototxt"
    prototxt.write_text(str(record["prototxt"]))
    net = caffe.Net(str(prototxt), getattr(caffe, str(record["phase"])))
    for name, value in part(record, "param/").items():
        blob_of(net, name).data[...] = value
    for name, value in part(record, "in/").items():
        net.blobs[name].data[...] = value
    net.forward()
    for name, value in part(record, "out/").items():
        agree(net.blobs[name].data, value, f"blob {name}")
    for name, value in part(record, "param_after/").items():
        agree(blob_of(net, name).data, value, f"parameter {name} after forward")
    for name, value in part(record, "top_diff/").items():
        net.blobs[name].diff[...] = value
    net.backward()
    for name, value in part(record, "in_diff/").items():
        agree(net.blobs[name].diff, value, f"diff of {name}")
    for name, value in part(record, "param_diff/").items():
        agree(blob_of(net, name).diff, value, f"diff of parameter {name}")


def test_there_are_records():
    assert len(RECORDS) >= 117
