"""The coefficients that FlowNet's layers change images by: how they are drawn, and what they mean.

A row of a blob has all of them in the order of NAMES: those that are 0 where nothing changes as
they are, those that are 1 as their logarithm, so that rows of changes one after another are added.
"""

import math

import numpy as np
import torch

from ..core.rng import generator
from ..proto import caffe_pb2

SPATIAL = ("mirror", "dx", "dy", "angle", "zoom_x", "zoom_y")
COLOUR = ("gamma", "brightness", "contrast", "color1", "color2", "color3")
EIGEN = (
    *(f"{what}_nomean{i}" for what in ("pow", "add", "mult") for i in range(3)),
    *(f"{what}_withmean{i}" for what in ("pow", "add", "mult") for i in range(3)),
    *("lmult_pow", "lmult_add", "lmult_mult", "col_angle"),
)
EFFECTS = (
    *("fog_amount", "fog_size", "motion_blur_angle", "motion_blur_size"),
    *("shadow_angle", "shadow_distance", "shadow_strength", "noise"),
)
NAMES = (*SPATIAL, *COLOUR, *EIGEN, *EFFECTS)
FACTORS = ("zoom", "gamma", "contrast", "color", "pow", "mult", "lmult_pow", "lmult_mult")
UNCHANGED = {name: float(name.startswith(FACTORS)) for name in NAMES}
IS_FACTOR = np.array([UNCHANGED[name] == 1 for name in NAMES])

# What is drawn for each field of augmentation_param: coefficients that are drawn one by one, those
# that get one number, and effects, all of which are drawn where one field of their group is there.
PLACED = ("mirror", "translate", "translate_x", "translate_y", "rotate", "zoom", "squeeze")
ONE_BY_ONE = {
    **{name: (name,) for name in ("gamma", "brightness", "contrast", "noise")},
    "color": ("color1", "color2", "color3"),
    **{f"ladd_{what}": (f"{what}_nomean0",) for what in ("pow", "add", "mult")},
    **{f"col_{what}": (f"{what}_nomean1", f"{what}_nomean2") for what in ("pow", "add", "mult")},
    **{name: (name,) for name in ("lmult_pow", "lmult_add", "lmult_mult")},
    "col_rotate": ("col_angle",),
}
TOGETHER = {
    f"sat_{what}": (f"{what}_withmean1", f"{what}_withmean2") for what in ("pow", "add", "mult")
}
GROUPS = (
    ("fog_amount", "fog_size"),
    ("motion_blur_angle", "motion_blur_size"),
    ("shadow_angle", "shadow_distance", "shadow_strength"),
)
DRAWN = (*PLACED, *ONE_BY_ONE, *TOGETHER, *(name for group in GROUPS for name in group))
KINDS = ("uniform", "gaussian", "bernoulli", "uniform_bernoulli", "gaussian_bernoulli")
TRIES = 49  # FlowNet's last of 50 does not count

Coefficients = dict[str, float]
Size = tuple[int, int]  # height and width


def to_row(values: Coefficients) -> np.ndarray:
    """Coefficients as a blob has them."""
    row = np.array([values[name] for name in NAMES])
    with np.errstate(all="ignore"):
        return np.where(IS_FACTOR, np.log(row), row)


def from_row(row: np.ndarray) -> Coefficients:
    """Coefficients of a row of a blob."""
    with np.errstate(all="ignore"):
        values = np.where(IS_FACTOR, np.exp(row), row)
    return dict(zip(NAMES, values.tolist(), strict=True))


def discount(param: caffe_pb2.CoeffScheduleParameter, passes: int) -> float:
    """What spreads are multiplied by in that pass, the first of which is 1."""
    reached = math.tanh(1.0986 * passes / param.half_life / 2)
    return param.initial_coeff + (param.final_coeff - param.initial_coeff) * reached


def number(
    param: caffe_pb2.RandomGeneratorParameter,
    discounted: float = 1,
    otherwise: float | None = None,
    is_truth: bool = False,
) -> float:
    """A number as `param` says; `otherwise` where a chance decides that none is drawn."""
    kind, spread = param.rand_type, param.spread * (discounted if param.apply_schedule else 1)
    happens = not kind.endswith("bernoulli") or _uniform() < param.prob
    if kind == "bernoulli":
        value = float(happens)
    elif not happens and otherwise is not None:
        return otherwise
    else:
        value = param.mean if happens else 0.0
        if happens and spread > 0:
            value += spread * (_normal() if kind.startswith("gaussian") else 2 * _uniform() - 1)
        if param.exp:
            value = float(np.exp(value))
    if is_truth:
        value = float(value != 0)
    if param.discretize:
        value = math.copysign(math.floor(abs(value) + 0.5), value)
    value *= param.multiplier
    return float(value != 0) if is_truth else value


