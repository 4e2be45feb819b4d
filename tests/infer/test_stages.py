"""Laws of a net's stages: which scores they are, and where these lie on the image."""

import numpy as np
import pytest
from support import tiny_fcn

import infer
import nets
from data.datasets import DATASETS
from infer.stages import on_image, stage_scores, stages
from nets.receptive_field import Window

VOC = DATASETS["voc"]


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        ("fcn-alexnet", [("32s", "score_fr", "fc7")]),
        ("fcn32s", [("32s", "score_fr", "fc7")]),
        ("fcn16s", [("32s", "score_fr", "fc7"), ("16s", "fuse_pool4", "pool4")]),
        (
            "fcn8s-atonce",
            [
                ("32s", "score_fr", "fc7"),
                ("16s", "fuse_pool4", "pool4"),
                ("8s", "fuse_pool3", "pool3"),
            ],
        ),
        (
            "fcn8s-squeezenet",
            [
                ("32s", "score_fr", "context"),
                ("16s", "fuse_fire8", "fire8/concat"),
                ("8s", "fuse_fire4", "fire4/concat"),
            ],
        ),
    ],
)
def test_each_skip_ends_a_stage(net, expected):
    found = stages(nets.fcn(net, "deploy", classes=5, data=None, width=1 / 32))
    assert [(stage.name, stage.blob, stage.adds) for stage in found] == expected


@pytest.mark.parametrize("net", ["fcn32s", "fcn8s", "fcn-googlenet-8s", "fcn8s-squeezenet"])
def test_the_last_stage_upsampled_is_the_nets_own_score(net, tmp_path):
    """Between the outermost scores; beyond them the net's upsampling adds in zeros."""
    weights = tiny_fcn.write_weights(tmp_path, net, 21)
    predictor = infer.Predictor(None, weights, mean=VOC.mean, classes=None)
    image = np.random.RandomState(0).randint(0, 256, (140, 170, 3)).astype(np.uint8)
    expected = predictor.scores(image).copy()
    last = stages(predictor.param)[-1]
    found = stage_scores(predictor.net, last, 140, 170)
    first, stride = last.window.first, last.window.stride
    inside = [
        slice(max(0, int(np.ceil(first))), int(first + (pixels - 1) * stride) + 1)
        for pixels in predictor.net.blobs[last.blob].shape[2:]
    ]
    compared = (slice(None), *inside)
    assert expected[compared].size > expected.size / 2
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found[compared], expected[compared], atol=1e-4 * scale)


def test_values_stand_at_the_middles_of_their_windows_and_between_them_in_a_line():
    values = np.array([[[0, 8], [16, 24]]], np.float32)
    found = on_image(values, Window(size=9, stride=4, first=1), 7, 8)
    np.testing.assert_array_equal(found[0, 1], [0, 0, 2, 4, 6, 8, 8, 8])
    np.testing.assert_array_equal(found[0, :, 1], [0, 0, 4, 8, 12, 16, 16])


def test_one_pixel_stands_everywhere():
    values = np.full((2, 1, 1), 3, np.float32)
    np.testing.assert_array_equal(on_image(values, Window(9, 32, 0.5), 4, 5), np.full((2, 4, 5), 3))
