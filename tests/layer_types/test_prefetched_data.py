"""Data and ImageData: what they read, in which order, and that it can be repeated and resumed."""

import contextlib
import gc
import json
import os
import signal
import threading
import time
import weakref

import numpy as np
import pytest
from support.feed_data import (
    data_layer,
    feed_net,
    passes,
    pictures,
    same,
    write_database,
    write_images,
)
from support.laws import law
from support.net_text import net_of

import caffe
from caffe import CaffeError
from caffe.feeding import images
from caffe.formats.database import create_database
from caffe.proto import caffe_pb2

AUGMENT = "mirror: true crop_size: 3"


@pytest.fixture
def lmdb(tmp_path):
    """Five images of 3 x 4 x 5 in an LMDB, and those images."""
    arrays = pictures(5, 3, 4, 5)
    return write_database(tmp_path / "db", arrays), arrays


def source(path, size=2, more=""):
    return f'source: "{path}" backend: LMDB batch_size: {size} {more}'


@law("Data")
@pytest.mark.parametrize("backend", ["LMDB", "LEVELDB"])
def test_data_reads_a_database_in_order_and_again_from_its_start(tmp_path, backend):
    arrays = pictures(5, 3, 4, 5)
    path = write_database(tmp_path / "db", arrays, backend)
    net = feed_net("Data", f'source: "{path}" backend: {backend} batch_size: 3')
    assert net.blobs["data"].shape == (3, 3, 4, 5)
    assert net.blobs["label"].shape == (3,)
    for number, (data, label) in enumerate(passes(net, 4)):
        items = np.arange(3 * number, 3 * number + 3) % 5
        np.testing.assert_array_equal(data, arrays[items])
        np.testing.assert_array_equal(label, 10 * items)


@law("Data")
def test_data_reads_floats_encoded_images_and_no_labels(tmp_path):
    floats = np.random.RandomState(0).standard_normal((2, 2, 3, 4)).astype(np.float32)
    net = feed_net("Data", source(write_database(tmp_path / "floats", floats)), tops=1)
    np.testing.assert_array_equal(passes(net, 1, "data")[0][0], floats)

    colours = pictures(2, 3, 4, 5)
    with create_database(tmp_path / "encoded", "lmdb") as database:
        for i, array in enumerate(colours):
            data = images.encode(array.transpose(1, 2, 0), "png")
            datum = caffe_pb2.Datum(data=data, encoded=True, label=i)
            database.put(b"%d" % i, datum.SerializeToString())
    path = source(tmp_path / "encoded")
    np.testing.assert_array_equal(passes(feed_net("Data", path), 1)[0][0], colours)
    gray = passes(feed_net("Data", path, "force_gray: true"), 1)[0][0]
    assert gray.shape == (2, 1, 4, 5)
    weights = np.array([0.114, 0.587, 0.299])[:, None, None]
    assert abs((colours * weights).sum(1, keepdims=True) - gray).max() <= 1


@law("Data")
def test_data_takes_the_shape_of_each_batchs_first_image(tmp_path):
    arrays = [pictures(1, 3, 4, 5)[0], pictures(1, 3, 6, 2)[0]]
    net = feed_net("Data", source(write_database(tmp_path / "db", arrays), size=1))
    for array, (data, _) in zip(arrays * 2, passes(net, 4), strict=True):
        np.testing.assert_array_equal(data, array[None])


@law("Data")
def test_data_gives_the_next_layer_a_batch_and_a_held_view_shows_each_batch(lmdb):
    path, arrays = lmdb
    power = 'layer { name: "p" type: "Power" bottom: "data" top: "p" power_param { scale: 2 } }'
    net = net_of(data_layer("Data", source(path)) + power)
    view = net.blobs["data"].data
    for items in ([0, 1], [2, 3], [4, 0]):
        net.forward()
        np.testing.assert_array_equal(net.blobs["p"].data, 2.0 * arrays[items])
        np.testing.assert_array_equal(view, arrays[items])


def build(kind, folder, seed, order="shuffle: true", transform=AUGMENT, prefetch=4):
    prefetching = f"data_param {{ prefetch: {prefetch} }}"
    if kind == "Data":
        path = folder / "db"
        if not path.exists():
            write_database(path, pictures(7, 3, 5, 6))
        param = source(path, 3, f"prefetch: {prefetch}")
        return feed_net(kind, param, transform, phase=caffe.TRAIN, seed=seed)
    listed = folder / "list.txt"
    if not listed.exists():
        write_images(folder, pictures(7, 3, 5, 6))
    param = f'source: "{listed}" root_folder: "{folder}/" batch_size: 3 {order}'
    return feed_net(kind, param, transform, more=prefetching, phase=caffe.TRAIN, seed=seed)


