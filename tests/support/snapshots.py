"""A solver that writes snapshots, and what is in them."""

import numpy as np
from google.protobuf import text_format

import caffe
from caffe.core.rng import draw_seed
from caffe.proto import caffe_pb2


class Counted(caffe.Layer):
    """A data layer with a place in its data: pass k makes numbers of (seed, k)."""

    def setup(self, bottom, top):
        self.seed, self.item = draw_seed(), 0
        top[0].reshape(2, 3)

    def reshape(self, bottom, top):
        pass

    def forward(self, bottom, top):
        draws = np.random.RandomState((self.seed + self.item) % 2**32)
        top[0].data[...] = draws.standard_normal((2, 3))
        self.item += 1

    def state_dict(self):
        return {"seed": self.seed, "item": self.item}

    def load_state_dict(self, state):
        seed, item = state["seed"], state["item"]
        if not all(type(value) is int and 0 <= value < 2**63 for value in (seed, item)):
            raise ValueError("counts are whole numbers")
        self.seed, self.item = seed, item


FORMATS = {"BINARYPROTO": "", "HDF5": ".h5"}


# Dropout and noise draw from the engine's generator; test passes draw, too.
NET = """
layer { name: "data" type: "Python" top: "x"
  python_param { module: "support.snapshots" layer: "Counted" } }
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
