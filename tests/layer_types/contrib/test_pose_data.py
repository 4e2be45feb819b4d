"""CPMData."""

import math

import numpy as np
import pytest
from support.feed_data import write_database
from support.laws import agree, law
from support.net_text import net_of

import caffe
from caffe.feeding.people import COCO, COCO_MIRRORED, MPI, MPI_MIRRORED
from caffe.feeding.pose_maps import COCO_LIMBS

HEIGHT, WIDTH = 40, 84
CENTRE = (40.0, 22.0)
STILL = (  # nothing is drawn
    "scale_prob: -1 max_rotate_degree: 0 center_perterb_max: 0 flip_prob: -1 target_dist: 0.5"
)


def numbers(values) -> np.ndarray:
    return np.frombuffer(np.asarray(values, "<f4").tobytes(), np.uint8)


def people_rows(joints: np.ndarray, visible: np.ndarray, scale: float = 0.5) -> np.ndarray:
    """A record's rows of the people, the first of whom it is about; places from 0 on."""
    rows = np.zeros((HEIGHT, WIDTH), np.uint8)

    def put(row, values):
        rows[row, : 4 * len(values)] = numbers(values)

    others = len(joints) - 1
    rows[0, :4] = np.frombuffer(b"COCO", np.uint8)
    put(1, [HEIGHT, WIDTH])
    rows[2, 1] = others
    put(3, np.add(CENTRE, 1))
    put(4, [scale])
    for start, places, seen in zip(
        [5, *(9 + others + 3 * p for p in range(others))], joints, visible, strict=True
    ):
        put(start, places[:, 0] + 1)
        put(start + 1, places[:, 1] + 1)
        put(start + 2, seen)
    return rows


def write_poses(path, joints, visible, scale=0.5, mask=255, seed=0):
    rng = np.random.RandomState(seed)
    image = rng.randint(0, 256, (3, HEIGHT, WIDTH)).astype(np.uint8)
    masks = np.full((2, HEIGHT, WIDTH), mask, np.uint8)
    record = np.concatenate([image, people_rows(joints, visible, scale)[None], masks])
    return image, write_database(path, [record])


def pose_net(path, more="", parts=56, joints=17, phase=caffe.TRAIN, size=(32, 24)):
    return net_of(
        'layer { name: "data" type: "CPMData" top: "data" top: "label" data_param { '
        f'source: "{path}" batch_size: 1 backend: LMDB }} cpm_transform_param {{ stride: 8 '
        f"crop_size_x: {size[0]} crop_size_y: {size[1]} num_parts: {parts} np_in_lmdb: {joints} "
        f"visualize: false do_clahe: false {more} }} }}",
        phase,
    )


def run(net):
    net.forward()
    return net.blobs["data"].data[0].astype(np.float64), net.blobs["label"].data[0]


def drawn_people(seed, joints, people=2):
    rng = np.random.RandomState(seed)
    places = rng.uniform([4, 4], [WIDTH - 4, HEIGHT - 4], (people, joints, 2)).astype(np.float32)
    visible = rng.randint(0, 2, (people, joints))
    return places, visible


def expected_maps(joints, visible, limbs, size, sigma=7.0, stride=8):
    """Of joints of the net, places in the image that is shown; Cao et al. 2017, as trained."""
    found = np.zeros((2 * len(limbs[0]) + joints.shape[1] + 1, *size))
    for person, seen in zip(joints, visible, strict=True):
        for j, (x, y) in enumerate(person):
            for r, c in np.ndindex(*size):
                far = (c * stride + 3.5 - x) ** 2 + (r * stride + 3.5 - y) ** 2
                if seen[j] < 2 and far / 2 / sigma**2 <= math.log(100):
                    at = (2 * len(limbs[0]) + j, r, c)
                    found[at] = min(1, found[at] + math.exp(-far / 2 / sigma**2))
        for k, (a, b) in enumerate(zip(*limbs, strict=True)):
            start, end = person[a] / 8, person[b] / 8
            along = (end - start) / np.hypot(*(end - start))
            low = np.floor(np.minimum(start, end) - 1 + 0.5)
            high = np.floor(np.maximum(start, end) + 1 + 0.5)
            for r, c in np.ndindex(*size):
                aside = abs((c - start[0]) * along[1] - (r - start[1]) * along[0])
                within = low[0] <= c < high[0] and low[1] <= r < high[1]
                if seen[a] < 2 and seen[b] < 2 and within and aside <= 1:
                    found[2 * k : 2 * k + 2, r, c] = along
    found[-1] = 1 - found[2 * len(limbs[0]) : -1].max(0)
    return found