@law("Data", "ImageData")
@pytest.mark.parametrize("kind", ["Data", "ImageData"])
def test_the_same_seed_gives_the_same_bits_however_many_threads_and_batches_ahead(
    kind, tmp_path, monkeypatch
):
    expected = passes(build(kind, tmp_path, seed=1), 8)
    assert same(passes(build(kind, tmp_path, seed=1), 8), expected)
    assert not same(passes(build(kind, tmp_path, seed=2), 8), expected)
    for threads, prefetch in ((1, 1), (8, 10)):
        monkeypatch.setattr("caffe.feeding.prefetch.THREADS", threads)
        assert same(passes(build(kind, tmp_path, seed=1, prefetch=prefetch), 8), expected)


@law("Data", "ImageData")
@pytest.mark.parametrize("kind", ["Data", "ImageData"])
@pytest.mark.parametrize("consumed", [0, 1, 2, 5])
def test_a_position_resumes_where_another_net_was(kind, tmp_path, consumed):
    net = build(kind, tmp_path, seed=1)
    passes(net, consumed)
    time.sleep(0.01)  # batches are read ahead meanwhile; they are not consumed
    position = json.loads(json.dumps(net.layers[0].state_dict()))
    assert position["item"] == 3 * consumed
    expected = passes(net, 5)
    other = build(kind, tmp_path, seed=2)
    passes(other, 3)
    other.layers[0].load_state_dict(position)
    assert other.layers[0].state_dict() == position
    assert same(passes(other, 5), expected)


def test_a_position_of_another_kind_is_refused(lmdb):
    layer = feed_net("Data", source(lmdb[0])).layers[0]
    with pytest.raises(CaffeError, match=r"layer 'd' \(Data\): a position has seed, item; found x"):
        layer.load_state_dict({"x": 1})
    for wrong in ({"seed": 1, "item": -1}, {"seed": 2**63, "item": 0}):
        with pytest.raises(CaffeError, match="values are at least 0 and below"):
            layer.load_state_dict(wrong)


def test_a_net_whose_layer_failed_can_be_collected(tmp_path):
    arrays = [*pictures(3, 3, 4, 5), pictures(1, 3, 4, 6)[0]]
    net = feed_net("Data", source(write_database(tmp_path / "db", arrays), size=4))
    for _ in range(2):
        with contextlib.suppress(CaffeError):
            net.forward()
    gone = weakref.ref(net)
    del net
    gc.collect()
    assert gone() is None


def test_nothing_is_read_ahead_before_the_first_forward_and_threads_end_with_the_net(lmdb):
    def threads():
        return sum(t.name == "caffe-prefetch" for t in threading.enumerate())

    gc.collect()
    before = threads()
    net = feed_net("Data", source(lmdb[0]))
    assert threads() == before
    net.forward()
    assert threads() > before
    gone = weakref.ref(net)
    del net
    gc.collect()
    assert gone() is None
    end = time.monotonic() + 10
    while threads() > before and time.monotonic() < end:
        time.sleep(0.005)
    assert threads() <= before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_reads_on_where_its_parent_was(lmdb):
    """No thread lives on in it, and what those of the parent were at is lost."""
    path, arrays = lmdb
    net = feed_net("Data", source(path, size=1, more="prefetch: 2"))
    net.forward()
    child = os.fork()
    if child == 0:
        right = False
        try:
            signal.alarm(20)
            found = np.concatenate([data for data, _ in passes(net, 9)])
            right = np.array_equal(found, np.concatenate([arrays, arrays])[1:])
        finally:
            os._exit(not right)
    assert os.waitpid(child, 0)[1] == 0
    np.testing.assert_array_equal(passes(net, 1)[0][0], arrays[1:2])


def test_rand_skip_of_a_data_layer_is_ignored_with_a_warning_as_in_caffe_1_0(lmdb, caplog):
    path, arrays = lmdb
    net = feed_net("Data", source(path, more="rand_skip: 4"))
    assert "rand_skip" in caplog.text
    np.testing.assert_array_equal(passes(net, 1)[0][0], arrays[:2])


def test_flow_leaves_all_but_raw_mirrored_datums_as_they_are(lmdb, tmp_path):
    path, arrays = lmdb
    data = passes(feed_net("Data", source(path), "flow: true"), 1)[0][0]
    np.testing.assert_array_equal(data, arrays[:2])
    with pytest.raises(CaffeError, match=r"layer 'd'.*flow with mirror: .*or set mirror: false"):
        feed_net("Data", source(path), "flow: true mirror: true")
    listed = write_images(tmp_path, arrays)
    param = f'source: "{listed}" root_folder: "{tmp_path}/" batch_size: 2'
    plain, flow = (
        passes(feed_net("ImageData", param, f"mirror: true {more}", seed=0), 3)
        for more in ("", "flow: true")
    )
    assert same(plain, flow)


