"""Which rank reads what: in training each an n-th of the items, in a test whole passes in turn."""

import itertools

import numpy as np
import pytest
from support.feed_data import data_layer, pictures, write_database, write_images
from support.net_text import net_of

import caffe
from caffe import CaffeError
from caffe.core import ranks
from caffe.solver.turns import can_take_turns, turns
from data import synthetic

h5py = pytest.importorskip("h5py")


@pytest.fixture
def be_rank():
    """A function that makes this process one of several ranks."""

    def be(rank: int, count: int) -> None:
        caffe.set_solver_count(count)
        caffe.set_solver_rank(rank)

    yield be
    be(0, 1)


def data(folder, batch):
    path = write_database(folder / "db", pictures(7, 3, 6, 5))
    return data_layer("Data", f'source: "{path}" backend: LMDB batch_size: {batch}', "mirror: true")


def image_data(folder, batch):
    path = write_images(folder, pictures(7, 3, 6, 5))
    param = f'source: "{path}" root_folder: "{folder}/" batch_size: {batch} shuffle: true'
    return data_layer("ImageData", param, "mirror: true crop_size: 4")


def hdf5_data(folder, batch):
    paths = []
    for i, rows in enumerate([3, 1, 5]):
        paths.append(folder / f"{i}.h5")
        with h5py.File(paths[-1], "w") as file:
            file["data"] = 10 * i + np.arange(rows, dtype=np.float32)[:, None]
            file["label"] = np.arange(rows, dtype=np.float32)
    (folder / "list.txt").write_text("\n".join(map(str, paths)))
    return (
        'layer { name: "d" type: "HDF5Data" top: "data" top: "label" hdf5_data_param { '
        f'source: "{folder}/list.txt" batch_size: {batch} shuffle: true }} }}'
    )


def segmentation(folder, batch):
    synthetic.generate(folder / "data", train=7, val=2, size=(40, 48), seed=1)
    voc = folder / "data" / "pascal" / "VOC2011"
    param = f"{{'voc_dir': '{voc}', 'split': 'train', 'seed': 3, 'mirror': True, 'batch': {batch}, "
    param += "'randomize': True, 'size': (40, 48), 'mean': (104, 117, 123)}"
    return (
        'layer { name: "d" type: "Python" top: "data" top: "label" python_param { '
        f'module: "voc_layers" layer: "VOCSegDataLayer" param_str: "{param}" }} }}'
    )


LAYERS = [data, image_data, hdf5_data, segmentation]


def net_on(layer: str, phase: int) -> caffe.Net:
    caffe.set_random_seed(4)
    return net_of(layer, phase)


def items(net: caffe.Net, passes: int) -> list[tuple[bytes, bytes]]:
    """What each item of so many passes is."""
    found = []
    for _ in range(passes):
        net.forward()
        pair = (net.blobs[name].data for name in ("data", "label"))
        found += [(x.tobytes(), y.tobytes()) for x, y in zip(*pair, strict=True)]
    return found


def place(net: caffe.Net) -> dict:
    return net.layers[0].state_dict()


@pytest.mark.parametrize("make", LAYERS)
@pytest.mark.parametrize(("count", "batch"), [(2, 3), (3, 1), (3, 2)])
def test_in_training_item_i_is_that_of_rank_i_modulo_their_number(
    tmp_path, be_rank, make, count, batch
):
    layer = make(tmp_path, batch)
    alone = net_on(layer, caffe.TRAIN)
    expected = items(alone, 3 * count)
    shares = []
    for rank in range(count):
        be_rank(rank, count)
        net = net_on(layer, caffe.TRAIN)
        shares.append(items(net, 3))
        assert place(net) == place(alone)  # one place for all, whatever their number
    assert [*itertools.chain(*zip(*shares, strict=True))] == expected


