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
    found, expected = (
        dict(engine(work).outputs()) for engine in (classifiers.ours, classifiers.eager)
    )
    assert found["pass 0"].shape == (3, 10)
    np.testing.assert_allclose(found["pass 0"], expected["pass 0"], rtol=0, atol=1e-6)


def test_ours_and_torch_learn_alike(tmp_path):
    work = classifiers.ClassifierWork(tmp_path, ((0, 0),), 1, net="lenet", batch=3)
    classifiers.prepare_training(work)
    found, expected = (
        dict(engine(work).outputs()) for engine in (classifiers.our_steps, classifiers.eager_steps)
    )
    assert found["pass 1"] < found["pass 0"], "the first step has an effect on the second"
    for name, loss in found.items():
        np.testing.assert_allclose(loss, expected[name], rtol=1e-4)
