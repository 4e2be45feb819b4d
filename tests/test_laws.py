"""Every layer type has a law in a test_laws_*.py, a file for each family of layer types.

The records of test_layer_records.py say what BVLC Caffe computes on a few cases; in the laws the
input space is drawn by hypothesis.
"""

import importlib
from pathlib import Path

import pytest
from laws import TESTED

import caffe

for path in Path(__file__).parent.glob("test_laws_*.py"):
    importlib.import_module(path.stem)


@pytest.mark.parametrize("kind", caffe.layer_type_list())
def test_every_layer_type_has_a_law(kind):
    assert kind in TESTED
