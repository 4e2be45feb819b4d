"""Laws of surgery/first_filters.py: whose filters they are, and for which order of channels."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from data.weight_sources import TORCHVISION, Input
from surgery.first_filters import KNOWN, fold, recognised


def filters_of(known, seed=0):
    """Filters of a known net as far as they are known, the rest drawn; channels as it sees them."""
    filters = 0.3 * np.random.RandomState(seed).standard_normal(known.shape)
    for index, values in known.parts:
        filters[index] = values
    return filters.astype(np.float32)


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.net)
def test_known_filters_tell_their_net_and_the_order_of_their_channels(known):
    filters = filters_of(known)
    assert recognised(filters) == (known.net, known.input._replace(channels="bgr"))
    turned = filters[:, ::-1]
    assert recognised(turned) == (known.net, known.input._replace(channels="rgb"))
    rng = np.random.RandomState(1)
    tuned = filters + 0.05 * abs(filters).mean() * rng.standard_normal(filters.shape)
    assert recognised(tuned.astype(np.float32))[0] == known.net
    with pytest.raises(ValueError, match="with height and width exchanged"):
        recognised(filters.swapaxes(2, 3))


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.net)
def test_other_filters_are_of_no_known_net(known):
    filters = filters_of(known)
    drawn = np.random.RandomState(2).standard_normal(known.shape)
    assert recognised(0.2 * drawn) is None
    assert recognised(filters[1:]) is None
    assert recognised(-filters) is None
    assert recognised(filters / 58) is None  # of another scale


@pytest.mark.parametrize("channels", ["bgr", "rgb"])
@pytest.mark.parametrize("pad", [0, 1, 4])
def test_folding_is_exact_at_the_border_too(pad, channels):
    """The source's convolution of its own input is Caffe's of blue, green, red less the mean."""
    rng = np.random.RandomState(pad)
    filters = rng.uniform(-1, 1, (4, 3, 3, 3)).astype(np.float32)
    image = rng.randint(0, 256, (3, 5, 6))
    seen = TORCHVISION._replace(channels=channels)
    less_mean = image.astype(np.float64) - np.reshape(seen.mean, (3, 1, 1))  # blue, green, red
    own = less_mean / np.reshape(seen.std, (3, 1, 1))
    own = own if channels == "bgr" else own[::-1]
    convolved = [
        F.conv2d(torch.tensor(x.copy()[None]), torch.tensor(w, dtype=torch.float64), padding=pad)
        for x, w in ((own, filters), (less_mean, fold(filters, seen)))
    ]
    torch.testing.assert_close(*convolved, rtol=0, atol=2e-5)


def test_filters_for_caffes_input_stay_as_they_are():
    filters = np.random.RandomState(0).standard_normal((4, 3, 3, 3)).astype(np.float32)
    np.testing.assert_array_equal(fold(filters, Input()), filters)
