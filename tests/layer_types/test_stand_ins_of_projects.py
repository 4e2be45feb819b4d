"""Public projects' nets that train by Python layers, without these projects."""

import sys

import numpy as np
import pytest
from support.layer_text import layer
from support.net_text import net_of
from support.published import detection
from support.published.catalogue import NARROW

import caffe
from caffe.proto import caffe_pb2
from surgery.random_weights import with_statistics

TRAINED = {
    "Faster R-CNN": detection.faster_rcnn(NARROW, train=True),
    "R-FCN": detection.rfcn(NARROW, train=True, sampled=True),
}
OBJECTS = [[10, 10, 80, 120, 3], [60, 30, 190, 150, 15]]


def fed(net, seed=0):
    """The net with an image of 160 x 200 and two objects, and regions where the anchors are."""
    rng = np.random.RandomState(seed)
    for name, values in (
        ("data", rng.randn(1, 3, 160, 200)),
        ("im_info", [[160, 200, 1]]),
        ("gt_boxes", OBJECTS),
    ):
        net.blobs[name].reshape(*np.shape(values))
        net.blobs[name].data[...] = values
    net.params["rpn_bbox_pred"][0].data[...] *= 1e-3
    return with_statistics(net)


@pytest.mark.parametrize("name", TRAINED)
def test_a_detector_trains_end_to_end_for_a_step(tmp_path, name):
    net, path = tmp_path / "train.prototxt", tmp_path / "solver.prototxt"
    net.write_text(TRAINED[name])
    path.write_text(f'train_net: "{net}" base_lr: 1e-4 lr_policy: "fixed" random_seed: 1')
    solver = caffe.get_solver(path)
    fed(solver.net)
    learned = [param for param in solver.net._graph.params if param.lr_mult]
    before = [param.blob.data.copy() for param in learned]
    solver.step(1)
    losses = {name: solver.net.blobs[name].data for name in solver.net.outputs if "loss" in name}
    assert len(losses) == 4
    assert all(np.isfinite(loss) and loss > 0 for loss in losses.values()), losses
    for param, was in zip(learned, before, strict=True):
        statistics = "bn" in param.name  # which the net does not learn
        assert np.isfinite(param.blob.data).all(), param.name
        assert (param.blob.data != was).any() != statistics, param.name


def test_what_faster_rcnn_learns_has_the_shapes_and_numbers_of_its_configuration():
    caffe.set_random_seed(1)
    net = fed(net_of(TRAINED["Faster R-CNN"], caffe.TRAIN))
    net.forward()
    shapes = {
        name: net.blobs[name].shape for name in ("rpn_labels", "rpn_bbox_targets", "rpn_rois")
    }
    assert shapes["rpn_labels"] == (1, 1, 9 * 10, 13)
    assert shapes["rpn_bbox_targets"] == (1, 36, 10, 13)
    rois, labels, *boxes = (net.blobs[name].data for name in ("rois", *detection.TARGETS.split()))
    assert len(rois) == len(labels) == min(128, shapes["rpn_rois"][0] + 2)
    assert rois.shape == (len(rois), 5)
    assert labels.shape == (len(rois),)
    assert all(box.shape == (len(rois), 84) for box in boxes)
    assert set(np.unique(labels)) <= {0, 3, 15}
    spec = net.layer_dict["proposal"].spec.proposal_param
    assert (spec.pre_nms_topn, spec.post_nms_topn) == (12000, 2000)
    target = net.layer_dict["roi-data"].spec.region_target_param
    assert (target.batch_size, target.bg_thresh_lo) == (128, 0)


def test_what_rfcn_learns_has_the_shapes_and_numbers_of_its_configuration():
    caffe.set_random_seed(1)
    net = fed(net_of(TRAINED["R-FCN"], caffe.TRAIN))
    net.forward()
    spec = net.layer_dict["proposal"].spec.proposal_param
    assert (spec.pre_nms_topn, spec.post_nms_topn) == (6000, 300)
    count = net.blobs["rpn_rois"].shape[0] + 2  # all of them, and the objects
    assert net.blobs["rois"].shape == (count, 5, 1, 1)
    assert net.blobs["labels"].shape == (count, 1, 1, 1)
    assert net.blobs["bbox_targets"].shape == (count, 8, 1, 1)
    assert set(np.unique(net.blobs["labels"].data)) <= {0, 3, 15}


