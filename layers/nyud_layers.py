"""Data layer for NYUDv2 as S. Gupta et al. (ECCV 2014) prepare it: 40 classes, depth, HHA."""

import os

import numpy as np

from depth import check_millimetres
from seg_data_layer import SegDataLayer, planes, read_image, read_map
from seg_labels import from_one

TOPS = ("color", "depth", "hha", "label")


def _are_tops(value: object) -> bool:
    return (
        isinstance(value, (tuple, list))
        and len(value) > 0
        and len(set(value)) == len(value)
        and set(value) <= set(TOPS)
    )


class NYUDSegDataLayer(SegDataLayer):
    """NYUDv2. param_str takes `tops` as well, any of color, depth, hha and label, in their order.

    color is BGR minus the mean; depth (1, H, W) the logarithm of millimetres minus its mean; hha
    horizontal disparity, height above ground and angle with gravity minus their means; label the
    classes 0-39, 255 void (1-40 and 0 in the files).
    """

    dir_keys = ("nyud_dir",)
    split_path = "{nyud_dir}/{split}.txt"
    paths = {
        "color": "{nyud_dir}/data/images/img_{name}.png",
        "depth": "{nyud_dir}/data/depth/img_{name}.png",
        "hha": "{nyud_dir}/data/hha/img_{name}.png",
        "label": "{nyud_dir}/segmentation/img_{name}.mat",
    }
    tops = ("color", "label")
    own_keys = {"tops": (_are_tops, f"some of {', '.join(TOPS)}, each once")}
    mean = np.array((116.190, 97.203, 92.318), np.float32)
    mean_logd = np.float32(7.844)
    mean_hha = np.array((132.431, 94.076, 118.477), np.float32)

    load_color = SegDataLayer.load_data

    def load_depth(self, path: str) -> np.ndarray:
        """(1, H, W) float32: the logarithm of the depth at path less its mean."""
        return (np.log(read_filled_depth(path)) - self.mean_logd)[np.newaxis]

    def load_hha(self, path: str) -> np.ndarray:
        """(3, H, W) float32: the HHA image at path less its mean."""
        image = read_image(path)
        if image.mode != "RGB":
            raise ValueError(
                f"{path}: HHA image has mode {image.mode}; expected three channels (RGB): remove "
                "it and make it again (python -m data.prepare nyud)"
            )
        return planes(np.asarray(image), self.mean_hha)

    def load_label(self, path: str) -> np.ndarray:
        """(1, H, W) uint8: the classes at path, 0-39, and 255 for void."""
        return from_one(read_map(path, "segmentation"), 40, path)


def read_depth(path: str | os.PathLike) -> np.ndarray:
    """(H, W) float32 millimetres of a depth image; 0 where there is none."""
    image = read_image(path)
    if image.mode not in ("I;16", "I", "I;16B"):
        raise ValueError(
            f"{path}: depth image has mode {image.mode}; expected 16 bits of millimetres: "
            "store it as a 16-bit grey PNG"
        )
    return np.array(image, np.float32)


def read_filled_depth(path: str | os.PathLike) -> np.ndarray:
    """(H, W) float32 millimetres of a depth image; ValueError where a pixel has none, or others."""
    depth = read_depth(path)
    holes = int((depth <= 0).sum())
    if holes:
        raise ValueError(
            f"{path}: {holes} of {depth.size} pixels have depth 0, which has no logarithm; "
            "expected the depth with its holes filled: fill them, or train without depth"
        )
    check_millimetres(depth, path)
    return depth
