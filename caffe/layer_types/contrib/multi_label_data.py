"""MultiLabelImageData: images with as many labels as the list has."""

from ...feeding.image_list import read_lines
from ..base import layer_type
from ..prefetched_data import ImageData


@layer_type("MultiLabelImageData", "happynear's Caffe")
class MultiLabelImageData(ImageData):
    """ImageData of several labels: N x as many as there are words behind the first line's file."""

    def labels(self) -> int:
        lines = read_lines(self.spec.image_data_param.source)
        return len(lines[0][1].split()) - 1 if lines else 0
