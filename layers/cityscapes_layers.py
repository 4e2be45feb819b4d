"""Data layer for Cityscapes: fine annotations, labelIds mapped to the 19 trainIds."""

import numpy as np

from seg_data_layer import SegDataLayer, read_indices
from seg_labels import LABEL_IDS, TRAIN_IDS, VOID

# No street is without one of these labelIds, vegetation, sky, cars, ...: all beyond trainIds.
STREET = range(len(LABEL_IDS), LABEL_IDS[-1] + 1)
# Frequent as trainIds (terrain, sky, truck, bus, train, bicycle, void), rare as labelIds
ONLY_IN_TRAIN_IDS = (9, 10, 14, 15, 16, 18, VOID)


class CityscapesSegDataLayer(SegDataLayer):
    """Cityscapes. cityscapes_dir holds leftImg8bit/, gtFine/ and the splits' lists.

    Lists have lines such as aachen/aachen_000000_000019. Labels: the 19 classes, 255 void. The
    downscaled images are `downscale: 2`, the half cuts `cuts: (1, 2)`.
    """

    dir_keys = ("cityscapes_dir",)
    split_path = "{cityscapes_dir}/{split}.txt"
    paths = {
        "data": "{cityscapes_dir}/leftImg8bit/{split}/{name}_leftImg8bit.png",
        "label": "{cityscapes_dir}/gtFine/{split}/{name}_gtFine_labelIds.png",
    }
    mean = np.array((72.392, 82.909, 73.158), np.float32)

    def load_label(self, path: str) -> np.ndarray:
        """(1, H, W) uint8: the classes at path, 0-18, and 255 for void."""
        ids = read_indices(path)
        # 255 is -1, the licence plate's, in 8 bits
        wrong = np.unique(ids[(ids > LABEL_IDS[-1]) & (ids != VOID)])
        if wrong.size:
            raise ValueError(
                f"{path}: label values {wrong.tolist()}; expected labelIds, 0 to {LABEL_IDS[-1]}, "
                "as they are distributed: get the file again"
            )
        if np.isin(ids, ONLY_IN_TRAIN_IDS).any() and not np.isin(ids, STREET).any():
            raise ValueError(
                f"{path}: label values {np.unique(ids).tolist()}, which are trainIds, 0 to "
                f"{len(LABEL_IDS) - 1} and {VOID}, it seems; expected labelIds, 0 to "
                f"{LABEL_IDS[-1]}, as they are distributed: get the file again, or put "
                "*_gtFine_labelIds.png in its place"
            )
        return TRAIN_IDS[ids][np.newaxis]
