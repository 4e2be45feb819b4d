"""DataAugmentation, Mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.proto import caffe_pb2


@law("DataAugmentation")
@drawn()
@given(SEED, SMALL, st.booleans(), st.sampled_from([caffe.TRAIN, caffe.TEST]))
def test_the_mean_is_of_the_first_passes(seed, n, per_pixel, phase):
    body = f"recompute_mean: 2 mean_per_pixel: {str(per_pixel).lower()}"
    net = net_of(
        input_layer("x", n, 2, 3, 4) + 'layer { name: "l" type: "DataAugmentation" bottom: "x" '
        f'top: "y" augmentation_param {{ {body} }} }}',
        phase,
    )
    seen = []
    for i in range(3):
        x = normal(seed + i, n, 2, 3, 4)
        net.blobs["x"].data[...] = x
        net.forward()
        seen.append(x.astype(np.float64).mean(0))
        mean = np.mean(seen[:2], 0)
        if not per_pixel:
            mean = mean.mean((1, 2), keepdims=True)
        agree(net.blobs["y"].data, x - mean, 1e-4, 1e-5)
    assert net.params["l"][0].data.item() == 3
    agree(net.params["l"][1].data[0], np.mean(seen[:2], 0))
    agree(net.params["l"][2].data[0, :, 0, 0], np.mean(seen[:2], 0).mean((1, 2)))


@drawn()
@given(SEED, st.integers(2, 6), st.integers(2, 7))
def test_images_are_cut_from_their_centre_between_pixels(seed, height, width):
    x = normal(seed, 2, 3, 6, 7)
    body = f"crop_height: {height} crop_width: {width} mean: 1 mean: 2 mean: 3"
    found = run_layer(
        "DataAugmentation", f"augmentation_param {{ {body} mean_per_pixel: false }}", [x]
    ).y[0]
    expected = np.zeros((2, 3, height, width))
    for i, j in np.ndindex(height, width):
        at = [min(i - height / 2 + 3, 4.95), min(j - width / 2 + 3.5, 5.95)]
        y, z = map(int, at)
        dy, dz = at[0] - y, at[1] - z
        for row, column, weight in (
            (y, z, (1 - dy) * (1 - dz)),
            (y + 1, z, dy * (1 - dz)),
            (y, z + 1, (1 - dy) * dz),
            (y + 1, z + 1, dy * dz),
        ):
            expected[:, :, i, j] += weight * x[:, :, row, column].astype(np.float64)
    agree(found, expected - np.float64([1, 2, 3])[:, None, None], 1e-4)


def test_a_mean_of_images_of_another_size_is_taken_without_its_pixels(tmp_path):
    text = (
        'layer { name: "l" type: "DataAugmentation" bottom: "x" top: "y" augmentation_param '
        "{ recompute_mean: 1 mean_per_pixel: false } }"
    )
    trained = net_of(input_layer("x", 1, 2, 3, 4) + text, caffe.TRAIN)
    trained.blobs["x"].data[0] = np.arange(2)[:, None, None] + 5
    trained.forward()
    path = str(tmp_path / "trained.caffemodel")
    trained.save(path)
    net = net_of(input_layer("x", 1, 2, 6, 5) + text)
    net.copy_from(path)
    net.forward()
    agree(net.blobs["y"].data[0, :, 0, 0], [-5, -6])
    per_pixel = net_of(input_layer("x", 1, 2, 6, 5) + text.replace("false", "true"))
    with pytest.raises(caffe.CaffeError, match=r"parameter 1 has shape \(1, 2, 6, 5\)"):
        per_pixel.copy_from(path)


def test_random_changes_are_refused_where_they_were_drawn():
    body = "augmentation_param { crop_height: 2 crop_width: 2 zoom { spread: 1 } }"
    with pytest.raises(caffe.CaffeError, match="draws no zoom: change the images before"):
        run_layer("DataAugmentation", body, [np.zeros((1, 3, 4, 4))], phase=caffe.TRAIN)
    run_layer("DataAugmentation", body, [np.zeros((1, 3, 4, 4))])


@law("Mean")
@drawn()
@given(SEED, st.sampled_from(["ADD", "SUBTRACT"]))
def test_a_mean_is_added_or_taken_away(seed, operation):
    x, y = normal(seed, 2, 4, 3, 2), normal(seed + 1, 1, 2, 2, 2)
    body = (
        f"mean_param {{ operation: {operation} value: 3 value: -1 mean_scale: 2 input_scale: 0.5 "
        "output_scale: 4 }"
    )
    found = run_layer("Mean", body, [x, y], tops=2)
    mean = np.float64([3, -1])[:, None, None] * (2 if operation == "ADD" else -2)
    agree(found.y[0], 4 * (0.5 * x + np.tile(mean, (2, 1, 1))), 1e-4)
    agree(found.y[1], 4 * (0.5 * y + mean), 1e-4)


def test_a_mean_may_be_a_file(tmp_path):
    mean = normal(0, 1, 2, 3, 2)
    blob = caffe_pb2.BlobProto(num=1, channels=2, height=3, width=2, data=mean.flatten())
    path = tmp_path / "mean.binaryproto"
    path.write_bytes(blob.SerializeToString())
    body = f'mean_param {{ operation: SUBTRACT file: "{path}" }}'
    x = normal(1, 2, 2, 3, 2)
    agree(run_layer("Mean", body, [x]).y[0], x - mean)
    with pytest.raises(caffe.CaffeError, match="does not go into a bottom"):
        run_layer("Mean", body, [normal(1, 2, 2, 2, 2)])


def test_a_mean_needs_its_operation():
    with pytest.raises(caffe.CaffeError, match="needs an operation, and a file or values"):
        run_layer("Mean", "mean_param { value: 1 }", [normal(1, 2, 2, 2, 2)])
