"""Writes docs/layers.md: `PYTHONPATH=tests python -m support.layer_table docs/layers.md [TYPE...]`.

The column ONNX is found by writing each layer with caffe export, which runs it in onnxruntime
beside the net; that takes minutes, and with names of types is done for these alone. A test holds
all else up to date, and that no type lacks its line.
"""

import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import caffe
from caffe.core.files import write_text
from caffe.export import onnx
from caffe.layer_types import EXTENSIONS, REGISTRY, LayerType
from support.laws import TESTED
from support.net_text import input_layer, net_of

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests" / "layer_types"

HEAD = """\
# The layer types

All that `caffe.layer_type_list()` names: Caffe 1.0's, and extensions, by the fork that they are
from (`caffe.contrib_layer_types()`). Strict nets, `caffe.set_strict(True)` and `caffe train
-strict`, take Caffe 1.0's alone. Scripts add their own by `caffe.register_layer`.

- *torch*: `Net.to_torch()` takes it over; what reads data or is the user's own code is no function
  of its bottoms.
- *ONNX*: `caffe export` writes it, in all forms that its test tries, and onnxruntime computes the
  net's numbers with what is written; *in part*: some forms, and an error names the others;
  *training*: it is of a loss or score, which no exported net has; *?*: it was not tried.
- All compute on the CPU and on a GPU, in torch; data are read on the host. Those of forks have only
  been run on the CPU.

Written by `PYTHONPATH=tests python -m support.layer_table docs/layers.md`.

"""
POOLED = input_layer("x", 1, 2, 4, 6) + (
    'layer { name: "p" type: "Pooling" bottom: "x" top: "p" top: "m" '
    "pooling_param { kernel_size: 2 stride: 2 } }"
)
NETS = {  # where one layer with one top makes none
    "AutoCrop": input_layer("x", 1, 2, 4, 6)
    + 'layer { name: "p" type: "Pooling" bottom: "x" top: "p" pooling_param { kernel_size: 3 } }'
    'layer { name: "l" type: "AutoCrop" bottom: "x" bottom: "p" top: "y" }',
    "Slice": input_layer("x", 1, 2, 4, 6)
    + 'layer { name: "l" type: "Slice" bottom: "x" top: "y" top: "z" }',
    "LSTMUnit": input_layer("c", 1, 3, 2)
    + input_layer("g", 1, 3, 8)
    + input_layer("cont", 1, 3)
    + 'layer { name: "l" type: "LSTMUnit" bottom: "c" bottom: "g" bottom: "cont" top: "y" '
    'top: "z" }',
    "Parameter": input_layer("x", 2, 3)
    + 'layer { name: "l" type: "Parameter" top: "p" parameter_param { shape { dim: 2 dim: 3 } } }'
    'layer { name: "sum" type: "Eltwise" bottom: "x" bottom: "p" top: "y" }',
    "ReLUMask": input_layer("x", 2, 3)
    + 'layer { name: "l" type: "ReLUMask" bottom: "x" top: "y" top: "m" } layer { name: "p" '
    'type: "Eltwise" bottom: "y" bottom: "m" top: "z" eltwise_param { operation: PROD } }',
    "Silence": input_layer("x", 2, 3) + 'layer { name: "l" type: "Silence" bottom: "x" }'
    'layer { name: "r" type: "ReLU" bottom: "x" top: "y" }',
    "Convert": input_layer("x", 2, 3, 1, 4)
    + 'layer { name: "l" type: "Convert" bottom: "x" top: "y" top: "z" }',
    "TextProposal": input_layer("scores", 1, 20, 3, 4)
    + input_layer("shifts", 1, 20, 3, 4)
    + input_layer("im_info", 1, 3)
    + 'layer { name: "l" type: "TextProposal" bottom: "scores" bottom: "shifts" '
    'bottom: "im_info" top: "rois" top: "said" proposal_param { feat_stride: 16 } }',
    "Unpooling": POOLED + 'layer { name: "l" type: "Unpooling" bottom: "p" bottom: "m" top: "y" '
    "unpooling_param { kernel_size: 2 stride: 2 unpool_h: 4 unpool_w: 6 } }",
    "Upsample": POOLED + 'layer { name: "l" type: "Upsample" bottom: "p" bottom: "m" top: "y" }',
}
SCORES = (
    "ConfusionMatrix",
    *("Accuracy", "EltwiseAccuracy", "LabelsequenceAccuracy", "MultiLabelAccuracy", "SegAccuracy"),
    *("AnchorTarget", "BoxAnnotatorOHEM", "HardRegions", "InstanceLabels", "ProposalTarget"),
    *("FrcnnAnchorTarget", "FrcnnProposalTarget"),
    "RegionTarget",
    *("BboxAccuracy", "DetectionAccuracy", "DetectionEvaluate", "EvalDetection", "IOUAccuracy"),
    *("DetectionGroupAccuracy", "FrcnnOutput", "HardMining", "ScaleRoute"),
    *("ClusterGroundtruth", "PrecisionTimesRecall", "ScoreDetections"),
    "SegmentationEvaluate",
    *("ConnectedComponent", "LabeledMatching", "UniqueLabel", "UnlabeledMatching"),
    *("BGR2HSV", "BGR2Lab", "ClassRebalanceMult", "NNEnc", "NonGrayMask", "PriorBoost"),
    *("ColorGlobalDropout", "Quantize", "Rescale"),
    *("GlobalLSEMargin", "HDF5Output", "MatWrite", "ValidItems"),
)
BITS = (
    "quantization_param { bw_layer_in: 8 bw_layer_out: 8 bw_params: 8 fl_layer_in: 4 "
    "fl_layer_out: 3 fl_params: 5 rounding_scheme: NEAREST }"
)
COLUMNS = ("type", "of", "torch", "ONNX", "test")
# How a layer stands in an exported net, where its gradient's case is none: the bottoms as well.
DEPLOYED = {
    "Affinity": ("affinity_param { offset: 1 }", [(1, 2, 3, 4)]),
    "ConvolutionRistretto": (
        f"convolution_param {{ num_output: 2 kernel_size: 2 }} {BITS}",
        [(1, 2, 4, 4)],
    ),
    "DeconvolutionRistretto": (
        f"convolution_param {{ num_output: 2 kernel_size: 2 stride: 2 }} {BITS}",
        [(1, 2, 4, 4)],
    ),
    "FcRistretto": (f"inner_product_param {{ num_output: 2 }} {BITS}", [(1, 2, 4, 4)]),
    "LRNRistretto": (
        "quantization_param { precision: MINIFLOAT mant_bits: 4 exp_bits: 5 }",
        [(1, 6, 2, 2)],
    ),
    "FixedNeuron": ("fixed_param { bit_width: 4 }", [(1, 2, 4, 4)]),
    "ConvolutionFixed": (
        "convolution_param { num_output: 2 kernel_size: 2 } fixed_param { bit_width: 4 }",
        [(1, 2, 4, 4)],
    ),
    "DeconvolutionFixed": (
        "convolution_param { num_output: 2 kernel_size: 2 stride: 2 } "
        "fixed_param { bit_width: 4 fixed_method: DIFF_S }",
        [(1, 2, 4, 4)],
    ),
    "InnerProductFixed": (
        "inner_product_param { num_output: 2 } fixed_param { bit_width: 4 }",
        [(1, 2, 4, 4)],
    ),
    "BatchReNorm": ("", [(1, 2, 4, 4)]),
    "Covariance": ("", [(1, 2, 4, 4)]),
    "CConvolution": ("convolution_param { num_output: 2 kernel_size: 2 }", [(1, 2, 4, 4)]),
    "CInnerProduct": ("inner_product_param { num_output: 2 }", [(1, 2, 4, 4)]),
    "BinaryConvolution": (
        "convolution_param { num_output: 2 kernel_size: 2 } "
        "binary_convolution_param { use_alpha: true }",
        [(1, 2, 4, 4)],
    ),
    "BinaryInnerProduct": (
        "inner_product_param { num_output: 2 } binary_inner_product_param { use_alpha: true }",
        [(1, 2, 4, 4)],
    ),
    "Quant": ("quant_param { centers: 0.5 centers: 1 centers: 1.5 }", [(1, 2, 4, 4)]),
    "FrcnnProposal": (
        "proposal_param { feat_stride: 4 ratio: 1 scale: 1 scale: 2 min_size: 1 "
        "pre_nms_topn: 30 post_nms_topn: 9 }",
        [(1, 4, 5, 6), (1, 8, 5, 6), (1, 3)],
    ),
    "SimplerNMS": (
        "simpler_nms_param { scale: 1 min_bbox_size: 1 pre_nms_topn: 30 post_nms_topn: 9 }",
        [(1, 6, 5, 6), (1, 12, 5, 6), (1, 3)],
    ),
    "DataAugmentation": (
        "augmentation_param { crop_height: 3 crop_width: 4 mean: [1, 2, 3] mean_per_pixel: false }",
        [(1, 3, 5, 6)],
    ),
    "ColorConv": ("color_conv_param { input: BGR output: Lab }", [(1, 3, 4, 5)]),
    "Sparsify": ("sparsify_param { thre: 0.5 }", [(2, 3, 4, 4)]),
    "SymmetricRectify": ("", [(2, 3, 4, 4)]),
    "Unstack": ("", [(1, 3)]),
    "ExpMax": ("", [(2, 3, 4, 4)]),
    "SignedSqrt": ("", [(2, 3, 4, 5)]),
    "Gram": ("", [(2, 3, 4, 5)]),
    "Grid": ("", [(2, 3, 4, 5)]),
    "ArgMax": ("", [(2, 3, 4, 4)]),
    "BoxOutput": (
        "box_output_param { field_w: 20 field_h: 30 downsample_rate: 8 fg_thr: -10 min_size: 2 "
        "max_nms_num: 9 max_post_nms_num: 4 }",
        [(1, 6, 3, 4)],
    ),
    "DecodeBBox": ("", [(5, 8), (5, 5)]),
    "GradientScaler": ("", [(2, 3)]),
    "Threshold": ("", [(2, 3)]),
    "DetectionOutput": (
        "detection_output_param { num_classes: 3 confidence_threshold: 0.1 keep_top_k: 9 "
        "nms_param { nms_threshold: 0.4 top_k: 20 } }",
        [(2, 120), (2, 90), (1, 2, 120)],
    ),
    "Proposal": (
        "proposal_param { feat_stride: 4 ratio: 1 scale: 1 scale: 2 min_size: 1 "
        "pre_nms_topn: 30 post_nms_topn: 9 }",
        [(1, 4, 5, 6), (1, 8, 5, 6), (1, 3)],
    ),
    "RPNProposalSSD": (
        "detection_output_ssd_param { heat_map_a: 8 min_size_h: 3 min_size_w: 3 "
        "threshold_objectness: 0.2 refine_out_of_map_bbox: true gen_anchor_param { "
        "anchor_width: 9 anchor_height: 20 anchor_width: 16 anchor_height: 16 } "
        "nms_param { overlap_ratio: 0.5 top_n: 9 max_candidate_n: 30 } }",
        [(1, 4, 5, 6), (1, 8, 5, 6), (1, 6)],
    ),
    "RCNNProposal": (
        "detection_output_ssd_param { num_class: 2 min_size_h: 0 min_size_w: 0 threshold: -9 "
        "regress_agnostic: false "
        "threshold: -9 threshold_objectness: -9 refine_out_of_map_bbox: true "
        "rpn_proposal_output_score: true "
        "nms_param { overlap_ratio: 0.5 top_n: 9 max_candidate_n: 30 } }",
        [(20, 3), (20, 12), (20, 5), (1, 6)],
    ),
    "ClusterDetections": (
        "detectnet_cluster_param { image_size_x: 64 image_size_y: 48 stride: 16 "
        "gridbox_cvg_threshold: 0.1 gridbox_rect_thresh: 1 gridbox_rect_eps: 0.2 min_height: 2 }",
        [(1, 1, 3, 4), (1, 4, 3, 4)],
    ),
    "JointRegion": (
        "joint_region_param { joint_idx: 1 roi_h: 6 roi_w: 6 img_h: 96 img_w: 96 spatial_mul: 8 }",
        [(3, 9)],
    ),
    "StageBridge": ("", [(5, 5), (5, 8), (5, 2), (1, 3)]),
    "TorchImageTransform": ("", [(1, 3, 4, 5)]),
    "PriorBox": ("prior_box_param { min_size: 3 }", [(1, 2, 3, 3), (1, 3, 9, 9)]),
    "PriorBoxClustered": (
        "prior_box_param { width: 3 height: 2 }",
        [(1, 2, 3, 3), (1, 3, 9, 9)],
    ),
}


