"""Every layer type has a law in a file of this folder, a file for each family of layer types.

The records of tests/recorded say what BVLC Caffe computes on a few cases; in the laws the
input space is drawn by hypothesis.
"""

import pytest
from support.laws import TESTED
from support.layer_table import ROOT, load_laws, stated, table

import caffe

load_laws()


@pytest.mark.parametrize("kind", caffe.layer_type_list())
def test_every_layer_type_has_a_law(kind):
    assert kind in TESTED


def test_the_page_of_layer_types_is_what_they_are():
    page = (ROOT / "docs" / "layers.md").read_text()
    assert page == table(stated(page)), "run PYTHONPATH=tests python -m support.layer_table FILE"
