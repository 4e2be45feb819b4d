"""CustomData."""

import ctypes

import numpy as np
import pytest
from support.feed_data import pictures, write_database
from support.laws import law
from support.net_text import net_of

import caffe
from caffe.formats.database import create_database
from caffe.proto import caffe_pb2

ENCODED = (
    "slice_point: [3, 6, 8] encoding: UINT8 encoding: UINT8 encoding: UINT16FLOW encoding: BOOL1"
)


def data_layer(path, body="", tops=1):
    names = " ".join(f'top: "y{i}"' for i in range(tops))
    return (
        f'layer {{ name: "d" type: "CustomData" {names} data_param {{ source: "{path}" '
        f"backend: LMDB {body} }} }}"
    )


def data_net(path, body="", tops=1, phase=caffe.TEST):
    return net_of(data_layer(path, body, tops), phase)


def pairs(count, height=5, width=7):
    """Two images, their flow, and a bit for each pixel."""
    rng = np.random.RandomState(0)
    flow = rng.randint(-(2**15), 2**15 - 1, (count, 2, height, width)) / 32
    flow[0, 0, 0, 0] = np.nan
    images = pictures(2 * count, 3, height, width).reshape(count, 6, height, width)
    return [(*pair, rng.randint(0, 2, (height, width))) for pair in zip(images, flow, strict=True)]


def write_pairs(path, items):
    """As convert_imageset_and_flow of FlowNet2 stores them."""
    with create_database(path, "lmdb") as database:
        for i, (images, flow, bits) in enumerate(items):
            numbers = np.where(np.isnan(flow), 32767, flow * 32).astype("<i2")
            data = images.tobytes() + numbers.tobytes()
            line = "".join(str(bit) for bit in bits.ravel())
            for first in range(0, len(line), 8):
                data += bytes([int(line[first : first + 8][::-1], 2)])
            datum = caffe_pb2.Datum(channels=9, height=flow.shape[1], width=flow.shape[2])
            datum.data = data
            database.put(b"%08d_%d.flo" % (i, 100 - i), datum.SerializeToString())
    return path


@law("CustomData")
def test_each_slice_of_a_record_is_a_top(tmp_path):
    items = pairs(3)
    path = write_pairs(tmp_path / "db", items)
    net = data_net(path, f"batch_size: 2 {ENCODED}", 4, caffe.TRAIN)
    assert [net.blobs[f"y{i}"].shape for i in range(4)] == [
        *((2, 3, 5, 7), (2, 3, 5, 7), (2, 2, 5, 7), (2, 1, 5, 7))
    ]
    for numbers in ((0, 1), (2, 0)):
        net.forward()
        for place, number in enumerate(numbers):
            images, flow, bits = items[number]
            found = [net.blobs[f"y{i}"].data[place] for i in range(4)]
            np.testing.assert_array_equal(found[0], images[:3])
            np.testing.assert_array_equal(found[1], images[3:])
            np.testing.assert_array_equal(found[2], flow)
            np.testing.assert_array_equal(found[3][0], bits)


def test_without_slices_there_may_be_labels_and_a_mean(tmp_path):
    arrays = pictures(2, 2, 3, 4)
    path = write_database(tmp_path / "db", arrays)
    net = data_net(path, "batch_size: 2 subtract: 3 scale: 0.5", 2)
    net.forward()
    mean = np.float32([3, 0])[:, None, None]
    np.testing.assert_array_equal(net.blobs["y0"].data, (arrays - mean) / 2)
    assert net.blobs["y1"].shape == (2, 1, 1, 1)
    assert net.blobs["y1"].data.ravel().tolist() == [0, 10]
    mean = pictures(1, 2, 3, 4, seed=1)
    blob = caffe_pb2.BlobProto(num=1, channels=2, height=3, width=4, data=mean.ravel().tolist())
    (tmp_path / "mean").write_bytes(blob.SerializeToString())
    net = data_net(path, f'mean_file: "{tmp_path}/mean"')
    net.forward()
    np.testing.assert_array_equal(net.blobs["y0"].data, np.float32(arrays[:1]) - mean)


def test_floats_are_taken_as_they_are(tmp_path):
    arrays = np.random.RandomState(0).randn(1, 3, 2, 2).astype(np.float32)
    path = write_database(tmp_path / "db", arrays)
    net = data_net(path, "slice_point: 1", 2)
    net.forward()
    np.testing.assert_array_equal(net.blobs["y1"].data, arrays[:, 1:])
    with pytest.raises(caffe.CaffeError, match="float_data have no encoding"):
        data_net(path, "slice_point: 1 encoding: UINT8", 2)