def test_without_mining_rfcn_draws_regions_that_overlap_an_object_a_little():
    text = TRAINED["R-FCN"]
    start = text.index('layer { name: "per_roi_loss_cls"')
    net = net_of(text[:start], caffe.TRAIN)
    target = net.layer_dict["roi-data"].spec.region_target_param
    assert (target.batch_size, target.bg_thresh_lo, target.num_axes) == (128, 0.1, 4)


DATA = {  # tops and classes, as the files have them; shapes as Fast R-CNN gives them
    ("data im_info gt_boxes", 21): [(1, 3, 600, 1000), (1, 3), (1, 5)],
    (f"data rois {detection.TARGETS}", 21): [(2, 3, 600, 1000), (1, 5), (1,), *[(1, 84)] * 3],
    ("data rois labels bbox_targets bbox_loss_weights", 21): [
        *((2, 3, 600, 1000), (1, 5), (1,)),
        *[(1, 84)] * 2,
    ],
    ("data rois labels", 2): [(2, 3, 600, 1000), (1, 5), (1,)],
    ("data_caffe im_info gt_boxes", 2): [(1, 3, 600, 1000), (1, 3), (1, 5)],
}


@pytest.mark.parametrize(("tops", "classes"), DATA)
def test_images_and_regions_are_the_nets_inputs(caplog, tops, classes):
    net = net_of(detection.roi_data(classes, tops))
    assert net.inputs == tops.split()
    assert [net.blobs[top].shape for top in net.inputs] == DATA[tops, classes]
    assert (
        "no module 'roi_data_layer.layer' to import; Input stands in for its RoIDataLayer, so fill "
        f"net.blobs['{tops.split()[0]}'].data"
    ) in caplog.text


def test_regions_of_rfcn_have_four_axes_and_a_box_for_all_classes():
    pool = "psroi_pooling_param { spatial_scale: 0.0625 output_dim: 8 group_size: 1 }"
    text = detection.roi_data(21, f"data rois {detection.TARGETS}") + layer(
        "map", "Convolution", "data", "convolution_param { num_output: 8 kernel_size: 1 stride: 9 }"
    )
    net = net_of(text + layer("pool", "PSROIPooling", "map rois", pool))
    shapes = [(1, 3, 600, 1000), (1, 5, 1, 1), (1, 1, 1, 1), *[(1, 8, 1, 1)] * 3]
    assert [net.blobs[top].shape for top in net.inputs] == shapes


@pytest.mark.parametrize(
    ("module", "kind", "tops", "shapes"),
    [
        ("voc_layers", "SBDDSegDataLayer", "data label", [(1, 3, 500, 500), (1, 1, 500, 500)]),
        ("voc_layers", "VOCSegDataLayer", "data label", [(1, 3, 500, 500), (1, 1, 500, 500)]),
        (
            *("nyud_layers", "NYUDSegDataLayer", "color depth hha label"),
            [(1, 3, 425, 560), (1, 1, 425, 560), (1, 3, 425, 560), (1, 1, 425, 560)],
        ),
        ("siftflow_layers", "SIFTFlowSegDataLayer", "data sem geo", [(1, 3, 256, 256)]),
        ("pascalcontext_layers", "PASCALContextSegDataLayer", "data label", [(1, 3, 500, 500)]),
    ],
)
def test_fcns_images_and_labels_are_the_nets_inputs(monkeypatch, module, kind, tops, shapes):
    monkeypatch.setattr(sys, "path", [p for p in sys.path if "layers" not in p])
    monkeypatch.delitem(sys.modules, module, raising=False)
    param_str = "{'split': 'train', 'mean': (104.00699, 116.66877, 122.67892), 'seed': 1337}"
    net = net_of(layer("data", "Python", body=detection.python(module, kind, param_str), tops=tops))
    assert net.inputs == tops.split()
    assert [net.blobs[top].shape for top in net.inputs][: len(shapes)] == shapes


def solver_of(folder, text, more=""):
    (folder / "net.prototxt").write_text(text)
    path = folder / "solver.prototxt"
    path.write_text(f'net: "{folder}/net.prototxt" base_lr: 1 lr_policy: "fixed" {more}')
    return caffe.get_solver(path)


