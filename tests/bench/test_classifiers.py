"""The classifiers that the bench times are built, and its own engines agree on them."""

import numpy as np
import pytest

import caffe
from bench import classifiers, small_nets
from caffe.proto import caffe_pb2


@pytest.mark.parametrize("name", small_nets.NETS)
def test_every_net_gives_probabilities_of_a_batch(name):
    net = caffe.Net.from_proto(small_nets.net(name, 2), caffe_pb2.NetState(phase=caffe.TEST))
    assert net.blobs["data"].shape[0] == 2
    assert list(net.outputs) == ["prob"]
    assert net.blobs["prob"].shape[0] == 2


@pytest.mark.parametrize(("batch", "passes"), [(1, 64), (10, 6), (64, 1), (100, 1)])
def test_a_turn_is_some_64_images(tmp_path, batch, passes):
    work = classifiers.ClassifierWork(tmp_path, ((0, 0),), 1, net="lenet", batch=batch)
    assert work.passes == passes
    assert work.images().shape == (batch, 1, 28, 28)


def test_ours_and_torch_agree(tmp_path):
    pytest.importorskip("onnxscript")
    work = classifiers.ClassifierWork(tmp_path, ((0, 0),), 1, net="lenet", batch=3)
    classifiers.prepare(work)
    assert work.onnx.exists()
    ((_, found),) = classifiers.ours(work).outputs()
    ((_, expected),) = classifiers.eager(work).outputs()
    assert found.shape == (3, 10)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
