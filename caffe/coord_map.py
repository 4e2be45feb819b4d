"""Where the pixels of one blob lie in another, and the crop that aligns the two.

A coordinate map is (axis, scale, shift): along every spatial axis, which follow `axis`, the
coordinate x of the input becomes scale * x + shift in the output. Coordinates are pixel centres.
Scale and shift are arrays of one value per spatial axis, or of one for all. Layers that act on
each pixel have the identity (None, 1, 0), which goes with any axis.

BVLC's maps end at a Concat. Here they go on through one of channels, but only where no blob leads
to both tops otherwise, so that all that BVLC maps has BVLC's map.
"""

from collections.abc import Callable, Iterator

import numpy as np

from .core.errors import CaffeError, caffe_error
from .net_spec import Function, Top
from .net_spec import layers as L

# Layers whose output has the coordinates of each of its bottoms
PASS_THROUGH_LAYERS = {
    "AbsVal",
    "BatchNorm",
    "Bias",
    "BNLL",
    "Clip",
    "Dropout",
    "Eltwise",
    "ELU",
    "Exp",
    "Log",
    "LRN",
    "MVN",
    "Power",
    "PReLU",
    "ReLU",
    "Scale",
    "Sigmoid",
    "Softmax",
    "Split",
    "Swish",
    "TanH",
    "Threshold",
}

Values = np.ndarray | float  # one for each spatial axis, or one for all
CoordMap = tuple[int | None, Values, Values]

IDENTITY: CoordMap = (None, 1, 0)


class UndefinedMapException(CaffeError):
    """A layer whose output has no coordinates of its input, such as InnerProduct."""


class AxisMismatchException(CaffeError):
    """Two maps whose spatial axes are not the same."""


def _window(fn: Function, params: dict) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    """(axis, stride, extent of the kernel, pad) of a sliding window."""
    if legacy := {f"{a}_{b}" for a in ("kernel", "stride", "pad") for b in "hw"} & params.keys():
        raise caffe_error(
            AssertionError,
            f"{fn.type_name} layer: coordinates are not mapped through {', '.join(sorted(legacy))};"
            " write kernel_size, stride and pad as lists",
        )
    if "kernel_size" not in params:  # global pooling
        raise UndefinedMapException(f"{fn.type_name} layer without kernel_size")
    kernel, dilation, stride, pad = (
        np.array(params.get(key, default), ndmin=1)
        for key, default in (("kernel_size", 1), ("dilation", 1), ("stride", 1), ("pad", 0))
    )
    return params.get("axis", 1), stride, (kernel - 1) * dilation + 1, pad


def coord_map(fn: Function) -> CoordMap:
    """Map from the coordinates of a layer's (first) bottom to those of its top.

    Raises UndefinedMapException for a layer type that has none.
    """
    if fn.type_name in PASS_THROUGH_LAYERS:
        return IDENTITY
    if fn.type_name in ("Convolution", "Im2col", "Deconvolution"):
        params = fn.params.get("convolution_param", fn.params)
    elif fn.type_name in ("Pooling", "Crop"):
        params = fn.params.get(f"{fn.type_name.lower()}_param", fn.params)
    else:
        raise UndefinedMapException(f"{fn.type_name} layer")
    if fn.type_name == "Crop":
        # Crop counts from its first spatial axis, the others from the channels before it.
        return params.get("axis", 2) - 1, 1, -np.array(params.get("offset", 0), ndmin=1)
    axis, stride, extent, pad = _window(fn, params)
    centre = (extent - 1) / 2 - pad  # of the first window, in the blob that it slides over
    if fn.type_name == "Deconvolution":
        return axis, stride, centre
    return axis, 1 / stride, -centre / stride


def compose(base_map: CoordMap, next_map: CoordMap) -> CoordMap:
    """The map that applies `next_map`, then `base_map`."""
    base_axis, base_scale, base_shift = base_map
    next_axis, next_scale, next_shift = next_map
    if base_axis is not None and next_axis is not None and base_axis != next_axis:
        raise AxisMismatchException(
            f"one map's spatial axes follow axis {base_axis}, the other's axis {next_axis}"
        )
    axis = next_axis if base_axis is None else base_axis
    return axis, base_scale * next_scale, base_scale * next_shift + base_shift


def inverse(coord_map: CoordMap) -> CoordMap:
    """The map from output coordinates back to input coordinates."""
    axis, scale, shift = coord_map
    return axis, 1 / scale, -shift / scale


def _through_concat(fn: Function) -> CoordMap:
    """As `coord_map`; a Concat of channels (or of the batch) has the coordinates of its bottoms."""
    params = fn.params.get("concat_param", fn.params)
    if fn.type_name == "Concat" and params.get("axis", params.get("concat_dim", 1)) in (0, 1):
        return IDENTITY
    return coord_map(fn)


def _ancestors(top: Top, map_of: Callable[[Function], CoordMap]) -> Iterator[tuple[Top, CoordMap]]:
    """Every top that `top` is computed from by layers that have a map, with its map to `top`.

    Nearest first, `top` itself included. A Crop takes only sizes from its second bottom.
    """
    maps = {top: IDENTITY}
    queue = [top]
    for reached in queue:
        yield reached, maps[reached]
        try:
            step = map_of(reached.fn)
        except UndefinedMapException:
            continue
        bottoms = reached.fn.inputs[:1] if reached.fn.type_name == "Crop" else reached.fn.inputs
        for bottom in bottoms:
            if bottom not in maps:
                maps[bottom] = compose(maps[reached], step)
                queue.append(bottom)


def coord_map_from_to(top_from: Top, top_to: Top) -> CoordMap:
    """Map from the coordinates of `top_from` to those of `top_to`, through what both come from.

    Raises RuntimeError if no blob leads to both by layers that have a map.
    """
    for map_of in (coord_map, _through_concat):
        from_maps = dict(_ancestors(top_from, map_of))
        for top, to_map in _ancestors(top_to, map_of):
            if top in from_maps:
                return compose(to_map, inverse(from_maps[top]))
    raise CaffeError(
        f"no coordinates lead from the {top_from.fn.type_name} top to the {top_to.fn.type_name} "
        "top: they need a common blob, reached by spatial layers only"
    )


def crop(top_from: Top, top_to: Top) -> Top:
    """Crop layer that cuts `top_from` down to the pixels of `top_to`.

    Raises AssertionError, as pycaffe does, if no crop aligns the two: another scale, a shift that
    is not whole, or pixels needed from outside `top_from`.
    """
    axis, scale, shift = coord_map_from_to(top_from, top_to)
    offset = np.atleast_1d(-np.round(shift)).astype(int)
    if not np.allclose(scale, 1):
        raise caffe_error(AssertionError, f"cannot crop: the tops differ in scale, by {scale}")
    if not np.allclose(-offset, shift):
        raise caffe_error(
            AssertionError, f"cannot crop: the offset {-shift} is no whole number of pixels"
        )
    if (offset < 0).any():
        raise caffe_error(
            AssertionError, f"cannot crop: the offset {offset} is negative; pad the input more"
        )
    # Two tops whose maps are identities carry no axis; images have theirs from axis 2 on.
    first = 2 if axis is None else axis + 1
    return L.Crop(top_from, top_to, crop_param=dict(axis=first, offset=offset.tolist()))
