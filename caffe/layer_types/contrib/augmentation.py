"""What FlowNet's nets do to images first: DataAugmentation, Mean."""

import numpy as np
import torch

from ...feeding.mean_file import read_mean
from ...proto import caffe_pb2
from ..base import LayerType, Shape, layer_type
from ..exporting import is_traced

# Of augmentation_param, what is no random change of an image.
SETTINGS = (
    *("crop_width", "crop_height", "max_multiplier", "augment_during_test", "chromatic_eigvec"),
    *("recompute_mean", "mean_per_pixel", "mean", "mode", "write_augmented", "write_mean"),
    *("bottomwidth", "bottomheight", "num"),
)


@layer_type("DataAugmentation", "FlowNet")
class DataAugmentation(LayerType):
    """Images N x C x H x W, cut at their centre and less their mean, as FlowNet's nets see them.

    With recompute_mean the mean is a parameter (2 of each channel, 1 of each pixel, which counts
    with mean_per_pixel), and parameter 0 is how many passes there were: in the first recompute_mean
    of them, in either phase, the mean becomes that of all passes so far. Without it, `mean` has
    three values. With crop_width and crop_height the top is sampled between pixels, from the centre
    and never beyond the last pixel less 0.05. Random changes of images, which FlowNet draws where
    it cuts them in TRAIN or with augment_during_test, are not here.
    """

    diff_bottoms = staticmethod(lambda index: False)

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.augmentation_param
        (shape,) = shapes
        self.check(len(shape) == 4, f"needs 4 axes (N, C, H, W); found shape {shape}")
        self.cuts = param.HasField("crop_width") and param.HasField("crop_height")
        drawn = self.phase == caffe_pb2.TRAIN or param.augment_during_test
        changes = [field.name for field, _ in param.ListFields() if field.name not in SETTINGS]
        self.check(
            not (self.cuts and drawn and changes),
            f"draws no {', '.join(changes)}: change the images before, or in a Python layer, and "
            "drop the fields",
        )
        self.updates_params = param.recompute_mean > 0
        self.optional_params = () if param.mean_per_pixel else (1,)
        zero = caffe_pb2.FillerParameter()
        self.add_param((1, 1, 1, 1), zero)
        if param.recompute_mean:
            _, channels, height, width = self.top_shapes(shapes)[0]
            self.add_param((1, channels, height, width), zero)
            self.add_param((1, channels, 1, 1), zero)
        while len(self.spec.param) < len(self.blobs):
            self.spec.param.add()
        for spec in self.spec.param:
            spec.lr_mult = spec.decay_mult = 0

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        param, (*items, height, width) = self.spec.augmentation_param, shapes[0]
        if not self.cuts:
            return shapes
        size = (param.crop_height, param.crop_width)
        self.check(
            1 < size[0] <= height and 1 < size[1] <= width,
            f"crop_height and crop_width are from 2 to the image's; found {size} of {shapes[0]}",
        )
        return [(*items, *size)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param, x = self.spec.augmentation_param, bottoms[0]
        if self.cuts:
            rows = _between(x.shape[2], param.crop_height)
            columns = _between(x.shape[3], param.crop_width)
            x = x.new_tensor(rows) @ x @ x.new_tensor(columns).T
        if param.recompute_mean:
            if not is_traced():
                self._learn(x, params)
            return x - params[1 if param.mean_per_pixel else 2]
        if len(param.mean) == 3 and not param.mean_per_pixel:
            return x - x.new_tensor(list(param.mean)).reshape(1, 3, 1, 1)
        return x

    def _learn(self, x: torch.Tensor, params: list[torch.Tensor]) -> None:
        passes, of_pixels, of_channels = (each.data for each in params)
        passes += 1
        if passes.item() > self.spec.augmentation_param.recompute_mean:
            return
        self.check(
            x.shape[1:] == of_pixels.shape[1:],
            f"the mean is of shape {tuple(of_pixels.shape)}, images of {tuple(x.shape)}",
        )
        of_pixels += (x.detach().mean(0, keepdim=True) - of_pixels) / passes
        of_channels.copy_(of_pixels.mean((2, 3), keepdim=True))


def _between(size: int, count: int) -> np.ndarray:
    """What each of `count` values around the centre of an axis has of its values, (count, size)."""
    at = (np.arange(count) + 0.5 * (size - count)).clip(0, size - 1.05)
    first = at.astype(int)
    weights = np.zeros((count, size))
    weights[np.arange(count), first] = 1 - (at - first)
    weights[np.arange(count), first + 1] = at - first
    return weights


@layer_type("Mean", "FlowNet")
class Mean(LayerType):
    """output_scale * (input_scale * x + mean_scale * mean), or less mean_scale * mean.

    operation: ADD or SUBTRACT. The mean is a binaryproto's, or a value for each channel; where a
    bottom has more channels they begin again. A top for each bottom.
    """

    bottoms = (1, None)
    tops = (1, None)
    reads_values = False

    def setup_from(self, shapes: list[Shape]) -> None:
        param = self.spec.mean_param
        self.check(
            param.HasField("operation") and (param.HasField("file") or len(param.value) > 0),
            "needs an operation, and a file or values",
        )
        self.mean = (
            torch.from_numpy(read_mean(param.file))
            if param.HasField("file")
            else torch.tensor(list(param.value)).reshape(-1, 1, 1)
        )

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self.check(
            len(self.spec.top) == len(shapes),
            f"needs a top for each of {len(shapes)} bottoms; found {len(self.spec.top)}",
        )
        channels, *size = self.mean.shape
        for shape in shapes:
            self.check(
                len(shape) == 4
                and shape[1] % channels == 0
                and (size == [1, 1] or tuple(size) == shape[2:]),
                f"a mean of shape {tuple(self.mean.shape)} does not go into a bottom of {shape}",
            )
        return shapes

    def expression(
        self, bottoms: list[torch.Tensor], params: list[torch.Tensor]
    ) -> list[torch.Tensor]:
        param = self.spec.mean_param
        sign = -1 if param.operation == param.SUBTRACT else 1
        mean = self.mean.to(bottoms[0]) * param.mean_scale * sign
        return [
            param.output_scale
            * (param.input_scale * x + mean.repeat(x.shape[1] // len(mean), 1, 1))
            for x in bottoms
        ]
