"""MultiLabelData: an ImageData whose list has several labels a line, under a name of its own."""

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