@law("CPMData")
@pytest.mark.parametrize("seed", range(3))
def test_maps_of_joints_and_limbs_beside_their_image(tmp_path, seed):
    joints, visible = drawn_people(seed, 17)
    visible[0, 3] = 3
    image, path = write_poses(tmp_path / "db", joints, visible, mask=128, seed=seed)
    data, label = run(pose_net(path, phase=caffe.TEST))
    agree(data[:3], (image.astype(np.float64) - 128) / 256)
    assert not data[3:].any()
    assert label.shape == (2 * 57, 5, 10)
    weights = np.full((57, 5, 10), 128 / 255)
    weights[17] = 0  # joint 17 of the net is joint 3 of COCO
    agree(label[:57], weights)
    places = (joints[:, COCO[0]].astype(np.float64) + joints[:, COCO[1]]) / 2
    seen = visible[:, COCO[0]] & visible[:, COCO[1]]
    seen[0, 17] = 3
    agree(label[57:], expected_maps(places, seen, COCO_LIMBS, (5, 10)), 1e-4, 1e-5)


def test_joints_outside_of_the_image_are_in_no_map(tmp_path):
    joints, visible = drawn_people(0, 17, people=1)
    joints[0, 0] = (WIDTH + 3, 5)
    _, path = write_poses(tmp_path / "db", joints, visible)
    _, label = run(pose_net(path, phase=caffe.TEST))
    assert not label[57 + 38].any()


def turned(image, degree, places):
    """The image's values where the turned one's pixels `places` (x, y) were, cubically."""
    cos, sin = math.cos(math.radians(degree)), math.sin(math.radians(degree))
    centre = np.array([WIDTH / 2, HEIGHT / 2])
    half = np.abs([[cos, sin], [sin, cos]]) @ centre
    size = np.ceil(centre + half) - np.floor(centre - half) + 1
    turn = np.array([[cos, sin], [-sin, cos]])
    shift = size / 2 - turn @ centre

    def weight(t):
        t = abs(t)
        if t < 1:
            return 1.25 * t**3 - 2.25 * t**2 + 1
        return -0.75 * (t**3 - 5 * t**2 + 8 * t - 4) if t < 2 else 0

    found = np.zeros((3, len(places)))
    for i, place in enumerate(places):
        if not ((np.array(place) >= 0) & (np.array(place) < size)).all():
            found[:, i] = 128
            continue
        x, y = np.linalg.solve(turn, place - shift)
        for r in range(math.floor(y) - 1, math.floor(y) + 3):
            for c in range(math.floor(x) - 1, math.floor(x) + 3):
                inside = 0 <= r < HEIGHT and 0 <= c < WIDTH
                value = image[:, r, c] if inside else 128
                found[:, i] += weight(y - r) * weight(x - c) * value
    return found.clip(0, 255), turn, shift


def test_in_training_the_image_is_turned_and_cut_around_the_person(tmp_path):
    joints, visible = drawn_people(1, 17)
    image, path = write_poses(tmp_path / "db", joints, visible)
    data, label = run(pose_net(path, STILL, size=(16, 16)))
    _, turn, shift = turned(image, 0, [])
    left, above = np.rint(turn @ CENTRE + shift).astype(int) - 8
    places = [(left + c, above + r) for r in range(16) for c in range(16)]
    expected, *_ = turned(image, 0, places)
    shown = (data[:3] * 256 + 128).reshape(3, -1)
    assert np.abs(shown - expected).max() <= 0.51
    moved = (joints[:, COCO[0]].astype(np.float64) + joints[:, COCO[1]]) / 2
    moved = moved @ turn.T + shift - [left, above]
    seen = visible[:, COCO[0]] & visible[:, COCO[1]]
    agree(label[57:], expected_maps(moved, seen, COCO_LIMBS, (2, 2)), 1e-4, 1e-4)
    agree(label[:57], np.ones((57, 2, 2)))