# ImageData.


@law("ImageData")
def test_image_data_reads_a_list_whose_paths_may_hold_spaces(tmp_path):
    arrays = pictures(3, 3, 4, 5)
    listed = write_images(tmp_path, arrays, "picture no {}.png")
    net = feed_net("ImageData", f'source: "{listed}" root_folder: "{tmp_path}/" batch_size: 2')
    (first, labels), (second, _) = passes(net, 2)
    np.testing.assert_array_equal(first, arrays[:2])
    np.testing.assert_array_equal(labels, [0, 10])
    np.testing.assert_array_equal(second, arrays[[2, 0]])


@law("ImageData")
def test_image_data_resizes_and_reads_gray(tmp_path):
    arrays = pictures(2, 3, 4, 5)
    listed = write_images(tmp_path, arrays)
    size = "new_height: 6 new_width: 3 is_color: false"
    net = feed_net(
        "ImageData", f'source: "{listed}" root_folder: "{tmp_path}/" batch_size: 2 {size}'
    )
    data, _ = passes(net, 1)[0]
    for i, image in enumerate(data):
        expected = images.read_image(tmp_path / f"{i}.png", False, (6, 3))
        np.testing.assert_array_equal(image[0], expected[:, :, 0])


@pytest.mark.parametrize(
    ("least", "size"),
    [
        ((4, 7), (4, 7)),
        ((3, 2), (4, 7)),
        ((6, 9), (6, 11)),  # each lacks 2: the height counts; 10.5 is rounded up
        ((5, 9), (5, 9)),  # 5.14
        ((5, 3), (5, 9)),  # 8.75
        ((4, 8), (5, 8)),  # 4.57
    ],
)
def test_image_data_enlarges_what_is_smaller_than_the_least(tmp_path, least, size):
    listed = write_images(tmp_path, pictures(1, 3, 4, 7))
    param = f'source: "{listed}" root_folder: "{tmp_path}/" batch_size: 1 '
    param += "min_height: {} min_width: {}".format(*least)
    expected = images.read_image(tmp_path / "0.png", True, size).transpose(2, 0, 1)
    np.testing.assert_array_equal(passes(feed_net("ImageData", param), 1)[0][0][0], expected)
    data = passes(feed_net("ImageData", param + " new_height: 2 new_width: 2"), 1)[0][0]
    assert data.shape == (1, 3, 2, 2)


@law("ImageData")
def test_image_data_shuffles_each_time_through_and_misses_none(tmp_path):
    net = build("ImageData", tmp_path, seed=3, transform="")
    labels = np.concatenate([label for _, label in passes(net, 14)]).reshape(6, 7)
    assert all(sorted(epoch) == [10 * i for i in range(7)] for epoch in labels.tolist())
    assert len({tuple(epoch) for epoch in labels.tolist()}) > 4


def test_pairs_of_lines_stay_together_where_a_list_is_shuffled(tmp_path):
    net = build("ImageData", tmp_path, 3, "shuffle: true pair_size: 2", transform="")
    labels = np.concatenate([label for _, label in passes(net, 14)]).reshape(7, 3, 2)
    pairs = [[0, 10], [20, 30], [40, 50]]  # the seventh line is over
    assert all(sorted(epoch) == pairs for epoch in labels.tolist())
    assert len({str(epoch) for epoch in labels.tolist()}) > 2
    net = build("ImageData", tmp_path, 3, "pair_size: 2", transform="")
    labels = np.concatenate([label for _, label in passes(net, 3)])
    assert labels.tolist() == [0, 10, 20, 30, 40, 50, 60, 0, 10]
    with pytest.raises(caffe.CaffeError, match="pair_size is 1 to 7, its lines; found 8"):
        build("ImageData", tmp_path, 3, "pair_size: 8", transform="")


@law("ImageData")
def test_image_data_skips_at_random_at_most_rand_skip_at_its_start(tmp_path):
    starts = set()
    for seed in range(30):
        net = build("ImageData", tmp_path, seed, "rand_skip: 3", transform="")
        label = passes(net, 1)[0][1]
        starts.add(label[0])
        np.testing.assert_array_equal(label, (label[0] + np.array([0, 10, 20])) % 70)
    assert starts == {0, 10, 20}


# Errors.


