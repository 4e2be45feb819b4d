"""The list of the studies: names, arms and claims fit together."""

import pytest

import nets
from studies.__main__ import NAMES
from studies.catalogue import STUDIES
from studies.setting import STAGES

ARMS = [arm for study in STUDIES.values() for arm in study.arms]


def test_the_makefile_has_every_study():
    from pathlib import Path

    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    (line,) = (line for line in makefile.splitlines() if line.startswith("studies := "))
    assert line.split()[2:] == list(NAMES)


@pytest.mark.parametrize("name", STUDIES)
def test_claims_are_of_the_studys_arms(name):
    study = STUDIES[name]
    names = [arm.name for arm in study.arms]
    assert len(set(names)) == len(names)
    assert study.claims
    for claim in study.claims:
        assert {claim.arm, claim.than} <= set(names)


def test_arms_with_one_key_train_alike():
    by_key = {}
    for arm in ARMS:
        own = (arm.skips, arm.changes, arm.start, arm.rate, arm.batch, arm.data, arm.balanced)
        assert by_key.setdefault(arm.key, own) == own


@pytest.mark.parametrize("family", STAGES)
def test_every_family_can_have_every_arm_that_is_for_it(family):
    for arm in ARMS:
        if family in (arm.families or STAGES):
            net = STAGES[family][arm.skips]
            proto = nets.fcn(net, "deploy", classes=3, data=None, changes=arm.changes)
            score = nets.receptive_field.windows(proto)["score"]
            assert score.stride == 1


@pytest.mark.parametrize("family", STAGES)
def test_stages_are_nets_of_one_family_with_a_skip_more_each(family):
    for skips, net in enumerate(STAGES[family]):
        layers = nets.fcn(net, "deploy", classes=3, data=None).layer
        assert sum(layer.name.startswith("fuse_") for layer in layers) == skips