def test_a_mirrored_person_has_its_right_on_the_left(tmp_path):
    joints, visible = drawn_people(2, 17)
    _, path = write_poses(tmp_path / "db", joints, visible | 1)
    data, label = run(pose_net(path, STILL))
    mirrored_data, mirrored_label = run(
        pose_net(path, STILL.replace("flip_prob: -1", "flip_prob: 1"))
    )
    agree(mirrored_data, data[:, :, ::-1])
    spots, mirrored_spots = label[57 + 38 : -1], mirrored_label[57 + 38 : -1]
    agree(mirrored_spots, spots[COCO_MIRRORED][:, :, ::-1], 1e-4, 1e-4)


def test_mirroring_twice_is_none():
    for order, pairs in ((COCO_MIRRORED, COCO), (MPI_MIRRORED, MPI)):
        assert (order[order] == np.arange(len(pairs[0]))).all()


def test_a_person_is_scaled_to_the_same_size(tmp_path):
    joints, visible = drawn_people(0, 17)
    _, path = write_poses(tmp_path / "db", joints, visible, scale=0.25)
    data, _ = run(pose_net(path, STILL, size=(400, 200)))
    inside = (data[:3] != 0).any(0)
    rows, columns = inside.any(1).sum(), inside.any(0).sum()
    assert abs(rows - 2 * HEIGHT) <= 6
    assert abs(columns - 2 * WIDTH) <= 6


def test_what_is_drawn_follows_from_the_seed(tmp_path):
    joints, visible = drawn_people(0, 17)
    _, path = write_poses(tmp_path / "db", joints, visible)
    found = []
    for seed in (1, 1, 2):
        caffe.set_random_seed(seed)
        found.append(run(pose_net(path, "max_rotate_degree: 40 center_perterb_max: 20"))[0])
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_people_of_mpi(tmp_path):
    joints, visible = drawn_people(0, 16)
    _, path = write_poses(tmp_path / "db", joints, visible)
    _, label = run(pose_net(path, parts=43, joints=16, phase=caffe.TEST))
    assert label.shape == (88, 5, 10)
    assert label[44 + 28 : -1].max() <= 1


@pytest.mark.parametrize(
    ("more", "joints", "message"),
    [
        ("num_parts: 14", 17, "num_parts is 56 .* found 14"),
        ("aug_way: 'table'", 17, "aug_way is rand; found table"),
        ("gray: 1", 17, "do_clahe and gray are not here"),
        ("", 14, "np_in_lmdb is 14; these num_parts need at least 17 joints"),
        ("", 40, "has no 40 numbers in row 5 of its people"),
    ],
)
def test_what_does_not_fit_says_so(tmp_path, more, joints, message):
    _, path = write_poses(tmp_path / "db", *drawn_people(0, 17))
    parts = 56 if "num_parts" not in more else 14
    with pytest.raises(caffe.CaffeError, match=message):
        pose_net(path, more.replace("num_parts: 14", ""), parts=parts, joints=joints)


def test_a_record_of_another_kind_is_named(tmp_path):
    path = write_database(tmp_path / "db", [np.zeros((4, 50, 60), np.uint8)])
    with pytest.raises(caffe.CaffeError, match="a record has 6 channels of bytes"):
        pose_net(path)


def test_a_missing_database_is_named(tmp_path):
    with pytest.raises(caffe.CaffeError, match=r"layer 'data' .CPMData.: .*nowhere"):
        pose_net(tmp_path / "nowhere")
