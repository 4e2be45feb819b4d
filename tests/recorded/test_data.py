"""Data layers against BVLC Caffe 1.0: three forward passes over databases that it wrote."""

from pathlib import Path

import numpy as np
import pytest

import caffe

FOLDER = Path(__file__).parents[1] / "records" / "data"
RECORDS = ("lmdb", "leveldb", "lmdb_center_crop", "lmdb_mean_scale", "encoded_lmdb", "hdf5")


@pytest.mark.parametrize("name", RECORDS)
def test_reads_what_bvlc_caffe_read(name, monkeypatch, tmp_path):
    record = np.load(FOLDER / f"{name}.npz")
    prototxt = tmp_path / "net.prototxt"
    prototxt.write_text(str(record["prototxt"]))
    monkeypatch.chdir(FOLDER)
    net = caffe.Net(str(prototxt), caffe.TEST)
    for i in range(3):
        net.forward()
        for blob in ("data", "label"):
            np.testing.assert_array_equal(net.blobs[blob].data, record[f"{blob}/{i}"])
