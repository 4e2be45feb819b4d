"""ScaleRoute and HardMining of Cascade R-CNN."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law
from support.net_text import run_layer

import caffe


def regions(seed, count, images=2):
    rng = np.random.RandomState(seed)
    start = rng.uniform(0, 50, (count, 2))
    ends = start + rng.uniform(-2, 60, (count, 2))
    return np.c_[rng.randint(0, images, count), start, ends]


@law("ScaleRoute")
@drawn(25)
@given(
    SEED,
    st.sampled_from([(None, 16), (16, 32), (32, None), (900, 1000), (None, None), (1000, None)]),
)
def test_regions_of_a_size_go_on_or_the_nearest(seed, ends):
    rois, rows = regions(seed, 9), np.random.RandomState(seed).randn(9, 3, 1, 1)
    given_ends = [
        f"{name}: {end}" for name, end in zip(("low_scale", "high_scale"), ends, strict=True) if end
    ]
    body = f"scale_route_param {{ {' '.join(given_ends)} }}"
    found = run_layer("ScaleRoute", body, [rois[:, :, None, None], rows], tops=2).y
    sizes = [
        ((x2 - x1 + 1) * (y2 - y1 + 1)) ** 0.5 if x2 >= x1 and y2 >= y1 else 0
        for _, x1, y1, x2, y2 in rois
    ]
    low, high = ends
    kept = [k for k, s in enumerate(sizes) if (low or 0) <= s < (high or 1e9)]
    if not kept:
        middle = (low * high) ** 0.5 if low and high else low or high or 256
        kept = [min(range(9), key=lambda k: abs(np.log2(max(sizes[k], 1e-9) / middle)))]
    agree(found[0][:, :, 0, 0], rois[kept], 1e-6)
    agree(found[1], rows[kept], 1e-6)


@law("HardMining")
@drawn(25)
@given(SEED, st.sampled_from([1, 2, 4]), st.sampled_from([2, 3]))
def test_the_hardest_regions_of_each_image_go_on(seed, most, images):
    rois, rng = regions(seed, 9, images), np.random.RandomState(seed)
    losses, rows = rng.randint(0, 5, (9, 1, 1, 1)), rng.randn(9, 2, 1, 1)
    body = f"hard_mining_param {{ num_image: {images} num_roi_per_image: {most} }}"
    found = run_layer("HardMining", body, [losses, rois, rows], tops=2).y
    order = sorted(range(9), key=lambda k: (-losses[k, 0, 0, 0], -k))
    kept = [k for i in range(images) for k in [k for k in order if rois[k, 0] == i][:most]]
    kept += [k for k in order if k not in kept]
    kept = sorted(kept[: images * most])
    agree(found[0], rois[kept], 1e-6)
    agree(found[1], rows[kept], 1e-6)


@pytest.mark.parametrize(
    ("kind", "body", "shapes", "message"),
    [
        ("ScaleRoute", "", [(3, 4)], "needs regions R x 5"),
        ("ScaleRoute", "", [(3, 5), (2, 1)], "R rows in every other bottom"),
        ("ScaleRoute", "scale_route_param { low_scale: 0 }", [(3, 5)], "0 < low_scale <="),
        ("HardMining", "", [(3, 2), (3, 5)], "a loss for each region"),
        ("HardMining", "", [(3, 1), (3, 5), (3, 5)], "1 tops need 2 bottoms; found 3"),
        ("HardMining", "hard_mining_param { num_image: 0 }", [(3, 1), (3, 5)], "must be positive"),
    ],
)
def test_what_does_not_fit_says_so(kind, body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros(shape) for shape in shapes])


def test_a_region_of_an_image_beyond_says_so():
    with pytest.raises(caffe.CaffeError, match=r"num_image is 4, but a region is of image .4\.0"):
        run_layer("HardMining", "", [np.zeros((1, 1)), np.array([[4, 0, 0, 1, 1]])])
