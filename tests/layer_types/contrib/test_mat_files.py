"""MatWrite and MatRead."""

import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat
from support.laws import law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe


def write(folder, body, **blobs):
    bottoms = " ".join(f'bottom: "{name}"' for name in blobs)
    net = net_of(
        "".join(input_layer(name, *x.shape) for name, x in blobs.items())
        + f'layer {{ name: "w" type: "MatWrite" {bottoms} '
        f'mat_write_param {{ prefix: "{folder}/out/" {body} }} }}'
    )
    for name, x in blobs.items():
        net.blobs[name].data[...] = x
    return net


@law("MatWrite", "MatRead")
def test_what_is_written_is_read_again_an_item_a_file(tmp_path):
    items, vectors = normal(0, 3, 2, 4, 5), normal(1, 3, 6)
    (tmp_path / "names.txt").write_text("one.jpg 0\n\ntwo.jpg 1\nthree.jpg\n")
    source = f'source: "{tmp_path}/names.txt" strip: 4'
    net = write(tmp_path, source, a=items[:1], b=vectors[:1])
    for item, vector in zip(items, vectors, strict=True):
        net.blobs["a"].data[...], net.blobs["b"].data[...] = item, vector
        net.forward()
    with pytest.raises(caffe.CaffeError, match="no more than 3 lines, and this is pass 4"):
        net.forward()
    stored = loadmat(tmp_path / "out" / "two_blob_0.mat")["data"]
    assert stored.dtype == np.float32
    assert np.array_equal(stored, items[1:2].transpose(3, 2, 1, 0))  # W x H x C x N
    savemat(tmp_path / "out" / "two_blob_0.mat", {"data": stored[..., 0]})  # as Matlab writes it

    body = f'mat_read_param {{ prefix: "{tmp_path}/out/" {source} batch_size: 2 }}'
    net = run_layer("MatRead", body, [], tops=2).net
    assert np.array_equal(net.blobs["y0"].data, items[:2])
    assert np.array_equal(net.blobs["y1"].data[:, :, 0, 0], vectors[:2])
    layer = net.layer_dict["l"]
    assert layer.state_dict() == {"file": 2}
    for order in ([2, 0], [1, 2]):
        net.forward()
        assert np.array_equal(net.blobs["y0"].data, items[order])
    layer.load_state_dict({"file": 2})
    net.forward()
    assert np.array_equal(net.blobs["y0"].data, items[[2, 0]])


def test_without_a_list_every_period_has_its_number(tmp_path):
    net = write(tmp_path, "period: 2", a=np.zeros((1, 2)))
    for _ in range(4):
        net.forward()
    found = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert found == ["iter_0_blob_0.mat", "iter_2_blob_0.mat"]
    body = f'mat_read_param {{ prefix: "{tmp_path}/out/" }}'
    net = run_layer("MatRead", body, []).net
    assert net.blobs["y0"].data.shape == (1, 2, 1, 1)
    with pytest.raises(caffe.CaffeError, match=r"iter_1_blob_0\.mat"):
        net.forward()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"other": [1.0]}, "holds no array 'data'"),
        ({"data": "text"}, "iter_0_blob_0.mat"),
        ({"data": np.zeros((2, 3, 4, 5))}, "holds W x H x C x 1 values; found .2, 3, 4, 5"),
    ],
)
def test_a_file_of_something_else_is_named(tmp_path, values, message):
    savemat(tmp_path / "iter_0_blob_0.mat", values)
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer("MatRead", f'mat_read_param {{ prefix: "{tmp_path}/" }}', [])


def test_what_does_not_fit_says_so(tmp_path):
    (tmp_path / "names.txt").write_text("a\nbc\n")
    source = f'source: "{tmp_path}/names.txt" '
    with pytest.raises(caffe.CaffeError, match=r"names\.txt:1: cannot strip 1 characters off 'a'"):
        write(tmp_path, source + "strip: 1", a=np.zeros((1, 2)))
    with pytest.raises(caffe.CaffeError, match="period must be positive"):
        write(tmp_path, "period: 0", a=np.zeros((1, 2)))
    with pytest.raises(caffe.CaffeError, match="at most 4 axes"):
        write(tmp_path, "", a=np.zeros((1, 2, 1, 1, 1)))
    with pytest.raises(caffe.CaffeError, match="batch_size must be positive"):
        run_layer("MatRead", "mat_read_param { batch_size: 0 }", [])
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(caffe.CaffeError, match=r"empty\.txt lists no files"):
        run_layer("MatRead", f'mat_read_param {{ source: "{tmp_path}/empty.txt" }}', [])


def test_a_file_of_matlabs_newer_format_says_how_to_save_it(tmp_path):
    with h5py.File(tmp_path / "iter_0_blob_0.mat", "w", userblock_size=512) as file:
        file["data"] = np.zeros(3)
    head = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    with open(tmp_path / "iter_0_blob_0.mat", "r+b") as file:
        file.write(head)
    with pytest.raises(caffe.CaffeError, match=r"version 7\.3: save it with -v7"):
        run_layer("MatRead", f'mat_read_param {{ prefix: "{tmp_path}/" }}', [])
