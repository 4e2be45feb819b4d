"""Stand-ins of FCN and of MIT's scene parsing: an image at a time, of any size.

The largest stands at first.
"""

from ...proto import caffe_pb2
from .making import Make, StandIns, become_input


def _labelled(height: int, width: int) -> Make:
    """An image's planes by what they are called, and its labels."""

    def make(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
        planes = {"data": 3, "color": 3, "hha": 3, "depth": 1, "label": 1, "sem": 1, "geo": 1}
        become_input(spec, {name: (1, count, height, width) for name, count in planes.items()})

    return make


STAND_INS: StandIns = {
    ("voc_layers", "VOCSegDataLayer"): _labelled(500, 500),
    ("voc_layers", "SBDDSegDataLayer"): _labelled(500, 500),
    ("pascalcontext_layers", "PASCALContextSegDataLayer"): _labelled(500, 500),
    ("nyud_layers", "NYUDSegDataLayer"): _labelled(425, 560),
    ("siftflow_layers", "SIFTFlowSegDataLayer"): _labelled(256, 256),
    ("ade_layers", "AdeSegDataLayer"): _labelled(384, 384),
}
