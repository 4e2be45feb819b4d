"""Stand-ins of the Python layers of NVIDIA's pycaffe by which DetectNet's boxes are scored."""

from ...proto import caffe_pb2
from .making import Make, StandIns, become

CLUSTERING, MEAN_AP = (f"caffe.layers.detectnet.{name}" for name in ("clustering", "mean_ap"))
SIZE = ("image_size_x", "image_size_y", "stride")
CHOICE = ("gridbox_cvg_threshold", "gridbox_rect_thresh", "gridbox_rect_eps", "min_height")
COUNTS = ("num_classes", "max_boxes")  # which may be left out
FLOATS = ("gridbox_cvg_threshold", "gridbox_rect_eps")


def _clusters(kind: str, names: tuple[str, ...]) -> Make:
    def make(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
        values = spec.python_param.param_str.split(",")
        if not len(names) <= len(values) <= len(names) + len(COUNTS):
            raise ValueError(f"expected {', '.join(names)}, and perhaps {' and '.join(COUNTS)}")
        for name, value in zip((*names, *COUNTS), values, strict=False):
            number = float(value) if name in FLOATS else int(value)
            setattr(spec.detectnet_cluster_param, name, number)
        become(spec, kind)

    return make


def _scored(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    if spec.python_param.param_str:
        spec.score_detections_param.iou_threshold = float(spec.python_param.param_str)
    become(spec, "ScoreDetections")


def _score(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    become(spec, "PrecisionTimesRecall")


STAND_INS: StandIns = {
    (CLUSTERING, "ClusterGroundtruth"): _clusters("ClusterGroundtruth", SIZE),
    (CLUSTERING, "ClusterDetections"): _clusters("ClusterDetections", (*SIZE, *CHOICE)),
    (MEAN_AP, "ScoreDetections"): _scored,
    (MEAN_AP, "mAP"): _score,
}
