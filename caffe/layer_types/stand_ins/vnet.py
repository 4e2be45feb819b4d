"""A stand-in of V-Net's loss."""

from ...proto import caffe_pb2
from .making import StandIns


def _dice(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    spec.type = "VolumeDiceLoss"


STAND_INS: StandIns = {("pyLayer", "DiceLoss"): _dice}
