"""Nets from a few lines of prototxt, for tests."""

import tempfile
from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np

import caffe


def net_of(text: str, phase: int = caffe.TEST, **keywords) -> caffe.Net:
    with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as file:
        file.write(text)
        file.flush()
        return caffe.Net(file.name, phase, **keywords)


def input_layer(name: str, *shape: int, more: str = "") -> str:
    dims = " ".join(f"dim: {d}" for d in shape)
    param = f"input_param {{ shape {{ {dims} }} }}"
    return f'layer {{ name: "{name}" type: "Input" top: "{name}" {param} {more} }}'


def run_layer(
    kind: str,
    body: str,
    inputs: Sequence[np.ndarray],
    tops: int = 1,
    phase: int = caffe.TEST,
    params: Sequence[np.ndarray] = (),
    diffs: Sequence[np.ndarray] = (),
) -> SimpleNamespace:
    """One layer between Input layers and its tops: forward, and backward from the given diffs.

    What comes back: net; y and dy of the tops, dx of the bottoms, params and their diffs.
    """
    names = [f"x{i}" for i in range(len(inputs))]
    text = "force_backward: true " + " ".join(
        input_layer(name, *np.shape(x)) for name, x in zip(names, inputs, strict=True)
    )
    bottoms = " ".join(f'bottom: "{name}"' for name in names)
    text += f'layer {{ name: "l" type: "{kind}" {bottoms} '
    text += " ".join(f'top: "y{j}"' for j in range(tops)) + f" {body} }}"
    net = net_of(text, phase)
    for name, x in zip(names, inputs, strict=True):
        net.blobs[name].data[...] = x
    blobs = net.params.get("l", [])
    for blob, value in zip(blobs, params, strict=False):
        blob.data[...] = value
    net.forward()
    for j, diff in enumerate(diffs):
        net.blobs[f"y{j}"].diff[...] = diff
    if diffs:
        net.backward()
    return SimpleNamespace(
        net=net,
        y=[net.blobs[f"y{j}"].data.copy() for j in range(tops)],
        dx=[net.blobs[name].diff.copy() for name in names],
        params=[blob.data.copy() for blob in blobs],
        dparams=[blob.diff.copy() for blob in blobs],
    )


def run_in_place(
    kind: str, body: str, x: np.ndarray, dy: np.ndarray, hold: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Top and bottom diff of one layer whose top is its bottom; `hold`: a script looks on."""
    text = "force_backward: true " + input_layer("x", *x.shape)
    net = net_of(text + f'layer {{ name: "l" type: "{kind}" bottom: "x" top: "x" {body} }}')
    net.blobs["x"].data[...] = x
    held = net.blobs["x"].data if hold else None
    net.forward()
    y = net.blobs["x"].data.copy()
    assert held is None or np.array_equal(held, y, equal_nan=True)
    net.blobs["x"].diff[...] = dy
    net.backward()
    return y, net.blobs["x"].diff.copy()
