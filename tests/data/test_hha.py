"""Laws of data/hha.py, on a room whose geometry is known: a floor and a wall, camera tilted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import hha

SIZE = (120, 160)


def rotation(pitch, roll):
    """The turn from the room to a camera that looks down; y is down, z along the floor."""
    c, s, e, t = np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    tilt = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return np.array([[e, -t, 0], [t, e, 0], [0, 0, 1]]) @ tilt


def room(pitch=0.0, roll=0.0, size=SIZE, height=1.3, wall=4.0):
    """Depth in millimetres, mask of the floor, direction of gravity in the camera's axes."""
    turn = rotation(pitch, roll)
    down, ahead = turn @ [0, 1, 0], turn @ [0, 0, 1]
    rays = hha.points(np.ones(size), hha.camera(*size))
    with np.errstate(divide="ignore"):
        to_floor = np.where(rays @ down > 0, height / (rays @ down), np.inf)
    to_wall = wall / (rays @ ahead)
    return 1000 * np.minimum(to_floor, to_wall), to_floor < to_wall, down


@given(st.floats(0.0, 0.5), st.floats(-0.2, 0.2))
@settings(max_examples=20, deadline=None)
def test_gravity_is_found_from_floor_and_wall_however_the_camera_is_held(pitch, roll):
    depth, _, down = room(pitch, roll)
    found = hha.gravity(hha.normals(depth / 1000, 10, hha.camera(*SIZE)))
    assert np.linalg.norm(found) == pytest.approx(1)
    assert np.degrees(np.arccos(min(1, found @ down))) < 3


def test_a_level_room_has_the_disparity_height_and_angle_that_it_has():
    depth, floor, _ = room()
    image = hha.encode(depth)
    assert (image.shape, image.dtype) == ((*SIZE, 3), np.uint8)
    # 1 pixel beyond the window of the finer normals
    edge = np.flatnonzero(np.diff(floor[:, 0].astype(int)))[0]
    away = np.ones(SIZE, bool)
    away[edge - 4 : edge + 6] = False
    disparity = np.clip(310 / (depth / 1000), 0, 255)
    assert np.abs(image[..., 0] - disparity).max() <= 0.5 + 1e-6
    assert image[..., 1][floor].max() <= 1  # gravity is an estimate
    assert set(image[..., 2][floor & away]) == {38}  # the normal points down: 0 degrees
    assert set(image[..., 2][~floor & away]) == {128}  # 90 degrees
    rows = np.arange(1, SIZE[0] + 1)
    _, focal, _, centre = hha.camera(*SIZE)
    above = 130 + 100 * 4.0 * (centre - rows) / focal
    wall = ~floor[:, 0]
    assert np.abs(image[wall, 0, 1] - np.clip(above[wall], 0, 255)).max() <= 1


def test_heights_above_a_floor_not_in_view_count_from_130_centimetres_below():
    image = hha.encode(np.full((60, 80), 1000.0))
    centre = (60 + 1) / 2
    middle = image[int(centre) - 1, :, 1]
    assert np.abs(middle.astype(int) - 130).max() <= 1


def test_points_nearer_than_a_metre_get_its_disparity_and_far_ones_less():
    near, far = (hha.encode(np.full((40, 40), d))[..., 0] for d in (500.0, 10000.0))
    assert set(near.ravel()) == {255}  # 310, saturated
    assert set(far.ravel()) == {31}


def test_holes_take_no_part_in_the_normals_of_their_surroundings():
    depth, _, _ = room()
    raw = depth.copy()
    raw[20:30, 20:30] = 0
    filled = depth.copy()
    filled[20:30, 20:30] = 900.0  # badly
    inside = np.zeros(SIZE, bool)
    inside[20:30, 20:30] = True
    plain, holed = hha.encode(depth), hha.encode(filled, raw)
    np.testing.assert_array_equal(holed[..., 2][~inside], plain[..., 2][~inside])


def test_where_nothing_is_measured_the_angle_is_180_degrees():
    depth, _, _ = room()
    raw = depth.copy()
    raw[:40, :40] = 0
    assert set(hha.encode(depth, raw)[:30, :30, 2].ravel()) == {180 + 38}


@given(
    st.tuples(*[st.floats(-0.8, 0.8)] * 2),
    st.floats(0.8, 9.0),
    st.integers(1, 3),
    st.integers(0, 2**32),
)
@settings(deadline=None)
def test_normals_are_those_of_the_least_squares_planes(slope, distance, radius, seed):
    """Planes n.p = 1 with noise and holes, each window solved by itself."""
    rng = np.random.default_rng(seed)
    lens = hha.camera(240, 320)
    rays = hha.points(np.ones((9, 11)), lens)
    depth = distance / (rays @ [*slope, 1.0])
    depth *= rng.uniform(0.99, 1.01, depth.shape)
    depth[rng.random(depth.shape) < 0.1] = 0
    found = hha.normals(depth, radius, lens)
    for y, x in ((4, 5), (0, 0), (8, 3)):
        window = np.s_[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
        there = depth[window] > 0
        if there.sum() < 4:
            continue
        rows, right = rays[window][there], 1 / depth[window][there]
        solution = np.linalg.lstsq(rows, right, rcond=None)[0]
        solution /= np.linalg.norm(solution)
        solution *= np.sign(solution @ rays[y, x])
        # Rays a pixel apart are nearly the same: a window's matrix has a condition near 1e6 to 1e8.
        np.testing.assert_allclose(found[y, x], solution, rtol=0, atol=1e-5)


def test_normals_of_planes_are_theirs_at_every_distance():
    lens = hha.camera(240, 320)
    normal = np.array([0.3, -0.2, 0.9]) / np.linalg.norm([0.3, -0.2, 0.9])
    rays = hha.points(np.ones((20, 30)), lens)
    for distance in (0.01, 1.0, 1000.0):
        found = hha.normals(distance / (rays @ normal), 3, lens)
        np.testing.assert_allclose(found, np.broadcast_to(normal, found.shape), atol=1e-6)


def test_nothing_in_the_window_is_no_normal_and_only_that():
    depth, _, _ = room()
    depth[10:50, 20:60] = 0
    missing = ~np.isfinite(hha.normals(depth / 1000, 3, hha.camera(*SIZE))).all(2)
    expected = np.zeros(SIZE, bool)
    expected[13:47, 23:57] = True
    np.testing.assert_array_equal(missing, expected)


def test_the_camera_can_be_given():
    depth, _, _ = room(size=hha.CROPPED)
    whole = (hha.FX, hha.FY, hha.CX, hha.CY)
    cut = hha.encode(depth)
    np.testing.assert_array_equal(hha.encode(depth, lens=hha.camera(*hha.CROPPED)), cut)
    np.testing.assert_array_equal(hha.encode(depth, lens=whole)[..., 0], cut[..., 0])
    assert (hha.encode(depth, lens=whole)[..., 1:] != cut[..., 1:]).any()


def test_the_camera_of_cut_images_is_the_whole_ones_moved():
    fx, fy, cx, cy = hha.camera(480, 640)
    assert hha.camera(425, 560) == (fx, fy, cx - 40, cy - 45)
    assert hha.camera(240, 320)[:2] == (fx / 2, fy / 2)


@given(st.integers(0, 2**32), st.integers(0, 5))
def test_window_sums_are_those_of_a_loop(seed, radius):
    values = np.random.default_rng(seed).integers(0, 9, (6, 7, 2)).astype(float)
    sums = hha._window_sums(values, radius)
    for y in range(6):
        for x in range(7):
            window = values[
                max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1
            ]
            np.testing.assert_allclose(sums[y, x], window.sum((0, 1)))