@pytest.mark.parametrize("make", LAYERS)
def test_a_place_of_one_rank_is_that_of_any_number(tmp_path, be_rank, make):
    layer = make(tmp_path, 2)
    alone = net_on(layer, caffe.TRAIN)
    items(alone, 4)
    stored = place(alone)
    expected = items(alone, 3)
    shares = []
    for rank in range(3):
        be_rank(rank, 3)
        net = net_on(layer, caffe.TRAIN)
        net.layers[0].load_state_dict(stored)
        shares.append(items(net, 1))
    assert [*itertools.chain(*zip(*shares, strict=True))] == expected


@pytest.mark.parametrize("make", LAYERS)
def test_a_test_is_read_in_turn_and_leaves_the_data_where_one_rank_does(tmp_path, be_rank, make):
    layer = make(tmp_path, 2)
    alone = net_on(layer, caffe.TEST)
    passes, count = 5, 3
    expected = [items(alone, 1) for _ in range(passes)]
    found = {}
    for rank in range(count):
        be_rank(rank, count)
        net = net_on(layer, caffe.TEST)
        assert can_take_turns(net)
        with turns(net, rank, count, passes):
            for i in range(rank, passes, count):
                found[i] = items(net, 1)
        assert place(net) == place(alone)
        assert items(net, 2) == items(net_at(layer, place(alone)), 2)
    assert [found[i] for i in range(passes)] == expected


def net_at(layer, stored):
    net = net_on(layer, caffe.TEST)
    net.layers[0].load_state_dict(stored)
    return net


@pytest.mark.parametrize("make", LAYERS)
def test_in_a_test_that_nobody_shares_each_rank_reads_all(tmp_path, be_rank, make):
    layer = make(tmp_path, 2)
    expected = items(net_on(layer, caffe.TEST), 3)
    be_rank(1, 2)
    assert items(net_on(layer, caffe.TEST), 3) == expected


@pytest.mark.parametrize("make", LAYERS)
def test_fewer_images_than_ranks_are_refused(tmp_path, be_rank, make):
    layer = make(tmp_path, 1)
    be_rank(0, 10)
    with pytest.raises((CaffeError, ValueError), match=r"(7|9) (item|image)\(s\) for 10 ranks"):
        net_on(layer, caffe.TRAIN)


def test_a_rank_that_their_number_does_not_have_is_refused(tmp_path, be_rank):
    be_rank(2, 2)
    with pytest.raises(CaffeError, match="rank is 2, of 2 solver"):
        net_on(data(tmp_path, 1), caffe.TRAIN)


def test_windows_keep_their_share_of_foreground(tmp_path, be_rank):
    write_images(tmp_path, pictures(2, 3, 24, 20))
    path = tmp_path / "windows.txt"
    rows = "1 0.9 2 3 12 15\n2 0.8 0 0 19 8\n0 0.1 5 5 9 22\n0 0.2 1 1 5 5\n"
    path.write_text(f"# 0\n0.png\n3\n24\n20\n4\n{rows}# 1\n1.png\n3\n24\n20\n4\n{rows}")
    layer = data_layer(
        "WindowData",
        f'source: "{path}" root_folder: "{tmp_path}/" batch_size: 4 fg_threshold: 0.5 '
        "bg_threshold: 0.3 fg_fraction: 0.25",
        "crop_size: 9",
    )
    for rank in range(3):
        be_rank(rank, 3)
        net = net_on(layer, caffe.TRAIN)
        for _ in range(4):
            labels = net.forward()["label"]
            assert (labels > 0).tolist() == [False, False, False, True]


def test_a_share_is_an_nth_or_whole_batches():
    assert [*ranks.Share(1, 3).offsets(2)] == [1, 4]
    assert [*ranks.Share(1, 3, by_pass=True).offsets(2)] == [2, 3]


def test_a_net_that_draws_or_whose_data_nobody_knows_takes_no_turns(tmp_path):
    known = data(tmp_path, 1)
    dropout = 'layer { name: "o" type: "Dropout" bottom: "data" top: "o" }'
    assert can_take_turns(net_on(known + dropout, caffe.TEST))
    assert not can_take_turns(net_on(known + dropout, caffe.TRAIN))
    given = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 } } }'
    assert not can_take_turns(net_on(known + given, caffe.TEST))
