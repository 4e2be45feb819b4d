"""A trained net without its scores is what a first stage starts from."""

import numpy as np
import pytest
from support.filled_nets import build, fill

import nets
from caffe.storage.caffemodel import blob_shapes
from surgery import trunk


@pytest.mark.parametrize(
    ("net", "classifier"), [("fcn8s-squeezenet", "squeezenet"), ("fcn8s", "vgg16")]
)
def test_what_is_left_is_what_the_convolutional_classifier_has(tmp_path, net, classifier, capsys):
    old = fill(build(nets.fcn(net, "deploy", classes=7, data=None, width=1 / 16)))
    source, target = tmp_path / "fcn.caffemodel", tmp_path / "new" / "trunk.caffemodel"
    old.save(source)
    assert trunk.main([str(source), str(target)]) == 0
    expected = build(nets.convolutional(classifier, width=1 / 16))
    assert blob_shapes(target).keys() == expected.params.keys()
    expected.copy_from(target)
    for layer, blobs in expected.params.items():
        for a, b in zip(blobs, old.params[layer], strict=True):
            np.testing.assert_array_equal(a.data, b.data)
    assert str(target) in capsys.readouterr().out


def test_what_is_no_fcn_is_refused(tmp_path, capsys):
    assert trunk.main([str(tmp_path / "gone.caffemodel"), str(tmp_path / "x")]) == 1
    assert "gone.caffemodel: no such caffemodel" in capsys.readouterr().err
    classifier = tmp_path / "classifier.caffemodel"
    build(nets.classifier("deploy", classes=3, width=1 / 64)).save(classifier)
    assert trunk.main([str(classifier), str(tmp_path / "x")]) == 1
    assert f"error: {classifier}: its layers" in capsys.readouterr().err