def order(path, body, count):
    """The numbers of the records, as a net reads them."""
    net = data_net(path, f"batch_size: {count} {body}", 2)
    net.forward()
    return [int(label) // 10 for label in net.blobs["y1"].data.ravel()]


def shuffled(values, seed, block=0):
    """By std::random_shuffle with this machine's rand(); FlowNet spares the last of a block."""
    libc, values = ctypes.CDLL(None), list(values)
    libc.srand(seed)
    size = block or len(values) + 1
    for first in range(0, len(values), size):
        part = values[first : first + size][: None if not block else -1]
        for i in range(1, len(part)):
            j = libc.rand() % (i + 1)
            part[i], part[j] = part[j], part[i]
        values[first : first + len(part)] = part
    return values


@pytest.fixture
def hundred(tmp_path):
    return write_database(tmp_path / "db", pictures(100, 1, 1, 2))


def test_records_come_in_an_order_of_their_seed(hundred):
    assert order(hundred, "", 100) == list(range(100))
    body = "rand_permute: true rand_permute_seed: 77"
    expected = shuffled(range(100), 77)
    assert order(hundred, body, 200) == expected * 2
    assert order(hundred, f"{body} range_start: 20 range_end: 49", 40) == [
        *(*expected[20:50], *expected[20:30])
    ]
    late = f"{body} range_start: 95 range_end: 200 rand_permute_order: FIRST_RANGE_THEN_PERMUTE"
    assert order(hundred, late, 5) == shuffled(range(95, 100), 77)
    large = 2**32 - 5
    assert order(hundred, body.replace("77", f"{large}"), 100) == shuffled(range(100), large)
    assert order(hundred, f"{body} block_size: 8", 100) == shuffled(range(100), 77, 8)


def test_without_a_seed_the_order_is_drawn(hundred):
    found = []
    for seed in (0, 0, 1):
        caffe.set_random_seed(seed)
        found.append(order(hundred, "rand_permute: true", 100))
    assert found[0] == found[1] != found[2]
    assert sorted(found[2]) == list(range(100))


def test_the_order_is_another_after_so_many_batches(hundred):
    body = "rand_permute: true rand_permute_seed: 3 permute_every_iter: 2 batch_size: 50"
    net = data_net(hundred, body, 2)
    rounds = []
    for _ in range(3):
        labels = []
        for _ in range(2):
            net.forward()
            labels += net.blobs["y1"].data.ravel().tolist()
        rounds.append([int(label) // 10 for label in labels])
    assert rounds[0] == shuffled(range(100), 3)
    assert rounds[0] != rounds[1] != rounds[2]
    assert all(sorted(each) == list(range(100)) for each in rounds)


def test_a_run_that_is_resumed_goes_on_with_its_order(hundred):
    text = data_layer(hundred, "rand_permute: true permute_every_iter: 1 batch_size: 70", 2)
    caffe.set_random_seed(0)
    net, other = net_of(text), net_of(text)
    net.forward()
    other._graph.layers[0].load_state_dict(net._graph.layers[0].state_dict())
    for _ in range(2):
        net.forward()
        other.forward()
        np.testing.assert_array_equal(net.blobs["y1"].data, other.blobs["y1"].data)


def test_a_file_tells_which_records_are_taken(hundred, tmp_path):
    listed = tmp_path / "split.list"
    listed.write_text("\n".join(str(1 + i % 3) for i in range(100)))
    body = f'preselection_file: "{listed}"'
    assert order(hundred, f"{body} preselection_label: 2", 4) == [1, 4, 7, 10]
    for more, text, words in (
        ("", "1", "preselection_label is missing"),
        ("preselection_label: 2", "1 2", "needs a label for each of 100 records; found 2"),
        ("preselection_label: 2", "1 a", "split.list: needs a label, an integer"),
        ("preselection_label: 4", "1 " * 100, "no record has preselection_label 4"),
    ):
        listed.write_text(text)
        with pytest.raises(caffe.CaffeError, match=words):
            data_net(hundred, f"{body} {more}")


@pytest.mark.parametrize(
    ("body", "tops", "words"),
    [
        ("slice_point: 4 slice_point: 3", 3, r"slice_point increases, between 0 and the 9"),
        ("slice_point: 9", 2, r"slice_point increases"),
        ("slice_point: 3", 1, "needs a top for each of 2 slices"),
        ("slice_point: 3", 3, "needs a top for each of 2 slices"),
        ("slice_point: 3", 2, r"key .*: a Datum of shape \(9, 5, 7\) has 315 bytes .* found 355"),
        (ENCODED.replace("6, 8", "6, 7"), 4, "BOOL1 has 1 channel; found 2"),
        ("crop_size: 2", 1, "has no crop_size"),
        ("rand_skip: 2", 1, "has no rand_skip"),
        ("batch_size: 0", 1, "Positive batch size required"),
        ("range_start: 1 range_end: 0", 1, "range_end is before range_start; found 0 and 1"),
        ("subtract: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]", 1, "of 9 channels at most; found 10"),
    ],
)
def test_what_does_not_fit_says_why(tmp_path, body, tops, words):
    with pytest.raises(caffe.CaffeError, match=words) as error:
        data_net(write_pairs(tmp_path / "db", pairs(2)), body, tops)
    assert "layer 'd' (CustomData)" in str(error.value)


def test_a_leveldb_is_none_of_its_databases(tmp_path):
    with pytest.raises(caffe.CaffeError, match="reads an LMDB alone; write backend: LMDB"):
        net_of(data_layer(tmp_path).replace("LMDB", "LEVELDB"))


def test_records_of_another_size_are_refused(tmp_path):
    path = write_database(tmp_path / "db", [*pictures(1, 2, 3, 4), *pictures(1, 2, 4, 3)])
    net = data_net(path, "batch_size: 2")
    with pytest.raises(caffe.CaffeError, match=r"a Datum of shape \(2, 4, 3\); the first"):
        net.forward()


TRAINING = """
layer { name: "a" type: "Eltwise" bottom: "y0" top: "a" eltwise_param { coeff: 0.00392156862745 } }
layer { name: "b" type: "Eltwise" bottom: "y1" top: "b" eltwise_param { coeff: 0.00392156862745 } }
layer { name: "none" type: "Silence" bottom: "y3" }
layer { name: "a_aug" type: "DataAugmentation" bottom: "a" top: "a_aug" top: "a_params"
  propagate_down: false
  augmentation_param { max_multiplier: 1 augment_during_test: false recompute_mean: 1000
    mean_per_pixel: false crop_width: 16 crop_height: 8
    translate { rand_type: "uniform_bernoulli" spread: 0.4 }
    rotate { rand_type: "uniform_bernoulli" spread: 0.4 }
    zoom { rand_type: "uniform_bernoulli" exp: true mean: 0.2 spread: 0.4 }
    lmult_pow { rand_type: "uniform_bernoulli" exp: true mean: -0.2 spread: 0.4 }
    sat_mult { rand_type: "uniform_bernoulli" exp: true mean: -0.3 spread: 0.5 }
    col_rotate { rand_type: "uniform_bernoulli" spread: 1 }
    noise { rand_type: "uniform_bernoulli" mean: 0.03 spread: 0.03 } VECTORS } }
layer { name: "drawn" type: "GenerateAugmentationParameters" bottom: "a_params" bottom: "a"
  bottom: "a_aug" top: "b_params"
  augmentation_param { augment_during_test: false
    translate { rand_type: "gaussian_bernoulli" spread: 0.03 }
    gamma { rand_type: "gaussian_bernoulli" exp: true spread: 0.02 } }
  coeff_schedule_param { half_life: 50000 initial_coeff: 0.5 final_coeff: 1 } }
layer { name: "b_aug" type: "DataAugmentation" bottom: "b" bottom: "b_params" top: "b_aug"
  propagate_down: false propagate_down: false
  augmentation_param { max_multiplier: 1 recompute_mean: 1000 mean_per_pixel: false
    crop_width: 16 crop_height: 8 VECTORS } }
layer { name: "flow" type: "FlowAugmentation" bottom: "y2" bottom: "a_params" bottom: "b_params"
  top: "flow" augmentation_param { crop_width: 16 crop_height: 8 } }
layer { name: "conv" type: "Convolution" bottom: "a_aug" bottom: "b_aug" top: "p" top: "q"
  convolution_param { num_output: 2 kernel_size: 3 pad: 1 weight_filler { type: "msra" } } }
layer { name: "sum" type: "Eltwise" bottom: "p" bottom: "q" top: "found" }
layer { name: "loss" type: "L1Loss" bottom: "found" bottom: "flow" top: "loss"
  l1_loss_param { l2_per_location: true } }
"""


def test_a_net_of_flownets_family_learns_from_such_records(tmp_path):
    path = write_pairs(tmp_path / "db", pairs(3, 20, 30))
    body = f"batch_size: 2 rand_permute: true rand_permute_seed: 77 {ENCODED} verbose: true"
    vectors = "chromatic_eigvec: [0.51, 0.56, 0.65, 0.79, 0.01, -0.62, 0.35, -0.83, 0.44]"
    text = data_layer(path, body, 4) + TRAINING.replace("VECTORS", vectors)
    caffe.set_random_seed(0)
    net = net_of(text, caffe.TRAIN)
    for _ in range(2):
        net.forward()
        net.backward()
    assert np.isfinite(net.blobs["loss"].data)
    assert net.params["conv"][0].diff.any()
    assert net.params["a_aug"][0].data.item() == 2
    assert [net.blobs[name].shape for name in ("a_aug", "b_params", "flow")] == [
        *((2, 3, 8, 16), (2, 42, 1, 1), (2, 2, 8, 16))
    ]
