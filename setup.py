"""The distribution `fcn-caffe`: the package `caffe`. The nets and their training run from here."""

from setuptools import setup

setup(
    name="fcn-caffe",
    version="0.1.0",
    description="pycaffe on PyTorch, and Fully Convolutional Networks for Semantic Segmentation",
    license="BSD-2-Clause",
    python_requires=">=3.10",
    packages=["caffe", "caffe.layer_types", "caffe.proto"],
    package_data={"caffe.proto": ["caffe.proto"]},
    install_requires=[
        "torch>=2.6",
        "numpy>=1.26",
        "protobuf>=5",
        "scipy>=1.11",  # SBD's .mat labels
        "pillow>=10.3",
        "matplotlib>=3.8",  # curves and grids
        "tqdm>=4.66",
    ],
    extras_require={"test": ["pytest>=8", "hypothesis>=6.100", "ruff>=0.6"]},
)
