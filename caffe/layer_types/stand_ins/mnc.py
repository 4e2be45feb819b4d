"""Stand-ins of MNC, in tests, and of the images of its masks (CFM)."""

from ...proto import caffe_pb2
from .detectors import regions
from .making import StandIns, all_read, become, become_input, classes_of, numbers


def _proposal(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """As py-faster-rcnn's; what it learns through the regions has no stand-in."""
    _in_tests(spec)
    values = numbers(spec)
    for of_gradient in ("use_clip", "clip_base", "gradient_scale"):
        values.pop(of_gradient, None)
    regions(spec, values)


def _mask(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """The masks of regions, as planes of 21 x 21."""
    _in_tests(spec)
    spec.reshape_param.shape.dim.extend([0, 1, 21, 21])
    spec.type = "Reshape"


def _stage_bridge(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    _in_tests(spec)
    become(spec, "StageBridge")


def _in_tests(spec: caffe_pb2.LayerParameter) -> None:
    if spec.phase == caffe_pb2.TRAIN:
        raise ValueError("it has a stand-in in TEST alone")


def _cfm_data(spec: caffe_pb2.LayerParameter, net: caffe_pb2.NetParameter) -> None:
    """MNC's layer of images, regions and their masks; it says 1 x 4 of regions."""
    values = numbers(spec)
    width = 4 * classes_of(values)
    all_read(values)
    mask = (1, 1, 21, 21)
    of_tops = [(1, 3, 600, 1000), (1, 5), (1, 1, 14, 14), (1, 1), (1, 1)]
    of_tops += [(1, width), mask, (1, width), (1, width), mask]
    become_input(spec, dict(zip(spec.top, of_tops, strict=False)))


STAND_INS: StandIns = {
    ("pylayer.proposal_layer", "ProposalLayer"): _proposal,
    ("pylayer.mask_layer", "MaskLayer"): _mask,
    ("pylayer.stage_bridge_layer", "StageBridgeLayer"): _stage_bridge,
    ("pylayer.cfm_data_layer", "CFMDataLayer"): _cfm_data,
}
