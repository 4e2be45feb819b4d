"""The first FCN release's CROP: its offset follows from the layers between its bottoms."""

import pytest
from support.net_text import input_layer, net_of

import caffe
import nets

HEAD = 'name: "n" input: "x" input_dim: 1 input_dim: 1 input_dim: 20 input_dim: 24 '
CROP = 'layers { name: "crop" type: CROP bottom: "y" bottom: "x" top: "score" }'


def layers(name, kind, bottom, top, body):
    return f'layers {{ name: "{name}" type: {kind} bottom: "{bottom}" top: "{top}" {body} }}'


def conv(bottom, top, body, kind="CONVOLUTION"):
    return layers(top, kind, bottom, top, f"convolution_param {{ num_output: 1 {body} }}")


@pytest.mark.parametrize("pad", [1, 4, 10])
@pytest.mark.parametrize("pool", ["kernel_size: 2 stride: 2", "kernel_h: 2 kernel_w: 2 stride: 2"])
def test_the_offset_is_where_the_bottoms_pixels_meet(pad, pool):
    net = net_of(
        HEAD
        + conv("x", "c", f"kernel_size: 3 pad: {pad}")
        + layers("r", "RELU", "c", "c", "")
        + layers("p", "POOLING", "c", "p", f"pooling_param {{ pool: AVE {pool} }}")
        + conv("p", "y", "kernel_size: 4 stride: 2", "DECONVOLUTION")
        + CROP
    )
    assert set(net.layer_dict["crop"].spec.crop_param.offset) == {pad}
    assert net.blobs["score"].shape == (1, 1, 20, 24)


def test_the_published_nets_have_the_offsets_that_were_written_down_later():
    for name, offsets in (("fcn32s", [19]), ("fcn16s", [5, 27]), ("fcn8s", [5, 9, 31])):
        spec = nets.fcn(name, "deploy", classes=21, data=None)
        crops = [layer for layer in spec.layer if layer.type == "Crop"]
        assert [layer.crop_param.offset[0] for layer in crops] == offsets
        for layer in crops:
            layer.crop_param.Clear()
            layer.crop_param.automatic_offset = True
        spec.layer[0].input_param.shape[0].dim[2:] = [40, 40]
        net = caffe.Net.from_proto(spec, caffe.proto.caffe_pb2.NetState(phase=caffe.TEST))
        found = [layer.spec.crop_param for layer in net.layers if layer.type == "Crop"]
        assert [param.offset[0] for param in found] == offsets
        assert not any(param.HasField("automatic_offset") for param in found)


@pytest.mark.parametrize(
    ("body", "message"),
    [("stride: 2 kernel_size: 1", "differ in scale"), ("kernel_size: 2 pad: 2", "no whole number")],
)
def test_what_cannot_be_aligned_names_the_layer(body, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'crop' .Crop.: cannot crop: .*{message}"):
        net_of(HEAD + conv("x", "y", body) + CROP)


def test_an_offset_that_is_given_counts():
    crop = CROP.replace("top:", "crop_param { offset: 2 } top:")
    net = net_of(HEAD + conv("x", "y", "kernel_size: 1 pad: 4") + crop)
    assert list(net.layer_dict["crop"].spec.crop_param.offset) == [2]


def crop_net(param):
    return (
        input_layer("x", 1, 1, 20, 24)
        + layers("c", '"Convolution"', "x", "c", PADDED).replace("layers", "layer")
        + f'layer {{ name: "crop" type: "Crop" bottom: "c" bottom: "x" top: "y" {param} }}'
    )


PADDED = "convolution_param { num_output: 1 kernel_size: 3 pad: 8 }"


def test_a_crop_that_says_nothing_keeps_caffes_offset_and_the_log_tells_the_aligned_one(caplog):
    net = net_of(crop_net(""))
    assert list(net.layer_dict["crop"].spec.crop_param.offset) == []
    (record,) = [each for each in caplog.records if "crop_param" in each.message]
    assert record.levelname == "WARNING"
    assert record.message.endswith("write crop_param { offset: N }, N being 7 for 'y'")
    caplog.clear()
    net_of(crop_net("crop_param { offset: 0 }"))
    net_of(crop_net("").replace("pad: 8", "pad: 1"))
    assert not [each for each in caplog.records if "crop_param" in each.message]


def test_an_autocrop_of_rcf_is_aligned_too():
    def layer(name, kind, bottoms, body):
        below = "".join(f' bottom: "{bottom}"' for bottom in bottoms)
        return f'layer {{ name: "{name}" type: "{kind}"{below} top: "{name}" {body} }}'

    net = net_of(
        input_layer("x", 1, 1, 20, 24)
        + layer(
            "c", "Convolution", "x", "convolution_param { num_output: 1 kernel_size: 3 pad: 5 }"
        )
        + layer("score", "AutoCrop", "cx", "")
        + layer("d", "Convolution", ["score"], "convolution_param { num_output: 1 kernel_size: 3 }")
        + layer("again", "AutoCrop", "xd", "")
    )
    assert list(net.layer_dict["score"].spec.crop_param.offset) == [4]
    assert list(net.layer_dict["again"].spec.crop_param.offset) == [1]
    assert net.blobs["score"].shape == (1, 1, 20, 24)
    assert net.blobs["again"].shape == (1, 1, 18, 22)


def test_an_autocrop_is_refused_where_nets_are_strict(strict):
    with pytest.raises(caffe.CaffeError, match=r"'AutoCrop'; it is of RCF, not of Caffe 1\.0"):
        net_of(
            input_layer("x", 1, 1, 4, 4)
            + 'layer { name: "l" type: "AutoCrop" bottom: "x" bottom: "x" top: "y" }'
        )
