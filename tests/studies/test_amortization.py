"""The nets that are timed, and what is said of the times."""

import pytest

from studies.amortization import CASES, IMAGE, MAP, PATCH, _alexnet, _passes, _sentence


def test_an_image_has_a_map_of_scores_and_a_patch_one_score():
    net = _alexnet(1 / 64)
    for case, pixels in ((IMAGE, MAP), (PATCH, 1)):
        net.blobs["data"].reshape(case.images, 3, case.size, case.size)
        net.reshape()
        assert tuple(net.blobs["fc7"].shape[2:]) == (pixels, pixels)


def test_the_backward_pass_that_is_timed_reaches_the_first_layer():
    net = _alexnet(1 / 64)
    _passes(net, 1, 227)
    for blobs in net.params.values():
        assert blobs[0].diff.any()


@pytest.mark.parametrize(
    ("image", "end"), [(20, "10.0 times; it agrees"), (50, "4.0 times; it does not agree")]
)
def test_a_sentence_compares_as_many_patches_as_an_image_has(image, end):
    measured = {case: [float(image)] for case in CASES} | {PATCH: [2.0]}
    said = _sentence("forward", (PATCH.forward, IMAGE.forward), measured, 0)
    assert "100 patches (5.5 times by the published times)" in said
    assert said.endswith(f"Seen: {end}.")