@pytest.mark.parametrize(
    ("param", "transform", "message"),
    [
        ('source: "none" backend: LMDB batch_size: 1', "", "none"),
        ('source: "db" backend: LEVELDB batch_size: 1', "", "Set backend: LMDB"),
        ('source: "empty" backend: LMDB batch_size: 1', "", "empty: the database is empty"),
        ('source: "db" backend: LMDB', "", "Positive batch size required"),
        ('source: "db" backend: LMDB batch_size: 1 prefetch: 0', "", "prefetch is at least 1"),
        (
            'source: "db" backend: LMDB batch_size: 1',
            "crop_size: 5",
            "db, key b'00000000': crop_size 5 is larger than the image of height 4, width 5",
        ),
        (
            'source: "db" backend: LMDB batch_size: 1',
            "mean_value: 1 mean_value: 2",
            "Specify either 1 mean_value or as many as channels: 3; found 2",
        ),
        ('source: "db" backend: LMDB batch_size: 1', 'mean_file: "none"', "none: cannot be read"),
        (
            'source: "text" backend: LMDB batch_size: 1',
            "",
            "text, key b'0': its value: not a Datum",
        ),
    ],
)
def test_data_refuses_when_it_is_built(lmdb, monkeypatch, param, transform, message):
    folder = lmdb[0].parent
    write_database(folder / "empty", [])
    with create_database(folder / "text", "lmdb") as database:
        database.put(b"0", b"no datum")
    monkeypatch.chdir(folder)
    with pytest.raises(CaffeError, match=f"layer 'd' .Data.*{message}") as raised:
        feed_net("Data", param, transform)
    assert str(raised.value).count("layer 'd'") == 1


def test_data_names_the_item_at_which_it_fails_when_its_batch_is_due(tmp_path):
    arrays = [*pictures(5, 3, 4, 5), pictures(1, 3, 4, 6)[0]]
    net = feed_net("Data", source(write_database(tmp_path / "db", arrays)))
    passes(net, 2)
    message = r"layer 'd' \(Data\): .*db, key b'00000005': .*\(3, 4, 6\), in a batch .*\(3, 4, 5\)"
    for _ in range(2):
        with pytest.raises(CaffeError, match=message):
            net.forward()
    assert net.layers[0].state_dict()["item"] == 4


@pytest.mark.parametrize(
    ("text", "param", "message"),
    [
        ("", "", "list.txt: File is empty"),
        ("\n\n", "", "list.txt: File is empty"),
        (
            "0.png x\n",
            "",
            "list.txt:1: expected 'path label' .*; found '0.png x'",
        ),
        ("0.png 1\n1.png\n", "", "list.txt:2: expected 'path label'"),
        ("0.png 1 \n", "", "list.txt:1: expected"),
        ("0.png 3000000000\n", "", "list.txt:1: expected"),
        ("no.png 1\n", "", "list.txt:1: .*no.png: cannot be read"),
        ("list.txt 1\n", "", "list.txt:1: .*list.txt: an encoded image of .* cannot be decoded"),
        ("0.png 1\n", "new_height: 3", "requires new_height and new_width to be set"),
        ("0.png 1\n", "min_width: 3", "requires min_height and min_width to be set"),
        ("0.png 1\n", "batch_size: 0", "Positive batch size required"),
    ],
)
def test_image_data_refuses_when_it_is_built(tmp_path, text, param, message):
    listed = write_images(tmp_path, pictures(1, 3, 4, 5))
    listed.write_text(text)
    with pytest.raises(CaffeError, match=f"layer 'd' .ImageData.*{message}"):
        feed_net("ImageData", f'source: "{listed}" root_folder: "{tmp_path}/" {param}')


def test_image_data_without_its_list(tmp_path):
    with pytest.raises(CaffeError, match=r"layer 'd' \(ImageData\): .*none.txt: cannot be read"):
        feed_net("ImageData", f'source: "{tmp_path}/none.txt"')


def test_image_data_names_file_and_line_of_a_damaged_image_when_its_batch_is_due(tmp_path):
    listed = write_images(tmp_path, pictures(4, 3, 4, 5))
    broken = tmp_path / "2.png"
    broken.write_bytes(broken.read_bytes()[:40])
    net = feed_net("ImageData", f'source: "{listed}" root_folder: "{tmp_path}/" batch_size: 2')
    net.forward()
    with pytest.raises(CaffeError, match=r"layer 'd' .*list.txt:3: .*2.png: .*cannot be decoded"):
        net.forward()


def test_image_data_must_skip_less_than_there_is(tmp_path):
    listed = write_images(tmp_path, pictures(1, 3, 4, 5))
    param = f'source: "{listed}" root_folder: "{tmp_path}/" rand_skip: 1000000'
    with pytest.raises(CaffeError, match=r"Not enough points to skip: \d+, and .*list.txt has 1"):
        feed_net("ImageData", param, seed=1)
