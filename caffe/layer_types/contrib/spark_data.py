"""CoSData of CaffeOnSpark."""

from ...core.blob import checked_shape
from ...proto import caffe_pb2
from ..base import Shape, layer_type
from ..input import Input

Top = caffe_pb2.CoSTopParameter


@layer_type("CoSData", "CaffeOnSpark")
class CoSData(Input):
    """Tops that the rows of a Spark data frame fill there; here a script fills them, as Input's.

    Each is batch_size x channels x height x width (of an image out_channels, out_height and
    out_width where given, or its crop_size); sample_num_axes is how many axes an item has, and with
    transpose the first of them stands before batch_size.
    """

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.cos_data_param
        self.check(
            len(param.top) == len(self.spec.top),
            f"needs a cos_data_param {{ top }} for each of {len(self.spec.top)} tops; found "
            f"{len(param.top)}",
        )
        self.given = [_shape(top, param.batch_size) for top in param.top]


def _shape(top: Top, batch_size: int) -> Shape:
    crop = top.transform_param.crop_size
    item = [
        top.out_channels or top.channels,
        crop or top.out_height or top.height,
        crop or top.out_width or top.width,
    ]
    axes = item[: top.sample_num_axes]
    return checked_shape(
        [*axes[:1], batch_size, *axes[1:]] if top.transpose else [batch_size, *axes]
    )
