"""Parameters go from net to net unchanged, and what does not fit is said."""

import numpy as np
import pytest
from support.filled_nets import build, fill

import caffe
from caffe import layers as L
from surgery import expand_score, transplant, transplant_first


def inputs(size=5):
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 2, size, size]))
    return n


def dense(*, conv=True, outputs=3):
    n = inputs()
    if conv:
        n.conv = L.Convolution(n.data, num_output=4, kernel_size=3)
    n.fc = L.InnerProduct(n.conv if conv else n.data, num_output=outputs)
    n.old = L.InnerProduct(n.fc, num_output=2)
    return build(n)


def convolutional(size=5, suffix="", bias=True, outputs=3):
    n = inputs(size)
    n["conv" + suffix] = L.Convolution(n.data, num_output=4, kernel_size=3, bias_term=bias)
    n["fc" + suffix] = L.Convolution(n["conv" + suffix], num_output=outputs, kernel_size=3)
    n["score" + suffix] = L.Convolution(n["fc" + suffix], num_output=2, kernel_size=1)
    return build(n)


def test_transplant_says_what_it_did_to_every_layer():
    report = transplant(convolutional(), fill(dense()))
    assert report.copied == ["conv"]
    assert report.coerced == {"fc": ((3, 36), (3, 4, 3, 3))}
    assert report.dropped == ["old"]
    assert report.uninitialised == ["score"]
    assert str(report).splitlines() == [
        "copied: conv",
        "coerced: fc (3, 36) -> (3, 4, 3, 3)",
        "dropped (not in the new net): old",
        "left uninitialised (not in the old net): score",
    ]


def test_a_coerced_layer_computes_what_the_dense_one_did_at_every_position():
    """Section 3.1: each output pixel is the classifier on its window."""
    old, new = fill(dense()), convolutional(size=9)
    transplant(new, old)
    image = np.random.RandomState(1).standard_normal((1, 2, 9, 9)).astype(np.float32)
    dense_map = new.forward(blobs=["fc"], data=image)["fc"]
    for y in range(5):
        for x in range(5):
            window = image[:, :, y : y + 5, x : x + 5]
            expected = old.forward(blobs=["fc"], data=window)["fc"]
            np.testing.assert_allclose(dense_map[0, :, y, x], expected[0], rtol=1e-4, atol=1e-5)


def test_transplant_leaves_the_old_net_and_unmatched_layers_alone():
    old, new = fill(dense()), fill(convolutional(), seed=1)
    before = {k: [b.data.copy() for b in v] for k, v in old.params.items()}
    score = new.params["score"][0].data.copy()
    transplant(new, old)
    new.params["conv"][0].data[...] = 0
    for name, blobs in before.items():
        for a, b in zip(blobs, old.params[name], strict=True):
            np.testing.assert_array_equal(a, b.data)
    np.testing.assert_array_equal(new.params["score"][0].data, score)


def test_suffix_is_added_to_the_old_names():
    new = convolutional(suffix="hha")
    report = transplant(new, fill(dense()), suffix="hha")
    assert report.copied == ["convhha"]
    assert list(report.coerced) == ["fchha"]
    assert report.dropped == ["old"]
    assert report.uninitialised == ["scorehha"]


def test_a_bias_that_only_one_net_has_is_said():
    plain, biased = convolutional(bias=False), convolutional()
    assert transplant(plain, biased).dropped == ["conv[1]"]
    assert transplant(biased, plain).uninitialised == ["conv[1]"]


@pytest.mark.parametrize("outputs", [4, 6])
def test_what_cannot_be_coerced_is_refused_and_nothing_is_copied(outputs):
    new = fill(convolutional(outputs=outputs), seed=1)
    before = new.params["conv"][0].data.copy()
    with pytest.raises(ValueError, match=rf"layer fc, .*\(3, 36\).*\({outputs}, 4, 3, 3\).*rename"):
        transplant(new, fill(dense()))
    np.testing.assert_array_equal(new.params["conv"][0].data, before)


def test_equal_counts_with_other_outputs_are_refused():
    """(3, 50) against (6, 25): the same 150 values, but they mean something else."""
    one, other = dense(conv=False), inputs(5)
    other.fc = L.InnerProduct(L.Slice(other.data, ntop=2)[0], num_output=6)
    with pytest.raises(ValueError, match=r"layer fc, parameter 0: shape \(3, 50\)"):
        transplant(build(other), one)


def score_net(classes):
    n = inputs()
    n.score = L.Convolution(n.data, num_output=classes, kernel_size=1)
    return build(n)


def test_expand_score_fills_the_first_classes_and_no_others():
    old, new = fill(score_net(3)), fill(score_net(5), seed=1)
    rest = [blob.data[3:].copy() for blob in new.params["score"]]
    expand_score(new, "score", old, "score")
    for i in range(2):
        np.testing.assert_array_equal(new.params["score"][i].data[:3], old.params["score"][i].data)
        np.testing.assert_array_equal(new.params["score"][i].data[3:], rest[i])


def test_expand_score_refuses_to_shrink():
    with pytest.raises(ValueError, match=r"parameter 0 of score, \(5, 2, 1, 1\)"):
        expand_score(score_net(3), "score", score_net(5), "score")


@pytest.mark.parametrize(("channels", "kept"), [(3, 2), (4, 2), (1, 0), (2, 0)])
def test_transplant_first_keeps_the_image_and_starts_depth_as_its_mean(channels, kept):
    """The image stays where depth is added; depth alone takes its place."""
    old, new = fill(first(2)), fill(first(channels), seed=1)
    transplant_first(new, "first", old, "first")
    weights, bias = (blob.data for blob in old.params["first"])
    ours = new.params["first"][0].data
    np.testing.assert_array_equal(ours[:, :kept], weights[:, :kept])
    for channel in range(kept, channels):
        np.testing.assert_allclose(ours[:, channel], weights.mean(1), rtol=1e-6)
    np.testing.assert_array_equal(new.params["first"][1].data, bias)


def first(channels, outputs=4, size=3):
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, channels, 5, 5]))
    n.first = L.Convolution(n.data, num_output=outputs, kernel_size=size)
    return build(n)


@pytest.mark.parametrize("changes", [dict(outputs=1), dict(size=1)])
def test_transplant_first_refuses_other_outputs_and_windows(changes):
    """One output would broadcast."""
    with pytest.raises(ValueError, match=r"first, \(4, 2, 3, 3\), do not fit into first, "):
        transplant_first(first(3, **changes), "first", first(2), "first")
