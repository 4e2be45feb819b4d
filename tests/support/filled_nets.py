"""Nets from a NetSpec or a generator's NetParameter, and weights for them."""

import numpy as np

import caffe
from caffe.proto import caffe_pb2


def build(spec):
    proto = spec.to_proto() if isinstance(spec, caffe.NetSpec) else spec
    return caffe.Net.from_proto(proto, caffe_pb2.NetState(phase=caffe.TEST))


def fill(net, seed=0):
    rng = np.random.RandomState(seed)
    for blobs in net.params.values():
        for blob in blobs:
            blob.data[...] = rng.standard_normal(blob.data.shape)
    return net
