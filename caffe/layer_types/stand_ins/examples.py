"""A stand-in of Caffe's own example of a Python layer, examples/pycaffe/layers/pyloss.py."""

from ...proto import caffe_pb2
from .making import StandIns


def _pyloss(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """A Python layer's top weighs nothing unless the prototxt says so, unlike a loss's."""
    if not spec.loss_weight:
        spec.loss_weight.append(0)
    spec.type = "EuclideanLoss"


STAND_INS: StandIns = {("pyloss", "EuclideanLossLayer"): _pyloss}
