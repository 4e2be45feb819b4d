"""Stand-ins of the Python layers by which MTCNN's three nets learn (CongWeilin's mtcnn-caffe)."""

import re

from ...proto import caffe_pb2
from .making import Make, StandIns, become_input

MODULE = "pythonLayer"
BATCH = 64
OF_CLASSES = ("roi_Layer", "roi_Layer24")  # regions as one of 27 classes


def _data(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """Images of the side that the net's name says, and what each task learns."""
    side = re.search("12|24|48", net.name)
    if side is None:
        raise ValueError(f"expected 12, 24 or 48 in the net's name; found '{net.name}'")
    readers = {layer.python_param.layer for layer in net.layer if "roi" in layer.bottom}
    regions = 1 if readers.intersection(OF_CLASSES) else 4
    size = int(side[0])
    widths = {"label": 1, "roi": regions, "pts": 10}
    shapes = {name: (BATCH, width) for name, width in widths.items()}
    become_input(spec, {"data": (BATCH, 3, size, size), **shapes})


def _of_type(kind: str) -> Make:
    def make(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
        if kind == "ValidEuclideanLoss" and not spec.loss_weight:
            spec.loss_weight.append(0)  # as of any Python layer's top
        spec.type = kind

    return make


STAND_INS: StandIns = {
    (MODULE, "Data_Layer_train"): _data,
    **{
        (MODULE, layer): _of_type("ValidItems")
        for layer in ("cls_Layer", "cls_Layer_fc", "cls_Layer24", *OF_CLASSES)
    },
    **{
        (MODULE, layer): _of_type("ValidEuclideanLoss")
        for layer in ("regression_Layer", "roi_Layer48", "pts_Layer48")
    },
}
