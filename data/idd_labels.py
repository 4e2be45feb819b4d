"""What the Indian Driving Dataset's annotations call things: names, ids, level 3 classes, colours.

As its public tools have them (AutoNUE/public-code, helpers/anue_labels.py).
"""

from typing import NamedTuple

from data.classes import IDD
from seg_labels import VOID


class Label(NamedTuple):
    """A name of the polygons: its id, its class at level 3 (VOID: not scored), its colour (RGB)."""

    id: int
    level3: int
    colour: tuple[int, int, int]


LABELS = {
    "road": Label(0, 0, (128, 64, 128)),
    "parking": Label(1, 1, (250, 170, 160)),
    "drivable fallback": Label(2, 1, (81, 0, 81)),
    "sidewalk": Label(3, 2, (244, 35, 232)),
    "rail track": Label(4, 3, (230, 150, 140)),
    "non-drivable fallback": Label(5, 3, (152, 251, 152)),
    "person": Label(6, 4, (220, 20, 60)),
    "animal": Label(7, 4, (246, 198, 145)),
    "rider": Label(8, 5, (255, 0, 0)),
    "motorcycle": Label(9, 6, (0, 0, 230)),
    "bicycle": Label(10, 7, (119, 11, 32)),
    "autorickshaw": Label(11, 8, (255, 204, 54)),
    "car": Label(12, 9, (0, 0, 142)),
    "truck": Label(13, 10, (0, 0, 70)),
    "bus": Label(14, 11, (0, 60, 100)),
    "caravan": Label(15, 12, (0, 0, 90)),
    "trailer": Label(16, 12, (0, 0, 110)),
    "train": Label(17, 12, (0, 80, 100)),
    "vehicle fallback": Label(18, 12, (136, 143, 153)),
    "curb": Label(19, 13, (220, 190, 40)),
    "wall": Label(20, 14, (102, 102, 156)),
    "fence": Label(21, 15, (190, 153, 153)),
    "guard rail": Label(22, 16, (180, 165, 180)),
    "billboard": Label(23, 17, (174, 64, 67)),
    "traffic sign": Label(24, 18, (220, 220, 0)),
    "traffic light": Label(25, 19, (250, 170, 30)),
    "pole": Label(26, 20, (153, 153, 153)),
    "polegroup": Label(27, 20, (153, 153, 153)),
    "obs-str-bar-fallback": Label(28, 21, (169, 187, 214)),
    "building": Label(29, 22, (70, 70, 70)),
    "bridge": Label(30, 23, (150, 100, 100)),
    "tunnel": Label(31, 23, (150, 120, 90)),
    "vegetation": Label(32, 24, (107, 142, 35)),
    "sky": Label(33, 25, (70, 130, 180)),
    "fallback background": Label(34, 25, (169, 187, 214)),
    "unlabeled": Label(35, VOID, (0, 0, 0)),
    "ego vehicle": Label(36, VOID, (0, 0, 0)),
    "rectification border": Label(37, VOID, (0, 0, 0)),
    "out of roi": Label(38, VOID, (0, 0, 0)),
    "license plate": Label(39, VOID, (0, 0, 142)),
}
PALETTE = tuple(LABELS[name].colour for name in IDD)  # of the classes at level 3
GROUP = "group"  # several of a kind, outlined together: cargroup is car


def label_of(name: str) -> Label:
    """The label of a polygon's name; ValueError for one that there is none of."""
    known = name if name in LABELS else name.removesuffix(GROUP)
    if known not in LABELS:
        raise ValueError(f"unknown class {name!r}; expected one of {', '.join(LABELS)}")
    return LABELS[known]
