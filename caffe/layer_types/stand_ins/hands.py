"""The stand-in of the Python layer by which Pose-REN looks at a hand's joints."""

from ...proto import caffe_pb2
from .making import StandIns, all_read, become, numbers


def _region(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    values = numbers(spec)
    for name in ("joint_idx", "roi_h", "roi_w", "img_h", "img_w", "spatial_mul"):
        (value,) = values.pop(name)
        setattr(spec.joint_region_param, name, int(value))
    all_read(values)
    become(spec, "JointRegion")


STAND_INS: StandIns = {
    ("python_layers.py_generate_roi_layer", "PyGenerateROILayer"): _region,
}
