"""Laws of layers/depth.py: depth in another unit than millimetres does not pass."""

import numpy as np
import pytest

from data import hha
from data.scenes import landscape
from data.synthetic import _depth
from depth import check_millimetres

ROOM = np.linspace(700, 6000, 12 * 16).reshape(12, 16)


@pytest.mark.parametrize("factor", [1, 1.5, 0.6])
def test_rooms_in_millimetres_pass_holes_and_all(factor):
    depth = factor * ROOM
    check_millimetres(depth, "a.png")
    depth[2:5] = 0
    check_millimetres(depth, "a.png")
    check_millimetres(np.zeros((3, 4)), "a.png")


@pytest.mark.parametrize("size", [(96, 128), (64, 192), (480, 640), (64, 64)])
def test_the_twins_depth_is_a_rooms(size):
    for seed in range(3):
        _, _, instance, horizon = landscape(size, seed)
        check_millimetres(_depth(instance, horizon), "twin")


@pytest.mark.parametrize(
    ("factor", "unit"),
    [(1 / 1000, "metres"), (1 / 10, "centimetres"), (10, "tenths of millimetres")],
)
def test_other_units_are_named_with_what_was_found_and_expected(factor, unit):
    message = rf"expected millimetres, with a median of 400 to 10000 .* 20000: is it in {unit}"
    for depth in (factor * ROOM, (factor * ROOM).astype(np.uint16)):
        with pytest.raises(ValueError, match=rf"a\.png: depth has a median of .*{message}"):
            check_millimetres(depth, "a.png")
        with pytest.raises(ValueError, match=rf"HHA: depth has a median of .*{message}"):
            hha.encode(depth)


def test_holes_that_are_full_of_ones_are_told():
    depth = ROOM.copy()
    depth[:2] = 65535
    with pytest.raises(ValueError, match="goes up to 65535; expected millimetres"):
        check_millimetres(depth, "a.png")
