"""The distribution `fcn-caffe`: the package `caffe`. The nets and their training run from here."""

from setuptools import setup

EXPORT = ["onnx>=1.17", "onnxscript>=0.3", "onnxruntime>=1.20"]  # caffe export
DRAW = ["pydot>=3"]  # caffe draw_net
TYPES = ["mypy>=2", "types-protobuf>=5", "types-tqdm>=4.66"]  # make types
# What the bench compares with. OpenVINO and OpenCV read the net as ONNX.
BENCH = [*EXPORT, "openvino>=2024.0", "opencv-python-headless>=4.10,<5"]

setup(
    name="fcn-caffe",
    version="0.1.0",
    description="pycaffe on PyTorch, and Fully Convolutional Networks for Semantic Segmentation",
    license="BSD-2-Clause",
    python_requires=">=3.10",
    packages=[
        "caffe",
        "caffe.formats.database",
        "caffe.data",
        "caffe.layer_types",
        "caffe.proto",
        "caffe.tools",
        "caffe.proto.upgrade",
    ],
    package_data={"caffe": ["py.typed"], "caffe.proto": ["caffe.proto", "caffe_pb2.pyi"]},
    entry_points={"console_scripts": ["caffe = caffe.__main__:main"]},
    install_requires=[
        "torch>=2.6",
        "numpy>=1.26",
        "protobuf>=5",
        "scipy>=1.11",  # SBD's .mat labels
        "pillow>=10.3",
        "lmdb>=1.4",  # writing databases
        "h5py>=3.11",  # HDF5 weights, solver states and data
        "matplotlib>=3.8",  # curves and grids
        "tqdm>=4.66",
    ],
    extras_require={
        "export": EXPORT,
        "draw": DRAW,
        "bench": BENCH,
        "test": ["pytest>=8", "hypothesis>=6.100", "ruff>=0.6", *TYPES, *EXPORT, *DRAW],
    },
)
