"""DriveData."""

import numpy as np
import pytest
from support.laws import law
from support.net_text import net_of

import caffe


def drive_net(param, tops=3):
    names = "".join(f' top: "y{i}"' for i in range(tops))
    data = "data_param { batch_size: 2 }"
    return net_of(
        f'layer {{ name: "d" type: "DriveData" {names} {data} drive_data_param {{ {param} }} }}'
    )


@law("DriveData")
def test_its_fields_tell_the_shapes_of_what_a_script_is_to_fill():
    net = drive_net(
        "cropped_height: 12 cropped_width: 16 tiling_height: 3 tiling_width: 4 "
        "label_resolution: 2 catalog_resolution: 5 crop_num: 2 reco_min: 3"
    )
    shapes = [net.blobs[f"y{i}"].shape for i in range(3)]
    assert shapes == [(2, 3, 12, 16), (2, 8, 6, 8), (2, 1, 15, 20)]
    image = np.ones((2, 3, 12, 16))
    net.blobs["y0"].data[...] = image
    net.forward()
    np.testing.assert_array_equal(net.blobs["y0"].data, image)
    assert [drive_net("", 1).blobs["y0"].shape] == [(2, 3, 480, 640)]
    with pytest.raises(caffe.CaffeError, match="and the tiles and resolutions of drive_data_param"):
        drive_net("label_resolution: 0")
