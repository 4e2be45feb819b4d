"""The weights that come with the repository: what infer.py takes where none are given."""

from pathlib import Path

import nets
from caffe.storage.caffemodel import blob_shapes
from data.datasets import DATASETS
from data.meaning import meaning_of

MODELS = Path(__file__).parents[2] / "models"
WEIGHTS = MODELS / "fcn-squeezenet-voc.caffemodel"


def test_they_are_an_fcn_squeezenets_of_vocs_classes_and_small():
    assert WEIGHTS.stat().st_size <= 3.5 * 2**20
    net, classes, width = nets.net_of_shapes(blob_shapes(WEIGHTS))
    assert (net, classes, width) == ("fcn8s-squeezenet", 21, 1)
    found = meaning_of(WEIGHTS)
    assert found is not None
    voc = DATASETS["voc"]
    assert (found[1].classes, found[1].mean) == (voc.classes, voc.mean)


def test_their_card_has_the_notice_of_the_weights_that_they_started_from():
    card = (MODELS / "README.md").read_text()
    assert "Deep-Compression" in card
    assert "THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS" in card