LEARNT = detection.roi_data(3) + layer("loss", "EuclideanLoss", "im_info im_info")
UNFILLED = (
    r"layer 'input-data' \(Input for roi_data_layer.layer\): there is no module "
    r"'roi_data_layer.layer' to import, and nobody has filled '{}' in place of its RoIDataLayer: "
    r"write to net.blobs"
)


def test_nobody_trains_on_data_that_nobody_has_filled(tmp_path):
    solver = solver_of(tmp_path, LEARNT)
    with pytest.raises(caffe.CaffeError, match=UNFILLED.format("data")):
        solver.step(1)
    solver.net.blobs["data"].data[...] = 0
    solver.net.blobs["im_info"].data[...] = 0
    with pytest.raises(caffe.CaffeError, match=UNFILLED.format("gt_boxes")):
        solver.step(1)
    solver.net.blobs["gt_boxes"].data[...] = 0
    solver.step(1)
    assert solver.iter == 1


def test_nor_is_anything_tested_on_it(tmp_path):
    solver = solver_of(tmp_path, LEARNT, "test_iter: 1 test_interval: 1")
    for blob in solver.net.blobs.values():
        blob.data[...] = 0
    with pytest.raises(caffe.CaffeError, match=UNFILLED.format("data")):
        solver.step(1)


def test_an_input_of_the_prototxts_own_may_stay_zero(tmp_path):
    text = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 } } }'
    solver = solver_of(tmp_path, text + layer("loss", "EuclideanLoss", "x x"))
    solver.step(1)
    assert solver.iter == 1


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("rpn.unknown_layer", "; py-faster-rcnn or R-FCN has one; put its folder on PYTHONPATH"),
        ("pylayer.other", "; MNC has one; put its folder"),
        ("my_own", "; put its folder on PYTHONPATH"),
    ],
)
def test_a_module_that_is_not_there_is_told_whose_it_is(module, said):
    body = detection.python(module, "Other", "")
    with pytest.raises(caffe.CaffeError, match=rf"no module '{module}' to import{said}"):
        net_of(layer("data", "Python", body=body, tops="data"))


@pytest.mark.parametrize("param_str", ["", "'classes': 3", "'num_classes': [2, 3]"])
def test_a_param_str_without_its_classes_asks_for_the_module(param_str):
    body = detection.python("roi_data_layer.layer", "RoIDataLayer", param_str)
    with pytest.raises(caffe.CaffeError, match=r"data'.* not understood .*PYTHONPATH"):
        net_of(layer("data", "Python", body=body, tops="data im_info gt_boxes"))


def test_a_top_of_no_known_shape_asks_for_the_module():
    with pytest.raises(caffe.CaffeError, match=r"understood .*no shape is known of top 'masks'"):
        net_of(detection.roi_data(3, "data im_info gt_boxes masks"))


def inputs(**shapes):
    return "".join(
        layer(name, "Input", body=f"input_param {{ shape {{ {detection.numbers('dim', *s)} }} }}")
        for name, s in shapes.items()
    )


def test_ctpn_finds_text_without_its_python_layer():
    body = detection.python("layers.text_proposal_layer", "ProposalLayer", "'feat_stride': 16")
    text = inputs(scores=(1, 20, 3, 4), shifts=(1, 20, 3, 4), im_info=(1, 3))
    net = net_of(text + layer("proposal", "Python", "scores shifts im_info", body, "rois said"))
    net.blobs["im_info"].data[...] = 48, 64, 1
    found = net.forward()
    assert found["rois"].shape == (120, 4)
    np.testing.assert_array_equal(found["rois"][10], [16, 1.5, 31, 12.5])  # anchor 2, 11 high


def mnc():
    """What MNC's test net has of Python: regions, their masks, and the next stage's regions."""
    stride = "{'feat_stride': 16, 'gradient_scale': 1}"
    proposal = detection.python("pylayer.proposal_layer", "ProposalLayer", stride)
    mask = detection.python("pylayer.mask_layer", "MaskLayer", "")
    bridge = detection.python("pylayer.stage_bridge_layer", "StageBridgeLayer", "")
    return (
        inputs(scores=(1, 18, 5, 7), shifts=(1, 36, 5, 7), im_info=(1, 3))
        + inputs(masks=(6, 441), boxes=(6, 84), said=(6, 21), given=(6, 5))
        + layer("proposal", "Python", "scores shifts im_info", proposal, "rois")
        + layer("mask_proposal", "Python", "masks", mask)
        + layer("stage_bridge", "Python", "given boxes said im_info", bridge, "rois_ext")
    )


