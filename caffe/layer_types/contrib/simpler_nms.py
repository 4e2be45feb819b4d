"""SimplerNMS: Faster R-CNN's regions as Intel's Caffe for OpenCL has them."""

import torch

from ..base import Shape, layer_type
from .proposal import Proposal

FIELDS = {  # simpler_nms_param's, and proposal_param's
    **dict.fromkeys(("feat_stride", "pre_nms_topn", "post_nms_topn", "scale")),
    "iou_threshold": "nms_thresh",
    "min_bbox_size": "min_size",
}


@layer_type("SimplerNMS", "Intel's Caffe")
class SimplerNMS(Proposal):
    """A Proposal that leaves small regions out, and takes the image's scale without its fraction.

    Its fields are simpler_nms_param's; ratios are 0.5, 1 and 2. max_num_proposals and cls_threshold
    count for nothing, as in its fork.
    """

    tops = (1, 1)

    def setup_from(self, shapes: list[Shape]) -> None:
        given, param = self.spec.simpler_nms_param, self.spec.proposal_param
        for name, other in FIELDS.items():
            value = getattr(given, name)
            if name == "scale":
                param.scale[:] = value
            else:
                setattr(param, other or name, value)
        super().setup_from(shapes)

    def leaves_out(self) -> bool:
        return True

    def _small(self, found: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
        return super()._small(found, torch.cat([size[:2], size[2:3].trunc()]))
