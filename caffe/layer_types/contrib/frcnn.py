"""Faster R-CNN in C++: FrcnnProposal and others, which take their numbers from a JSON file.

The prototxt does not hold that file; the numbers are those of the one that its fork has for VOC,
and these are py-faster-rcnn's.
"""

import torch

from ...proto import caffe_pb2
from ..base import Shape, Tensors, layer_type
from ..input import Input
from .anchor_target import AnchorTarget
from .proposal import Proposal
from .region_target import RegionTarget

FORK = "Faster R-CNN in C++"
CLASSES = 21  # VOC's, with the background


@layer_type("FrcnnProposal", FORK)
class FrcnnProposal(Proposal):
    """A Proposal of 9 anchors every 16 pixels, that leaves small regions out; tops of 4 axes.

    300 of 6000 regions in TEST, 2000 of 12000 in TRAIN, unless proposal_param says otherwise.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.proposal_param
        if self.phase == caffe_pb2.TRAIN and not param.HasField("pre_nms_topn"):
            param.pre_nms_topn = 12000
        if self.phase == caffe_pb2.TRAIN and not param.HasField("post_nms_topn"):
            param.post_nms_topn = 2000
        super().setup_from(shapes)

    def leaves_out(self) -> bool:
        return True

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        return [(*shape, 1, 1) for shape in super().top_shapes(shapes)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        return [top[..., None, None] for top in super().expression(bottoms, params)]


@layer_type("FrcnnAnchorTarget", FORK)
class FrcnnAnchorTarget(AnchorTarget):
    __doc__ = AnchorTarget.__doc__


@layer_type("FrcnnProposalTarget", FORK)
class FrcnnProposalTarget(RegionTarget):
    __doc__ = f"""Of 21 classes unless region_target_param says otherwise. {RegionTarget.__doc__}"""

    def setup_from(self, shapes: list[Shape]) -> None:
        param, reg = self.spec.region_target_param, self.spec.bbox_reg_param
        if not param.HasField("num_classes"):
            param.num_classes = CLASSES
        if not reg.bbox_mean and not reg.bbox_std:
            reg.bbox_mean.extend([0, 0, 0, 0])
            reg.bbox_std.extend([0.1, 0.1, 0.2, 0.2])
        super().setup_from(shapes)


@layer_type("FrcnnRoiData", FORK)
class FrcnnRoiData(Input):
    """An image, its size and its objects, which a script fills, as Input's tops.

    There its list and its settings are read. Tops: 1 x 3 x H x W; height, width and scale, 1 x 3;
    objects, G x 5, x1, y1, x2, y2 and the class.
    """

    tops = (3, 3)

    def setup_from(self, shapes: list[Shape]) -> None:
        self.given = [(1, 3, 600, 1000), (1, 3), (1, 5)]
