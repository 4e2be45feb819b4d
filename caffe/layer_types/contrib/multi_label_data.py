"""Images with several labels, by layers of other names than ImageData's."""

from ...feeding.image_list import read_lines
from ...proto import caffe_pb2
from ..base import layer_type
from ..prefetched_data import ImageData, Source, need


@layer_type("MultiLabelData", "deep hashing networks")
class MultiLabelData(ImageData):
    """Images from a list of files, each with label_num labels: N x C x H x W and N x label_num."""

    def param(self) -> caffe_pb2.ImageDataParameter:
        return self.spec.multi_label_data_param

    def open(self, seed: int) -> tuple[Source, int, int]:
        need(self.param().label_num > 0, "multi_label_data_param { label_num } is missing")
        return super().open(seed)


@layer_type("MultiLabelImageData", "happynear's Caffe")
class MultiLabelImageData(ImageData):
    """ImageData of several labels: N x as many as there are words behind the first line's file."""

    def labels(self) -> int:
        lines = read_lines(self.param().source)
        return len(lines[0][1].split()) - 1 if lines else 0
