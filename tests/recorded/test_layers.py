"""Every layer against BVLC Caffe 1.0: outputs and gradients that it recorded."""

import numpy as np
import pytest

from bench import recorded
from bench.recorded import FLOOR, LAYERS, RELATIVE

pytestmark = pytest.mark.smoke


@pytest.mark.parametrize("path", LAYERS, ids=lambda p: p.stem)
def test_agrees_with_bvlc_caffe(path, tmp_path, mode):
    for what, ours, theirs in recorded.layer(path, tmp_path):
        ours = np.asarray(ours, np.float64)
        assert ours.shape == theirs.shape, what
        np.testing.assert_allclose(ours, theirs, rtol=RELATIVE, atol=FLOOR, err_msg=what)


def test_there_are_records():
    assert len(LAYERS) >= 117
