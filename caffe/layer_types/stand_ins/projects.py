"""Whose a Python layer's module is, of public projects."""

PROJECTS = {  # by a module's name, or the first part of it
    "layers.text_proposal_layer": "CTPN",
    "rpn": "py-faster-rcnn or R-FCN",
    "roi_data_layer": "Fast R-CNN, py-faster-rcnn or R-FCN",
    "transform": "py-faster-rcnn",
    "pylayer": "MNC",
    "pyLayer": "V-Net",
    "oicr_layer": "OICR",
    "SSH": "SSH",
    "ron_layer": "RON",
    "caffe_traininglayers": "colorization or interactive-deep-colorization",
    "spatial_dropout": "ENet",
    "ade_layers": "scene parsing (MIT)",
    "pythonLayer": "mtcnn-caffe",
    "python_layers.py_generate_roi_layer": "Pose-REN",
    "caffe.layers.detectnet.clustering": "NVIDIA's pycaffe",
    "caffe.layers.detectnet.mean_ap": "NVIDIA's pycaffe",
    "pyloss": "Caffe's examples/pycaffe/layers",
    "pascal_multilabel_datalayers": "Caffe's examples/pycaffe/layers",
    **dict.fromkeys(
        ("voc_layers", "nyud_layers", "siftflow_layers", "pascalcontext_layers"), "FCN"
    ),
}


def project_of(module: str) -> str:
    """The public project that a Python layer's module is of, "" where none is known."""
    return PROJECTS.get(module) or PROJECTS.get(module.partition(".")[0], "")