def test_mnc_runs_in_tests_without_its_python_layers():
    net = net_of(mnc())
    net.blobs["im_info"].data[...] = 80, 112, 1
    net.blobs["given"].data[...] = [[0, 10, 20, 49, 79]]
    net.blobs["boxes"].data[:, 8:12] = [[0.5, 0, 0, np.log(0.5)]]
    net.blobs["said"].data[:, 2] = 1
    net.blobs["masks"].data[...] = np.arange(441)
    found = net.forward()
    assert found["mask_proposal"].shape == (6, 1, 21, 21)
    assert found["mask_proposal"][5, 0, 1, 2] == 23
    np.testing.assert_allclose(found["rois_ext"], [[0, 30, 35, 70, 65]] * 6, atol=1e-4)
    assert net.layer_dict["proposal"].spec.proposal_param.post_nms_topn == 300


def test_mnc_trains_by_its_own_layers_alone():
    with pytest.raises(caffe.CaffeError, match=r"'pylayer.proposal_layer' .*in TEST alone.*PYTHON"):
        net_of(mnc(), caffe.TRAIN)


def test_the_images_of_mncs_masks_are_the_nets_inputs():
    tops = "data rois masks box_labels mask_labels bbox_targets mask_targets"
    tops += " bbox_inside_weights bbox_outside_weights mask_weight"
    body = detection.python("pylayer.cfm_data_layer", "CFMDataLayer", "{'num_classes': 21}")
    net = net_of(layer("input-data", "Python", body=body, tops=tops))
    assert net.inputs == tops.split()
    assert net.blobs["bbox_inside_weights"].shape == (1, 84)
    assert net.blobs["mask_weight"].shape == (1, 1, 21, 21)


def test_the_images_of_torchs_nets_are_prepared_for_them():
    body = detection.python("transform.torch_image_transform_layer", "TorchImageTransformLayer", "")
    net = net_of(inputs(data_caffe=(2, 3, 4, 5)) + layer("data", "Python", "data_caffe", body))
    assert net.layer_dict["data"].type == "TorchImageTransform"
    assert np.isfinite(net.forward()["data"]).all()


@pytest.mark.parametrize(("more", "weight"), [("loss_weight: 1", 1), ("", 0)])
def test_caffes_example_of_a_python_loss_is_a_loss(more, weight):
    body = detection.python("pyloss", "EuclideanLossLayer", "") + more
    net = net_of(inputs(x=(4, 2), y=(4, 2)) + layer("loss", "Python", "x y", body))
    net.blobs["x"].data[...] = 3
    assert net.forward()["loss"] == 9
    assert net.blob_loss_weights["loss"] == weight


def test_people_are_searched_for_by_a_second_label():
    targets = "bbox_targets bbox_inside_weights bbox_outside_weights"
    body = detection.python(
        "rpn.proposal_target_layer",
        "ProposalTargetLayer",
        r"'num_classes': 2\n'bg_aux_label': 5532",
    )
    net = net_of(
        detection.roi_data(2)
        + inputs(rpn_rois=(1, 5))
        + layer("roi-data", "Python", "rpn_rois gt_boxes", body, f"rois labels {targets} pid_label")
    )
    assert net.blobs["gt_boxes"].shape == (1, 6)
    net.blobs["gt_boxes"].data[...] = 10, 10, 40, 40, 1, 77
    net.forward()
    assert net.blobs["pid_label"].data.tolist() == [77, 5532]


def test_what_does_not_fit_a_stand_in_names_the_module():
    body = detection.python("rpn.anchor_target_layer", "AnchorTargetLayer", "'feat_stride': 16")
    tops = " ".join(f"rpn_{name}" for name in detection.TARGETS.split())
    text = inputs(scores=(1, 108, 5, 7), gt_boxes=(1, 5), im_info=(1, 3))
    message = r"layer 'rpn-data' \(AnchorTarget for rpn.anchor_target_layer\): 9 anchors need"
    with pytest.raises(caffe.CaffeError, match=message):
        net_of(text + layer("rpn-data", "Python", "scores gt_boxes im_info", body, tops))


