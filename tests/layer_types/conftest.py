"""What the tests of layer types have in common."""

import pytest
from support.translations import translations_are_read_once

import caffe

__all__ = ["the_same_draws", "translations_are_read_once"]


@pytest.fixture(autouse=True)
def the_same_draws():
    """Each test draws what it drew the last time: a law of means may be far off by chance."""
    caffe.set_random_seed(0)
