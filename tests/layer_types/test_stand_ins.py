"""Python layers of public projects run without these projects, where ours has a layer for them."""

import sys
import types

import numpy as np
import pytest
from support.net_text import net_of

import caffe

COUNTED_FROM_1 = [  # as the comment in py-faster-rcnn's generate_anchors.py has them
    *([-83, -39, 100, 56], [-175, -87, 192, 104], [-359, -183, 376, 200]),
    *([-55, -55, 72, 72], [-119, -119, 136, 136], [-247, -247, 264, 264]),
    *([-35, -79, 52, 96], [-79, -167, 96, 184], [-167, -343, 184, 360]),
]
ANCHORS = np.array(COUNTED_FROM_1, float) - 1
HEIGHT, WIDTH = 5, 7  # of the map


def proposals(param_str="'feat_stride': 16", anchors=9, layer="ProposalLayer", more=""):
    shapes = ((2 * anchors, HEIGHT, WIDTH), (4 * anchors, HEIGHT, WIDTH))
    inputs = "".join(
        f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ dim: 1 '
        f"{' '.join(f'dim: {n}' for n in shape)} }} }} }}"
        for name, shape in zip(("scores", "shifts", "im_info"), (*shapes, (3,)), strict=True)
    )
    return inputs + (
        'layer { name: "proposal" type: "Python" bottom: "scores" bottom: "shifts" '
        'bottom: "im_info" top: "rois" python_param { module: "rpn.proposal_layer" '
        f'layer: "{layer}" param_str: "{param_str}" }} {more} }}'
    )


def fed(net, seed=0):
    rng = np.random.RandomState(seed)
    net.blobs["scores"].data[...] = rng.rand(*net.blobs["scores"].shape)
    net.blobs["shifts"].data[...] = rng.randn(*net.blobs["shifts"].shape)
    net.blobs["im_info"].data[...] = 80, 112, 2.5
    return net


def expected(net, anchors, kept=300):
    """proposal_layer.py's regions: Ren et al. 2015, section 3.3, and its cfg.TEST."""
    scores, shifts, (size,) = (
        net.blobs[n].data.astype(float) for n in ("scores", "shifts", "im_info")
    )
    count = len(anchors)
    regions = []
    for y in range(HEIGHT):
        for x in range(WIDTH):
            for a, anchor in enumerate(np.asarray(anchors) + 16 * np.array([x, y, x, y])):
                dx, dy, dw, dh = shifts[0, 4 * a : 4 * a + 4, y, x]
                across, down = anchor[2:] - anchor[:2] + 1
                middle = anchor[:2] + 0.5 * np.array([across, down]) + [dx * across, dy * down]
                half = 0.5 * np.exp([dw, dh]) * [across, down]
                box = np.clip([*(middle - half), *(middle + half)], 0, size[[1, 0, 1, 0]] - 1)
                if (box[2:] - box[:2] + 1 >= 16 * size[2]).all():
                    regions.append((scores[0, count + a, y, x], box))
    regions.sort(key=lambda region: -region[0])
    found = []
    for _, box in regions[:6000]:
        if len(found) < kept and all(iou(box, other) <= 0.7 for other in found):
            found.append(box)
    return np.array([[0, *box] for box in found])


def iou(a, b):
    def area(box):
        return np.prod(np.maximum(box[2:] - box[:2] + 1, 0))

    both = area(np.array([*np.maximum(a[:2], b[:2]), *np.minimum(a[2:], b[2:])]))
    return both / (area(a) + area(b) - both)


@pytest.mark.parametrize("seed", range(3))
def test_faster_rcnns_regions_are_its_python_layers(seed, caplog):
    net = fed(net_of(proposals()), seed)
    net.forward()
    np.testing.assert_allclose(net.blobs["rois"].data, expected(net, ANCHORS), atol=1e-3)
    said = [record.getMessage() for record in caplog.records if "proposal" in record.getMessage()]
    assert said == [
        "layer 'proposal': there is no module 'rpn.proposal_layer' to import; Proposal stands in "
        "for its ProposalLayer"
    ]


def test_its_scales_are_told_by_param_str():
    net = fed(net_of(proposals(r"'feat_stride': 16\n'scales': !!python/tuple [8, 16]", 6)))
    net.forward()
    anchors = [anchor for i, anchor in enumerate(ANCHORS) if i % 3 < 2]
    np.testing.assert_allclose(net.blobs["rois"].data, expected(net, anchors), atol=1e-3)


def test_curve_text_detectors_anchors_are_its_own():
    net = fed(
        net_of(
            proposals(anchors=12)
            + 'layer { name: "rfcn_bbox_info_h" type: "ReLU" bottom: "scores" top: "points" }'
        )
    )
    net.forward()
    sides = [(32, 8), (23, 12), (11, 22)]
    anchors = [
        [7.5 - (k * w - 1) / 2, 7.5 - (k * h - 1) / 2, 7.5 + (k * w - 1) / 2, 7.5 + (k * h - 1) / 2]
        for w, h in sides
        for k in (4, 8, 16, 22)
    ]
    np.testing.assert_allclose(net.blobs["rois"].data, expected(net, anchors), atol=1e-3)


def test_a_param_str_may_have_comments():
    net_of(proposals("# of VGG16\\n'feat_stride': 16  # pixels"))


def test_in_training_it_gives_as_many_as_there():
    layer = net_of(proposals(), caffe.TRAIN).layer_dict["proposal"]
    param = layer.spec.proposal_param
    assert (param.pre_nms_topn, param.post_nms_topn) == (12000, 2000)


def test_the_module_itself_is_taken_where_it_is(monkeypatch):
    class ProposalLayer(caffe.Layer):
        def setup(self, bottom, top):
            assert self.param_str == "'feat_stride': 16"

        def reshape(self, bottom, top):
            top[0].reshape(2, 5)

        def forward(self, bottom, top):
            top[0].data[...] = 7

    for name in ("rpn", "rpn.proposal_layer"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    sys.modules["rpn.proposal_layer"].ProposalLayer = ProposalLayer
    net = net_of(proposals())
    assert (net.forward()["rois"] == 7).all()


@pytest.mark.parametrize(
    "param_str",
    [
        "",
        "'feat_stride': [1, 2]",
        "'feat_stride': 16\\n'top': 3",
        "'feat_stride': 16\\n'scales': (8, 16, 32)",
    ],
)
def test_a_param_str_that_is_not_understood_asks_for_the_module(param_str):
    with pytest.raises(
        caffe.CaffeError, match=r"proposal.*no module 'rpn\.proposal_layer'.*PYTHONPATH"
    ):
        net_of(proposals(param_str))


def test_another_layer_of_the_module_and_strict_nets_need_it():
    with pytest.raises(caffe.CaffeError, match="no module 'rpn"):
        net_of(proposals(layer="AnotherLayer"))
    caffe.set_strict(True)
    try:
        with pytest.raises(caffe.CaffeError, match="no module 'rpn"):
            net_of(proposals())
    finally:
        caffe.set_strict(False)