def load_laws() -> list[ModuleType]:
    """The test files of the layer types; what they state as laws is in TESTED then."""
    return [
        _module(path) for path in sorted(TESTS.rglob("test_*.py")) if "every_type" not in path.stem
    ]


def _module(path: Path) -> ModuleType:
    spec = spec_from_file_location(f"laws_of_{path.parent.stem}_{path.stem}", path)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table(exported: Mapping[str, str]) -> str:
    """The page; `exported` is the column ONNX, by layer type."""
    rows = [
        (
            kind,
            EXTENSIONS.get(kind, "Caffe 1.0"),
            "yes" if cls.expression is not LayerType.expression else "no",
            exported.get(kind, "?"),
            f"`{Path(TESTED[kind]).relative_to(ROOT)}`",
        )
        for kind, cls in sorted(REGISTRY.items())
    ]
    lines = [COLUMNS, ("---",) * len(COLUMNS), *rows]
    return HEAD + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def stated(page: str) -> dict[str, str]:
    """The column ONNX of a page."""
    return dict(
        re.findall(r"^\| (\w+) \|[^|]*\|[^|]*\| (yes|no|in part|training) \|", page, re.MULTILINE)
    )


def exported(modules: list[ModuleType], kinds: Iterable[str]) -> Iterator[tuple[str, str]]:
    """These layer types, and whether caffe export writes them."""
    nets = {kind: [text] for kind, text in NETS.items()}
    nets |= {kind: [_net(kind, *of_kind)] for kind, of_kind in DEPLOYED.items()}
    for module in modules:
        for kind, cases in getattr(module, "CASES", {}).items():
            nets.setdefault(kind, [_net(kind, *case[:2]) for case in cases])
    for kind in kinds:
        cls = REGISTRY[kind]
        if cls.loss or kind in SCORES:
            yield kind, "training"
        elif kind in ("Input", "Split"):
            yield kind, "yes"
        elif cls.expression is LayerType.expression:
            yield kind, "no"
        elif kind not in nets:
            yield kind, "?"
        else:
            written = [_exports(text) for text in nets[kind]]
            yield kind, "yes" if all(written) else "in part" if any(written) else "no"


def _net(kind: str, body: str, shapes: list[tuple[int, ...]]) -> str:
    """A net of one layer."""
    bottoms = "".join(f'bottom: "x{i}" ' for i in range(len(shapes)))
    inputs = "".join(input_layer(f"x{i}", *shape) + "\n" for i, shape in enumerate(shapes))
    return f'{inputs} layer {{ name: "l" type: "{kind}" {bottoms} top: "y" {body} }}'


def _exports(text: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        try:
            onnx.export(net_of(text), Path(folder, "net.onnx"))
        except Exception as error:  # torch's and onnxruntime's are of many kinds
            print(f"{text}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
            return False
    return True


if __name__ == "__main__":
    caffe.set_random_seed(0)
    page, *named = sys.argv[1:]
    before = stated(Path(page).read_text()) if named else {}
    found = dict(exported(load_laws(), named or sorted(REGISTRY)))
    write_text(page, table(before | found))
