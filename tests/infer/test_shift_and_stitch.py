"""Scores of shifted images, interlaced (section 3.2); tests/surgery/test_rarefy.py has the law."""

import numpy as np
import pytest
from support.net_text import input_layer, net_of

from infer import shift_and_stitch


def subsampler(stride):
    """A net that shows the pixels of every row and column in `stride`."""
    window = f"pool: MAX kernel_size: 1 stride: {stride}"
    return net_of(
        input_layer("data", 1, 3, 4, 4)
        + 'layer { name: "score_fr" type: "Pooling" bottom: "data" top: "score_fr" '
        f"pooling_param {{ {window} }} }}"
    )


@pytest.mark.parametrize(("stride", "factor"), [(2, 2), (4, 2), (4, 4), (6, 3), (3, 1)])
def test_every_pixel_of_a_grid_is_scored_once_and_in_its_place(stride, factor):
    image = np.arange(3 * 12 * 18, dtype=np.float32).reshape(3, 12, 18) + 1
    stitched = shift_and_stitch(subsampler(stride), image, factor=factor, stride=stride)
    step = stride // factor
    before = factor - 1  # of the image, where shifted images are empty
    seen = image[:, ::step, ::step]
    np.testing.assert_array_equal(
        stitched[:, before : before + seen.shape[1], before : before + seen.shape[2]], seen
    )
    assert not stitched[:, :before, : seen.shape[2]].any()


@pytest.mark.parametrize("factor", [0, 3, 64])
def test_a_factor_that_does_not_divide_the_stride_is_told(factor):
    image = np.zeros((3, 4, 4), np.float32)
    with pytest.raises(ValueError, match=f"factor {factor}: expected a divisor of .* 32"):
        shift_and_stitch(subsampler(32), image, factor=factor)
