"""A solver that writes snapshots, and what is in them."""

from google.protobuf import text_format

import caffe
from caffe.proto import caffe_pb2

FORMATS = {"BINARYPROTO": "", "HDF5": ".h5"}


# Dropout and noise draw from the engine's generator; test passes draw, too.
NET = """
layer { name: "data" type: "Python" top: "x"
  python_param { module: "test_solver_snapshots" layer: "Counted" } }
layer { name: "noise" type: "DummyData" top: "noise"
  dummy_data_param { shape { dim: 2 dim: 3 } data_filler { type: "gaussian" } } }
layer { name: "sum" type: "Eltwise" bottom: "x" bottom: "noise" top: "sum" }
layer { name: "drop" type: "Dropout" bottom: "sum" top: "sum" }
layer { name: "ip" type: "InnerProduct" bottom: "sum" top: "y"
  inner_product_param { num_output: 2 weight_filler { type: "gaussian" std: 1 } } }
layer { name: "z" type: "DummyData" top: "z" dummy_data_param { shape { dim: 2 dim: 2 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "z" top: "loss" }
"""


def make(folder, kind="Adam", snapshot_format="BINARYPROTO", more="", net=NET):
    folder.mkdir(exist_ok=True)
    text = f"""net_param {{ {net} }} type: "{kind}" base_lr: 0.05 lr_policy: "fixed" max_iter: 7
    snapshot_prefix: "{folder}/s" snapshot_format: {snapshot_format}
    test_iter: 2 test_interval: 2 {more}"""
    return caffe.get_solver(text_format.Parse(text, caffe_pb2.SolverParameter()))


def contents(solver):
    blobs = [p.blob for p in solver.net._graph.params] + solver.history
    return [blob.data.copy() for blob in blobs]
