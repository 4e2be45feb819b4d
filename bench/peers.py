"""Other engines, on the net of bench.plain as an ONNX file of fixed size; none is ever needed.

Each is told the number of threads that torch has, and computes in float32.
"""

import itertools
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from .work import CLASSES, Work, images

# Packages are imported where they are used: each is another engine's, and may not be installed.

Scores = Callable[[np.ndarray], np.ndarray]  # of images


def onnx_file(work: Work) -> Path:
    """The net as ONNX; the first engine that needs it writes it."""
    if not work.onnx.exists():
        _export(work)
    return work.onnx


def _export(work: Work) -> None:
    import torch

    from caffe.core.files import replacing

    from . import plain

    model = plain.load_weights(plain.FCN8s(CLASSES, work.width), work).eval()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision
    with warnings.catch_warnings(), torch.inference_mode(), replacing(work.onnx) as file:
        warnings.simplefilter("ignore")
        example = torch.zeros(1, 3, *work.size)
        program = torch.onnx.export(
            model, (example,), input_names=["data"], output_names=["score"], verbose=False
        )
        assert program  # which torch gives where it is told no file
        file.write(program.model_proto.SerializeToString())


class Peer:
    """FCN-8s: images as numpy arrays to scores as numpy arrays, by a function of an image."""

    def __init__(self, score: Scores, work: Work) -> None:
        self.score = score
        self.count, self.images = len(work.sizes), itertools.cycle(images(work))

    def once(self) -> np.ndarray:
        return self.score(next(self.images))

    def outputs(self) -> Iterator[tuple[str, np.ndarray]]:
        for i in range(self.count):
            yield f"score {i}", self.once()


def onnx_runtime(work: Work) -> Peer:
    """The net in onnxruntime. Raises ImportError where it is not installed."""
    return Peer(by_onnx_runtime(onnx_file(work), work.threads), work)


def by_onnx_runtime(file: Path, threads: int) -> Scores:
    """What an ONNX file of one input, data, and one output computes in onnxruntime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Its threads would wait busily for the next run, in what is another engine's turn.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return lambda image: session.run(None, {"data": image})[0]


def open_vino(work: Work) -> Peer:
    """The net in OpenVINO. Raises ImportError where it is not installed."""
    return Peer(by_open_vino(onnx_file(work), work.threads), work)


def by_open_vino(file: Path, threads: int) -> Scores:
    """What an ONNX file of one input and one output computes in OpenVINO."""
    import openvino

    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",  # else bfloat16 where the CPU has it
    }
    model = openvino.Core().compile_model(file, "CPU", settings)
    return lambda image: model(image)[0]


def open_cv(work: Work) -> Peer:
    """The net in OpenCV. Raises ImportError where it is not installed."""
    import cv2

    cv2.setNumThreads(work.threads)
    net = cv2.dnn.readNetFromONNX(str(onnx_file(work)))

    def score(image: np.ndarray) -> np.ndarray:
        net.setInput(image)
        return net.forward()

    return Peer(score, work)