def drawn_row(
    param: caffe_pb2.AugmentationParameter,
    discounted: float,
    mode: str,
    given: np.ndarray,
    whole: Size,
    part: Size,
) -> np.ndarray:
    """A row for an image of size `whole`, of which `part` is cut.

    mode: "add" to the given row, "replace" in it what is drawn, "regenerate" without it.
    """
    row = np.zeros(len(NAMES)) if mode == "regenerate" else given.astype(float)
    if _any_of(param, PLACED):
        if mode == "replace":
            row[: len(SPATIAL)] = 0
        row = _within(param, discounted, row, whole, part)
    more = _pixels(param, discounted)
    if mode == "add":
        return row + to_row(UNCHANGED | more)
    return to_row(from_row(row) | more) if more else row


def _within(
    param: caffe_pb2.AugmentationParameter,
    discounted: float,
    row: np.ndarray,
    whole: Size,
    part: Size,
) -> np.ndarray:
    """The row with a place of its own whose corners lie in the image; as it is if none is found."""
    corners = np.array([[x, y, 1] for x in (0, part[1] - 1) for y in (0, part[0] - 1)])
    for _ in range(TRIES):
        tried = row + to_row(UNCHANGED | _place(param, discounted))
        with np.errstate(all="ignore"):
            at = corners @ transform(from_row(tried), part, whole).T
        if (at >= 0).all() and (np.floor(at) <= [whole[1] - 2, whole[0] - 2]).all():
            return tried
    return row


def _place(param: caffe_pb2.AugmentationParameter, discounted: float) -> Coefficients:
    found = dict.fromkeys(SPATIAL[:4], 0.0) | dict.fromkeys(SPATIAL[4:], 1.0)
    if param.HasField("mirror"):
        found["mirror"] = number(param.mirror, 0, is_truth=True)
    for field, names in (
        *(("translate", ("dx", "dy")), ("translate_x", ("dx",)), ("translate_y", ("dy",))),
        ("rotate", ("angle",)),
    ):
        if param.HasField(field):
            found |= {name: number(getattr(param, field), discounted, 0) for name in names}
    if param.HasField("zoom"):
        found["zoom_x"] = found["zoom_y"] = number(param.zoom, discounted, 1)
    if param.HasField("squeeze"):
        squeeze = number(param.squeeze, discounted, 1)
        found["zoom_x"] *= squeeze
        found["zoom_y"] = float(np.divide(found["zoom_y"], squeeze))
    return found


def _pixels(param: caffe_pb2.AugmentationParameter, discounted: float) -> Coefficients:
    """The coefficients that are drawn of colours and effects."""
    found: Coefficients = {}
    for field, names in ONE_BY_ONE.items():
        if _any_of(param, (field,)):
            found |= {name: number(getattr(param, field), discounted) for name in names}
    for field, names in TOGETHER.items():
        if _any_of(param, (field,)):
            found |= dict.fromkeys(names, number(getattr(param, field), discounted))
    for group in GROUPS:
        if _any_of(param, group):
            found |= {name: number(getattr(param, name), discounted, 0) for name in group}
    return found


def transform(values: Coefficients, part: Size, whole: Size) -> np.ndarray:
    """2 x 3: where in an image of size `whole` a pixel (x, y, 1) of what is cut comes from."""
    turn = -1 if values["mirror"] else 1
    sine, cosine = np.sin(values["angle"]), np.cos(values["angle"])
    centred = np.array([[turn, 0, -turn * part[1] / 2], [0, 1, -part[0] / 2]])
    at = np.array([[cosine, -sine], [sine, cosine]]) @ centred
    at[:, 2] += [values["dx"] * part[1], values["dy"] * part[0]]
    at /= np.array([[values["zoom_x"]], [values["zoom_y"]]])
    at[:, 2] += [whole[1] / 2, whole[0] / 2]
    return at


def _any_of(param: caffe_pb2.AugmentationParameter, fields: tuple[str, ...]) -> bool:
    return any(param.HasField(field) for field in fields)


def _uniform() -> float:
    return torch.rand((), generator=generator(), dtype=torch.double).item()


def _normal() -> float:
    return torch.randn((), generator=generator(), dtype=torch.double).item()
