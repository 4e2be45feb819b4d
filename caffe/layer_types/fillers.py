"""Caffe's fillers: how a parameter blob gets its first values."""

import math

import torch

from ..core import host_memory
from ..core.blob import Blob
from ..core.device import current_device
from ..core.errors import CaffeError
from ..core.files import read_numbers
from ..core.rng import generator
from ..core.strict import is_strict
from ..proto import caffe_pb2


def fill(blob: Blob, filler: caffe_pb2.FillerParameter) -> None:
    """Fill blob.data in place by a FillerParameter (caffe/filler.hpp).

    Draws come from the CPU's generator on every device, so a seed gives the same weights anywhere.
    Raises CaffeError for an unknown type, or a blob that the type cannot fill.
    """
    known = FILLERS.keys() - OF_FORKS if is_strict() else FILLERS.keys()
    if filler.type not in known:
        raise CaffeError(
            f"unknown filler type '{filler.type}'; there are {', '.join(sorted(known))}"
        )
    if filler.type != "gaussian" and filler.sparse != -1:
        raise CaffeError(f"{filler.type} filler: sparse is for the gaussian filler only")
    if not blob.count:
        raise CaffeError(f"a blob of shape {blob.shape} has no values to fill")
    if filler.type == "constant" and filler.value == 0:
        blob._data.clear(blob.count)
    else:
        host_memory.check(blob.shape, blob.count)
        blob._data.assign(FILLERS[filler.type](blob.shape, filler).to(current_device()))


def _constant(shape: tuple[int, ...], filler: caffe_pb2.FillerParameter) -> torch.Tensor:
    return torch.full(shape, filler.value)


def _uniform(shape: tuple[int, ...], filler: caffe_pb2.FillerParameter) -> torch.Tensor:
    if not 0 <= filler.max - filler.min <= torch.finfo(torch.float32).max:
        raise CaffeError(
            f"uniform filler: min must be at most max, both finite; found min {filler.min:g}, "
            f"max {filler.max:g}"
        )
    return _draw_uniform(shape, filler.min, filler.max)


def _gaussian(shape: tuple[int, ...], filler: caffe_pb2.FillerParameter) -> torch.Tensor:
    if not filler.std > 0 or filler.sparse < -1:
        raise CaffeError(
            "gaussian filler: std must be positive and sparse at least -1; "
            f"found std {filler.std:g}, sparse {filler.sparse}"
        )
    values = _draw_gaussian(shape, filler.std).add_(filler.mean)
    if filler.sparse >= 0:  # on average `sparse` of each output's inputs are not zero
        keep = filler.sparse / _outputs(shape, filler)
        if keep > 1:
            raise CaffeError(f"gaussian filler: sparse {filler.sparse} exceeds {shape[0]} outputs")
        values *= torch.empty(shape).bernoulli_(keep, generator=generator())
    return values


def _positive_unitball(shape: tuple[int, ...], filler: caffe_pb2.FillerParameter) -> torch.Tensor:
    values = _draw_uniform(shape, 0, 1).view(*shape[:1], -1)
    return (values / values.sum(-1, keepdim=True)).view(shape)


def _gaussian_unitball(shape: tuple[int, ...], filler: caffe_pb2.FillerParameter) -> torch.Tensor:
    values = _draw_gaussian(shape, 1).view(*shape[:1], -1)
    return (values / values.norm(dim=-1, keepdim=True)).view(shape)


def _xavier(shape: tuple[int, ...], filler: caffe_pb2.FillerParameter) -> torch.Tensor:
    bound = math.sqrt(3 / _fan(shape, filler))
    return _draw_uniform(shape, -bound, bound)


def _msra(shape: tuple[int, ...], filler: caffe_pb2.FillerParameter) -> torch.Tensor:
    slope = 1 + filler.alpha**2  # of the leaky ReLU that follows
    return _draw_gaussian(shape, math.sqrt(2 / slope / _fan(shape, filler)))


def _bilinear(shape: tuple[int, ...], filler: caffe_pb2.FillerParameter) -> torch.Tensor:
    if len(shape) != 4 or shape[2] != shape[3]:
        raise CaffeError(f"bilinear filler needs a blob of 4 axes and square filters, not {shape}")
    size = shape[3]
    factor = math.ceil(size / 2)
    center = (size - 1) / (2 * factor)
    ramp = 1 - (torch.arange(size, dtype=torch.float64) / factor - center).abs()
    return torch.outer(ramp, ramp).float().expand(shape).contiguous()


def _diagonal(shape: tuple[int, ...], filler: caffe_pb2.FillerParameter) -> torch.Tensor:
    size = len(filler.diag_val)
    if math.prod(shape) != size * size or shape[:1] != (size,):
        raise CaffeError(
            f"diagonal filler: {size} diag_val are the diagonal of {size} x {size} weights; found "
            f"a blob of shape {shape}"
        )
    return torch.diag(torch.tensor(list(filler.diag_val))).reshape(shape)


