"""Stand-ins of colorization's Python layers, which read its files in resources/.

And of those of interactive-deep-colorization, whose module has the same name.
"""

from ...proto import caffe_pb2
from .making import Make, StandIns, become

KINDS = ("BGR2Lab", "BGR2HSV", "PriorBoost", "NonGrayMask")  # through which nothing is learnt
LEARNT = ("ClassRebalanceMult", "SpatialRep")
GLOBAL_DROPOUT = "ColorGlobalDropoutLayer"


def _of(kind: str) -> Make:
    def make(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
        if kind in KINDS:
            become(spec, kind)
        else:
            spec.type = kind

    return make


def _global_dropout(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """Its param_str is the part of the items that keep their colours."""
    keep = float(spec.python_param.param_str)
    if not 0 < keep <= 1:
        raise ValueError("expected a number above 0 and up to 1")
    become(spec, "ColorGlobalDropout")
    spec.dropout_param.dropout_ratio = 1 - keep


def _nearest(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """That of the interactive project, which a layer of its own tells, knows the nearest alone."""
    if any(each.python_param.layer == GLOBAL_DROPOUT for each in net.layer):
        spec.nearest_colours_param.neighbours = 1
        spec.nearest_colours_param.colours = "data/color_bins/pts_in_hull.npy"
    become(spec, "NNEnc")


STAND_INS: StandIns = {
    ("caffe_traininglayers", GLOBAL_DROPOUT): _global_dropout,
    ("caffe_traininglayers", "NNEncLayer"): _nearest,
    **{("caffe_traininglayers", f"{kind}Layer"): _of(kind) for kind in (*KINDS, *LEARNT)},
}