@pytest.mark.parametrize("name", TRAINED)
def test_a_detector_runs_on_whatever_its_inputs_hold(name):
    caffe.set_random_seed(1)
    net = with_statistics(net_of(TRAINED[name], caffe.TRAIN))
    net.blobs["data"].reshape(1, 3, 64, 80)
    net.forward()  # on zeros
    rng = np.random.RandomState(0)
    for _ in range(3):
        for blob in net.inputs:
            net.blobs[blob].data[...] = rng.randn(*net.blobs[blob].shape)
        net.forward()
        net.backward()


def test_ssh_mines_and_finds_without_its_python_layers():
    where = "'feat_stride': 16,'scales': [4,8], 'ratios':[1,]"
    target = detection.python("SSH.layers.anchor_target_layer", "AnchorTargetLayer", f"{{{where}}}")
    boxes = detection.python("SSH.layers.proposal_layer", "ProposalLayer", f"{{{where}}}")
    tops = " ".join(f"rpn_{name}" for name in detection.TARGETS.split())
    text = inputs(scores=(1, 4, 5, 7), shifts=(1, 8, 5, 7), gt_boxes=(1, 5), im_info=(1, 3))
    text += layer("target", "Python", "scores gt_boxes im_info shifts scores", target, tops)
    net = net_of(text + layer("boxes", "Python", "scores shifts im_info", boxes, "boxes said"))
    param = net.layer_dict["target"].spec.anchor_target_param
    assert (param.positive_overlap, param.fg_fraction) == (0.5, 0.25)
    net.blobs["im_info"].data[...] = 80, 112, 1
    net.blobs["gt_boxes"].data[...] = 5, 5, 70, 70, 1
    found = net.forward()
    assert found["boxes"].shape == (70, 5)  # all, whatever they overlap
    assert found["said"].shape == (70, 1)
    assert found["rpn_labels"].shape == (1, 1, 10, 7)


def test_hard_examples_are_mined_from_one_image():
    weights = "bbox_targets bbox_inside_weights bbox_outside_weights"
    hard = " ".join(f"{name}_hard" for name in f"rois labels {weights}".split())
    mine = detection.python("roi_data_layer.layer", "OHEMDataLayer", "'num_classes': 21")
    net = net_of(
        detection.roi_data(21, f"data rois labels {weights}")
        + inputs(prob=(1, 21), shifts=(1, 84))
        + layer("hard", "Python", f"prob shifts rois labels {weights}", mine, hard),
        caffe.TRAIN,
    )
    assert net.blobs["data"].shape == (1, 3, 600, 1000)
    assert net.blobs["rois_hard"].shape == (64, 5)
    net.forward()
    assert [net.blobs[top].shape for top in hard.split()] == [(1, 5), (1,), *[(1, 84)] * 3]


@pytest.mark.parametrize(("boxes", "agnostic"), [(32, False), (8, True)])
def test_rfcn_may_have_a_box_for_each_class(boxes, agnostic):
    """Of 8 classes scores have 8 channels, as boxes of no class have."""
    text = inputs(map=(1, 40, 4, 4), rpn_rois=(1, 5), gt_boxes=(1, 5))
    for name, outputs in (("cls", 8), ("bbox", boxes)):
        pool = f"spatial_scale: 1 output_dim: {outputs} group_size: 1"
        text += layer(f"{name}_maps", "Convolution", "map", conv_of(outputs))
        text += layer(
            name, "PSROIPooling", f"{name}_maps rpn_rois", f"psroi_pooling_param {{ {pool} }}"
        )
    body = detection.python("rpn.proposal_target_layer", "ProposalTargetLayer", "'num_classes': 8")
    net = net_of(
        text + layer("t", "Python", "rpn_rois gt_boxes", body, f"rois {detection.TARGETS}")
    )
    assert net.layer_dict["t"].spec.region_target_param.agnostic == agnostic
    assert net.blobs["bbox_targets"].shape[1:] == (boxes, 1, 1)


def conv_of(outputs):
    return f"convolution_param {{ num_output: {outputs} kernel_size: 1 }}"


def test_a_description_may_be_built_again(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text(detection.roi_data(3) + layer("loss", "EuclideanLoss", "im_info im_info"))
    built = caffe.Net(str(path), caffe.TRAIN)
    again = caffe.Net.from_proto(built._graph.spec, caffe_pb2.NetState(phase=caffe.TRAIN))
    assert again.inputs == built.inputs
    assert again.blobs["data"].shape == (1, 3, 600, 1000)
