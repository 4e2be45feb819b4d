"""Stand-ins of colorization's Python layers, which read its files in resources/."""

from ...proto import caffe_pb2
from .making import Make, StandIns, become

KINDS = ("BGR2Lab", "NNEnc", "PriorBoost", "NonGrayMask")  # through which nothing is learnt
LEARNT = ("ClassRebalanceMult", "SpatialRep")


def _of(kind: str) -> Make:
    def make(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
        if kind in KINDS:
            become(spec, kind)
        else:
            spec.type = kind

    return make


STAND_INS: StandIns = {
    ("caffe_traininglayers", f"{kind}Layer"): _of(kind) for kind in (*KINDS, *LEARNT)
}
