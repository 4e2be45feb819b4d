"""MatWrite: blobs as Matlab's files."""

import numpy as np
import pytest
from scipy.io import loadmat
from support.laws import law, normal
from support.layer_text import v1_layer
from support.net_text import input_layer, net_of
from support.published.segmentation import deeplab_largefov

import caffe


def writer(param, shapes=((2, 3, 4, 5),)):
    bottoms = "".join(f' bottom: "x{i}"' for i in range(len(shapes)))
    return net_of(
        "".join(input_layer(f"x{i}", *shape) for i, shape in enumerate(shapes))
        + f'layer {{ name: "m" type: "MatWrite" {bottoms} mat_write_param {{ {param} }} }}'
    )


@law("MatWrite")
@pytest.mark.parametrize("shapes", [((2, 3, 4, 5), (1, 7)), ((3,), ())])
def test_the_bottoms_are_matlabs_arrays_with_the_axes_the_other_way_round(tmp_path, shapes):
    net = writer(f'prefix: "{tmp_path}/fc8/"', shapes)
    for number in range(2):
        inputs = {f"x{i}": normal(number + i, *shape) for i, shape in enumerate(shapes)}
        for name, value in inputs.items():
            net.blobs[name].data[...] = value
        net.forward()
        for i, value in enumerate(inputs.values()):
            found = loadmat(tmp_path / "fc8" / f"iter_{number}_blob_{i}.mat")["data"]
            assert found.dtype == np.float32
            full = value.reshape(value.shape + (1,) * (4 - value.ndim))
            np.testing.assert_array_equal(found, full.T)


def test_names_are_the_lists_without_their_ends_and_periods_leave_passes_out(tmp_path):
    source = tmp_path / "list.txt"
    source.write_text("2007_1.jpg label\n2007_2.jpg\n2007_3.jpg\n")
    net = writer(f'prefix: "{tmp_path}/" source: "{source}" strip: 4 period: 2')
    for _ in range(3):
        net.forward()
    written = sorted(path.name for path in tmp_path.glob("*.mat"))
    assert written == ["2007_1_blob_0.mat", "2007_3_blob_0.mat"]
    net.forward()  # one of those that are left out
    with pytest.raises(caffe.CaffeError, match=r"'m' .MatWrite.*pass 5, but .*list\.txt has 3"):
        net.forward()


@pytest.mark.parametrize(
    ("param", "said"),
    [
        ('prefix: ""', "needs a prefix"),
        ('prefix: "a" period: 0', "period is at least 1; found 0"),
        ('prefix: "a" strip: -1', "strip is at least 0; found -1"),
        ('prefix: "a" source: "none.txt"', r"none\.txt: cannot be read"),
        ('prefix: "a" source: "{source}" strip: 3', "list.txt:1: 'abc' is too short to lose 3"),
    ],
)
def test_what_cannot_be_written_is_named(tmp_path, param, said):
    source = tmp_path / "list.txt"
    source.write_text("abc\n")
    with pytest.raises(caffe.CaffeError, match=rf"layer 'm' \(MatWrite\): .*{said}"):
        writer(param.format(source=source) if "{source}" in param else param)


def test_deeplabs_scores_leave_its_first_nets_as_files(tmp_path):
    prefix = f'mat_write_param {{ prefix: "{tmp_path}/" strip: 0 period: 1 }}'
    writes = v1_layer(
        "fc8_mat", "MAT_WRITE", "fc8_interp", f"{prefix} include {{ phase: TEST }}", ""
    )
    net = net_of(deeplab_largefov(1 / 64, 33) + writes)
    net.forward()
    scores = net.blobs["fc8_interp"].data
    found = loadmat(tmp_path / "iter_0_blob_0.mat")["data"]
    np.testing.assert_array_equal(found.transpose(), scores)
