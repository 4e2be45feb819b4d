"""What FlowNet's nets do to images and flows first: changes that are drawn, and the mean."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from ...core.blob import Blob
from ...feeding import coefficients
from ...feeding.coefficients import NAMES, UNCHANGED
from ...feeding.mean_file import read_mean
from ...proto import caffe_pb2
from ..base import LayerType, Shape, Tensors, layer_type
from ..exporting import is_traced
from .annealed import Annealed
from .image_changes import recoloured, sampled, shaded, turned_colours

MODES = ("add", "replace", "regenerate")


class OfCoefficients(LayerType):
    """A layer whose bottoms or tops are coefficients; nothing is learnt through it."""

    diff_bottoms = staticmethod(lambda index: False)

    def check_rows(self, shape: Shape, images: Shape) -> None:
        """Raise CaffeError unless a bottom of this shape has coefficients of all images."""
        self.check(
            shape[:1] == images[:1] and math.prod(shape[1:]) == len(NAMES),
            f"needs {len(NAMES)} coefficients for each item of bottom 0; found shapes {images}, "
            f"{shape}",
        )


class Draws(OfCoefficients):
    """A layer with an augmentation_param, of which it draws coefficients."""

    @property
    def draws(self) -> bool:
        param = self.spec.augmentation_param
        fields = {field.name for field, _ in param.ListFields()}
        in_phase = self.phase == caffe_pb2.TRAIN or param.augment_during_test
        return in_phase and not fields.isdisjoint(coefficients.DRAWN)

    def check_draws(self) -> None:
        """Raise CaffeError where FlowNet would draw no numbers."""
        for field, value in self.spec.augmentation_param.ListFields():
            self.check(
                field.name not in coefficients.DRAWN or value.rand_type in coefficients.KINDS,
                f"{field.name} has a rand_type of {', '.join(coefficients.KINDS)}; found "
                f"'{getattr(value, 'rand_type', '')}'",
            )
        half_life = self.spec.coeff_schedule_param.half_life
        self.check(half_life > 0, f"half_life must be positive; found {half_life:g}")

    def drawn(
        self,
        given: Sequence[np.ndarray],
        passes: int,
        mode: str,
        whole: coefficients.Size,
        part: coefficients.Size,
    ) -> np.ndarray:
        """Rows for all items, in that pass; the given ones where nothing is drawn."""
        if not self.draws:
            return np.stack(given)
        param = self.spec.augmentation_param
        discounted = coefficients.discount(self.spec.coeff_schedule_param, passes)
        return np.stack(
            [coefficients.drawn_row(param, discounted, mode, row, whole, part) for row in given]
        )


def _rows(bottom: torch.Tensor) -> np.ndarray:
    return bottom.detach().flatten(1).cpu().double().numpy()


@layer_type("GenerateAugmentationParameters", "FlowNet")
class GenerateAugmentationParameters(Draws, Annealed):
    """What an image is changed by, N x 42 x 1 x 1, in TRAIN and with augment_during_test drawn.

    Bottoms: coefficients, images, what was cut of them; or one, images or coefficients, with
    crop_height and crop_width, of coefficients bottomheight and bottomwidth. What is drawn is added
    to the coefficients (mode: "add"), replaces its like ("replace"), or all ("regenerate"), as it
    does for one bottom of images. 49 times a place is looked for whose corners lie in the image.
    coeff_schedule_param says how a spread changes with the passes.
    """

    bottoms = (1, 3)
    not_in_onnx = "it says how images are changed in training; leave it out"

    def setup_from(self, shapes: list[Shape]) -> None:
        self.check_draws()
        self._places(shapes)

    def _places(self, shapes: list[Shape]) -> tuple[str, coefficients.Size, coefficients.Size]:
        """The mode, the size of images and of what is cut."""
        param, of_images = self.spec.augmentation_param, max(shapes[0][2:], default=1) > 1
        self.check(
            len(shapes) != 2 and 0 < len(shapes[0]) <= 4,
            "needs one bottom, or coefficients, images and what was cut of them; found shapes "
            f"{shapes}",
        )
        mode = "regenerate" if len(shapes) == 1 and of_images else param.mode
        self.check(mode in MODES, f"mode is {', '.join(MODES)}; found '{mode}'")
        if mode != "regenerate":
            self.check_rows(shapes[0], shapes[0])
        part = (param.crop_height, param.crop_width)
        whole = (param.bottomheight, param.bottomwidth)
        if len(shapes) == 3:
            self.check(
                len(shapes[1]) == len(shapes[2]) == 4,
                f"needs images of 4 axes (N, C, H, W); found shapes {shapes}",
            )
            whole, part = (shapes[1][2], shapes[1][3]), (shapes[2][2], shapes[2][3])
        elif of_images:
            height, width, *_ = (*shapes[0][2:], 1)
            whole = height, width
        self.check(
            min(part) > 1 and min(whole) > 0,
            "crop_height and crop_width are at least 2, and the images' sizes positive "
            f"(bottomheight and bottomwidth, where no bottom has images); found {part} and {whole}",
        )
        return mode, whole, part

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        self._places(shapes)
        return [(shapes[0][0], len(NAMES), 1, 1)]

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        self.iteration += 1
        super().forward(bottom, top)

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        x = bottoms[0]
        mode, whole, part = self._places([tuple(each.shape) for each in bottoms])
        given = np.zeros((len(x), len(NAMES))) if mode == "regenerate" else _rows(x)
        rows = self.drawn([*given], self.iteration, mode, whole, part)
        return x.new_tensor(rows)[..., None, None]


@layer_type("FlowAugmentation", "FlowNet")
class FlowAugmentation(OfCoefficients):
    """The flow of a pair of images as their coefficients change them, N x 2 x crop_height x _width.

    Bottoms: flow N x 2 x H x W, x and y, coefficients of the first image and of the second. A pixel
    of what is cut has the flow of the pixel of the first image that it is nearest to; none (NaN)
    where that is beyond the image, of which FlowNet has whatever is there in memory.
    """

    bottoms = (3, 3)
    not_in_onnx = "it changes what is to be found in training; leave it out"

    def top_shapes(self, shapes: list[Shape]) -> list[Shape]:
        param, flow = self.spec.augmentation_param, shapes[0]
        self.check(
            len(flow) == 4 and flow[1] == 2, f"needs a flow N x 2 x H x W; found shapes {shapes}"
        )
        size = (param.crop_height, param.crop_width)
        self.check(min(size) > 0, f"crop_height and crop_width must be positive; found {size}")
        for rows in shapes[1:]:
            self.check_rows(rows, flow)
        return [(*flow[:2], *size)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> torch.Tensor:
        param, flow = self.spec.augmentation_param, bottoms[0]
        part, whole = (param.crop_height, param.crop_width), (flow.shape[2], flow.shape[3])
        first, second = (
            _transforms([coefficients.from_row(row) for row in _rows(rows)], part, whole, flow)
            for rows in bottoms[1:]
        )
        here = _pixels(part, flow)
        at = first @ here
        nearest = (at + 0.5).trunc()
        column, row = nearest[:, 0], nearest[:, 1]
        known = (column >= 0) & (column < whole[1]) & (row >= 0) & (row < whole[0])
        index = torch.where(known, row * whole[1] + column, 0).long()[:, None].expand(-1, 2, -1)
        moved = at + flow.flatten(2).gather(2, index)
        there = torch.linalg.inv_ex(second[:, :, :2])[0] @ (moved - second[:, :, 2:])
        top = torch.where(known[:, None], there - here[:2], torch.nan)
        return top.reshape(len(flow), 2, *part)


def _pixels(size: coefficients.Size, like: torch.Tensor) -> torch.Tensor:
    """x, y and 1 of each pixel, (3, count)."""
    rows, columns = np.indices(size)
    return like.new_tensor(np.stack([columns, rows, np.ones(size)])).flatten(1)


def _transforms(
    items: Sequence[coefficients.Coefficients],
    part: coefficients.Size,
    whole: coefficients.Size,
    like: torch.Tensor,
) -> torch.Tensor:
    """Those of all items, (N, 2, 3)."""
    with np.errstate(all="ignore"):
        found = [coefficients.transform(values, part, whole) for values in items]
    return like.new_tensor(np.stack(found))


@layer_type("DataAugmentation", "FlowNet")
class DataAugmentation(Draws):
    """Images N x C x H x W, cut at their centre and less their mean, as FlowNet's nets see them.

    With recompute_mean the mean is a parameter (2 of each channel, 1 of each pixel, which counts
    with mean_per_pixel), and parameter 0 is how many passes there were: in the first recompute_mean
    of them, in either phase, the mean becomes that of all passes so far. Without it, `mean` has
    three values. With crop_width and crop_height the top is sampled between pixels, from the centre
    and never beyond the last pixel less 0.05. There images are also changed by chance, in TRAIN or
    with augment_during_test, or as the coefficients of bottom 1 say: mirrored, moved, turned,
    resized, recoloured (3 channels, 0 to max_multiplier), shaded. Top 1 has the coefficients. Of
    fog and of blurred motion there are coefficients alone, in FlowNet too.
    """

    bottoms = (1, 2)
    tops = (1, 2)

    @property
    def draws(self) -> bool:
        return self.cuts and len(self.spec.bottom) == 1 and super().draws

    @property
    def cuts(self) -> bool:
        """Whether the top is a part of the bottom."""
        param = self.spec.augmentation_param
        return param.HasField("crop_width") and param.HasField("crop_height")

    @property
    def not_in_onnx(self) -> str:
        if len(self.spec.bottom) > 1:
            return "it changes images as another layer draws; leave it out"
        return super().not_in_onnx

    def setup_from(self, shapes: list[Shape]) -> None:
        param, shape = self.spec.augmentation_param, shapes[0]
        self.check(len(shape) == 4, f"needs 4 axes (N, C, H, W); found shape {shape}")
        self.check_draws()
        self.updates_params = param.recompute_mean > 0 or self.draws
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
        param, images = self.spec.augmentation_param, shapes[0]
        rows: Shape = (images[0], len(NAMES), 1, 1)
        for given in shapes[1:]:
            self.check_rows(given, images)
            rows = given
        if self.cuts:
            size = (param.crop_height, param.crop_width)
            self.check(
                1 < size[0] <= images[2] and 1 < size[1] <= images[3],
                f"crop_height and crop_width are from 2 to the image's; found {size} of {images}",
            )
            images = (*images[:2], *size)
        return [images, rows][: len(self.spec.top)]

    def expression(self, bottoms: list[torch.Tensor], params: list[torch.Tensor]) -> Tensors:
        param, x = self.spec.augmentation_param, bottoms[0]
        if self.updates_params and not is_traced():
            params[0].data.add_(1)
        rows = bottoms[1] if len(bottoms) > 1 else x.new_zeros((len(x), len(NAMES), 1, 1))
        if self.draws:
            part, whole = (param.crop_height, param.crop_width), (x.shape[2], x.shape[3])
            found = self.drawn([*_rows(rows)], int(params[0].item()), "regenerate", whole, part)
            rows = x.new_tensor(found)[..., None, None]
        if self.cuts:
            x = self._changed(x, _rows(rows)) if self.draws or bottoms[1:] else self._cut(x)
        if param.recompute_mean:
            if not is_traced():
                self._learn(x, params)
            x = x - params[1 if param.mean_per_pixel else 2]
        elif len(param.mean) == 3 and not param.mean_per_pixel:
            x = x - x.new_tensor(list(param.mean)).reshape(1, 3, 1, 1)
        return [x, rows][: len(self.spec.top)]

    def _cut(self, x: torch.Tensor) -> torch.Tensor:
        param = self.spec.augmentation_param
        rows = _between(x.shape[2], param.crop_height)
        columns = _between(x.shape[3], param.crop_width)
        return x.new_tensor(rows) @ x @ x.new_tensor(columns).T

    def _changed(self, x: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        """Images as the coefficients say; what is within 0.001 of no change is none."""
        param, largest = self.spec.augmentation_param, self.spec.augmentation_param.max_multiplier
        part, whole = (param.crop_height, param.crop_width), (x.shape[2], x.shape[3])
        items = [
            {
                name: UNCHANGED[name] if abs(value - UNCHANGED[name]) < 1e-3 else value
                for name, value in coefficients.from_row(row).items()
            }
            for row in rows
        ]
        at = _transforms(items, part, whole, x) @ _pixels(part, x)
        y = sampled(x, at.reshape(len(x), 2, *part))

        def differ(names: Sequence[str]) -> bool:
            return any(values[name] != UNCHANGED[name] for values in items for name in names)

        turns, recolours = differ(coefficients.EIGEN), differ(coefficients.COLOUR)
        shades = any(
            (values["fog_amount"] and values["fog_size"])
            or max(values[name] for name in ("motion_blur_size", "shadow_strength", "noise")) > 0
            for values in items
        )
        self.check(
            x.shape[1] == 3 or not (turns or recolours or shades),
            f"changes colours of images of 3 channels; found shape {tuple(x.shape)}",
        )
        c = {
            name: x.new_tensor([values[name] for values in items])[:, None, None] for name in NAMES
        }
        if turns:
            vectors = list(param.chromatic_eigvec)
            self.check(
                len(vectors) == 9, f"needs 9 values of chromatic_eigvec; found {len(vectors)}"
            )
            y = turned_colours(y, x, c, vectors, largest)
        if recolours:
            y = recoloured(y, c, largest)
        return shaded(y, c, largest) if shades else y

    def _learn(self, x: torch.Tensor, params: list[torch.Tensor]) -> None:
        passes, of_pixels, of_channels = (each.data for each in params)
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
