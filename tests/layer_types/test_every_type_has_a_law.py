"""Every layer type has a law in a file of this folder, a file for each family of layer types.

The records of tests/recorded say what BVLC Caffe computes on a few cases; in the laws the
input space is drawn by hypothesis.
"""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from support.laws import TESTED

import caffe

for path in Path(__file__).parent.rglob("test_*.py"):
    if path != Path(__file__):
        spec = spec_from_file_location(f"laws_of_{path.stem}", path)
        spec.loader.exec_module(module_from_spec(spec))


@pytest.mark.parametrize("kind", caffe.layer_type_list())
def test_every_layer_type_has_a_law(kind):
    assert kind in TESTED
