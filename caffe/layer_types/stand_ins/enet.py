"""A stand-in of ENet's dropout of whole channels."""

import ast

from ...proto import caffe_pb2
from .making import StandIns


def _spatial_dropout(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """It asks param_str for the phase, not the net, and without TRAIN scales what it does not drop.

    param_str is a dict of phase and p, the part that is dropped.
    """
    try:
        values = dict(ast.literal_eval(spec.python_param.param_str))
        phase, dropped = values.pop("phase"), float(values.pop("p"))
    except (SyntaxError, TypeError) as error:
        raise ValueError(f"expected a dict of phase and p: {error}") from None
    if values or not 0 < dropped < 1:
        raise ValueError("expected a dict of phase and p alone, p between 0 and 1")
    if phase == "TRAIN":
        spec.type = "SpatialDropout"
        spec.spatial_dropout_param.dropout_ratio = dropped
        spec.dropout_param.sample_weights_test = True
    else:
        spec.type = "Power"
        spec.power_param.scale = 1 / (1 - dropped)


STAND_INS: StandIns = {("spatial_dropout", "SpatialDropoutLayer"): _spatial_dropout}
