"""What the studies change of a net, and that nothing else changes with it."""

import pytest

import nets
from caffe import params as P
from caffe.proto import caffe_pb2
from nets import RELEASED, Changes

DATA = dict(module="m", layer="l", param_str={"seed": 7})


def layers(net, split="train", changes=RELEASED):
    proto = nets.fcn(net, split, classes=3, data=DATA, changes=changes)
    return {layer.name: layer for layer in proto.layer}


def changed(net, changes, split="train"):
    """The layers that are new or different, and the names of those that are gone."""
    before, after = layers(net, split), layers(net, split, changes)
    new = {name: layer for name, layer in after.items() if before.get(name) != layer}
    return new, before.keys() - after.keys()


@pytest.mark.parametrize("net", nets.NETS)
def test_the_defaults_change_nothing(net):
    assert changed(net, Changes()) == ({}, set())


@pytest.mark.parametrize(
    ("net", "skips"),
    [("fcn16s", 1), ("fcn8s", 2), ("fcn-googlenet-8s", 2), ("fcn8s-squeezenet", 2)],
)
def test_the_fusion_is_that_of_every_two_scores(net, skips):
    new, gone = changed(net, Changes(fusion="max"))
    assert not gone
    assert {layer.type for layer in new.values()} == {"Eltwise"}
    assert all(name.startswith("fuse_") for name in new)
    assert {layer.eltwise_param.operation for layer in new.values()} == {P.Eltwise.MAX}
    assert len(new) == skips


@pytest.mark.parametrize("split", nets.inputs.SPLITS)
def test_without_the_coarse_scores_nothing_above_the_skip_is_left(split):
    new, gone = changed("fcn16s", Changes(coarse=False), split)
    assert {"pool5", "fc6", "fc7", "score_fr", "upscore2", "fuse_pool4"} <= gone
    assert new.keys() == {"upscore_pool4", "upscore16", "score"} & new.keys()
    left = layers("fcn16s", split, Changes(coarse=False))
    made = {top for layer in left.values() for top in layer.top}
    read = {bottom for layer in left.values() for bottom in layer.bottom}
    assert made - read <= {"score", "loss"}
    assert "score" in left


@pytest.mark.parametrize(
    ("net", "changes"),
    [
        ("fcn16s", Changes(coarse=False)),
        ("fcn8s-squeezenet", Changes(coarse=False)),
        ("fcn32s", Changes(fine=True)),
    ],
)
def test_scores_lie_on_their_pixels_still(net, changes):
    proto = nets.fcn(net, "deploy", classes=3, data=None, changes=changes)
    score = nets.receptive_field.windows(proto)["score"]
    assert score.stride == 1
    assert abs(score.first) <= 0.5


def test_a_fine_net_sees_as_much_of_the_image_at_half_the_stride():
    seen = [
        nets.receptive_field.windows(
            nets.fcn("fcn32s", "deploy", classes=3, data=None, changes=changes)
        )["score_fr"]
        for changes in (RELEASED, Changes(fine=True))
    ]
    assert seen[1].stride == 16 == seen[0].stride / 2
    assert seen[1].size == pytest.approx(seen[0].size, abs=16)
    assert layers("fcn32s", changes=Changes(fine=True))[
        "fc6_14x14"
    ].convolution_param.kernel_size == [14]


@pytest.mark.parametrize("upsampling", ["learned", "random"])
def test_upsampling_that_learns_is_that_between_strides(upsampling):
    new, gone = changed("fcn8s", Changes(upsampling=upsampling))
    assert not gone
    assert new.keys() == {"upscore2", "upscore_pool4"}
    for layer in new.values():
        assert [param.lr_mult for param in layer.param] == [1]
        assert layer.convolution_param.HasField("weight_filler") == (upsampling == "random")


def test_a_fixed_net_learns_its_scores_alone_in_any_family():
    assert layers("fcn32s", changes=Changes(fixed=True)) == layers("fcn32s-fixed")
    learning = [
        name
        for name, layer in layers("fcn-googlenet", changes=Changes(fixed=True)).items()
        if any(param.lr_mult for param in layer.param)
    ]
    assert learning == ["score_fr"]


def test_scores_may_start_from_random_values():
    new, _ = changed("fcn8s", Changes(score_std=0.01))
    assert new.keys() == {"score_fr", "score_pool4", "score_pool3"}
    for layer in new.values():
        filler = layer.convolution_param.weight_filler
        assert (filler.type, filler.std) == ("gaussian", pytest.approx(0.01))


def test_the_loss_in_training_alone_counts_some_cells():
    new, gone = changed("fcn32s", Changes(kept=0.25))
    assert not gone
    assert new.keys() == {"label_sampled", "loss"}
    param = new["label_sampled"].python_param
    assert (param.module, param.layer) == ("sampled_labels", "SampledLabels")
    assert param.param_str == "{'p': 0.25, 'cell': 32, 'seed': 7}"
    assert list(new["loss"].bottom) == ["score", "label_sampled"]
    assert changed("fcn32s", Changes(kept=0.25), "val") == ({}, set())


@pytest.mark.parametrize(("normalize", "mode"), [(True, "VALID"), (False, "BATCH_SIZE")])
def test_class_weights_are_the_matrix_of_the_loss_in_training_alone(normalize, mode):
    changes = Changes(class_weights="weights.binaryproto")
    proto = nets.fcn("fcn32s", "train", classes=3, data=DATA, normalize=normalize, changes=changes)
    loss = proto.layer[-1]
    assert loss.type == "InfogainLoss"
    assert loss.infogain_loss_param.source == "weights.binaryproto"
    assert loss.loss_param.ignore_label == 255
    assert loss.loss_param.normalization == getattr(caffe_pb2.LossParameter, mode)
    assert changed("fcn32s", changes, "val") == ({}, set())


@pytest.mark.parametrize(
    ("net", "changes", "words"),
    [
        ("fcn16s", Changes(fusion="mean"), "fusion 'mean': choose from sum, max"),
        ("fcn16s", Changes(upsampling="cubic"), "'cubic': choose from fixed, learned, random"),
        ("fcn32s", Changes(kept=0), "kept 0: expected the share"),
        ("fcn32s", Changes(kept=1.5), "above 0 and at most 1"),
        ("fcn32s", Changes(coarse=False), "fcn32s has no skip"),
        ("fcn16s", Changes(fine=True), "fcn16s can't be fine"),
        ("fcn-googlenet", Changes(fine=True), "fcn-googlenet can't be fine"),
    ],
)
def test_changes_that_a_net_cannot_have_are_told(net, changes, words):
    with pytest.raises(ValueError, match=words):
        layers(net, changes=changes)
