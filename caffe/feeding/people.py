"""The people in a record of CMU's pose databases, and their joints."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..core.errors import CaffeError

ABSENT = 2  # of `visible`: outside of the image, and UNLABELLED; 0 and 1 are in it
UNLABELLED = 3

# Each joint of a net is the middle of two of the database's.
COCO = (
    np.array([0, 5, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]),
    np.array([0, 6, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]),
)
MPI = (
    np.array([9, 8, 12, 11, 10, 13, 14, 15, 2, 1, 0, 3, 4, 5, 7]),
    np.array([9, 8, 12, 11, 10, 13, 14, 15, 2, 1, 0, 3, 4, 5, 6]),
)
# The joints of a mirrored person, right for left.
COCO_MIRRORED = np.array([0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16])
MPI_MIRRORED = np.array([0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 14])


@dataclass(frozen=True)
class People:
    """Those of a record, the one that it is about first; places are x, y from 0 on."""

    centre: np.ndarray  # (2,) float64, of the first
    scale: float  # the height of the first over 368
    joints: np.ndarray  # (P, J, 2) float64
    visible: np.ndarray  # (P, J) int

    def moved(self, matrix: np.ndarray) -> "People":
        """With x, y, 1 times a (2, 3) matrix for each x, y."""
        turn, shift = matrix[:, :2].T, matrix[:, 2]
        return replace(self, centre=self.centre @ turn + shift, joints=self.joints @ turn + shift)


def read_people(rows: np.ndarray, joints: int) -> People:
    """The people of a record's rows (H, W) uint8, which are W bytes each; `joints` a person has.

    Row 1 has the image's height and width, row 2 how many others there are, 3 the centre, 4 the
    scale, 5 to 7 the joints' x, y and whether they are seen; then come the others' centres, a row
    with their scales, and three rows for each of them. Places count from 1 there.
    """
    _floats(rows, 4, 1)
    others = int(rows[2, 1])
    height, width = _floats(rows, 1, 2)
    starts = [5, *(9 + others + 3 * p for p in range(others))]
    places = np.stack(
        [
            np.stack([_floats(rows, start, joints), _floats(rows, start + 1, joints)], 1)
            for start in starts
        ]
    )
    places = places - 1
    marks = np.stack([_floats(rows, start + 2, joints) for start in starts])
    outside = ((places < 0) | (places >= [width, height])).any(2)
    visible = np.where(outside, ABSENT, marks != 0)
    visible[0][marks[0] == UNLABELLED] = UNLABELLED
    return People(
        _floats(rows, 3, 2) - 1, float(_floats(rows, 4, 1)[0]), places, visible.astype(int)
    )


def _floats(rows: np.ndarray, row: int, count: int) -> np.ndarray:
    if row >= len(rows) or 4 * count > rows.shape[1]:
        raise CaffeError(
            f"an image of {rows.shape[1]} x {len(rows)} has no {count} numbers in row {row} of its "
            "people; np_in_lmdb is how many joints the database has of each"
        )
    return np.frombuffer(rows[row].tobytes()[: 4 * count], "<f4").astype(np.float64)


def with_joints_of_nets(people: People, pairs: Sequence[np.ndarray]) -> People:
    """The people with joints that are the middles of the database's."""
    first, second = pairs
    if max(first.max(), second.max()) >= people.joints.shape[1]:
        raise CaffeError(
            f"np_in_lmdb is {people.joints.shape[1]}; these num_parts need at least "
            f"{max(first.max(), second.max()) + 1} joints"
        )
    a, b = people.visible[:, first], people.visible[:, second]
    seen = ((a != 0) & (b != 0)).astype(int)
    unlabelled = (a == UNLABELLED) | (b == UNLABELLED)
    if pairs is COCO:
        seen = np.where(unlabelled, UNLABELLED, seen)
    seen = np.where((a == ABSENT) | (b == ABSENT), ABSENT, seen)
    return replace(
        people, joints=(people.joints[:, first] + people.joints[:, second]) / 2, visible=seen
    )


def mirrored(people: People, width: int, order: np.ndarray) -> People:
    """The people of the mirrored image; `order` says which joint each becomes."""
    flip = np.array([[-1.0, 0, width - 1], [0, 1, 0]])
    people = people.moved(flip)
    return replace(people, joints=people.joints[:, order], visible=people.visible[:, order])
