"""Which modules of torchvision's segmentation nets our layers take their parameters from."""

import caffe

# Heads of torchvision's state_dicts that serve its training alone
IGNORED = ("aux_classifier.",)
FIRST = "backbone.conv1"


def table(net: caffe.Net) -> dict[str, str]:
    """{layer: module} of a net of nets.TORCHVISION, whose layers are called as the modules are."""
    return {
        layer: layer.removesuffix(".scale")
        for layer in net.params
        if not layer.startswith("upscore")  # bilinear, as torch's interpolation, which has none
    }
