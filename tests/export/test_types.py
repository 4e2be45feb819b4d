"""A net as a torch module in other types than float32."""

import pytest
import torch
from support.layer_table import DEPLOYED
from support.net_text import input_layer, net_of
from support.small_detectors import POOLINGS, regions, ssd

import caffe
from caffe.export import agreement
from caffe.export.sizes import own_shapes

BELOW = pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16], ids=str)
ROIS = [(2, 18, 40, 50), (5, 5)]
LAYERS = {  # a layer's settings and the shapes of its bottoms; tops, where there are two
    "DetectionOutput": DEPLOYED["DetectionOutput"],
    "Proposal": DEPLOYED["Proposal"],
    "PriorBox": ("prior_box_param { min_size: 30 }", [(1, 2, 3, 3), (1, 3, 309, 309)]),
    "ROIPooling": (POOLINGS[0].partition(" ")[2].partition(" ")[2], ROIS),
    "PSROIPooling": (POOLINGS[1].partition(" ")[2].partition(" ")[2], ROIS),
    "Pooling": ("pooling_param { kernel_size: 2 stride: 2 }", [(1, 2, 40, 50)]),
    "FlowWarp": ("", [(1, 2, 4, 300), (1, 2, 4, 300)]),
    "Softmax": ("", [(2, 9)]),
}


def one(name):
    body, shapes = LAYERS[name]
    inputs = "".join(input_layer(f"x{i}", *shape) for i, shape in enumerate(shapes))
    bottoms = "".join(f'bottom: "x{i}" ' for i in range(len(shapes)))
    tops = 'top: "y" top: "mask"' if name == "Pooling" else 'top: "y"'
    return net_of(f'{inputs} layer {{ name: "l" type: "{name}" {bottoms} {tops} {body} }}')


def computed(net, inputs, kind):
    """What the module gives in a type, by blob."""
    with torch.no_grad():
        found = net.to_torch().to(kind)(*(inputs[name].to(kind) for name in net.inputs))
    return dict(
        zip(net.outputs, found if isinstance(found, (tuple, list)) else [found], strict=True)
    )


@BELOW
@pytest.mark.parametrize("name", LAYERS)
def test_below_float32_a_layer_that_is_no_product_computes_in_float32(name, kind):
    """Boxes, places in a map and in a mask: bfloat16 has no whole numbers between 256 and 258."""
    net = one(name)
    arrays = agreement.examples(net, own_shapes(net))
    inputs = {key: torch.from_numpy(value).to(kind) for key, value in arrays.items()}
    ours = agreement.outputs(net, {key: value.float().numpy() for key, value in inputs.items()})
    for key, theirs in computed(net, inputs, kind).items():
        assert theirs.dtype == torch.float32
        torch.testing.assert_close(theirs, torch.from_numpy(ours[key]), rtol=1e-6, atol=1e-6)


@BELOW
def test_products_give_the_type_and_what_they_have_lost_is_small(kind):
    ip = "inner_product_param { num_output: 5 weight_filler { type: 'xavier' } }"
    net = net_of(
        input_layer("x", 2, 40)
        + f'layer {{ name: "ip" type: "InnerProduct" bottom: "x" top: "y" {ip} }}'
    )
    x = torch.randn(2, 40, generator=torch.Generator().manual_seed(0))
    y = computed(net, {"x": x}, kind)["y"]
    assert y.dtype == kind
    exact = torch.from_numpy(agreement.outputs(net, {"x": x.numpy()})["y"])
    torch.testing.assert_close(y.float(), exact, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("make", [ssd, lambda: regions(POOLINGS[0]), lambda: regions(POOLINGS[1])])
def test_a_detector_runs_in_each_type(make, kind):
    caffe.set_random_seed(3)
    net = net_of(make())
    inputs = agreement.examples(net, own_shapes(net))
    ours = agreement.outputs(net, inputs)
    tensors = {key: torch.from_numpy(value) for key, value in inputs.items()}
    for key, theirs in computed(net, tensors, kind).items():
        assert theirs.isfinite().all()
        assert theirs.shape[-1] == ours[key].shape[-1]
        if kind == torch.float64:
            ranked = agreement.ranked_outputs(net)
            assert agreement.farthest({key: theirs.numpy()}, ours, ranked) < 1e-5


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_torch_jit_follows_a_net_that_looks_at_no_values():
    """A Deconvolution that learns nothing, unpooling by a mask, sizes that are computed."""
    text = """
layer { name: "c" type: "Convolution" bottom: "data" top: "c"
  convolution_param { num_output: 2 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "p" type: "Pooling" bottom: "c" top: "p" top: "m"
  pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "u" type: "Upsample" bottom: "p" bottom: "m" top: "u"
  upsample_param { scale: 2 pad_out_h: true } }
layer { name: "d" type: "Deconvolution" bottom: "u" top: "d" param { lr_mult: 0 }
  convolution_param { num_output: 2 kernel_size: 4 stride: 2 bias_term: false
    weight_filler { type: "bilinear" } } }
layer { name: "y" type: "Crop" bottom: "d" bottom: "data" top: "y" crop_param { offset: 1 } }
"""
    net = net_of(input_layer("data", 1, 3, 7, 8) + text)
    x = torch.randn(1, 3, 7, 8, generator=torch.Generator().manual_seed(0))
    traced = torch.jit.trace(net.to_torch(), x)
    torch.testing.assert_close(
        traced(x).detach(), torch.from_numpy(net.forward(data=x.numpy())["y"])
    )


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("make", [ssd, lambda: regions(POOLINGS[0])])
def test_torch_jit_is_refused_where_it_would_keep_what_it_has_found(make):
    net = net_of(make())
    inputs = agreement.examples(net, own_shapes(net))
    with pytest.raises(caffe.CaffeError, match=r"layer '(found|rois)' .*Take torch.export"):
        torch.jit.trace(
            net.to_torch(), tuple(torch.from_numpy(inputs[name]) for name in net.inputs)
        )