def _identity(shape: tuple[int, ...], filler: caffe_pb2.FillerParameter) -> torch.Tensor:
    """Each output its own input, in the middle of a filter.

    num_groups (Yu & Koltun 2016, equation 5): the inputs of its group alike, num_groups over the
    number of outputs each, and all else noise of deviation std.
    """
    groups = filler.num_groups
    if len(shape) < 2 or (shape[0] != shape[1] and not groups):
        raise CaffeError(f"identity filler needs as many outputs as inputs; found shape {shape}")
    if groups and (shape[0] % groups or shape[1] % groups):
        raise CaffeError(f"identity filler: num_groups {groups} must divide both axes of {shape}")
    outputs, inputs = (torch.arange(count) * (groups or count) // count for count in shape[:2])
    alike = outputs[:, None] == inputs
    values = _draw_gaussian(shape, filler.std) if groups else torch.zeros(shape)
    middle: tuple[slice | int, ...] = (
        slice(None),
        slice(None),
        *((length - 1) // 2 for length in shape[2:]),
    )
    values[middle] = torch.where(alike, groups / shape[0] if groups else 1.0, values[middle])
    return values


def _file(shape: tuple[int, ...], filler: caffe_pb2.FillerParameter) -> torch.Tensor:
    count, found = math.prod(shape), read_numbers(filler.file)
    if len(found) < count:
        raise CaffeError(
            f"file filler: {filler.file} has {len(found)} numbers; a blob of shape {shape} needs "
            f"{count}"
        )
    return torch.tensor(found[:count]).reshape(shape)


def _flow_border_mask(shape: tuple[int, ...], filler: caffe_pb2.FillerParameter) -> torch.Tensor:
    """1 but where a difference of neighbours is none: the last column of x, the last row of y."""
    if len(shape) != 4 or shape[1] != 2:
        raise CaffeError(f"flowBorderMask filler needs a blob N x 2 x H x W, not {shape}")
    values = torch.ones(shape)
    values[:, 0, :, -1] = 0
    values[:, 1, -1] = 0
    return values


def _border_mask(shape: tuple[int, ...], filler: caffe_pb2.FillerParameter) -> torch.Tensor:
    """0 along the border, of border_ratio of the shorter side, else 1."""
    if len(shape) != 4:
        raise CaffeError(f"borderMask filler needs a blob of 4 axes, not {shape}")
    if not 0 <= filler.border_ratio <= 1 or not filler.HasField("border_ratio"):
        raise CaffeError(
            f"borderMask filler: needs border_ratio from 0 to 1; found {filler.border_ratio:g}"
        )
    wide = math.floor(min(shape[2:]) * filler.border_ratio + 0.5)
    values = torch.zeros(shape)
    values[:, :, wide : max(shape[2] - wide, 0), wide : max(shape[3] - wide, 0)] = 1
    return values


FILLERS = {
    "constant": _constant,
    "gaussian": _gaussian,
    "uniform": _uniform,
    "positive_unitball": _positive_unitball,
    "gaussian_unitball": _gaussian_unitball,  # NormFace
    "xavier": _xavier,
    "msra": _msra,
    "bilinear": _bilinear,
    "bilinear_upsampling": _bilinear,  # before Caffe had it
    "diagonal": _diagonal,
    "identity": _identity,
    "file": _file,  # of hidden two-stream networks, as are the next ones
    "flowBorderMask": _flow_border_mask,
    "borderMask": _border_mask,
}
OF_FORKS = {
    *("bilinear_upsampling", "borderMask", "diagonal", "file", "flowBorderMask"),
    *("gaussian_unitball", "identity"),
}


def _fan(shape: tuple[int, ...], filler: caffe_pb2.FillerParameter) -> float:
    count = math.prod(shape)
    fan_in = count / _outputs(shape, filler)
    fan_out = count / shape[1] if len(shape) > 1 else count
    if filler.variance_norm == caffe_pb2.FillerParameter.AVERAGE:
        return (fan_in + fan_out) / 2
    return fan_out if filler.variance_norm == caffe_pb2.FillerParameter.FAN_OUT else fan_in


def _outputs(shape: tuple[int, ...], filler: caffe_pb2.FillerParameter) -> int:
    if not shape:
        raise CaffeError(f"{filler.type} filler: a blob without axes has no outputs to count")
    return shape[0]


def _draw_uniform(shape: tuple[int, ...], low: float, high: float) -> torch.Tensor:
    return torch.empty(shape).uniform_(low, high, generator=generator())


def _draw_gaussian(shape: tuple[int, ...], std: float) -> torch.Tensor:
    return torch.randn(shape, generator=generator()).mul_(std)
